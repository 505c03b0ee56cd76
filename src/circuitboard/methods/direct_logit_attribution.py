"""Direct logit attribution: what each part adds to the metric along the residual stream alone.

Definition (Elhage 2021, "A Mathematical Framework for Transformer Circuits"; Wang 2022): a part's
output at the last position, with the mean over d_model removed where the final norm removes it,
divided by the final norm's scale of this run, dot the difference of the unembedding's directions
for target and foil, the norm's gain folded in. The parts, the attention biases and the constant sum
exactly to the logit difference before any logit soft-cap. A norm after attention or MLP (Gemma) is
held at its scale of this run.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from circuitboard.spec.errors import TargetError
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Attribution:
    """Mean over prompts, in logits.

    Attributes:
        heads: [l, h]; mlps: [l] (NaN without MLP); attn_rest: [l], what a layer's attention adds
            beyond its heads (b_O); pos_embed: the position embedding, NaN where the model adds
            none or ``L0.resid_pre`` is changed; embed: all else that the stream begins with;
            constant: what the final norm's bias and the unembedding's bias add.
    """

    heads: Floats
    mlps: Floats
    attn_rest: Floats
    embed: float
    constant: float
    pos_embed: float = np.nan

    @property
    def total(self) -> float:
        """The sum of all, the logit difference without soft-cap."""
        parts = (self.heads, np.nan_to_num(self.mlps), self.attn_rest)
        ends = self.embed + float(np.nan_to_num(self.pos_embed)) + self.constant
        return float(sum(p.sum() for p in parts)) + ends


@dataclass(frozen=True)
class Reader:
    """The metric as a direction in the residual stream, before division by the final scale.

    Attributes:
        direction: [d], the final norm's gain and centring folded in.
        constant: what the final norm's bias and the unembedding's bias add, in logits.
    """

    direction: Tensor
    constant: float


def attribute(engine: Engine, run: HeldRun, metric: Metric) -> Attribution:
    """Direct logit attribution of a run at each prompt's last position.

    Raises TargetError for a metric whose prompts have targets of their own.
    """
    read = metric_reader(engine, metric)
    rows = torch.arange(len(run.lengths), device=run.tokens.device)
    last = torch.tensor([n - 1 for n in run.lengths], device=run.tokens.device)
    scale = final_scale(engine, run, (rows, last))
    heads, rest = _attention(engine, run, metric, read.direction, scale)
    mlps = _read_by(read.direction, [part.mlp for part in run.written], scale).mean(1)
    start, positions = _stream_start(engine, run)
    embed = float(((start[rows, last].float() @ read.direction) / scale).mean())
    if positions is None:
        return Attribution(heads, _floats(mlps), rest, embed, read.constant)
    there = positions.expand(len(rows), *positions.shape[1:])[rows, last].float()
    own = float(((there @ read.direction) / scale).mean())
    return Attribution(heads, _floats(mlps), rest, embed - own, read.constant, own)


def _attention(
    engine: Engine, run: HeldRun, metric: Metric, direction: Tensor, scale: Tensor
) -> tuple[Floats, Floats]:
    """What heads add [l, h], and what each layer's attention adds beyond them [l]."""
    layers = range(len(run.written))
    weights = torch.stack([head_directions(engine, i, metric, direction) for i in layers])
    z = torch.stack([part.z for part in run.written]).float()
    by_head = torch.einsum("lbhe,lhe->lbh", z, weights) / scale[:, None]
    scales = [part.attn_scale for part in run.written]
    if any(one is not None for one in scales):
        ones = torch.ones_like(scale)
        by_head = by_head / torch.stack([ones if s is None else s for s in scales])[..., None]
    whole = _read_by(direction, [part.attn for part in run.written], scale)
    rest = _floats((whole - by_head.sum(2)).mean(1))
    rest[[part.attn is None for part in run.written]] = 0.0
    return _floats(by_head.mean(1)), rest


def _read_by(direction: Tensor, parts: Sequence[Tensor | None], scale: Tensor) -> Tensor:
    """What the metric reads of some vectors [b, d]: [l, b], NaN where there is none."""
    nothing = torch.full((len(scale), len(direction)), torch.nan, device=direction.device)
    vectors = torch.stack([nothing if part is None else part.float() for part in parts])
    return vectors @ direction / scale


def _floats(values: Tensor) -> Floats:
    return values.cpu().numpy()


def _stream_start(engine: Engine, run: HeldRun) -> tuple[Tensor, Tensor | None]:
    """What enters the first block, and what of that the position embedding is, if known."""
    first, own = Address("resid_pre", layer=0), Address("pos_embed")
    if any(i.address.place == first.place for i in run.interventions):
        return engine.read(run, [first])[first.place], None
    if not engine.model.has(own):
        return run.entering[0], None
    return run.entering[0], engine.read(run, [own])[own.place]


def final_scale(engine: Engine, run: HeldRun, at: Any = slice(None)) -> Tensor:
    """What the final norm divides by, as the run's own interventions have it: [b, p].

    ``at`` is an index of that, such as rows and their last positions. One without a final norm.
    """
    model = engine.model
    if not model.has_part("ln_final.scale"):
        return torch.ones_like(run.shifted[at][..., 0], dtype=torch.float32)
    if any(i.address.part.startswith("ln_final") for i in run.interventions):
        place = Address("ln_final.scale")
        return engine.read(run, [place])[place.place].to(run.tokens.device)[at].float()
    final = run.shifted.to(run.tokens.device)[at].float()
    if model.facts.norm == "LN":
        final = final - final.mean(-1, keepdim=True)
    return (final.pow(2).mean(-1) + model.final_eps()).sqrt()


def metric_reader(engine: Engine, metric: Metric) -> Reader:
    """The direction that target and foil (or the target alone) read in the stream.

    Raises TargetError for a metric whose prompts have targets of their own.
    """
    if metric.apart:
        raise TargetError(
            "Direct logit attribution takes one target and foil for all prompts.",
            "Attribute prompts with other targets on their own.",
        )
    foils = () if metric.foil is None else (metric.foil,)
    return _reader(engine, (metric.target,), foils)


def prompt_reader(engine: Engine, metric: Metric, prompt: int) -> tuple[Reader, Metric]:
    """The same for one prompt of several, with its own target and foil; and its own metric.

    Of a set of targets or foils the mean is read.
    """
    own = metric.of_prompt(prompt)
    targets, foils = own.answers_of(1)
    return _reader(engine, targets[0], foils[0]), own


def _reader(engine: Engine, targets: tuple[int, ...], foils: tuple[int, ...]) -> Reader:
    key = ("reader", targets, foils)
    model = engine.model
    if key not in engine.directions:
        tokens = [*targets, *foils]
        rows = model.unembed_rows(tokens).to(model.device)
        signs = torch.tensor(
            [*[1 / len(targets)] * len(targets), *[-1 / len(foils) for _ in foils]],
            device=rows.device,
        )
        plain = signs @ rows
        gain = model.final_gain()
        direction = plain if gain is None else plain * gain.to(plain.device)
        if model.facts.norm == "LN" and model.has_part("ln_final"):
            direction = direction - direction.mean()
        bias = model.final_bias()
        constant = 0.0 if bias is None else float(plain @ bias.to(plain.device))
        constant += float(signs @ model.unembed_bias(tokens).to(signs))
        engine.directions[key] = direction
        engine.directions[(*key, "constant")] = torch.tensor(constant)
    return Reader(engine.directions[key], float(engine.directions[(*key, "constant")]))


def head_directions(
    engine: Engine, layer: int, metric: Metric, direction: Float[Tensor, "d"]
) -> Float[Tensor, "h e"]:
    """[h, e]: how much a unit of each head's z writes along the direction."""
    answers = (metric.target, metric.foil, metric.target_sets, metric.foil_sets)
    key = ("heads", *answers, layer)
    if key not in engine.directions:
        gain = engine.model.post_gain(layer, "ln1_post")
        towards = direction if gain is None else direction * gain.to(direction.device)
        weights = engine.model.output_weights(layer).detach().to(towards.device)
        engine.directions[key] = weights.float() @ towards
    return engine.directions[key]


def reading(
    engine: Engine, run: HeldRun, metric: Metric
) -> tuple[Float[Tensor, "d"], Float[Tensor, "b"]]:
    """How the metric reads the last position: a direction, to be divided by a scale.

    Returns:
        What a unit written there adds to the metric before the final norm's division [d], and what
        that norm divides by in this run [b].
    """
    rows = torch.arange(len(run.lengths), device=run.tokens.device)
    last = torch.tensor([n - 1 for n in run.lengths], device=run.tokens.device)
    return metric_reader(engine, metric).direction, final_scale(engine, run, (rows, last))
