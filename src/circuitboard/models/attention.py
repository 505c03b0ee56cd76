"""Weights of attention heads by head, whatever the architecture shares between them."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float
from torch import Tensor

from circuitboard.models.model import Model


def value_weights(model: Model, layer: int) -> Float[Tensor, "h d e"]:
    """W_V of every head [h, d, e]; heads that share a group's values (GQA) have equal ones."""
    weights = model.bridge.blocks[layer].attn.W_V.detach()
    return weights.repeat_interleave(model.facts.n_heads // len(weights), dim=0)


def live_weights(model: Model, layer: int, which: Literal["Q", "K", "V", "O"]) -> Tensor:
    """W_Q, W_K or W_V [h, d, e], or W_O [h, e, d], as the model runs with them: a view.

    K and V have one entry for each group of heads (GQA). What is written into it is in the model.
    """
    return getattr(model.bridge.blocks[layer].attn, f"W_{which}").detach()


def head_weights(
    model: Model, layer: int, head: int, which: Literal["Q", "K", "V", "O"]
) -> Float[Tensor, "a b"]:
    """One head's W_Q, W_K or W_V [d, e], or W_O [e, d]; K and V are those of its group. A view."""
    weights = live_weights(model, layer, which)
    return weights[head // (model.facts.n_heads // len(weights))]


def output_bias(model: Model, layer: int) -> Float[Tensor, "d"]:
    """b_O [d], which is no head's; zeros where there is none."""
    bias = getattr(model.bridge.blocks[layer].attn.o.original_component, "bias", None)
    weights = model.output_weights(layer)
    return weights.new_zeros(weights.shape[-1]) if bias is None else bias.detach()


def inner_gain(model: Model, layer: int, which: Literal["q", "k"]) -> Float[Tensor, "e"] | None:
    """The gain of a norm over a head's queries or keys (Gemma 3, Qwen 3), float32 [e], or None.

    A norm over all heads together is None too: its gain is not one head's.
    """
    norm = model.bridge.blocks[layer].attn._modules.get(f"{which}_norm")
    inner = getattr(norm, "original_component", norm)
    weight = getattr(inner, "weight", None)
    if weight is None or weight.numel() != model.facts.d_head:
        return None
    weight = weight.detach().float()
    return 1.0 + weight if getattr(norm, "uses_weight_offset", False) else weight
