"""Direct logit attribution: what each part adds to the metric along the residual stream alone.

Definition (Elhage 2021, "A Mathematical Framework for Transformer Circuits"; Wang 2022): a part's
output at the last position, with the mean over d_model removed where the final norm removes it,
divided by the final norm's scale of this run, dot the difference of the unembedding's directions
for target and foil, the norm's gain folded in. The parts, the attention biases and the constant sum
exactly to the logit difference before any logit soft-cap. A norm after attention or MLP (Gemma) is
held at its scale of this run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.spec.address import Address
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Attribution:
    """Mean over prompts, in logits.

    Attributes:
        heads: [l, h]; mlps: [l] (NaN without MLP); attn_rest: [l], what a layer's attention adds
            beyond its heads (b_O); embed: embedding and positions together; constant: what the
            final norm's bias and the unembedding's bias add.
    """

    heads: Floats
    mlps: Floats
    attn_rest: Floats
    embed: float
    constant: float

    @property
    def total(self) -> float:
        """The sum of all, the logit difference without soft-cap."""
        parts = (self.heads, np.nan_to_num(self.mlps), self.attn_rest)
        return float(sum(p.sum() for p in parts)) + self.embed + self.constant


@dataclass(frozen=True)
class Reader:
    """The metric as a direction in the residual stream, before division by the final scale."""

    direction: Tensor
    constant: float


def attribute(engine: Engine, run: HeldRun, metric: Metric) -> Attribution:
    """Direct logit attribution of a run at each prompt's last position."""
    model = engine.model
    reader = metric_reader(engine, metric)
    rows = torch.arange(len(run.lengths), device=run.tokens.device)
    last = torch.tensor([n - 1 for n in run.lengths], device=run.tokens.device)
    scale = final_scale(engine, run, (rows, last))
    n_layers, n_heads = model.facts.n_layers, model.facts.n_heads
    heads = np.zeros((n_layers, n_heads), np.float32)
    mlps = np.full(n_layers, np.nan, np.float32)
    rest = np.zeros(n_layers, np.float32)
    for layer, part in enumerate(run.written):
        weights = head_directions(engine, layer, metric, reader.direction)
        by_head = torch.einsum("bhe,he->bh", part.z.float(), weights)
        if part.attn_scale is not None:
            by_head = by_head / part.attn_scale[:, None]
        by_head = by_head / scale[:, None]
        heads[layer] = by_head.mean(0).cpu().numpy()
        if part.attn is not None:
            whole = (part.attn.float() @ reader.direction) / scale
            rest[layer] = float((whole - by_head.sum(1)).mean())
        if part.mlp is not None:
            mlps[layer] = float(((part.mlp.float() @ reader.direction) / scale).mean())
    start = _stream_start(engine, run)[rows, last].float()
    embed = float(((start @ reader.direction) / scale).mean())
    return Attribution(heads, mlps, rest, embed, reader.constant)


def _stream_start(engine: Engine, run: HeldRun) -> Tensor:
    first = Address("resid_pre", layer=0)
    if any(i.address.place == first.place for i in run.interventions):
        return engine.read(run, [first])[first.place]
    return run.entering[0]


def final_scale(engine: Engine, run: HeldRun, at: Any = slice(None)) -> Tensor:
    """What the final norm divides by: [b, p], or an index of that, such as the last positions."""
    model = engine.model
    if not model.has_part("ln_final.scale"):
        return torch.ones_like(run.shifted[at][..., 0], dtype=torch.float32)
    if any(i.address.part.startswith("ln_final") for i in run.interventions):
        place = Address("ln_final.scale")
        return engine.read(run, [place])[place.place][at].float()
    final = run.shifted[at].float()
    if model.facts.norm == "LN":
        final = final - final.mean(-1, keepdim=True)
    return (final.pow(2).mean(-1) + model.final_eps()).sqrt()


def metric_reader(engine: Engine, metric: Metric) -> Reader:
    """The direction that a metric reads; of a probability, that of its target's logit."""
    key = ("reader", metric.target, metric.foil)
    model = engine.model
    if key not in engine.directions:
        tokens = [metric.target] if metric.foil is None else [metric.target, metric.foil]
        rows = model.unembed_rows(tokens)
        signs = torch.tensor([1.0, -1.0][: len(tokens)], device=rows.device)
        plain = signs @ rows
        gain = model.final_gain()
        direction = plain if gain is None else plain * gain
        if model.facts.norm == "LN" and model.has_part("ln_final"):
            direction = direction - direction.mean()
        bias = model.final_bias()
        constant = 0.0 if bias is None else float(plain @ bias)
        constant += float(signs @ model.unembed_bias(tokens).to(signs))
        engine.directions[key] = direction
        engine.directions[(*key, "constant")] = torch.tensor(constant)
    return Reader(engine.directions[key], float(engine.directions[(*key, "constant")]))


def head_directions(
    engine: Engine, layer: int, metric: Metric, direction: Float[Tensor, "d"]
) -> Float[Tensor, "h e"]:
    """[h, e]: how much a unit of each head's z writes along the direction."""
    key = ("heads", metric.target, metric.foil, layer)
    if key not in engine.directions:
        gain = engine.model.post_gain(layer, "ln1_post")
        towards = direction if gain is None else direction * gain
        weights = engine.model.output_weights(layer).detach()
        engine.directions[key] = weights.float() @ towards
    return engine.directions[key]


def output_norms(engine: Engine, run: HeldRun) -> tuple[Floats, Floats]:
    """Length of what each head [l, h] and MLP [l] writes at the last position, mean over prompts.

    A norm after attention (Gemma) is not included in a head's length.
    """
    model = engine.model
    heads = np.zeros((model.facts.n_layers, model.facts.n_heads), np.float32)
    mlps = np.full(model.facts.n_layers, np.nan, np.float32)
    for layer, part in enumerate(run.written):
        weights = model.output_weights(layer).detach()
        written = torch.einsum("bhe,hed->bhd", part.z.float(), weights.float())
        heads[layer] = written.norm(dim=-1).mean(0).cpu().numpy()
        if part.mlp is not None:
            mlps[layer] = float(part.mlp.float().norm(dim=-1).mean())
    return heads, mlps
