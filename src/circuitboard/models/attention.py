"""Weights of attention heads by head, whatever the architecture shares between them."""

from __future__ import annotations

from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from circuitboard.models.model import Model
from circuitboard.spec.address import Address


def value_weights(model: Model, layer: int) -> Float[Tensor, "h d e"]:
    """W_V of every head [h, d, e]; heads that share a group's values (GQA) have equal ones."""
    weights = model.bridge.blocks[layer].attn.W_V.detach()
    return weights.repeat_interleave(model.facts.n_heads // len(weights), dim=0)


def norm_gain(model: Model, address: Address) -> Float[Tensor, "d"] | None:
    """A norm's gain, float32 [d], or None where the model has no such norm or it no gain."""
    norm = _norm(model, address)
    weight = getattr(norm, "weight", None)
    if weight is None:
        return None
    weight = weight.detach().float()
    return 1.0 + weight if getattr(norm, "uses_weight_offset", False) else weight


def norm_eps(model: Model, address: Address) -> float:
    """What a norm adds to the variance before the root."""
    inner = getattr(_norm(model, address), "original_component", None)
    for name in ("eps", "variance_epsilon"):
        if getattr(inner, name, None) is not None:
            return float(getattr(inner, name))
    return float(getattr(model.bridge.cfg, "eps", 1e-5))


def embedding(model: Model) -> Float[Tensor, "v d"]:
    """W_E as the model holds it: a view, without any factor that the model applies."""
    find = getattr(model.bridge.original_model, "get_input_embeddings", None)
    weight = getattr(find() if find is not None else None, "weight", None)
    return (model.bridge.W_E if weight is None else weight).detach()


def _norm(model: Model, address: Address) -> Any:
    home = model.bridge if address.layer is None else model.bridge.blocks[address.layer]
    return home._modules.get(address.part.removesuffix(".scale"))


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
