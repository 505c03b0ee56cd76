"""The metric of a task when only a circuit's edges are live."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from circuitboard.circuits.trials import Trials, mask_of, space_of
from circuitboard.engine.sweep import Watch
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.task import Task
from circuitboard.spec.wiring import ends

Values = NDArray[np.float64]


def circuit_metrics(
    model: Model, circuits: Sequence[Circuit], task: Task, watch: Watch | None = None
) -> Values:
    """The task's metric under each circuit alone, [n, b]; the circuits are cut from one."""
    space = space_of(model, circuits[0])
    trials = Trials(model, task, space, watch=watch)
    return trials.of([mask_of(space, circuit.edges) for circuit in circuits])


def circuit_metric(model: Model, circuit: Circuit, task: Task, *, share: bool = False) -> Values:
    """The task's metric with only a circuit's edges live, on each pair [b].

    Everything else is as in the corrupted prompts (see :mod:`circuitboard.engine.masked`).

    Args:
        share: give faithfulness instead: (m(C) - m(nothing)) / (m(all) - m(nothing)), the
            denominator its mean over pairs, so that the mean is that of the task.

    Raises what :func:`circuitboard.evaluate` raises.
    """
    space = space_of(model, circuit)
    trials = Trials(model, task, space)
    values = trials.of([mask_of(space, circuit.edges)])[0]
    return (values - trials.empty) / (trials.full - trials.empty).mean() if share else values


def without_part(circuit: Circuit, place: str) -> Circuit:
    """A circuit without the edges into and out of one part."""
    kept = tuple(one for one in circuit.kept if place not in ends(one.edge))
    return msgspec.structs.replace(circuit, kept=kept)
