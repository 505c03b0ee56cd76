"""A lookup in two hops: one fact in an MLP, one in the prompt, one in another MLP."""

from __future__ import annotations

from random import Random

import torch

from circuitboard.circuits.known.blueprint import Blueprint, Head, Neurons
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

PEOPLE = ("Ann", "Bob", "Cat", "Dan", "Eve", "Fay")
CITIES = ("Aachen", "Bergen", "Cork", "Delft", "Evora", "Faro")
GOODS = ("apples", "bread", "cloth", "dye", "eels", "flax")
TRADES = ("grower", "baker", "weaver", "dyer", "fisher", "spinner")
WORDS = (*PEOPLE, *CITIES, *GOODS, *TRADES)


def shape(seed: int, pairs: int) -> Shape:
    """``Cork cloth Bergen bread Delft dye Cat`` -> weaver: Cat lives in Cork, cloth is woven.

    The first MLP knows where people live, a previous-token head marks goods by their city, a head
    asks for the city by its query, and the second MLP knows who makes the goods. Corrupted, two
    people, their cities and the goods change places.
    """
    drawn = Blueprint("lookup", WORDS, 8, n_layers=2, n_heads=4, seed=seed)
    size, one = len(CITIES), torch.eye(len(CITIES))
    for space, words in (("person", PEOPLE), ("city", CITIES), ("goods", GOODS)):
        drawn.subspace(space, size)
        drawn.embed(space, drawn.picks(words))
    positions(drawn)
    drawn.subspace("previous", size)
    drawn.subspace("wanted", size)
    drawn.subspace("found", size)
    writes_words(drawn, "answer", TRADES)
    back = looks_from(drawn, {here: here - 1 for here in range(1, drawn.n_ctx)})
    drawn.heads[0, 2] = Head([("place", "place", back)], [("city", "previous", one)])
    drawn.mlps[0] = Neurons({"person": one}, torch.zeros(size), {"wanted": one})
    drawn.heads[1, 0] = Head([("wanted", "previous", SHARP * one)], [("goods", "found", one)])
    drawn.mlps[1] = Neurons({"found": one}, torch.full((size,), -0.1), {"answer": one})
    return Shape(
        drawn,
        [_pair(dice(seed, f"lookup {i}")) for i in range(pairs)],
        "a fact in an MLP, then one in the prompt, then one in an MLP (queries, keys, values)",
    )


def _pair(chance: Random) -> Pair:
    i, j, k = chance.sample(range(len(CITIES)), 3)
    rows = [[CITIES[n], GOODS[n]] for n in (i, j, k)]
    goods = chance.sample([i, j, k], 3)
    for row, n in zip(rows, goods, strict=True):
        row[1] = GOODS[n]
    chance.shuffle(rows)
    clean = [word for row in rows for word in row] + [PEOPLE[i]]
    swaps = [(PEOPLE[i], PEOPLE[j]), (CITIES[i], CITIES[j])]
    swaps.append((GOODS[goods[0]], GOODS[goods[1]]))
    other = {a: b for pair in swaps for a, b in (pair, pair[::-1])}
    corrupt = [other.get(word, word) for word in clean]
    return pair(clean, corrupt, TRADES[goods[0]], TRADES[goods[1]])
