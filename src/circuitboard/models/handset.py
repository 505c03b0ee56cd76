"""Transformers whose every weight is given: no norms, ReLU, a learned embedding of positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from circuitboard.models.load import load
from circuitboard.models.model import Model


@dataclass(frozen=True)
class HandWeights:
    """All weights of a transformer without norms and biases but those of neurons.

    Attributes:
        embed: [v, d]; positions: [p, d]; unembed: [d, v].
        query, key, value: [l, h, d, e]; out: [l, h, e, d]. Scores are divided by sqrt(e).
        neurons_in: [l, d, n], bias: [l, n], neurons_out: [l, n, d]; n is 0 for attention alone.
    """

    embed: Tensor
    positions: Tensor
    unembed: Tensor
    query: Tensor
    key: Tensor
    value: Tensor
    out: Tensor
    neurons_in: Tensor
    bias: Tensor
    neurons_out: Tensor


def hand_set(weights: HandWeights, tokenizer: PreTrainedTokenizerFast, name: str) -> Model:
    """A model with these weights, in float32 on the CPU.

    Raises:
        ModelError: they hold NaNs.
        RuntimeError: their shapes do not fit each other.
    """
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge.sources.native import boot

    layers, heads, d_model, d_head = weights.query.shape
    neurons = weights.bias.shape[1]
    config = TransformerBridgeConfig(
        n_layers=layers,
        d_model=d_model,
        n_heads=heads,
        d_head=d_head,
        d_mlp=neurons or None,
        n_ctx=len(weights.positions),
        d_vocab=len(weights.embed),
        act_fn="relu",
        normalization_type=None,
        attn_only=not neurons,
        architecture="TransformerLensNative",
        seed=0,
    )
    bridge = boot(config, model_name=name)
    stored = {
        key.replace("._original_component", ""): value
        for key, value in bridge.original_model.named_parameters()
    }
    with torch.no_grad():
        for key, value in _by_name(weights).items():
            stored.pop(key).copy_(value)
        for rest in stored.values():
            rest.zero_()
    return load(bridge, tokenizer)


def _by_name(weights: HandWeights) -> dict[str, Tensor]:
    found = {
        "tok_embed.weight": weights.embed,
        "pos.weight": weights.positions,
        "head.weight": weights.unembed.T,
    }
    for layer in range(len(weights.query)):
        attention, mlp = f"layers.{layer}.attn", f"layers.{layer}.mlp"
        for part, weight in (("q", weights.query), ("k", weights.key), ("v", weights.value)):
            found[f"{attention}.{part}.weight"] = weight[layer].transpose(1, 2).flatten(0, 1)
        found[f"{attention}.o.weight"] = weights.out[layer].flatten(0, 1).T
        if weights.bias.shape[1]:
            found[f"{mlp}.fc_in.weight"] = weights.neurons_in[layer].T
            found[f"{mlp}.fc_in.bias"] = weights.bias[layer]
            found[f"{mlp}.fc_out.weight"] = weights.neurons_out[layer].T
    return found
