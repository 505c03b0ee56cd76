"""Singular directions of a part's weights, each as the tokens that it reads and writes.

Millidge and Black 2022 ("The Singular Value Decompositions of Transformer Weight Matrices are
Highly Interpretable"): the singular vectors of OV and MLP weights, projected on the vocabulary.
Here OV and QK are decomposed as d_head factors, and W_E and W_U are multiplied with in blocks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor

from circuitboard.methods.factors import (
    Factors,
    MlpSide,
    along,
    before_logits,
    embedded,
    mlp,
    neurons_at,
    ov,
    qk,
    tokens_at,
    unembedded,
)
from circuitboard.methods.neurons import Words
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError

Side = Literal["reads", "writes", "query", "key", "neurons"]

_HEAD = re.compile(r"L(\d+)H(\d+)\.(ov|qk)")
_MLP = re.compile(r"L(\d+)\.mlp\.(in|gate|out)")


@dataclass(frozen=True)
class WeightPlace:
    """A matrix of a model: ``L3H7.ov``, ``L3H7.qk``, ``L3.mlp.in``, ``.gate`` or ``.out``."""

    layer: int
    head: int | None
    kind: Literal["ov", "qk", "in", "gate", "out"]

    def __str__(self) -> str:
        if self.head is not None:
            return f"L{self.layer}H{self.head}.{self.kind}"
        return f"L{self.layer}.mlp.{self.kind}"

    @classmethod
    def parse(cls, model: Model, text: str) -> WeightPlace:
        """Reads a place. Raises AddressError where the model has no such matrix."""
        if found := _HEAD.fullmatch(text.strip()):
            place = model.check(Address("head", int(found[1]), head=int(found[2])))
            return cls(int(found[1]), place.head, cast(Literal["ov", "qk"], found[3]))
        if found := _MLP.fullmatch(text.strip()):
            model.check(Address("mlp", int(found[1])))
            return cls(int(found[1]), None, cast(MlpSide, found[2]))
        raise AddressError(
            f"{text!r} names no weights.",
            "Write L3H7.ov, L3H7.qk, L3.mlp.in, L3.mlp.gate or L3.mlp.out.",
        )

    @property
    def sides(self) -> tuple[Side, Side]:
        """What the left and the right singular vectors are about."""
        if self.kind == "ov":
            return "reads", "writes"
        if self.kind == "qk":
            return "query", "key"
        return ("neurons", "writes") if self.kind == "out" else ("reads", "neurons")

    def factors(self, model: Model, fold: bool) -> Factors:
        """The matrix, by thin factors where it has them. Raises AddressError, ModelError."""
        if self.head is None:
            return mlp(model, self.layer, cast(MlpSide, self.kind), fold)
        return (ov if self.kind == "ov" else qk)(model, self.layer, self.head, fold)


@dataclass(frozen=True)
class SingularDirection:
    """One singular value with the far ends of its two vectors.

    Both vectors are unit vectors; their common sign is free, and chosen so that the furthest word
    of the right side is positive.
    """

    value: float
    left: Words
    right: Words


@dataclass(frozen=True)
class Singular:
    """The largest singular values of a matrix, in order.

    Attributes:
        place: such as ``L3H7.ov``.
        sides: what left and right words are: tokens by what the head ``reads`` of their embedding,
            or what it ``writes`` to their logits; ``query`` and ``key`` tokens; or ``neurons``.
        directions: one for each value, the largest first.
        share: what part of the sum of all squared singular values these hold, 0 to 1.
        left, right: the vectors themselves, [a, k] and [b, k], float64.
    """

    place: str
    sides: tuple[Side, Side]
    directions: list[SingularDirection]
    share: float
    left: Tensor
    right: Tensor

    @property
    def values(self) -> list[float]:
        """The singular values."""
        return [direction.value for direction in self.directions]


def svd(model: Model, place: str, k: int = 10, *, words: int = 10, fold: bool = True) -> Singular:
    """Singular values of a part's weights, and each direction in tokens.

    ``L3H7.ov`` is W_V W_O [d, d]; ``L3H7.qk`` W_Q W_K^T [d, d], query by key, at distance 0 where
    positions are rotary; ``L3.mlp.in`` W_in [d, n] (``.gate`` W_gate); ``L3.mlp.out`` W_out [n, d].
    What a direction reads is W_E times its vector, what it writes is its vector through the final
    norm's gain and W_U; norms' scales, biases and positions are left out.

    Args:
        model: from :func:`circuitboard.load`.
        k: how many values, the largest first; fewer where the rank is lower.
        words: tokens (or neurons) at each end of each vector.
        fold: with the norms' gains and LayerNorm's centring, as they act when the model runs.

    Raises:
        AddressError: no such weights; ModelError: an MLP without neurons to show.
    """
    where = WeightPlace.parse(model, place)
    factors = where.factors(model, fold)
    values, left, right = factors.svd(k)
    sides = [
        side_words(model, side, vectors, fold)
        for side, vectors in zip(where.sides, (left, right), strict=True)
    ]
    sign = signs(sides[1])
    whole = factors.norm() ** 2
    return Singular(
        str(where),
        where.sides,
        [
            SingularDirection(
                float(value),
                *(
                    far(model, side, sign[i] * along_side[:, i], words)
                    for side, along_side in zip(where.sides, sides, strict=True)
                ),
            )
            for i, value in enumerate(values)
        ],
        float(values.square().sum() / whole) if whole else 0.0,
        left * sign,
        right * sign,
    )


def side_words(model: Model, side: Side, vectors: Tensor, fold: bool) -> Tensor:
    """What vectors [x, k] say on a side: [v, k] over tokens, or [n, k] as they are."""
    if side == "neurons":
        return vectors
    if side == "writes":
        return along(unembedded(model), before_logits(model, vectors, fold))
    return along(embedded(model), vectors)


def far(model: Model, side: Side, values: Tensor, k: int) -> Words:
    """The k tokens or neurons at each end of a vector of :func:`side_words`."""
    return neurons_at(values, k) if side == "neurons" else tokens_at(model, values, k)


def signs(values: Tensor) -> Tensor:
    """For each column 1 or -1: the sign of its entry of the largest size."""
    furthest = values.gather(0, values.abs().argmax(0, keepdim=True))[0]
    return torch.where(furthest < 0, -torch.ones_like(furthest), torch.ones_like(furthest))
