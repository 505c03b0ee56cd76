"""Matrix products by oneDNN, quicker than what torch calls of itself, above all with few rows.

PyTorch gives products of float32 to MKL. oneDNN is in the same build of torch, and compiles its
kernels for the processor it finds. Results are equal up to rounding; ``benchmarks/PRODUCTS.md`` has
the times of both on one processor, and ``benchmarks/products.py`` measures them on another.
"""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from transformers.pytorch_utils import Conv1D

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]

#: Of a part of a larger matrix, which oneDNN has no kernels for: rows from which MKL multiplies two
#: turned matrices quicker, and from which a copy of that part pays.
FEW, MANY = 4, 64


def product_of(module: nn.Module) -> Callable[[Tensor], Tensor] | None:
    """A linear map's quicker forward pass; None where the module is of another kind.

    It reads the weights when it is called. What oneDNN is not meant for goes the module's own way:
    other types than float32, other devices than the processor, gradients of the weights.
    """
    # a subclass may compute something else
    if type(module) not in (nn.Linear, Conv1D) or onednn() is None:
        return None
    kept: Any = module
    own, turned = type(kept).forward, type(kept) is Conv1D

    def forward(given: Tensor) -> Tensor:
        weight, bias = kept.weight, kept.bias
        if not (_plain(given) and _plain(weight)) or given.numel() == 0:
            return own(kept, given)
        matrix = weight.T if turned else weight
        if not torch.is_grad_enabled():
            return product(given, matrix, bias)
        if weight.requires_grad or not given.requires_grad:
            return own(kept, given)
        return _Differentiable.apply(given, matrix, bias)

    return forward


def _plain(tensor: Tensor) -> bool:
    return tensor.dtype == torch.float32 and tensor.is_cpu and type(tensor) in _TYPES


_TYPES = (Tensor, nn.Parameter)


@cache
def onednn() -> Product | None:
    """oneDNN's product of rows [..., i] with a dense matrix [o, i]; None in a torch without it."""
    ops: Any = getattr(torch.ops, "mkldnn", None)
    if not torch.backends.mkldnn.is_available() or not hasattr(ops, "_linear_pointwise"):
        return None
    linear = ops._linear_pointwise
    return lambda given, matrix, bias: linear(given, matrix, bias, "none", [], "")


def product(given: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """Rows [..., i] times a matrix [o, i], and a bias [o]: [..., o]; float32 on the processor."""
    quick = onednn()
    rows = given.reshape(-1, given.shape[-1])
    if quick is not None:
        if matrix.is_contiguous() or matrix.T.is_contiguous():
            return quick(given, matrix, bias)
        if len(rows) >= MANY:
            across = matrix.stride(0) == 1
            return quick(given, matrix.T.contiguous().T if across else matrix.contiguous(), bias)
    if len(rows) < FEW:
        return F.linear(given, matrix, bias)
    turned = matrix @ rows.T if bias is None else torch.addmm(bias[:, None], matrix, rows.T)
    return turned.T.reshape(*given.shape[:-1], len(matrix))


class _Differentiable(torch.autograd.Function):
    """The product, which autograd follows to its input, and not to its weights."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(matrix)
        return product(given, matrix, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (matrix,) = ctx.saved_tensors
        return product(gradients[0], matrix.T, None), None, None
