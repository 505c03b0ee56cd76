"""Steering on a board: the lines of the list that steer, and what a coefficient does, swept."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.methods.steering import ENDS, along, fill
from circuitboard.session.background import Backlog, Sweep
from circuitboard.session.interventions import Entries
from circuitboard.session.worker import Steps
from circuitboard.spec.intervention import Add, InterventionSet
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]

#: Coefficients of a curve: an odd number, so that zero is one of them.
COUNT = 41
#: Seconds that one step may take: a click waits for no longer than that.
STEP = 0.08
#: Runs in the first step.
FIRST = 5


@dataclass(frozen=True)
class Line:
    """A line of the list that steers: a named direction added to a place."""

    entry: int
    at: str
    direction: str
    coefficient: float
    on: bool


def lines_of(entries: Entries, directions: Mapping[str, str]) -> list[Line]:
    """The lines that steer by a direction that has a name, in order."""
    names = {tensor: name for name, tensor in directions.items()}
    return [
        Line(entry.id, item.at, names[item.value], item.coefficient, entry.on)
        for entry in entries
        if isinstance(item := entry.item, Add) and item.value in names
    ]


@dataclass(frozen=True)
class Course:
    """What is swept: a line's coefficient, while everything else stays.

    Attributes:
        rest: what is done beside, in order.
        slot: how much of that comes before the line.
        line: the direction and the place.
        reach: the coefficients go from -reach to reach.
    """

    rest: InterventionSet
    slot: int
    line: Add
    reach: float

    @property
    def coefficients(self) -> list[float]:
        """In rising order, zero in the middle."""
        return [float(c) for c in np.linspace(-self.reach, self.reach, COUNT)]


def course_of(
    entries: Entries, at: str, tensor: str, reach: float, reference: tuple[str, ...] | None
) -> Course:
    """The course of a line that is there, or of one that would come last."""
    on = [entry for entry in entries if entry.on]
    mine = [isinstance(e.item, Add) and e.item.at == at and e.item.value == tensor for e in on]
    slot = mine.index(True) if any(mine) else len(on)
    rest = InterventionSet(tuple(e.item for e, own in zip(on, mine, strict=True) if not own))
    return Course(rest.refer(reference), slot, Add(at, tensor, 1.0), reach)


def steering_effects(
    backlog: Backlog, viewer: Hashable, engine: Engine, metric: Metric, run: HeldRun, course: Course
) -> Floats:
    """Metric, probabilities of target and foil [n, 3] along a course; NaN until known.

    ``run``: any run of the prompts. The coefficient that the board has now plays no part: the
    curve stays while a slider moves along it.
    """

    def begin() -> Sweep[Floats]:
        found = np.full((COUNT, ENDS), np.nan, np.float32)
        steps = _steps(engine, metric, run, course, found)
        label = f"Steering at {course.line.at}"
        return Sweep("steering", label, COUNT, found, steps, lasting=True)

    prompts = (tuple(run.lengths), tuple(run.tokens.flatten().tolist()))
    return backlog.get(viewer, ("steering", engine.epoch, prompts, metric, course), begin)


def _steps(engine: Engine, metric: Metric, run: HeldRun, course: Course, found: Floats) -> Steps:
    coefficients, size, done = course.coefficients, FIRST, 0
    # The whole range first, roughly: every eighth coefficient, then those between.
    order = sorted(range(COUNT), key=lambda i: min(s for s in (0, 1, 2, 3) if i % (8 >> s) == 0))
    while done < COUNT:
        some = order[done : done + size]
        with engine.model.lock:
            if engine.epoch != run.epoch:
                return
            began = time.monotonic()
            start, _ = engine.run(run.tokens, run.lengths, course.rest)
            sets = along(course.rest, course.line, [coefficients[i] for i in some], course.slot)
            part = np.full((len(some), ENDS), np.nan, np.float32)
            fill(engine, start, metric, sets, part)
            found[some] = part
            took = time.monotonic() - began
        done += len(some)
        yield done
        size = size * 2 if took < STEP / 2 else max(1, size // 2) if took > STEP else size
