"""Notices changes made behind our back: weights edited in place, hooks added to the model."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from circuitboard.models.model import Model
from circuitboard.models.seam import hung_by_a_library

#: Below this many weights every one of them is summed; above, a sample of each tensor.
EXACT_BELOW = 5_000_000
SAMPLE = 256


@dataclass(frozen=True)
class Fingerprint:
    """What a model's weights and hooks look like now. Equal fingerprints: nothing was noticed."""

    weights: tuple[tuple[str, int, int, float], ...]
    hooks: tuple[tuple[str, int], ...]


def take(model: Model) -> Fingerprint:
    """Reads version counters, a checksum of each weight, and the hooks on each module.

    Writes through ``.data`` leave no trace in the version counter; in models of more than
    ``EXACT_BELOW`` weights such a write is only seen when it touches the sample of its tensor
    (all of it, in tensors of up to ``SAMPLE`` numbers).
    """
    weights = list(model.parameters())
    exact = sum(w.numel() for _, w in weights) < EXACT_BELOW
    with torch.no_grad():
        sums = tuple((name, w.data_ptr(), w._version, _checksum(w, exact)) for name, w in weights)
    return Fingerprint(sums, user_hooks(model))


def _checksum(weight: Tensor, exact: bool) -> float:
    flat = weight.detach().reshape(-1) if weight.is_contiguous() else weight.detach().flatten()
    if not exact and flat.numel() > SAMPLE:
        flat = flat[:: flat.numel() // SAMPLE]
    flat = flat.double()
    return float(flat.sum() + (flat * flat).sum() * 0.618)


def user_hooks(model: Model) -> tuple[tuple[str, int], ...]:
    """Modules that carry hooks, with their number. Call it between runs, never inside one."""
    found = []
    for name, module in model.modules():
        tables = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
        count = sum(not hung_by_a_library(hook) for table in tables for hook in table.values())
        if count:
            found.append((name, count))
    return tuple(found)
