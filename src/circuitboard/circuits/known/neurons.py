"""A table in an MLP: nine neurons, each for one colour and one shape, beside nine of other work."""

from __future__ import annotations

from random import Random

import torch
from torch import Tensor

from circuitboard.circuits.known.blueprint import Blueprint, Head, Neurons
from circuitboard.circuits.known.shape import (
    SHARP,
    Shape,
    dice,
    pair,
    positions,
    writes_words,
)
from circuitboard.spec.task import Pair

COLOURS = ("red", "green", "blue")
FORMS = ("square", "circle", "star")
SIZES = ("small", "large", "huge")
NAMES = ("Ada", "Ben", "Cleo")
WORDS = (*COLOURS, *FORMS, *SIZES, *NAMES, "?")
SLOTS = {"colour": (1, COLOURS), "form": (2, FORMS), "size": (3, SIZES)}
SIDE = len(COLOURS)
#: What a neuron that fires writes.
STRENGTH = 1.25


def shape(seed: int, pairs: int) -> Shape:
    """``red star huge ?`` -> Cleo: three heads move the words to the end, the MLP looks up a name.

    A neuron for every colour and form fires where both are there, and writes the name of that cell:
    a Latin square, so that neither word alone says anything. Neurons for every colour and size,
    in between, fire as strongly, and what they write is no name. Corrupted, colour, form, size and
    name are all others.
    """
    drawn = Blueprint("neurons", WORDS, 5, n_layers=2, n_heads=4, seed=seed)
    for space, (_, words) in SLOTS.items():
        drawn.subspace(f"is {space}", SIDE)
        drawn.embed(f"is {space}", drawn.picks(words))
    positions(drawn)
    for space in SLOTS:
        drawn.subspace(space, SIDE)
    writes_words(drawn, "name", NAMES)
    drawn.subspace("price", SIDE)
    for index, (space, (slot, _)) in zip((0, 1, 3), SLOTS.items(), strict=True):
        form = torch.zeros(drawn.n_ctx, drawn.n_ctx)
        form[:, slot] = SHARP
        move = (f"is {space}", space, torch.eye(SIDE))
        drawn.heads[0, index] = Head([("place", "place", form)], [move])
    drawn.mlps[0] = _table()
    drawn.apart.add(0)
    return Shape(
        drawn,
        [_pair(i, dice(seed, f"neurons {i}")) for i in range(pairs)],
        "nine neurons of an MLP, each for a colour and a form; nine others of it do other work",
    )


def _table() -> Neurons:
    """Neurons for colour and form, at even places, and for colour and size, at odd ones."""
    count = 2 * SIDE * SIDE
    reads = {space: torch.zeros(SIDE, count) for space in SLOTS}
    writes: dict[str, Tensor] = {space: torch.zeros(count, SIDE) for space in ("name", "price")}
    for cell in range(SIDE * SIDE):
        i, j = divmod(cell, SIDE)
        for neuron, other, said in ((2 * cell, "form", "name"), (2 * cell + 1, "size", "price")):
            reads["colour"][i, neuron] = reads[other][j, neuron] = 1.0
            writes[said][neuron, (i + j) % SIDE] = STRENGTH
    return Neurons(reads, torch.full((count,), -1.0), writes)


def _pair(index: int, chance: Random) -> Pair:
    """Clean prompts go through all cells in turn: of colours and forms, of colours and sizes."""
    i, j = divmod(index % (SIDE * SIDE), SIDE)
    k = (j + index // (SIDE * SIDE)) % SIDE
    step, other = chance.choice((1, 2)), chance.choice((1, 2))
    cells = (i, j, k), ((i + step) % SIDE, (j + step) % SIDE, (k + other) % SIDE)
    clean, corrupt = ([COLOURS[a], FORMS[b], SIZES[c], "?"] for a, b, c in cells)
    said = [NAMES[(a + b) % SIDE] for a, b, _ in cells]
    return pair(clean, corrupt, said[0], said[1])
