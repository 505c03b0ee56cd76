"""Edits of weights in place: scaling a singular direction, taking a neuron's output away.

A singular direction (u, s, v) of a matrix M is scaled by f when M becomes (I + (f - 1) u u^T) M or,
the same, M (I + (f - 1) v v^T). So OV and W_out are edited on the side that writes, and QK and W_in
on the side that reads (the queries): one matrix each, and never one that heads share (GQA).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from circuitboard.methods.factors import written_by
from circuitboard.methods.singular import WeightPlace
from circuitboard.models.attention import head_weights
from circuitboard.models.mlp import mlp_weights
from circuitboard.models.model import Model
from circuitboard.models.norms import gain
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, InterventionError, ModelError


def scale_direction(
    model: Model, place: str, index: int, factor: float, *, fold: bool = True
) -> None:
    """Multiplies one singular value of a part's weights by a factor, in place; 0 removes it.

    ``L3H7.ov`` edits the head's W_O, ``L3H7.qk`` its W_Q, ``L3.mlp.in`` and ``.gate`` that matrix,
    ``L3.mlp.out`` W_out. Biases stay. All other singular values and vectors stay, to the
    precision of the weights. With rotary positions QK is that at distance 0; at other distances
    what the queries read along the direction is scaled.

    Args:
        place, fold: as in :func:`circuitboard.svd`, so that ``index`` counts its directions.
        index: from 0, the largest singular value first.
        factor: what the singular value is multiplied by; finite.

    Raises:
        AddressError: no such weights.
        InterventionError: no such direction, or the factor is not finite.
        ModelError: the model does not run with what is written into its weights.
    """
    where = WeightPlace.parse(model, place)
    if not torch.isfinite(torch.tensor(float(factor))):
        raise InterventionError(f"{factor} is no factor.", "Give a finite number.")
    values, left, right = where.factors(model, fold).svd(index + 1 if index >= 0 else 0)
    if not 0 <= index < len(values):
        raise InterventionError(
            f"{where} has no singular direction {index}.",
            "They count from 0, the largest first; those of singular value 0 cannot be scaled.",
        )
    if where.kind in ("ov", "out"):
        _scale_written(model, where, right[:, index], factor, fold)
    else:
        _scale_read(model, where, left[:, index], factor, fold)


def _scale_written(
    model: Model, where: WeightPlace, vector: Tensor, factor: float, fold: bool
) -> None:
    """W becomes W + (f - 1) (W' v) (v / gain)^T, with W' the folded weights: exact for both."""
    part = "attn" if where.head is not None else "mlp"
    find = _weight(model, where)
    after = model.post_gain(where.layer, "ln1_post" if part == "attn" else "ln2_post")
    amount = written_by(model, where.layer, part, find(), fold) @ vector
    back = vector if after is None or not fold else _divided(vector, after)
    _write(model, where, find, (factor - 1) * torch.outer(amount, back))


def _scale_read(
    model: Model, where: WeightPlace, vector: Tensor, factor: float, fold: bool
) -> None:
    """W becomes W + (f - 1) (u / gain) (u^T W'), with W' the folded weights."""
    find = _weight(model, where)
    norm = Address("ln1", where.layer)
    if where.head is None:
        norm = mlp_weights(model, where.layer).reads
    gained = gain(model, norm).cpu().double() if fold and model.has_part(norm.part) else None
    matrix = find().detach().cpu().double()
    amount = vector @ (matrix if gained is None else gained[:, None] * matrix)
    back = vector if gained is None else _divided(vector, gained)
    _write(model, where, find, (factor - 1) * torch.outer(back, amount))


def _divided(vector: Tensor, by: Tensor) -> Tensor:
    """A vector of the folded side as the weights have it; what a gain of 0 hides stays."""
    by = by.cpu().double()
    return torch.where(by == 0, torch.zeros_like(vector), vector / torch.where(by == 0, 1.0, by))


def _weight(model: Model, where: WeightPlace) -> Callable[[], Tensor]:
    """What finds the matrix to edit, in the model."""
    layer, head = where.layer, where.head
    if head is not None:
        which = "O" if where.kind == "ov" else "Q"
        return lambda: head_weights(model, layer, head, which)
    name = {"in": "w_in", "gate": "w_gate", "out": "w_out"}[where.kind]
    return lambda: getattr(mlp_weights(model, layer), name)


def _write(model: Model, where: object, find: Callable[[], Tensor], change: Tensor) -> None:
    with model.lock, torch.no_grad():
        weight = find()
        weight.copy_((weight.double() + change.to(weight.device)).to(weight.dtype))
        _check_kept(model, where, find, weight)


def zero_neuron(model: Model, neuron: str | Address) -> None:
    """Sets what a neuron writes, its row of W_out, to zero in place. The output bias stays.

    Raises:
        AddressError: it is no neuron of this model.
        ModelError: the MLP has none to show, or the model does not run with what is written.
    """
    place = model.check(Address.parse(neuron))
    layer, index = place.layer, place.neuron
    if layer is None or index is None or place.position is not None:
        raise AddressError(f"{place} is not a neuron.", "Write for example L3.mlp.n512.")

    def find() -> Tensor:
        return mlp_weights(model, layer).w_out[index]

    with model.lock, torch.no_grad():
        row = find()
        row.zero_()
        _check_kept(model, place, find, row)


def _check_kept(model: Model, where: object, find: Callable[[], Tensor], wrote: Tensor) -> None:
    if not torch.equal(find(), wrote):
        raise ModelError(
            f"{model.facts.name} does not run with what is written into {where}.",
            "Edit its modules: model.bridge.original_model.",
        )
