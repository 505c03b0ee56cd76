"""Gains of the model's norms, and its vocabulary's matrices."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuitboard.models.model import Model
from circuitboard.spec.address import Address


def _norm(model: Model, address: Address) -> Any:
    which = model.check(address).part.removesuffix(".scale")
    home = model.bridge if address.layer is None else model.bridge.blocks[address.layer]
    return home._modules[which]


def gain(model: Model, address: Address) -> Float[Tensor, "d"]:
    """What a norm multiplies each dimension by after dividing, float32 [d]; ones without a gain.

    ``address`` is ``L3.ln1``, ``L3.ln2``, ``ln_final`` or the ``.scale`` of one.
    """
    norm = _norm(model, address)
    weight = getattr(norm, "weight", None)
    if weight is None:
        return torch.ones(model.facts.d_model, device=model.device)
    weight = weight.detach().float()
    return 1.0 + weight if getattr(norm, "uses_weight_offset", False) else weight


def centred(model: Model, vectors: Float[Tensor, "... d"]) -> Float[Tensor, "... d"]:
    """What a norm of this model divides: the mean over d_model is removed by LayerNorm alone."""
    return vectors - vectors.mean(-1, keepdim=True) if model.facts.norm == "LN" else vectors


def embedding(model: Model) -> Float[Tensor, "v d"]:
    """W_E [v, d] as the model holds it: a view, without any factor that the model applies."""
    find = getattr(model.bridge.original_model, "get_input_embeddings", None)
    weight = getattr(find() if find is not None else None, "weight", None)
    return (model.bridge.W_E if weight is None else weight).detach()


def unembedding(model: Model) -> Float[Tensor, "v d"]:
    """W_U as [v, d], as the model holds it: a view."""
    find = getattr(model.bridge.original_model, "get_output_embeddings", None)
    weight = getattr(find() if find is not None else None, "weight", None)
    return model.bridge.W_U.detach().T if weight is None else weight.detach()
