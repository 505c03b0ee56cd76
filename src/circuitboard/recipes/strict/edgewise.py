"""Runs in which edges carry what they carry in a run of another prompt, followed by autograd."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from circuitboard.models.plain import Plain, PlainBlock


@dataclass(frozen=True)
class Wiring:
    """All edges of a model whose blocks do attention before the MLP.

    Attributes:
        n_layers, n_heads: its shape.
    """

    n_layers: int
    n_heads: int

    @cached_property
    def senders(self) -> list[str]:
        """The embedding, then each layer's heads and its MLP."""
        found = ["embed"]
        for layer in range(self.n_layers):
            found += [*(f"L{layer}H{head}" for head in range(self.n_heads)), f"L{layer}.mlp"]
        return found

    @cached_property
    def receivers(self) -> list[str]:
        """Each layer's queries, keys and values, and its MLP; then the logits."""
        found = []
        for layer in range(self.n_layers):
            heads = [f"L{layer}H{head}" for head in range(self.n_heads)]
            found += [f"{head}.{x}" for x in "qkv" for head in heads]
            found.append(f"L{layer}.mlp")
        return [*found, "logits"]

    @cached_property
    def edges(self) -> list[str]:
        """All of them, receiver by receiver."""
        every = enumerate(self.receivers)
        return [f"{u}->{v}" for i, v in every for u in self.senders[: self.before(i)]]

    def before(self, receiver: int) -> int:
        """How many senders, from the first, come before a receiver."""
        layer, place = divmod(receiver, 3 * self.n_heads + 1)
        inside = self.n_heads if place == 3 * self.n_heads else 0
        return 1 + layer * (self.n_heads + 1) + inside

    @cached_property
    def exists(self) -> Tensor:
        """Where there is an edge: [u, r]."""
        counts = torch.tensor([self.before(i) for i in range(len(self.receivers))])
        return torch.arange(len(self.senders))[:, None] < counts

    def index(self, edge: str) -> tuple[int, int]:
        """Its sender's and its receiver's place. Raises ValueError where there is none."""
        sender, _, receiver = edge.partition("->")
        return self.senders.index(sender), self.receivers.index(receiver)

    def mask(self, edges: Iterable[str]) -> Tensor:
        """These edges, [u, r]."""
        found = torch.zeros(len(self.senders), len(self.receivers), dtype=torch.bool)
        for edge in edges:
            found[self.index(edge)] = True
        return found

    def out_of(self, senders: Iterable[str]) -> Tensor:
        """All edges out of these senders, [u, r]."""
        chosen = torch.tensor([name in set(senders) for name in self.senders])
        return self.exists & chosen[:, None]


@dataclass(frozen=True)
class Swap:
    """Edges that carry what they carry in another run.

    Attributes:
        edges: [b, u, r], which.
        written: what each sender writes in the other run, of each [b, p, d].
    """

    edges: Tensor
    written: list[Tensor]


def run(model: Plain, tokens: Tensor, swap: Swap | None = None) -> tuple[Tensor, list[Tensor]]:
    """Logits [b, p, v], and what each sender writes, of each [b, p, d].

    Each reader's input is the residual stream in which the swapped edges' senders wrote what they
    write in the other run; norms are computed of that input. It is path patching of many edges at
    once (Wang 2022, appendix B), each prompt with edges of its own.
    """
    stream = model.embed[tokens]
    if model.positions is not None:
        stream = stream + model.positions[: tokens.shape[1]]
    written, column = [stream], 0

    def read(count: int) -> Tensor:
        """What the next receivers read: [b, count, p, d]; [b, 1, p, d] where it is the same."""
        nonlocal column
        columns, column = slice(column, column + count), column + count
        if swap is None:
            return stream[:, None]
        other = torch.stack(swap.written[: len(written)], 1) - torch.stack(written, 1)
        chosen = swap.edges[:, : len(written), columns].to(other.dtype)
        return stream[:, None] + (chosen.mT @ other.flatten(2)).unflatten(2, stream.shape[1:])

    for block in model.blocks:
        heads = _heads(model, block, read(3 * model.n_heads))
        stream = stream + heads.sum(1)
        if block.out_bias is not None:
            stream = stream + block.out_bias
        written += heads.unbind(1)
        wrote = block.mlp(block.mlp_norm(read(1)[:, 0]))
        stream = stream + wrote
        written.append(wrote)
    return model.final_norm(read(1)[:, 0]) @ model.unembed.T, written


def _heads(model: Plain, block: PlainBlock, inputs: Tensor) -> Tensor:
    """What heads write, [b, h, p, d], from the inputs of their queries, keys and values."""
    normed = block.attention_norm(inputs)
    if normed.shape[1] == 1:
        three = torch.einsum("bpd,hde->bhpe", normed[:, 0], block.qkv)
    else:
        three = torch.einsum("bhpd,hde->bhpe", normed, block.qkv)
    if block.qkv_bias is not None:
        three = three + block.qkv_bias[:, None]
    query, key, value = three.chunk(3, 1)
    query, key = model.rotated(query), model.rotated(key)
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    ahead = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
    z = scores.masked_fill(ahead, -math.inf).softmax(-1) @ value
    return torch.einsum("bhpe,hed->bhpd", z, block.out)
