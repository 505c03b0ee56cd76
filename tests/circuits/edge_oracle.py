"""Runs of a norm-free model with edges taken out, in plain sums: each reader adds up its senders.

It shares nothing with the engine but the weights.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from circuitboard.models.model import Model


def every_edge(model: Model, neurons: Sequence[str] = ()) -> list[str]:
    """All edges of a model whose blocks do attention before the MLP; neurons beside their MLP."""
    facts, found, senders = model.facts, [], ["embed"]
    for layer in range(facts.n_layers):
        heads = [f"L{layer}H{head}" for head in range(facts.n_heads)]
        found += [f"{s}->{head}.{x}" for head in heads for x in "qkv" for s in senders]
        senders = senders + heads
        if not facts.attn_only:
            nodes = [f"L{layer}.mlp", *(n for n in neurons if n.startswith(f"L{layer}."))]
            found += [f"{s}->{node}" for node in nodes for s in senders]
            senders = [*senders, *nodes]
    return found + [f"{s}->logits" for s in senders]


class Oracle:
    """The model on pairs of prompts: clean, with edges carrying what the corrupted run writes."""

    def __init__(
        self,
        model: Model,
        clean: Sequence[str],
        corrupt: Sequence[str],
        neurons: Sequence[str] = (),
    ) -> None:
        self.model, self.bridge, self.neurons = model, model.bridge, neurons
        self.clean, self.corrupt = (
            torch.tensor([model.tokenize(prompt) for prompt in prompts])
            for prompts in (clean, corrupt)
        )
        self.written: dict[str, Tensor] = {}
        with torch.no_grad():
            self._run(self.corrupt, [()], self.written)

    def logits(self, removed: Sequence[Collection[str]]) -> Tensor:
        """Logits at the last position for each set of removed edges: [set, pair, v]."""
        with torch.no_grad():
            return self._run(self.clean, [frozenset(edges) for edges in removed], {})[:, :, -1]

    def _run(
        self, tokens: Tensor, removed: Sequence[Collection[str]], writes: dict[str, Tensor]
    ) -> Tensor:
        bridge, facts, sets = self.bridge, self.model.facts, len(removed)
        start = bridge.W_E[tokens] + bridge.W_pos[: tokens.shape[1]]
        writes["embed"] = start.expand(sets, *start.shape)

        def read(receiver: str) -> Tensor:
            total = torch.zeros_like(writes["embed"])
            for sender, value in writes.items():
                gone = torch.tensor([f"{sender}->{receiver}" in edges for edges in removed])
                other = self.written.get(sender, value)
                total = total + torch.where(gone[:, None, None, None], other, value)
            return total

        for layer in range(facts.n_layers):
            block, found = bridge.blocks[layer], {}
            for head in range(facts.n_heads):
                name = f"L{layer}H{head}"
                q, k, v = (
                    read(f"{name}.{x}") @ weight[head]
                    for x, weight in zip(
                        "qkv", (block.attn.W_Q, block.attn.W_K, block.attn.W_V), strict=True
                    )
                )
                scores = q @ k.mT / math.sqrt(facts.d_head)
                ahead = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
                pattern = scores.masked_fill(ahead, -math.inf).softmax(-1)
                found[name] = pattern @ v @ block.attn.W_O[head]
            writes.update(found)
            if not facts.attn_only:
                own = [n for n in self.neurons if n.startswith(f"L{layer}.")]
                apart = [int(name.rpartition(".n")[2]) for name in own]
                inside = read(f"L{layer}.mlp") @ block.mlp.W_in + block.mlp.b_in
                inside[..., apart] = 0
                found = {f"L{layer}.mlp": inside.relu() @ block.mlp.W_out}
                for name, n in zip(own, apart, strict=True):
                    one = read(name) @ block.mlp.W_in[:, n] + block.mlp.b_in[n]
                    found[name] = one.relu()[..., None] * block.mlp.W_out[n]
                writes.update(found)
        return read("logits") @ bridge.W_U
