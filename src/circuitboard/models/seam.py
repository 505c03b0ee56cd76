"""Lets hooks reach inside attention that a model leaves to its library (OPT among them).

The bridge fires the pattern and score hooks of such a model after the fact: edits are discarded.
Here the attention itself is computed in the open, with both hook points on the way.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, eager_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

NAME = "circuitboard_open"


def open_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Plain attention, query [b, h, p, e], key and value [b, h, s, e]; returns [b, p, h, e]."""
    repeat = query.shape[1] // key.shape[1]
    if repeat > 1:
        key, value = (t.repeat_interleave(repeat, dim=1) for t in (key, value))
    scale = options.get("scaling")
    scores = query @ key.transpose(-1, -2) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if mask is not None:
        scores = scores + mask[..., : key.shape[-2]]
    points = module.__dict__.get("_circuitboard_points")
    if points is not None:
        scores = points[0](scores)
    pattern = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    if points is not None:
        pattern = points[1](pattern)
    return (pattern @ value).transpose(1, 2).contiguous(), None


def open_delegated(bridge: Any) -> None:
    """Opens every attention layer of a bridge whose computation is left to its library."""
    from transformer_lens.model_bridge.generalized_components.attention import AttentionBridge

    for block in bridge.blocks:
        attn: Any = block._modules.get("attn")
        inner = getattr(attn, "original_component", None)
        delegated = attn is not None and type(attn).forward is AttentionBridge.forward
        if not delegated or getattr(inner, "accepts_pattern_fn", False):
            continue
        config = getattr(inner, "config", None)
        if config is None or not hasattr(config, "_attn_implementation"):
            continue
        if NAME not in ALL_ATTENTION_FUNCTIONS:
            AttentionInterface.register(NAME, open_attention)
            AttentionMaskInterface.register(NAME, eager_mask)
        assert attn is not None
        config._attn_implementation = NAME
        inner.__dict__["_circuitboard_points"] = (attn.hook_attn_scores, attn.hook_pattern)


def scores_are_hidden(block: Any) -> bool:
    """Whether a block's attention lets hooks at its pattern but not at its scores."""
    attn = block._modules.get("attn")
    return bool(getattr(getattr(attn, "original_component", None), "accepts_pattern_fn", False))


def hung_by_a_library(hook: Any) -> bool:
    """Whether a function on a module was put there by a library, not by the user.

    TransformerLens hangs functions on some models that carry values to its own hook points,
    transformers leaves some that only watch once it was asked for attentions, and accelerate moves
    tensors. A hook point wraps what is hung on it, the user's
    functions too: what is wrapped counts.
    """
    names = getattr(getattr(hook, "__code__", None), "co_freevars", ())
    if str(getattr(hook, "__module__", "")) == "transformer_lens.hook_points" and "hook" in names:
        hook = hook.__closure__[names.index("hook")].cell_contents
    home = str(getattr(hook, "__module__", "")).partition(".")[0]
    return home in ("transformers", "transformer_lens", "accelerate")
