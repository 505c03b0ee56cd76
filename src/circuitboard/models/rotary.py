"""Rotary positions: what a distance between query and key does to their product.

With rotary positions (Su 2021, "RoFormer", section 3.2) queries and keys are turned by angles that
grow with the position, so that a score depends on how far back the key lies. The angles and the
rotation are the model's own, called as it calls them.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuitboard.models.model import Model
from circuitboard.spec.errors import ModelError


def is_rotary(model: Model, layer: int) -> bool:
    """Whether a layer turns its queries and keys by their position."""
    inner = _inner(model, layer)
    return model.facts.positional == "rotary" and bool(getattr(inner, "use_rope", True))


def rotation(model: Model, layer: int, offset: int) -> Float[Tensor, "e e"]:
    """R [e, e], float32 on the CPU: a query q scores q R k with a key k ``offset`` tokens before.

    Where a layer does not rotate, and at offset 0 where the rotation is unknown, the identity.

    Raises:
        ModelError: the offset is negative or beyond the context, the layer has no rotary positions,
            or the rotation is not one that can be called.
    """
    if not 0 <= offset < model.facts.n_ctx:
        raise ModelError(
            f"{offset} is no distance in {model.facts.name}.",
            f"The key lies 0 to {model.facts.n_ctx - 1} tokens before the query.",
        )
    if not is_rotary(model, layer):
        if offset:
            raise ModelError(
                f"Layer {layer} of {model.facts.name} has no rotary positions: over tokens alone "
                "its QK circuit is the same at every distance.",
                "Leave offset out.",
            )
        return torch.eye(model.facts.d_head)
    turn = getattr(sys.modules[type(_inner(model, layer)).__module__], "apply_rotary_pos_emb", None)
    wanted = ["q", "k", "cos", "sin"]
    known = turn is not None and list(inspect.signature(turn).parameters)[:4] == wanted
    angles = _angles(model, layer, [offset, 0]) if known else None
    if turn is None or angles is None:
        if offset:
            raise ModelError(
                f"How {model.facts.name} rotates queries and keys is not known here.",
                "Leave offset out: distance 0 needs no rotation.",
            )
        return torch.eye(model.facts.d_head)
    width = angles[0].shape[-1]  # partial rotation turns the first dimensions alone
    units = torch.eye(width, device=angles[0].device)[None, :, None].repeat(1, 1, 2, 1)
    turned = turn(units, units, *angles)[0][0].float().cpu()
    found = torch.eye(model.facts.d_head)
    found[:width, :width] = turned[:, 0] @ turned[:, 1].T
    return found


def _inner(model: Model, layer: int) -> Any:
    return getattr(model.bridge.blocks[layer].attn, "original_component", None)


def _angles(model: Model, layer: int, positions: list[int]) -> tuple[Tensor, Tensor] | None:
    """cos and sin [1, p, rotated], as the model computes them for a layer, or None."""
    found = [
        module
        for name, module in model.modules()
        if name.rpartition(".")[2].startswith("rotary_emb") and "Bridge" in type(module).__name__
    ]
    inside = {id(m): m for m in (getattr(f, "original_component", f) for f in found)}
    if len(inside) != 1:
        return None
    rotary: Any = next(iter(inside.values()))
    device = next(iter(rotary.buffers()), torch.empty(0)).device
    given: list[Any] = [
        torch.zeros(1, device=device),
        torch.tensor([positions], device=device),
    ]
    if "layer_type" in inspect.signature(rotary.forward).parameters:
        given.append(getattr(_inner(model, layer), "layer_type", None))
    with torch.no_grad():
        return rotary(*given)
