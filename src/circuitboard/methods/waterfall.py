"""From the embedding to the metric, step by step: direct logit attribution that ends at the metric.

Every part's vector at the last position is read along the direction that target minus foil have
behind the final norm, the norm held at its scale of this run (see
:mod:`circuitboard.methods.direct_logit_attribution`). What biases add is a step of its own, and so
is what comes after: the effect of a logit soft-cap, and for a probability of one token the
normalisation, minus the log of the sum of exp of all logits. So the steps sum to the logit
difference or the log-probability that the model gives, and what is missing is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.result import RunResult
from circuitboard.methods.components import Components, gather
from circuitboard.methods.direct_logit_attribution import final_scale, metric_reader
from circuitboard.spec.errors import TargetError
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Step:
    """One step of the waterfall.

    ``kind`` is a part's (``embed``, ``head``, ``rest``, ``mlp``, ...), or ``edges`` (what edges
    into the logits add), ``constant`` (biases), ``cap`` (the soft-cap's effect) or ``softmax``
    (normalisation). ``value`` is in logits, or nats for ``softmax``.
    """

    kind: str
    at: str
    layer: int | None
    value: float


@dataclass(frozen=True)
class Waterfall:
    """All steps at the last position of one prompt.

    Attributes:
        steps: in the order of the model.
        reached: what the model itself gives: logit difference, or log-probability without a foil.
        scale: what the final norm divides by in this run.
    """

    steps: list[Step]
    reached: float
    scale: float

    @property
    def total(self) -> float:
        """The sum of the steps."""
        return float(np.sum([step.value for step in self.steps], dtype=np.float64))

    @property
    def error(self) -> float:
        """What the sum misses."""
        return self.reached - self.total


def build(engine: Engine, run: HeldRun, found: Components, metric: Metric) -> Waterfall:
    """The waterfall of a run, from the components of its last position."""
    row, position = found.prompt, found.position
    device = run.tokens.device
    at = (torch.tensor([row], device=device), torch.tensor([position], device=device))
    scale = final_scale(engine, run, at)[0]
    metric_reader(engine, metric)  # refuses targets of each prompt's own
    tokens = [metric.target] if metric.foil is None else [metric.target, metric.foil]
    vectors = torch.stack(found.vectors)
    by_token: list[list[float]] = []
    for token in tokens:
        read = metric_reader(engine, Metric("log-probability", token))
        values = (vectors @ read.direction / scale).tolist()
        if run.tail_shift is not None:
            values.append(float(run.tail_shift[row, position].float() @ read.direction / scale))
        by_token.append([*values, read.constant])
    signs = np.array([1.0, -1.0][: len(tokens)])
    values = signs @ np.array(by_token)
    steps = [
        Step(part.kind, part.at, part.layer, float(value))
        for part, value in zip(found.parts, values, strict=False)
    ]
    if run.tail_shift is not None:
        steps.append(Step("edges", "logits", None, float(values[-2])))
    steps.append(Step("constant", "logits", None, float(values[-1])))
    sums = np.array(by_token).sum(1)
    if cap := engine.model.facts.softcap:
        capped = cap * np.tanh(sums / cap)
        steps.append(Step("cap", "logits", None, float(signs @ (capped - sums))))
    logits = engine.last_logits(run)[row].double()
    reached = float(signs @ logits[tokens].cpu().numpy())
    if metric.foil is None:
        total = float(logits.logsumexp(-1))
        steps.append(Step("softmax", "logits", None, -total))
        reached -= total
    return Waterfall(steps, reached, float(scale))


def waterfall(result: RunResult, *, prompt: int = 0) -> Waterfall:
    """What each part adds to the metric along the residual stream alone, to the metric itself.

    Args:
        result: a run with a target (and a foil): ``cb.run(model, text, target=..., foil=...)``,
            ``board.result`` or ``board.baseline``.
        prompt: which prompt of the run.

    Raises:
        TargetError: the run has no target.
        StaleResultError: weights or hooks were changed since the run.
    """
    engine, run, metric = result.engine, result.held, result.metric_kind
    if metric is None:
        raise TargetError("The run has no target.", "Give one: run(..., target=, foil=).")
    engine.check_fresh(run)
    found = Components(run.lengths[prompt] - 1, prompt)
    with engine.model.lock:
        for _ in gather(engine, run, found):
            pass
        return build(engine, run, found, metric)
