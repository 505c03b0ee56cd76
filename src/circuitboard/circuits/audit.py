"""A circuit's largest scores beside what patching these edges gives."""

from __future__ import annotations

import numpy as np

from circuitboard.circuits.methods.job import contrast_of
from circuitboard.circuits.methods.left_out import left_out
from circuitboard.circuits.trials import space_of
from circuitboard.engine.sweep import Watch
from circuitboard.methods.audit import Audit, audited
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task


def audit(
    model: Model, task: Task, circuit: Circuit, k: int = 10, *, watch: Watch | None = None
) -> Audit:
    """Path patching of the circuit's k edges with the largest scores, beside these scores.

    Exact values are the change of the task's metric with one edge patched from the corrupted
    prompts (from the clean ones, where the circuit was found by ``denoising``), the mean over
    pairs. Scores of ``acdc``, ``learned-mask``, and ``node-attribution`` are other numbers than
    that: compare their order alone.

    Raises:
        CircuitError: the circuit has no edges, or is of another model.
    """
    if not circuit.kept:
        raise CircuitError("The circuit has no edges.", "Take a larger one: circuit.top(10).")
    if circuit.model and circuit.model != model.facts.name:
        raise CircuitError(
            f"The circuit is of {circuit.model}, the model is {model.facts.name}.",
            "Give the model that it was found in.",
        )
    ranked = sorted(circuit.kept, key=lambda one: -abs(one.score))[: max(k, 1)]
    names = [one.edge for one in ranked]
    direction = "denoising" if circuit.made.settings.get("direction") == "denoising" else "noising"
    contrast = contrast_of(model, task, direction)
    if circuit.neurons:
        groups = [[name] for name in names]
        exact = left_out(space_of(model, circuit), contrast, groups, watch).mean(1)
    else:
        exact = contrast.patched(names, watch).astype(np.float64)
    return audited(names, np.array([one.score for one in ranked]), exact)
