"""Edits of weights: scaling a singular direction, taking a neuron's output away.

A singular direction (u, s, v) of a matrix M is scaled by f when M becomes (I + (f - 1) u u^T) M or,
the same, M (I + (f - 1) v v^T). So OV and W_out are edited on the side that writes, and QK and W_in
on the side that reads (the queries): one matrix each, and never one that heads share (GQA).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from circuitboard.methods.factors import written_by
from circuitboard.methods.singular import WeightPlace
from circuitboard.models.attention import head_weights
from circuitboard.models.mlp import mlp_weights
from circuitboard.models.model import Model
from circuitboard.models.norms import gain
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, InterventionError

#: Two vectors whose outer product is added to a matrix.
RankOne = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class ScaleDirection:
    """One singular value of a part's weights times a factor; 0 removes the direction.

    ``L3H7.ov`` edits the head's W_O, ``L3H7.qk`` its W_Q, ``L3.mlp.in`` and ``.gate`` that matrix,
    ``L3.mlp.out`` W_out. Biases stay. All other singular values and vectors stay, to the
    precision of the weights. With rotary positions QK is that at distance 0; at other distances
    what the queries read along the direction is scaled.

    Attributes:
        place, fold: as in :func:`circuitboard.svd`, whose directions ``index`` counts.
        index: from 0, the largest singular value first.
    """

    place: str
    index: int
    factor: float
    fold: bool = True

    def __str__(self) -> str:
        more = "" if self.fold else ", fold=False"
        return f"board.scale_direction({self.place!r}, {self.index}, {self.factor!r}{more})"


@dataclass(frozen=True)
class ZeroNeuron:
    """What a neuron writes, its row of W_out, set to zero. The output bias stays."""

    neuron: str

    def __str__(self) -> str:
        return f"board.zero_neuron({self.neuron!r})"


WeightEdit = ScaleDirection | ZeroNeuron


def same_target(one: WeightEdit, other: WeightEdit) -> bool:
    """Whether one edit takes the place of the other."""
    match one, other:
        case ScaleDirection(), ScaleDirection():
            return (one.place, one.index, one.fold) == (other.place, other.index, other.fold)
        case _:
            return one == other


@dataclass(frozen=True)
class Matrix:
    """One matrix of the model: its name, and what finds it there, as a view."""

    name: str
    find: Callable[[], Tensor]


def matrix_of(model: Model, edit: WeightEdit) -> Matrix:
    """The matrix that an edit writes into. Raises AddressError, ModelError, InterventionError."""
    if isinstance(edit, ZeroNeuron):
        layer = _neuron(model, edit.neuron)[0]
        return Matrix(f"L{layer}.mlp.W_out", lambda: mlp_weights(model, layer).w_out)
    where = WeightPlace.parse(model, edit.place)
    if not torch.isfinite(torch.tensor(float(edit.factor))):
        raise InterventionError(f"{edit.factor} is no factor.", "Give a finite number.")
    layer, head = where.layer, where.head
    if head is not None:
        which = "O" if where.kind == "ov" else "Q"
        name = f"L{layer}H{head}.W_{which}"
        return Matrix(name, lambda: head_weights(model, layer, head, which))
    where.factors(model, edit.fold)
    field = {"in": "w_in", "gate": "w_gate", "out": "w_out"}[where.kind]
    return Matrix(f"L{layer}.mlp.W_{where.kind}", lambda: getattr(mlp_weights(model, layer), field))


def rank_one(model: Model, edit: ScaleDirection) -> RankOne:
    """What, times (factor - 1), is added to the matrix of an edit, float64: [rows] and [columns].

    Raises InterventionError where there is no such direction.
    """
    where, index = WeightPlace.parse(model, edit.place), edit.index
    values, left, right = where.factors(model, edit.fold).svd(index + 1 if index >= 0 else 0)
    if not 0 <= index < len(values):
        raise InterventionError(
            f"{where} has no singular direction {index}.",
            "They count from 0, the largest first; those of singular value 0 cannot be scaled.",
        )
    matrix = matrix_of(model, edit).find()
    if where.kind in ("ov", "out"):
        return _written(model, where, matrix, right[:, index], edit.fold)
    return _read(model, where, matrix, left[:, index], edit.fold)


def _written(
    model: Model, where: WeightPlace, matrix: Tensor, vector: Tensor, fold: bool
) -> RankOne:
    """W becomes W + (f - 1) (W' v) (v / gain)^T, with W' the folded weights: exact for both."""
    part = "attn" if where.head is not None else "mlp"
    after = model.post_gain(where.layer, "ln1_post" if part == "attn" else "ln2_post")
    amount = written_by(model, where.layer, part, matrix, fold) @ vector
    return amount, vector if after is None or not fold else _divided(vector, after)


def _read(model: Model, where: WeightPlace, matrix: Tensor, vector: Tensor, fold: bool) -> RankOne:
    """W becomes W + (f - 1) (u / gain) (u^T W'), with W' the folded weights."""
    norm = Address("ln1", where.layer)
    if where.head is None:
        norm = mlp_weights(model, where.layer).reads
    gained = gain(model, norm).cpu().double() if fold and model.has_part(norm.part) else None
    wide = matrix.detach().cpu().double()
    amount = vector @ (wide if gained is None else gained[:, None] * wide)
    return vector if gained is None else _divided(vector, gained), amount


def _divided(vector: Tensor, by: Tensor) -> Tensor:
    """A vector of the folded side as the weights have it; what a gain of 0 hides stays."""
    by = by.cpu().double()
    return torch.where(by == 0, torch.zeros_like(vector), vector / torch.where(by == 0, 1.0, by))


def edited(
    before: Tensor, edits: Sequence[WeightEdit], changes: dict[ScaleDirection, RankOne]
) -> Tensor:
    """A matrix with edits made to it, rounded once; their order makes no difference.

    Args:
        before: the matrix without them; bit for bit what is returned where there are none.
        changes: of each scaled direction, under its edit with factor 1, :func:`rank_one`.
    """
    if not edits:
        return before
    wide = before.detach().cpu().to(torch.float64, copy=True)
    for edit in edits:
        if isinstance(edit, ScaleDirection):
            rows, columns = changes[unit(edit)]
            wide = torch.addr(wide, rows, columns, alpha=edit.factor - 1)
    rows = [int(edit.neuron.rpartition("n")[2]) for edit in edits if isinstance(edit, ZeroNeuron)]
    if rows:
        wide[rows] = 0
    return wide.to(before.dtype)


def unit(edit: ScaleDirection) -> ScaleDirection:
    """The same direction, whatever the factor."""
    return ScaleDirection(edit.place, edit.index, 1.0, edit.fold)


def neuron_edit(model: Model, neuron: str | Address) -> ZeroNeuron:
    """The edit for ``"L3.mlp.n12"``. Raises AddressError where it is no neuron."""
    layer, index = _neuron(model, neuron)
    return ZeroNeuron(f"L{layer}.mlp.n{index}")


def _neuron(model: Model, neuron: str | Address) -> tuple[int, int]:
    place = model.check(Address.parse(neuron))
    if place.layer is None or place.neuron is None or place.position is not None:
        raise AddressError(f"{place} is not a neuron.", "Write for example L3.mlp.n512.")
    return place.layer, place.neuron
