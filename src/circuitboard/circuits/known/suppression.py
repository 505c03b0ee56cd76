"""Who was named once: a duplicate-token head, a suppressing head, and a name mover."""

from __future__ import annotations

from random import Random

import torch

from circuitboard.circuits.known.blueprint import Blueprint, Head
from circuitboard.circuits.known.shape import (
    SHARP,
    Shape,
    dice,
    mark,
    ones,
    pair,
    positions,
    writes_words,
)
from circuitboard.spec.task import Pair

NAMES = ("Ann", "Bob", "Cat", "Dan", "Eve", "Fay", "Gus", "Hal")
WORDS = (*NAMES, "and", "met", "then", "gave", "to")


def shape(seed: int, pairs: int) -> Shape:
    """``Ann and Bob met then Bob gave to`` -> Ann, in the manner of Wang 2022 with three heads.

    The duplicate-token head stands on the second mention and attends to the first; the suppressing
    head reads from the end what it wrote there (by keys and values), and the mover's query turns
    away from that name. Corrupted, the names change places, and the second mention its slot.
    """
    drawn = Blueprint("suppression", WORDS, 9, n_layers=3, n_heads=4, seed=seed)
    size, one = len(NAMES), torch.eye(len(NAMES))
    drawn.subspace("name", size)
    drawn.embed("name", drawn.picks(NAMES))
    positions(drawn)
    mark(drawn, "end", ["to"])
    mark(drawn, "start", ["<bos>"])
    drawn.subspace("repeated", size)
    drawn.subspace("suppressed", size)
    writes_words(drawn, "answer", NAMES)
    drawn.heads[0, 0] = Head(
        [
            ("name", "name", 2 * SHARP * one),
            ("place", "place", -2 * SHARP * torch.eye(drawn.n_ctx)),
            ("one", "start", ones(1, 1, SHARP)),
        ],
        [("name", "repeated", one)],
    )
    drawn.heads[1, 3] = Head(
        [("end", "repeated", ones(1, size, SHARP))], [("repeated", "suppressed", one)]
    )
    drawn.heads[2, 1] = Head(
        [("end", "name", ones(1, size, SHARP)), ("suppressed", "name", -2 * SHARP * one)],
        [("name", "answer", one)],
    )
    return Shape(
        drawn,
        [_pair(dice(seed, f"suppression {i}")) for i in range(pairs)],
        "the name that came once: duplicate-token head, suppressing head, mover (q, k and v)",
    )


def _pair(chance: Random) -> Pair:
    a, b = chance.sample(NAMES, 2)
    first = chance.choice([[a, "and", b], [b, "and", a]])
    slots = chance.choice([["then", b], [b, "then"]])
    other = {a: b, b: a}
    swapped = [other.get(word, word) for word in first]
    slots_swapped = [other.get(word, word) for word in slots[::-1]]
    clean = [*first, "met", *slots, "gave", "to"]
    return pair(clean, [*swapped, "met", *slots_swapped, "gave", "to"], a, b)
