"""The effect of many interventions, one at a time, on one metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.metric import evaluate
from circuitboard.engine.run import metric_of
from circuitboard.models.model import Model
from circuitboard.spec.intervention import AnyIntervention, InterventionSet
from circuitboard.spec.metric import Metric

Progress = Callable[[int, int, float], None]


def _ignore(_done: int, _total: int, _value: float) -> None:
    """Progress that nobody watches."""


def effects(
    engine: Engine,
    prompts: str | Sequence[str],
    each: Sequence[InterventionSet],
    metric: Metric,
    progress: Progress = _ignore,
) -> NDArray[np.float32]:
    """The metric's mean under each set minus its baseline, float32 [n].

    ``progress(done, total, effect)`` is called after each; raise in it to stop.
    """
    tokens, lengths = engine.encode(prompts)
    with engine.model.lock:
        base = engine.last_logits(engine.baseline(tokens, lengths))
    baseline = float(evaluate(metric, base).mean())
    out = np.empty(len(each), dtype=np.float32)
    for i, wanted in enumerate(each):
        with engine.model.lock:
            held, _ = engine.run(tokens, lengths, wanted, hold=False)
            out[i] = float(evaluate(metric, engine.last_logits(held)).mean()) - baseline
        progress(i + 1, len(each), float(out[i]))
    return out


def sweep(
    model: Model,
    prompt: str | Sequence[str],
    interventions: Iterable[AnyIntervention | InterventionSet],
    *,
    target: str,
    foil: str | None = None,
    progress: Progress = _ignore,
) -> NDArray[np.float32]:
    """How much each intervention, alone, changes the metric: float32 [n], in logits.

    Raises what :func:`circuitboard.run` raises.
    """
    engine = engine_of(model)
    metric = metric_of(model, target, foil)
    assert metric is not None
    engine.refresh()
    each = [InterventionSet.of(item) for item in interventions]
    return effects(engine, prompt, each, metric, progress)
