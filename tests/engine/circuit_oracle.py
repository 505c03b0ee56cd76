"""Runs of a circuit as plain as can be: the definition, in whole runs with TransformerLens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from circuitboard.engine.edge_graph import Graph
from circuitboard.models.model import Model

Values = dict[str, Tensor]


def written(model: Model, tokens: Tensor, neurons: Sequence[str] = ()) -> Values:
    """What every sender writes in a run: by address, [b, p, d]; and biases, by layer.

    With neurons, an MLP is what is left of it without these.
    """
    with torch.no_grad():
        cache = model.bridge.run_with_cache(tokens)[1]
    found: Values = {"embed": cache["blocks.0.hook_resid_pre"]}
    for layer in range(model.facts.n_layers):
        heads = _heads(model, layer, cache[f"blocks.{layer}.attn.hook_z"])
        found |= {f"L{layer}H{h}": value for h, value in enumerate(heads)}
        bias = model.bridge.blocks[layer].attn.o.original_component.bias
        found[f"bias {layer}"] = torch.zeros_like(heads[0]) + (0 if bias is None else bias.detach())
        if not model.facts.attn_only:
            found[f"L{layer}.mlp"] = cache[f"blocks.{layer}.hook_mlp_out"]
            post = cache[f"blocks.{layer}.mlp.hook_post"] if neurons else None
            for name in of_layer(neurons, layer):
                found[name] = outward(model, name, post, found[f"L{layer}.mlp"])
                found[f"L{layer}.mlp"] = found[f"L{layer}.mlp"] - found[name]
    return found


def of_layer(neurons: Sequence[str], layer: int) -> list[str]:
    return [name for name in neurons if name.startswith(f"L{layer}.")]


def outward(model: Model, name: str, post: Tensor | None, like: Tensor) -> Tensor:
    """What a neuron writes: its activation times its row of W_out."""
    layer, number = (int(part) for part in name[1:].split(".mlp.n"))
    inner = model.bridge.blocks[layer].mlp._modules["out"].original_component
    weight = inner.weight.detach()
    row = weight[number] if type(inner).__name__ == "Conv1D" else weight[:, number]
    assert post is not None
    return post.reshape(*like.shape[:2], -1)[..., number, None] * row


def _heads(model: Model, layer: int, z: Tensor) -> list[Tensor]:
    weights = model.bridge.blocks[layer].attn.W_O.detach()
    return [z[:, :, h] @ weights[h] for h in range(model.facts.n_heads)]


def replaced(value: Tensor) -> Callable[..., Tensor]:
    return lambda tensor, hook: value


class Circuit:
    """One run; the mask is [sender, receiver], or with positions [sender, receiver, position]."""

    def __init__(
        self,
        model: Model,
        tokens: Tensor,
        elsewhere: Values,
        mask: Tensor,
        neurons: Sequence[str] = (),
    ) -> None:
        self.model, self.tokens, self.elsewhere, self.mask = model, tokens, elsewhere, mask
        self.graph, self.neurons = Graph.of(model, neurons), neurons
        self.column = {str(v): i for i, v in enumerate(self.graph.receivers)}
        self.row = {str(u): i for i, u in enumerate(self.graph.senders)}
        self.now: Values = {"embed": written(model, tokens)["embed"]}

    def logits(self) -> Tensor:
        """[b, v] at the last position."""
        f = self.model.facts
        for layer in range(f.n_layers):
            mlp_first = self.mlp(layer) if f.parallel else {}
            self.heads(layer)
            if not f.attn_only:
                self.now |= mlp_first or self.mlp(layer)
        final = self.reads("logits", f.n_layers, True)
        last = f"blocks.{f.n_layers - 1}.hook_resid_post"
        return self.run([(last, lambda _tensor, hook: final)], self.tokens)[:, -1]

    def run(self, hooks: list, tokens: Tensor) -> Tensor:
        with torch.no_grad():
            return self.model.bridge.run_with_hooks(tokens, fwd_hooks=hooks, return_type="logits")

    def passed(self, sender: str, receiver: str) -> Tensor:
        """What a receiver sees of a sender."""
        m = self.mask[self.row[sender], self.column[receiver]]
        m = m[:, None] if m.ndim else m
        return m * self.now[sender] + (1 - m) * self.elsewhere[sender]

    def reads(self, receiver: str, layer: int, attention: bool = False) -> Tensor:
        """The stream that a receiver reads: of all blocks below, and of this one's attention."""
        total = self.passed("embed", receiver)
        last = self.model.facts.n_layers - 1
        for below in range(min(layer, last) + 1):
            if below < layer or attention:
                heads = [f"L{below}H{h}" for h in range(self.model.facts.n_heads)]
                written = sum(self.passed(h, receiver) for h in heads)
                written = written + self.elsewhere[f"bias {below}"]
                norm = self.model.bridge.blocks[below]._modules.get("ln1_post")
                with torch.no_grad():
                    total = total + (written if norm is None else norm(written))
            if below < layer and f"L{below}.mlp" in self.now:
                for name in (f"L{below}.mlp", *of_layer(self.neurons, below)):
                    total = total + self.passed(name, receiver)
        return total

    def caught(self, hooks: list, point: str, tokens: Tensor) -> Tensor:
        found: list[Tensor] = []
        self.run([*hooks, (point, lambda tensor, hook: found.append(tensor))], tokens)
        return found[0]

    def heads(self, layer: int) -> None:
        """Each query, key and value from its own stream; then attention with all of them."""
        hooks = []
        f, rows = self.model.facts, len(self.tokens)
        for name, count in (("q", f.n_heads), ("k", f.n_kv_heads), ("v", f.n_kv_heads)):
            size = f.n_heads // count
            streams = [self.reads(f"L{layer}H{i * size}.{name}", layer) for i in range(count)]
            enter = f"blocks.{layer}.hook_resid_pre"
            put = [(enter, replaced(torch.cat(streams)))]
            many = self.tokens.repeat(count, 1)
            all_of_them = self.caught(put, f"blocks.{layer}.attn.hook_{name}", many)
            own = [all_of_them[i * rows : (i + 1) * rows, :, i] for i in range(count)]
            point = f"blocks.{layer}.attn.hook_{name}"
            hooks.append((point, replaced(torch.stack(own, 2))))
        z = self.caught(hooks, f"blocks.{layer}.attn.hook_z", self.tokens)
        self.now |= {f"L{layer}H{h}": value for h, value in enumerate(_heads(self.model, layer, z))}

    def mlp(self, layer: int) -> Values:
        """The MLP from its own stream, and each neuron that is apart from its own."""
        own = of_layer(self.neurons, layer)
        whole, post = self.mlp_run(layer, f"L{layer}.mlp")
        found = {f"L{layer}.mlp": whole - sum(outward(self.model, n, post, whole) for n in own)}
        for name in own:
            like, post = self.mlp_run(layer, name)
            found[name] = outward(self.model, name, post, like)
        return found

    def mlp_run(self, layer: int, receiver: str) -> tuple[Tensor, Tensor | None]:
        """What the whole MLP writes when it reads what a receiver does, and its activations."""
        parallel = self.model.facts.parallel
        stream = self.reads(receiver, layer, not parallel)
        enter = f"blocks.{layer}.hook_resid_pre"
        hooks = [(enter, lambda tensor, hook: stream if parallel else torch.zeros_like(tensor))]
        if not parallel:
            hooks.append((f"blocks.{layer}.hook_attn_out", lambda tensor, hook: stream))
        out = self.caught(hooks, f"blocks.{layer}.hook_mlp_out", self.tokens)
        if not self.neurons:
            return out, None
        return out, self.caught(hooks, f"blocks.{layer}.mlp.hook_post", self.tokens)


def logits(
    model: Model,
    tokens: Tensor,
    elsewhere: Values,
    masks: Sequence[Tensor],
    neurons: Sequence[str] = (),
) -> list[Tensor]:
    """Of each mask, [b, v]."""
    return [Circuit(model, tokens, elsewhere, mask, neurons).logits() for mask in masks]
