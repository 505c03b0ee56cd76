"""What the model's norms do to a vector."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from circuitboard.models.model import Model
from circuitboard.spec.address import Address


def gain(model: Model, address: Address) -> Float[Tensor, "d"]:
    """What a norm multiplies each dimension by after dividing, float32 [d]; ones without a gain.

    ``address`` is ``L3.ln1``, ``L3.ln2``, ``ln_final`` or the ``.scale`` of one.
    """
    found = model.norm_gain(model.check(address))
    return torch.ones(model.facts.d_model, device=model.device) if found is None else found


def centred(model: Model, vectors: Float[Tensor, "... d"]) -> Float[Tensor, "... d"]:
    """What a norm of this model divides: the mean over d_model is removed by LayerNorm alone."""
    return vectors - vectors.mean(-1, keepdim=True) if model.facts.norm == "LN" else vectors


def has_post_norm(model: Model, layer: int) -> bool:
    """Whether a norm follows a block's attention before it is added to the stream (Gemma)."""
    return model.has_point(f"blocks.{layer}.ln1_post.hook_out")


def post_normed(
    model: Model, layer: int, attention: Float[Tensor, "b p d"]
) -> Float[Tensor, "b p d"]:
    """What the norm that follows a block's attention makes of it."""
    norm = model.bridge.blocks[layer].ln1_post
    return norm(attention)
