"""Quicker forms of a model's operations, equal up to rounding.

Norms and activations written out in many small steps take as long as matrix products where a batch
is large; the products themselves take longer than they need (see
:mod:`circuitboard.models.products`). For the length of one pass, in the calling thread alone, they
are replaced by fused kernels. Each replacement is compared with what it replaces when it is first
wanted, and is used only where the two agree up to rounding; a norm whose inner hook points are in
use keeps its own way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.pytorch_utils import Conv1D

from circuitboard.models.model import Model
from circuitboard.models.products import product_of

Forward = Callable[..., Any]
#: Which forms. Where a stream is all but zero, a norm makes rounding large, its own too.
Lean = Literal["none", "all but norms", "all"]

#: Largest difference of a quicker form, relative to the largest number: of one that goes number by
#: number, and of one that sums thousands of products, maybe in another order.
ROUNDING = 2e-6
SUMMED = 2e-5


@contextmanager
def lean(model: Model, wanted: Lean = "all") -> Iterator[None]:
    """Uses the fused forms, in this thread, until the block ends."""
    forms = [] if wanted == "none" else _forms(model)
    if wanted == "all but norms":
        forms = [pair for pair in forms if not _is_norm(pair[0])]
    owner = threading.get_ident()

    def guarded(own: Forward, fused: Forward) -> Forward:
        def forward(*args: Any, **kwargs: Any) -> Any:
            chosen = fused if threading.get_ident() == owner else own
            return chosen(*args, **kwargs)

        return forward

    taken: list[nn.Module] = []
    try:
        for module, fused in forms:
            if "forward" not in module.__dict__:
                object.__setattr__(module, "forward", guarded(module.forward, fused))
                taken.append(module)
        yield
    finally:
        for module in taken:
            module.__dict__.pop("forward", None)


def _forms(model: Model) -> list[tuple[nn.Module, Forward]]:
    known = model.attached.get("lean")
    if known is None:
        parts = [*model.bridge.blocks, model.bridge.unembed]
        modules = dict.fromkeys(module for part in parts for module in part.modules())
        known = model.attached["lean"] = list(_agreeing(model, modules))
    return known


def _agreeing(model: Model, modules: Iterable[nn.Module]) -> Iterator[tuple[nn.Module, Forward]]:
    """The modules that have a quicker form, with it. Of like modules one is tried out."""
    sample = torch.linspace(-6.0, 6.0, 4 * model.facts.d_model, device=model.device)
    tried: dict[Hashable, bool] = {}
    for module in modules:
        fused, given, like = _quicker(module, sample)
        if fused is None:
            continue
        if like not in tried:
            room = ROUNDING if like is module else SUMMED
            tried[like] = _agrees(module, fused, given.to(_dtype(module, model)), room)
        if tried[like]:
            yield module, fused


def _quicker(module: nn.Module, sample: Tensor) -> tuple[Forward | None, Tensor, Hashable]:
    """A module's quicker form, what to try it out on, and which modules are like it."""
    if _is_norm(module):
        return _norm(module), sample.reshape(1, 4, -1), module
    if type(module).__name__ in ("NewGELUActivation", "FastGELUActivation"):
        return _gelu, sample, module
    product = product_of(module)
    if product is None:
        return None, sample, module
    weight: Any = module.weight
    width = weight.shape[0 if isinstance(module, Conv1D) else 1]
    wide = sample.repeat(1 + 2 * width // len(sample))[: 2 * width].reshape(1, 2, width)
    return product, wide, (type(module), weight.shape, weight.dtype, module.bias is None)


def _is_norm(module: nn.Module) -> bool:
    return hasattr(module, "hook_scale") and hasattr(module, "hook_normalized")


def _dtype(module: nn.Module, model: Model) -> torch.dtype:
    weights = [*module.parameters(), *(weight for _, weight in model.parameters())]
    return weights[0].dtype


def _agrees(module: nn.Module, fused: Forward, sample: Tensor, room: float) -> bool:
    """Whether a quicker form gives a module's own numbers."""
    try:
        with torch.no_grad():
            own, other = module(sample), fused(sample)
        if own.dtype != other.dtype or own.shape != other.shape:
            return False
        room = max(room, 2 * torch.finfo(own.dtype).eps)
        return bool((own - other).abs().max() <= room * own.abs().max())
    except (RuntimeError, TypeError, ValueError, AttributeError):
        return False  # such as weights that lie on no device until they are wanted


def _gelu(given: Tensor) -> Tensor:
    return F.gelu(given, approximate="tanh")


def _norm(bridge: Any) -> Forward | None:
    """A norm without what only its inner hook points are computed for."""
    inner = bridge.original_component
    if not isinstance(inner, nn.LayerNorm) and not type(inner).__name__.endswith("RMSNorm"):
        return None
    points = (bridge.hook_scale, bridge.hook_normalized)
    own = type(bridge).forward

    def forward(hidden: Tensor, **options: Any) -> Tensor:
        if any(p.fwd_hooks or p.bwd_hooks or p._forward_hooks for p in points):
            return own(bridge, hidden, **options)
        return bridge.hook_out(bridge.original_component(bridge.hook_in(hidden)))

    return forward
