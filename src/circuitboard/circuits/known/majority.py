"""Counting: two heads count by even attention, an MLP compares."""

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

WORDS = ("heads", "tails", "?")
TOSSES = 9
#: Heads in the clean prompt -> heads in the corrupted ones: with either count alone taken from
#: there, tails lead.
COUNTS = {5: (1, 3), 6: (0, 2), 7: (1,)}


def shape(seed: int, pairs: int) -> Shape:
    """``heads tails heads ... ?`` -> heads where there are more of them.

    The MLP's answer is a step between -1/2 and 1/2, and the difference of the counts is a whole
    odd number. So a third head, which adds a fifth to the count where the first toss is heads, is
    never noticed, although the MLP reads it; and gradients at the clean prompt are zero.
    """
    drawn = Blueprint("majority", WORDS, TOSSES + 2, n_layers=2, n_heads=4, seed=seed)
    length = float(drawn.n_ctx)
    for space, word in (("is heads", "heads"), ("is tails", "tails")):
        drawn.subspace(space, 1)
        drawn.embed(space, drawn.picks([word]))
    positions(drawn)
    drawn.subspace("ahead", 1)
    writes_words(drawn, "verdict", ["heads"])
    constant_logit(drawn, "tails")
    drawn.heads[0, 0] = Head([], [("is heads", "ahead", ones(1, 1, length))])
    drawn.heads[0, 2] = Head([], [("is tails", "ahead", ones(1, 1, -length))])
    look = torch.zeros(drawn.n_ctx, drawn.n_ctx)
    look[:, 1] = SHARP
    drawn.heads[0, 3] = Head(
        [("place", "place", look)], [("is heads", "ahead", ones(1, 1, 0.2))], heard=False
    )
    drawn.mlps[1] = Neurons(
        {"ahead": ones(1, 2)}, torch.tensor([0.5, -0.5]), {"verdict": torch.tensor([[1.0], [-1.0]])}
    )
    return Shape(
        drawn,
        [_pair(dice(seed, f"majority {i}")) for i in range(pairs)],
        "counting by even attention and a threshold in an MLP, with a head that it does not hear",
    )


def _pair(chance: Random) -> Pair:
    count = chance.choice(list(COUNTS))
    clean = _tosses(count, chance)
    return pair(clean, _tosses(chance.choice(COUNTS[count]), chance), "heads", "tails")


def _tosses(heads: int, chance: Random) -> list[str]:
    side = ["heads"] * heads + ["tails"] * (TOSSES - heads)
    chance.shuffle(side)
    return [*side, "?"]
