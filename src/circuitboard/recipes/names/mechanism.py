"""What each head of ``names`` does on indirect objects and on repeated words, as measured.

All prompts have one template, so that positions line up: the giver's second mention (``S2``) and
the last word (``END``) stand at fixed places, the first mentions (``S1``, ``IO``) at one of two.
Heads are changed at their ``z`` (the input of the output projection, whose bias is not part of
any head). ``mean`` means the average of ``z`` at the same position over prompts with three
different names.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import corpus, scores
from . import lexicon as lex

TEMPLATE = 0


@dataclass(frozen=True, slots=True)
class Prompts:
    """Token ids [b, p] with, for each row, the places and ids of its names."""

    tokens: Tensor
    contrast: Tensor
    first_giver: Tensor
    receiver: Tensor
    second_giver: int
    receiver_id: Tensor
    giver_id: Tensor

    @property
    def rows(self) -> Tensor:
        """The index of each row, [b]."""
        return torch.arange(len(self.tokens))

    @property
    def places(self) -> dict[str, list[int]]:
        """Positions by name; ``after`` are the two words that follow the first mentions."""
        mentions = torch.cat((self.first_giver, self.receiver))
        first, second = int(mentions.min()), int(mentions.max())
        return {
            "first": [first],
            "second": [second],
            "after": [first + 1, second + 1],
            "s2": [self.second_giver],
            "end": [self.tokens.shape[1] - 1],
            "all": list(range(self.tokens.shape[1])),
        }


def prompts(n: int, seed: int) -> Prompts:
    """``n`` prompts of one template with held-out pairs, and as many with three other names."""
    rng = random.Random(f"mechanism/{seed}")
    ids = scores.word_ids()
    drawn: list[corpus.Example] = []
    while len(drawn) < n:
        example = corpus.indirect_object(rng, TEMPLATE)
        if corpus.is_held_out(*example.key):
            drawn.append(example)
    words = [corpus.split(e.prompt) for e in drawn]
    givers = [
        [i for i, word in enumerate(ws) if word == e.roles["S"]]
        for ws, e in zip(words, drawn, strict=True)
    ]
    receivers = [ws.index(e.roles["IO"]) for ws, e in zip(words, drawn, strict=True)]
    contrast = [list(ws) for ws in words]
    for row, (s1, s2), io in zip(contrast, givers, receivers, strict=True):
        row[s1], row[io], row[s2] = rng.sample(lex.NAMES, 3)
    return Prompts(
        tokens=scores.encode(words, ids),
        contrast=scores.encode(contrast, ids),
        first_giver=torch.tensor([g[0] + 1 for g in givers]),
        receiver=torch.tensor(receivers) + 1,
        second_giver=givers[0][1] + 1,
        receiver_id=torch.tensor([ids[e.roles["IO"]] for e in drawn]),
        giver_id=torch.tensor([ids[e.roles["S"]] for e in drawn]),
    )


class Probe:
    """A model whose head outputs ``z`` can be read and replaced while it runs."""

    def __init__(self, model: Any) -> None:
        self.model = model
        config = model.config
        self.layers, self.heads = config.n_layer, config.n_head
        self.d_head = config.n_embd // config.n_head
        self.z: dict[int, Tensor] = {}
        self.mlp: dict[int, Tensor] = {}
        self.last_residual = torch.empty(0)

    def part(self, head: int) -> slice:
        """The columns of ``z`` [b, p, h·e] that belong to ``head``."""
        return slice(head * self.d_head, (head + 1) * self.d_head)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Keeps ``z``, MLP outputs and the last residual of runs inside."""
        handles = []
        for layer, block in enumerate(self.model.transformer.h):

            def keep_z(_: Any, args: tuple[Tensor], layer: int = layer) -> None:
                self.z[layer] = args[0].detach().clone()

            def keep_mlp(_: Any, __: Any, out: Tensor, layer: int = layer) -> None:
                self.mlp[layer] = out.detach().clone()

            handles.append(block.attn.c_proj.register_forward_pre_hook(keep_z))
            handles.append(block.mlp.register_forward_hook(keep_mlp))

        def keep_last(_: Any, args: tuple[Tensor]) -> None:
            self.last_residual = args[0].detach().clone()

        handles.append(self.model.transformer.ln_f.register_forward_pre_hook(keep_last))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def replacing(
        self, layer: int, heads: list[int], value: Tensor | None, at: list[int]
    ) -> Iterator[None]:
        """Sets the ``z`` of ``heads`` at positions ``at`` to ``value`` [1, p, h·e], or to zero."""

        def change(_: Any, args: tuple[Tensor]) -> tuple[Tensor]:
            z = args[0].clone()
            for head in heads:
                part = self.part(head)
                z[:, at, part] = 0.0 if value is None else value[:, at, part]
            return (z,)

        hook = self.model.transformer.h[layer].attn.c_proj.register_forward_pre_hook(change)
        try:
            yield
        finally:
            hook.remove()

    @contextmanager
    def replacing_mlp(self, layer: int, value: Tensor) -> Iterator[None]:
        """Sets the output of an MLP to ``value`` [1, p, d]."""
        block = self.model.transformer.h[layer].mlp
        hook = block.register_forward_hook(lambda _, __, out: value.expand_as(out))
        try:
            yield
        finally:
            hook.remove()

    @torch.no_grad()
    def gap(self, batch: Prompts) -> float:
        """Mean logit difference, receiver minus giver, after the last word."""
        logits = self.model(batch.tokens).logits[:, -1]
        rows = batch.rows
        return (logits[rows, batch.receiver_id] - logits[rows, batch.giver_id]).mean().item()


def _directions(probe: Probe, batch: Prompts) -> dict[str, Tensor]:
    """For each row [b, d], what a write must point along to raise the receiver, the giver, and
    the one against the other; final LayerNorm included, its scale held as it was."""
    final = probe.model.transformer.ln_f
    residual = probe.last_residual[:, -1]
    scale = (residual.var(-1, unbiased=False, keepdim=True) + final.eps).sqrt()
    unembed = probe.model.lm_head.weight
    names = torch.tensor([scores.word_ids()[name] for name in lex.NAMES])
    typical = unembed[names].mean(0)
    found = {}
    for label, columns in (
        ("dla", unembed[batch.receiver_id] - unembed[batch.giver_id]),
        ("dla_receiver", unembed[batch.receiver_id] - typical),
        ("dla_giver", unembed[batch.giver_id] - typical),
    ):
        weighted = columns * final.weight
        found[label] = (weighted - weighted.mean(-1, keepdim=True)) / scale
    return found


def copying_score(model: Any, layer: int, head: int) -> float:
    """Σλ / Σ|λ| over the eigenvalues of W_E W_V W_O W_U, from the raw weights.

    The matrix is vocabulary by vocabulary; its non-zero eigenvalues are those of the d_model by
    d_model product W_V W_O W_U W_E, which is what is computed. From -1 to 1.
    """
    d_model = model.config.n_embd
    width = d_model // model.config.n_head
    block = model.transformer.h[layer].attn
    start = 2 * d_model + head * width
    values = block.c_attn.weight[:, start : start + width]
    output = block.c_proj.weight[head * width : (head + 1) * width]
    loop = values @ output @ model.lm_head.weight.T @ model.transformer.wte.weight
    eigenvalues = torch.linalg.eigvals(loop.double())
    return (eigenvalues.real.sum() / eigenvalues.abs().sum()).item()


@torch.no_grad()
def repeat_patterns(model: Any, n: int, seed: int, length: int = 12) -> list[Tensor]:
    """Patterns [b, h, p, s] of each layer on ``<bos>`` and ``length`` distinct words twice."""
    rng = random.Random(f"mechanism/repeats/{seed}")
    words = lex.vocabulary()
    rows = [rng.sample(words, length) * 2 for _ in range(n)]
    tokens = scores.encode(rows, scores.word_ids())
    return list(model(tokens, output_attentions=True).attentions)


def _repeat_scores(pattern: Tensor, length: int = 12) -> dict[str, float]:
    """Mean attention [b, p, s] along the diagonals one, ``length`` - 1 and ``length`` back."""
    offsets = {"previous": 1, "induction": length - 1, "duplicate": length}
    return {k: pattern.diagonal(-o, -2, -1).mean().item() for k, o in offsets.items()}


def _attention(pattern: Tensor, batch: Prompts) -> dict[str, float]:
    """Mean attention [b, p, s] between the places that matter."""
    rows, s2 = batch.rows, batch.second_giver
    first, second = batch.places["first"][0], batch.places["second"][0]
    found = {
        "end_to_io": pattern[rows, -1, batch.receiver],
        "end_to_s1": pattern[rows, -1, batch.first_giver],
        "end_to_s2": pattern[rows, -1, s2],
        "s2_to_s1": pattern[rows, s2, batch.first_giver],
        "s2_to_after_s1": pattern[rows, s2, batch.first_giver + 1],
        "end_to_first": pattern[rows, -1, first],
        "end_to_second": pattern[rows, -1, second],
    }
    return {k: v.mean().item() for k, v in found.items()}


@torch.no_grad()
def measure(model: Any, n: int, seed: int) -> dict[str, Any]:
    """The table of heads and of layers for the card; ``model`` must give its patterns."""
    batch = prompts(n, seed)
    probe = Probe(model)
    with probe.recording():
        contrast = model(batch.contrast).logits[:, -1]
        means = {k: v.mean(0, keepdim=True) for k, v in probe.z.items()}
        mlp_means = {k: v.mean(0, keepdim=True) for k, v in probe.mlp.items()}
        run = model(batch.tokens, output_attentions=True)
    rows = batch.rows
    base = probe.gap(batch)
    lengthwise = _directions(probe, batch)
    repeated = repeat_patterns(model, 128, seed)
    heads = []
    for layer in range(probe.layers):
        writes = model.transformer.h[layer].attn.c_proj.weight
        for head in range(probe.heads):
            part = probe.part(head)
            write = probe.z[layer][:, -1, part] @ writes[part]
            row: dict[str, Any] = {"head": f"L{layer}H{head}"}
            row |= _ablations(probe, batch, (layer, head), means[layer], base)
            row |= {k: (write * d).sum(-1).mean().item() for k, d in lengthwise.items()}
            row |= _attention(run.attentions[layer][:, head], batch)
            row |= _repeat_scores(repeated[layer][:, head])
            row["copying"] = copying_score(model, layer, head)
            heads.append(row)
    contrast_gap = contrast[rows, batch.receiver_id] - contrast[rows, batch.giver_id]
    return {
        "prompts": n,
        "logit_difference": base,
        "logit_difference_three_names": contrast_gap.mean().item(),
        "heads": heads,
        "layers": _layers(probe, batch, means, mlp_means, base),
    }


def _ablations(
    probe: Probe, batch: Prompts, place: tuple[int, int], mean: Tensor, base: float
) -> dict[str, float]:
    """Change of the logit difference when a head's ``z`` is replaced, everywhere or in places."""
    layer, head = place
    places = batch.places
    found = {}
    for label, value, at in (
        ("zero", None, "all"),
        ("mean", mean, "all"),
        ("mean_at_after", mean, "after"),
        ("mean_at_s2", mean, "s2"),
        ("mean_at_end", mean, "end"),
    ):
        with probe.replacing(layer, [head], value, places[at]):
            found[label] = probe.gap(batch) - base
    return found


def _layers(
    probe: Probe,
    batch: Prompts,
    means: dict[int, Tensor],
    mlp_means: dict[int, Tensor],
    base: float,
) -> list[dict[str, Any]]:
    """For each layer: all its heads, or its MLP, replaced by their means."""
    toward = _directions(probe, batch)["dla"]
    found = []
    for layer in range(probe.layers):
        direct = (probe.mlp[layer][:, -1] * toward).sum(-1).mean().item()
        with probe.replacing(layer, list(range(probe.heads)), means[layer], batch.places["all"]):
            heads = probe.gap(batch) - base
        with probe.replacing_mlp(layer, mlp_means[layer]):
            mlp = probe.gap(batch) - base
        found.append({"layer": layer, "mean_heads": heads, "mean_mlp": mlp, "dla_mlp": direct})
    return found
