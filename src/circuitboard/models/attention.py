"""Weights of attention heads by head, whatever the architecture shares between them."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from circuitboard.models.model import Model


def value_weights(model: Model, layer: int) -> Float[Tensor, "h d e"]:
    """W_V of every head [h, d, e]; heads that share a group's values (GQA) have equal ones."""
    weights = model.bridge.blocks[layer].attn.W_V.detach()
    return weights.repeat_interleave(model.facts.n_heads // len(weights), dim=0)
