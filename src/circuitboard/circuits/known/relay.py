"""A relay: three heads hand a token on from place to place, by positions alone."""

from __future__ import annotations

from random import Random

import torch

from circuitboard.circuits.known.blueprint import Blueprint, Head
from circuitboard.circuits.known.shape import Shape, dice, looks_from, pair, positions, writes_words
from circuitboard.spec.task import Pair

WORDS = tuple("abcdefghij")


def shape(seed: int, pairs: int) -> Shape:
    """``d a f c b e g a`` -> a, the word at place 2, by way of places 4 and 6."""
    drawn = Blueprint("relay", WORDS, 9, n_layers=3, n_heads=4, seed=seed)
    size = len(WORDS)
    drawn.subspace("token", size)
    drawn.embed("token", drawn.picks(WORDS))
    positions(drawn)
    drawn.subspace("once", size)
    drawn.subspace("twice", size)
    writes_words(drawn, "answer", WORDS)
    spaces = ("token", "once", "twice", "answer")
    hops = (((0, 1), 4, 2), ((1, 0), 6, 4), ((2, 2), 8, 6))
    for step, (head, here, there) in enumerate(hops):
        look = looks_from(drawn, dict.fromkeys(range(drawn.n_ctx), 0) | {here: there})
        move = (spaces[step], spaces[step + 1], torch.eye(size))
        drawn.heads[head] = Head([("place", "place", look)], [move])
    return Shape(
        drawn,
        [_pair(dice(seed, f"relay {i}")) for i in range(pairs)],
        "copying by position alone, handed on by three heads (values)",
    )


def _pair(chance: Random) -> Pair:
    clean, corrupt = ([chance.choice(WORDS) for _ in range(8)] for _ in range(2))
    clean[1], corrupt[1] = chance.sample(WORDS, 2)
    return pair(clean, corrupt, clean[1], corrupt[1])
