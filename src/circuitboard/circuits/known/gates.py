"""Logic: (first or second) and third, where the first two stand in for each other."""

from __future__ import annotations

from random import Random

import torch

from circuitboard.circuits.known.blueprint import Blueprint, Head, Neurons
from circuitboard.circuits.known.shape import (
    SHARP,
    Shape,
    constant_logit,
    dice,
    ones,
    pair,
    positions,
    writes_words,
)
from circuitboard.spec.task import Pair

FILLERS = ("red", "green", "blue", "pink", "grey", "gold")
WORDS = (*FILLERS, "on", "off", "?", "yes", "no")
SLOTS = {"first": 2, "second": 4, "third": 5}


def shape(seed: int, pairs: int) -> Shape:
    """``red on blue on on gold ?`` -> yes: three switches, three heads that look at their places.

    All are on in the clean prompts and off in the corrupted ones, so that taking out one of the
    first two changes nothing, and no gradient at the clean prompt shows them.
    """
    drawn = Blueprint("gates", WORDS, 8, n_layers=3, n_heads=4, seed=seed)
    drawn.subspace("switch", 1)
    drawn.embed("switch", drawn.picks(["on"]))
    positions(drawn)
    for space in (*SLOTS, "either"):
        drawn.subspace(space, 1)
    writes_words(drawn, "yes", ["yes"])
    constant_logit(drawn, "no")
    for index, (space, slot) in zip((0, 1, 3), SLOTS.items(), strict=True):
        form = torch.zeros(drawn.n_ctx, drawn.n_ctx)
        form[:, slot] = SHARP
        drawn.heads[0, index] = Head([("place", "place", form)], [("switch", space, ones(1, 1))])
    drawn.mlps[1] = Neurons(
        {"first": ones(1, 2), "second": ones(1, 2)},
        torch.tensor([-0.1, -0.9]),
        {"either": torch.tensor([[1.25], [-1.25]])},
    )
    drawn.mlps[2] = Neurons(
        {"either": ones(1, 1), "third": ones(1, 1)}, torch.tensor([-1.0]), {"yes": ones(1, 1)}
    )
    first, second = ([f"embed->L0H{i}.v", f"L0H{i}->L1.mlp"] for i in range(2))
    return Shape(
        drawn,
        [_pair(dice(seed, f"gates {i}")) for i in range(pairs)],
        "(first or second) and third: two branches that stand in for each other, and a third",
        {**dict.fromkeys(first, second), **dict.fromkeys(second, first)},
    )


def _pair(chance: Random) -> Pair:
    clean = [chance.choice(FILLERS) for _ in range(6)]
    corrupt = [chance.choice(FILLERS) for _ in range(6)]
    for slot in SLOTS.values():
        clean[slot - 1], corrupt[slot - 1] = "on", "off"
    return pair([*clean, "?"], [*corrupt, "?"], "yes", "no")
