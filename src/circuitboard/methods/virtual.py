"""Virtual weights: what parts far apart do to each other through the residual stream alone.

Elhage 2021 ("A Mathematical Framework for Transformer Circuits", "Virtual weights"): the product of
what one part writes with what a later one reads, here along a whole path of heads. Attention's
weighting of positions is left out, as are norms' scales and biases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.sweep import Watch
from circuitboard.methods.factors import (
    Factors,
    before_logits,
    embedded,
    key,
    mlp,
    neurons_at,
    ov,
    query,
    read_by,
    tokens_at,
    unembedded,
    written,
)
from circuitboard.methods.neurons import Words
from circuitboard.methods.token_circuits import Pair, top_pairs
from circuitboard.models.attention import head_weights
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.errors import AddressError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class VirtualDirection:
    """A singular value of a path, and its ends in words: None where an end is no vocabulary."""

    value: float
    start: Words | None
    end: Words | None


@dataclass(frozen=True)
class VirtualWeights:
    """The matrix of a path, [a, b].

    Attributes:
        path: as it was written.
        factors: the matrix as left [a, r] times right [b, r] transposed; ``dense()`` multiplies.
        norm: its Frobenius norm.
        relative: the norm over what randomly turned parts would give, as root mean square:
            1 is chance, more is composition. See :func:`virtual_weights`.
        directions: the largest singular values with tokens or neurons at the ends.
        high, low: of a path from ``embed`` to ``logits``, the largest and smallest entries.
    """

    path: str
    factors: Factors
    norm: float
    relative: float
    directions: list[VirtualDirection]
    high: list[Pair]
    low: list[Pair]

    @property
    def shape(self) -> tuple[int, int]:
        """(a, b)."""
        return self.factors.shape

    def dense(self) -> Floats:
        """The matrix itself, float32 [a, b]: a vocabulary by a vocabulary may not fit."""
        return self.factors.dense()


def virtual_weights(
    model: Model, path: str, k: int = 10, *, fold: bool = True, watch: Watch | None = None
) -> VirtualWeights:
    """The effective matrix of a path such as ``"embed->L0H1->L5H5.k"`` or ``"L0H1->L3.mlp"``.

    It starts at ``embed`` (W_E [v, d]), a head (W_V W_O [d, d]) or an MLP's neurons (W_out [n, d]),
    goes through heads (W_V W_O), and ends at a head's input (``.q``, ``.k``, ``.v``: W_Q, W_K or
    W_V [d, e], before any rotation), a head (its W_V W_O), an MLP (W_in [d, n]; gated: W_gate) or
    ``logits`` (W_U [d, v]).

    The norm is compared with chance: were each part turned at random against the one before, the
    mean square of the product's norm would be exactly the product of the parts' squared norms over
    d for each joint (d - 1 where LayerNorm's centring is folded in, one dimension being gone).

    Args:
        model: from :func:`circuitboard.load`.
        k: how many singular directions, words at their ends, and entries of each kind.
        fold: with the norms' gains and LayerNorm's centring; scales are left out.
        watch: progress and cancelling of the search for entries.

    Raises:
        AddressError: no path of this model; ModelError: an MLP without neurons to show.
    """
    places = places_of(model, path)
    parts = [
        part_of(model, place, i == 0, i == len(places) - 1, fold) for i, place in enumerate(places)
    ]
    whole, norm, relative = product_of(model, parts, fold)
    values, left, right = whole.svd(k)
    both = places[0].part == "embed" and places[-1].part == "logits"
    high, low = top_pairs(model, whole, k, watch or Watch()) if both else ([], [])
    return VirtualWeights(
        path,
        whole,
        norm,
        relative,
        [
            VirtualDirection(
                float(value),
                _words(model, places[0], left[:, i], k),
                _words(model, places[-1], right[:, i], k),
            )
            for i, value in enumerate(values)
        ],
        high,
        low,
    )


def product_of(model: Model, parts: list[Factors], fold: bool) -> tuple[Factors, float, float]:
    """The product of a path's parts, its norm, and that over chance: see above."""
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.then(part)
    chance = math.prod(part.norm() for part in parts)
    width = model.facts.d_model - (fold and model.facts.norm == "LN")
    chance /= width ** ((len(parts) - 1) / 2)
    norm = whole.norm()
    return whole, norm, norm / chance if chance else 0.0


def places_of(model: Model, path: str) -> list[Address]:
    """The parts of a path, checked. Raises AddressError."""
    steps = [step.strip() for step in path.split("->")]
    if len(steps) < 2 or "@" in path:
        raise AddressError(
            f"{path!r} is no path of weights.", "Write for example embed->L0H1->L5H5.k."
        )
    for before, after in pairwise(steps):
        Edge.parse(f"{before}->{after}")
    places = [model.check(Address.parse(step)) for step in steps]
    for before, after in pairwise(places):
        if model.facts.parallel and after.part == "mlp" and after.layer == before.layer:
            raise AddressError(
                f"{after} of {model.facts.name} does not read its own layer's heads.",
                "Attention and MLP run in parallel: take a later MLP.",
            )
    strange = [p for p in places[:1] if p.part == "attn"]
    strange += [p for p in places[1:-1] if p.part != "head"]
    strange += [p for p in (places[0], places[-1]) if p.part == "neuron"]
    if strange:
        raise AddressError(
            f"A path of weights does not lead through {strange[0]}.",
            "It goes through heads; an MLP can be its start or its end.",
        )
    return places


def part_of(model: Model, place: Address, first: bool, last: bool, fold: bool) -> Factors:
    """One part of a path as a matrix."""
    if place.part == "embed":
        return Factors(embedded(model), written(model, torch.eye(model.facts.d_model), fold))
    if place.part == "logits":
        one = torch.eye(model.facts.d_model)
        return Factors(before_logits(model, one, fold).T, unembedded(model))
    layer = place.layer or 0
    if place.part == "mlp":
        gated = model.facts.gated
        return mlp(model, layer, "out" if first else "gate" if gated else "in", fold)
    head = place.head or 0
    if not last or place.part == "head":
        return ov(model, layer, head, fold)
    if place.part == "head.v":
        weight = head_weights(model, layer, head, "V")
        matrix = read_by(model, Address("ln1", layer), weight, fold)
    else:
        side = query if place.part == "head.q" else key
        matrix = side(model, layer, head, fold)
    return Factors(matrix, torch.eye(matrix.shape[1]))


def _words(model: Model, place: Address, values: Tensor, k: int) -> Words | None:
    if place.part in ("embed", "logits"):
        return tokens_at(model, values, k)
    return neurons_at(values, k) if place.part == "mlp" else None
