"""Induction: a previous-token head, and a head that finds by its keys what followed before."""

from __future__ import annotations

from random import Random

import torch

from circuitboard.circuits.known.blueprint import Blueprint, Head
from circuitboard.circuits.known.shape import (
    SHARP,
    Shape,
    dice,
    looks_from,
    pair,
    positions,
    writes_words,
)
from circuitboard.spec.task import Pair

WORDS = tuple("abcdefghijkl")


def shape(seed: int, pairs: int) -> Shape:
    """``a b . c d . e f . a`` -> b: the two heads of Elhage 2021, section on induction heads.

    Corrupted, a and c change places, b and d too: it asks for c, and d follows.
    """
    drawn = Blueprint("induction", WORDS, 9, n_layers=2, n_heads=4, attn_only=True, seed=seed)
    size = len(WORDS)
    drawn.subspace("token", size)
    drawn.embed("token", drawn.picks(WORDS))
    positions(drawn)
    drawn.subspace("previous", size)
    writes_words(drawn, "answer", WORDS)
    same = torch.eye(size)
    back = looks_from(drawn, {here: here - 1 for here in range(1, drawn.n_ctx)})
    drawn.heads[0, 1] = Head([("place", "place", back)], [("token", "previous", same)])
    drawn.heads[1, 2] = Head([("token", "previous", SHARP * same)], [("token", "answer", same)])
    return Shape(
        drawn,
        [_pair(dice(seed, f"induction {i}")) for i in range(pairs)],
        "what followed this token before: previous-token head, then induction head by keys",
    )


def _pair(chance: Random) -> Pair:
    a, b, c, d, e, f = chance.sample(WORDS, 6)
    other = {a: c, c: a, b: d, d: b}
    twos = [[a, b], [c, d], [e, f]]
    chance.shuffle(twos)
    clean = [word for two in twos for word in two] + [a]
    return pair(clean, [other.get(word, word) for word in clean], b, d)
