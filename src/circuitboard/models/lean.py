"""Fused forms of what a model computes number by number, for passes of many rows.

Norms and activations written out in many small steps take as long as matrix products where a batch
is large. For the length of one pass, in the calling thread alone, they are replaced by the
library's fused kernels. Each replacement is compared with what it replaces when it is first wanted,
and is used only where the two agree up to rounding; a norm whose inner hook points are in use
keeps its own way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from circuitboard.models.model import Model

Forward = Callable[..., Any]
#: Which forms. Where a stream is all but zero, a norm makes rounding large, its own too.
Lean = Literal["none", "activations", "all"]

#: Largest difference of a fused form, relative to the largest number.
ROUNDING = 2e-6


@contextmanager
def lean(model: Model, wanted: Lean = "all") -> Iterator[None]:
    """Uses the fused forms, in this thread, until the block ends."""
    forms = [] if wanted == "none" else _forms(model)
    if wanted == "activations":
        forms = [pair for pair in forms if pair[1] is _gelu]
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
        known = model.attached["lean"] = [
            pair for block in model.bridge.blocks for pair in _of_block(model, block)
        ]
    return known


def _of_block(model: Model, block: nn.Module) -> Iterator[tuple[nn.Module, Forward]]:
    sample = torch.linspace(-6.0, 6.0, 4 * model.facts.d_model, device=model.device)
    for module in block.modules():
        fused: Forward | None = None
        if hasattr(module, "hook_scale") and hasattr(module, "hook_normalized"):
            fused, given = _norm(module), sample.reshape(1, 4, -1)
        elif type(module).__name__ in ("NewGELUActivation", "FastGELUActivation"):
            fused, given = _gelu, sample
        if fused is not None and _agrees(module, fused, given.to(_dtype(module, model))):
            yield module, fused


def _dtype(module: nn.Module, model: Model) -> torch.dtype:
    weights = [*module.parameters(), *(weight for _, weight in model.parameters())]
    return weights[0].dtype


def _agrees(module: nn.Module, fused: Forward, sample: Tensor) -> bool:
    """Whether a fused form gives a module's own numbers."""
    try:
        with torch.no_grad():
            own, other = module(sample), fused(sample)
    except (RuntimeError, TypeError, ValueError, AttributeError):
        return False
    if own.dtype != other.dtype or own.shape != other.shape:
        return False
    room = max(ROUNDING, 2 * torch.finfo(own.dtype).eps)
    return bool((own - other).abs().max() <= room * own.abs().max())


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
