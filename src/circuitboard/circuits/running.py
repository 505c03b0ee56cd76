"""The metric of a task when only a circuit's edges are live."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from circuitboard.circuits.methods.job import contrast_of
from circuitboard.circuits.methods.left_out import left_out
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


def patched_parts(model: Model, circuit: Circuit, task: Task, places: Sequence[str]) -> Values:
    """The change of the task's metric with nodes or edges patched at once, on each pair [b].

    The clean prompts run; what is patched has its value of the corrupted ones. All else of the
    model is there, in the circuit or not: the circuit says which neurons are nodes of their own, so
    that its ``L3.mlp`` is the rest of that MLP.

    Args:
        places: such as ``L3.mlp.n17``, ``L3.mlp``, ``embed`` or ``L3.mlp.n17->logits``.

    Raises CircuitError for what is no node and no edge, or where the circuit is another model's.
    """
    space = space_of(model, circuit)
    return left_out(space, contrast_of(model, task.require(model)), [places])[0]


def without_part(circuit: Circuit, place: str) -> Circuit:
    """A circuit without the edges into and out of one part."""
    kept = tuple(one for one in circuit.kept if place not in ends(one.edge))
    return msgspec.structs.replace(circuit, kept=kept)
