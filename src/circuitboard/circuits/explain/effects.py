"""What the metric loses when parts or edges take their values from the corrupted prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.run import resolve
from circuitboard.engine.sweep import Watch, measure
from circuitboard.models.model import Model
from circuitboard.spec.intervention import InterventionSet, Patch, Source
from circuitboard.spec.task import Task

Floats = NDArray[np.float32]
#: Places or edges that are patched together.
Places = Sequence[str]


def metric_values(model: Model, task: Task, *, corrupt: bool = False) -> Floats:
    """The task's metric on each clean prompt, [b]; or with the clean prompt's answers on the other.

    The answers are those of the clean prompts on both sides.
    """
    prompts = task.corrupt if corrupt else task.clean
    judged = resolve(model, task.targets, task.foils, task.metric, len(task))
    return measure(model, prompts, [], judged)[1]


def patched(
    model: Model, task: Task, groups: Sequence[Places], watch: Watch | None = None
) -> Floats:
    """The change of the metric with each group of places or edges patched at once, [n, b].

    The clean prompts run, and what is patched has its value of the corrupted ones.
    """
    source = Source(task.corrupt)
    sets = [InterventionSet(tuple(Patch(place, source) for place in group)) for group in groups]
    judged = resolve(model, task.targets, task.foils, task.metric, len(task))
    values, begun = measure(model, task.clean, sets, judged, watch)
    return values - begun


def code_of(places: Places, neurons: bool = False) -> str:
    """An expression that gives what :func:`patched` gives for one group.

    Args:
        neurons: some are nodes of the circuit, so that its MLPs are not the model's.
    """
    if neurons:
        return f"cb.patched_parts(model, circuit, task, {[*places]!r})"
    items = ", ".join(f'cb.Patch("{place}", cb.Source(task.corrupt))' for place in places)
    return (
        f"cb.sweep(model, task.clean, [[{items}]], target=task.targets, foil=task.foils, "
        "metric=task.metric, per_prompt=True)[0]"
    )
