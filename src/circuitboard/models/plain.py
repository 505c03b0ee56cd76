"""The weights of small GPT-2 and Llama shapes as plain matrices that autograd follows.

Recipes that train a model through single edges compute it from these; the model itself stays the
library's, and is saved and loaded as such.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Norm:
    """A LayerNorm, or without ``bias`` an RMSNorm."""

    weight: Tensor
    bias: Tensor | None
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """The same shape, [..., d]."""
        if self.bias is None:
            return F.rms_norm(x, x.shape[-1:], self.weight, self.eps)
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


@dataclass(frozen=True)
class PlainBlock:
    """One block: attention, then an MLP, each behind its norm.

    Attributes:
        qkv: weights of queries, keys and values, [3h, d, e], all queries first.
        qkv_bias: [3h, e], or None.
        out: [h, e, d]; out_bias: [d], or None, of no head.
        mlp: what it makes of its normed input, [..., d] to [..., d].
    """

    attention_norm: Norm
    qkv: Tensor
    qkv_bias: Tensor | None
    out: Tensor
    out_bias: Tensor | None
    mlp_norm: Norm
    mlp: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Plain:
    """A whole model.

    Attributes:
        embed: [v, d]; positions: [p, d], or None where they are rotary with base ``theta``.
        unembed: [v, d].
    """

    embed: Tensor
    positions: Tensor | None
    theta: float
    blocks: list[PlainBlock]
    final_norm: Norm
    unembed: Tensor

    @property
    def n_heads(self) -> int:
        """Heads in each block."""
        return len(self.blocks[0].out)

    def rotated(self, x: Tensor) -> Tensor:
        """Queries or keys [..., p, e] at their positions: turned where positions are rotary.

        Su 2021, "RoFormer"; in the form with halves, not with neighbours.
        """
        if self.positions is not None:
            return x
        width, size = x.shape[-2:]
        rates = self.theta ** -(torch.arange(0, size, 2, device=x.device) / size)
        angles = torch.outer(torch.arange(width, device=x.device).float(), rates).repeat(1, 2)
        first, second = x.chunk(2, -1)
        return x * angles.cos() + torch.cat([-second, first], -1) * angles.sin()


def plain(model: Any) -> Plain:
    """The weights of a ``GPT2LMHeadModel``, or of a ``LlamaForCausalLM`` without shared keys."""
    if hasattr(model, "transformer"):
        return _gpt2(model)
    return _llama(model)


def _gpt2(model: Any) -> Plain:
    inner, heads = model.transformer, model.config.n_head

    def norm(module: Any) -> Norm:
        return Norm(module.weight, module.bias, module.eps)

    def block(part: Any) -> PlainBlock:
        attention, mlp = part.attn, part.mlp
        width = len(attention.c_attn.weight)
        return PlainBlock(
            attention_norm=norm(part.ln_1),
            qkv=attention.c_attn.weight.view(width, 3 * heads, -1).transpose(0, 1),
            qkv_bias=attention.c_attn.bias.view(3 * heads, -1),
            out=attention.c_proj.weight.view(heads, -1, width),
            out_bias=attention.c_proj.bias,
            mlp_norm=norm(part.ln_2),
            mlp=lambda x: (
                F.gelu(x @ mlp.c_fc.weight + mlp.c_fc.bias, approximate="tanh") @ mlp.c_proj.weight
                + mlp.c_proj.bias
            ),
        )

    blocks = [block(part) for part in inner.h]
    ends = norm(inner.ln_f), model.lm_head.weight
    return Plain(inner.wte.weight, inner.wpe.weight, 0.0, blocks, *ends)


def _llama(model: Any) -> Plain:
    inner, heads = model.model, model.config.num_attention_heads

    def norm(module: Any) -> Norm:
        return Norm(module.weight, None, module.variance_epsilon)

    def block(part: Any) -> PlainBlock:
        own, mlp = part.self_attn, part.mlp
        width = own.o_proj.weight.shape[0]
        three = [own.q_proj.weight, own.k_proj.weight, own.v_proj.weight]
        return PlainBlock(
            attention_norm=norm(part.input_layernorm),
            qkv=torch.cat(three).view(3 * heads, -1, width).mT,
            qkv_bias=None,
            out=own.o_proj.weight.T.reshape(heads, -1, width),
            out_bias=None,
            mlp_norm=norm(part.post_attention_layernorm),
            mlp=lambda x: (
                (F.silu(x @ mlp.gate_proj.weight.T) * (x @ mlp.up_proj.weight.T))
                @ mlp.down_proj.weight.T
            ),
        )

    theta = float(model.config.rope_parameters["rope_theta"])
    blocks = [block(part) for part in inner.layers]
    return Plain(
        inner.embed_tokens.weight, None, theta, blocks, norm(inner.norm), model.lm_head.weight
    )
