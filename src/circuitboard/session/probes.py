"""Effects of many sets of interventions, swept in the background and kept."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.batch import Batch
from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import Judge
from circuitboard.session.background import Backlog, Sweep
from circuitboard.session.worker import Steps
from circuitboard.spec.intervention import InterventionSet
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]

#: Seconds that one step may take: a click waits for no longer than that.
STEP = 0.08
#: Runs in the first step.
FIRST = 4


@dataclass(frozen=True)
class Case:
    """Runs compared with one: the metric under each of ``sets`` minus that under ``start``."""

    start: InterventionSet
    sets: Sequence[InterventionSet]


@dataclass(frozen=True)
class Probe:
    """What is swept.

    Attributes:
        name: for the worker: a newer probe of that name replaces an older one.
        label: in words, for the screen.
        key: what it depends on beside the run and the metric.
        cases: each with as many sets as the others; they fill in side by side.
        lasting: it does not depend on what is done to the model, and goes on when that changes.
        first: as for a :class:`Sweep`.
    """

    name: str
    label: str
    key: Hashable
    cases: Sequence[Case]
    lasting: bool = False
    first: bool = False


def probe_effects(
    backlog: Backlog, viewer: Hashable, engine: Engine, metric: Metric, run: HeldRun, probe: Probe
) -> Floats:
    """Effects [cases, sets] on the prompts of a run, in the metric's units; NaN until known."""

    def begin() -> Sweep[Floats]:
        count = len(probe.cases[0].sets)
        found = np.full((len(probe.cases), count), np.nan, np.float32)
        steps = _steps(engine, metric, run, probe, found)
        sweep = Sweep(probe.name, probe.label, found.size, found, steps, probe.lasting)
        return replace(sweep, first=probe.first)

    return backlog.get(viewer, (probe.name, probe.key, engine.epoch, run.key, metric), begin)


def _steps(engine: Engine, metric: Metric, run: HeldRun, probe: Probe, found: Floats) -> Steps:
    count, at, size = found.shape[1], 0, FIRST
    begun = [np.nan] * len(probe.cases)
    while at < count:
        took = 0.0
        part = slice(at, min(at + size, count))
        for row, case in enumerate(probe.cases):
            with engine.model.lock:
                if engine.epoch != run.epoch:
                    return
                began = time.monotonic()
                start, _ = engine.run(run.tokens, run.lengths, case.start)
                judge = Judge(engine.model, metric, run.tokens, run.lengths)
                if at == 0:
                    begun[row] = float(judge.run(engine, start).mean())
                _fill(Batch(engine, start, judge, lambda: None), case.sets[part], found[row, part])
                found[row, part] -= begun[row]
                took = max(took, time.monotonic() - began)
            yield at * len(found) + (part.stop - at) * (row + 1)
        at = part.stop
        size = min(size * 2, 512) if took < STEP / 2 else max(1, size // 2) if took > STEP else size


def _fill(batch: Batch, sets: Sequence[InterventionSet], out: Floats) -> None:
    def take(i: int, values: Tensor) -> None:
        out[i] = float(values.float().mean())

    batch.run(sets, take)
