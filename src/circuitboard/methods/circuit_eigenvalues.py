"""Eigenvalues of a head's OV circuit over tokens, and the copying score that they add up to.

Elhage 2021 ("A Mathematical Framework for Transformer Circuits", "Summarizing OV and QK"): positive
eigenvalues of W_E W_V W_O W_U [v, v] copy, negative ones do the opposite; with A = W_E W_V [v, e]
and B = W_U^T W_O^T [v, e] the circuit is A B^T, whose non-zero eigenvalues are those of B^T A.
"""

from __future__ import annotations

from collections.abc import Generator

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from circuitboard.methods.factors import (
    Factors,
    before_logits,
    embedded,
    head_place,
    ov,
    unembedded,
)
from circuitboard.models.model import Model
from circuitboard.spec.address import Address

#: Rows of the vocabulary in one step.
ROWS = 1 << 11


def ov_eigenvalues(model: Model, head: str | Address, *, fold: bool = True) -> Complex[Tensor, "e"]:
    """The eigenvalues of a head's OV circuit that can differ from 0, the largest first.

    Args:
        model: from :func:`circuitboard.load`.
        head: such as ``"L3H7"``.
        fold: as in :func:`circuitboard.ov_circuit`.

    Raises AddressError: it is no head.
    """
    layer, which = head_place(model, head)
    factors = ov(model, layer, which, fold)
    columns = before_logits(model, factors.right, fold)
    sides = [
        torch.cat(list(along_steps(table, side)))
        for table, side in ((embedded(model), factors.left), (unembedded(model), columns))
    ]
    return eigenvalues(Factors(*sides))


def along_steps(
    table: Float[Tensor, "v d"], columns: Float[Tensor, "d k"]
) -> Generator[Float[Tensor, "r k"], None, None]:
    """What the rows of a vocabulary matrix give along each column, float32, block by block."""
    narrow = columns.float()
    for rows in table.split(ROWS):
        yield rows.detach().cpu().float() @ narrow


def eigenvalues(factors: Factors) -> Complex[Tensor, "e"]:
    """Those of ``left @ right.T`` that can differ from 0, the largest first."""
    small = torch.zeros(factors.left.shape[1], factors.right.shape[1], dtype=torch.float64)
    for left, right in zip(factors.left.split(ROWS), factors.right.split(ROWS), strict=True):
        small += right.double().T @ left.double()
    found = torch.linalg.eigvals(small)
    return found[found.abs().argsort(descending=True)]


def copying_of(values: Complex[Tensor, "e"]) -> float:
    """The sum of the eigenvalues over the sum of their sizes, -1 to 1; 0 where all are 0."""
    size = float(values.abs().sum())
    return float(values.real.sum()) / size if size else 0.0
