"""Backup: a head that stays idle as long as another has found what it looks for."""

from __future__ import annotations

from random import Random

import torch

from circuitboard.circuits.known.blueprint import Blueprint, Head
from circuitboard.circuits.known.shape import (
    SHARP,
    Shape,
    constant_logit,
    dice,
    mark,
    ones,
    pair,
    positions,
    writes_words,
)
from circuitboard.spec.task import Pair

NAMES = ("Ann", "Bob", "Cat", "Dan", "Eve", "Fay", "Gus", "Hal")
FILLERS = ("walks", "sleeps", "reads", "sings", "waits")
WORDS = (*NAMES, *FILLERS, "who", "nobody")


def shape(seed: int, pairs: int) -> Shape:
    """``sings Ann walks reads who`` -> Ann; nobody, where no name is among the words.

    The primary head moves the name, and says that it found one; only if it did not, the backup
    head moves it instead (self-repair, Wang 2022, section 3.3, made by hand). So the whole primary
    head can be taken out without loss, though it does the work.
    """
    drawn = Blueprint("backup", WORDS, 6, n_layers=2, n_heads=4, seed=seed)
    size, one = len(NAMES), torch.eye(len(NAMES))
    drawn.subspace("name", size)
    drawn.embed("name", drawn.picks(NAMES))
    positions(drawn)
    mark(drawn, "end", ["who"])
    mark(drawn, "start", ["<bos>"])
    drawn.subspace("found", 1)
    writes_words(drawn, "answer", NAMES)
    constant_logit(drawn, "nobody")
    seek = [
        ("end", "name", ones(1, size, 2 * SHARP)),
        ("one", "start", ones(1, 1, SHARP)),
    ]
    copy = ("name", "answer", one)
    drawn.heads[0, 2] = Head(seek, [copy, ("name", "found", ones(size, 1))])
    drawn.heads[1, 1] = Head([*seek, ("found", "start", ones(1, 1, 2 * SHARP))], [copy])
    heads = "L0H2", "L1H1"
    healed = [*(f"embed->{head}.{x}" for head in heads for x in "kv"), "L1H1->logits"]
    return Shape(
        drawn,
        [_pair(dice(seed, f"backup {i}")) for i in range(pairs)],
        "a mover, and a backup head that acts when the first has found nothing (queries)",
        dict.fromkeys(healed, ("L0H2->L1H1.q",)),
    )


def _pair(chance: Random) -> Pair:
    clean, corrupt = ([chance.choice(FILLERS) for _ in range(4)] for _ in range(2))
    name = chance.choice(NAMES)
    clean[chance.randrange(4)] = name
    return pair([*clean, "who"], [*corrupt, "who"], name, "nobody")
