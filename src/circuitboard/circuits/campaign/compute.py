"""What is done for one cell: load, find, measure."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import torch

from circuitboard.circuits.campaign.cell import KNOWN, Cell, Result
from circuitboard.circuits.discover import discover
from circuitboard.circuits.evaluate import evaluate
from circuitboard.circuits.known.known import KnownCircuit, known_circuit
from circuitboard.circuits.recovery import recovery
from circuitboard.circuits.tasks import BUILT_IN
from circuitboard.models.model import Model
from circuitboard.spec.errors import CircuitboardError
from circuitboard.spec.task import Task, task_of

#: What a quick evaluation leaves out.
QUICK = {"others": (), "random": 0, "subsets": 0, "greedy": 0, "minimality": "none"}
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def compute(cell: Cell) -> Result:
    """The result of a cell; a failed one, which says why, for whatever goes wrong in it."""
    began = time.perf_counter()
    try:
        model, task, known = opened(cell)
        began = time.perf_counter()
        return _found(cell, model, task, known)
    except CircuitboardError as error:
        told = str(error)
    except Exception as error:  # one cell shall not stop the others
        told = f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"
    return Result(cell.key, cell, "failed", error=told, seconds=time.perf_counter() - began)


def opened(cell: Cell) -> tuple[Model, Task, KnownCircuit | None]:
    """The model and the task of a cell, and the known circuit that it is about, if one."""
    known = None
    if cell.model.startswith(KNOWN):
        known = _known(cell.model)
        model = known.model
    else:
        model = _loaded(cell.model_at, cell.dtype, cell.device)
    if known is not None and cell.task == cell.model:
        task = known.task
    elif cell.task_digest:
        task = task_of(cell.task_at)
    else:
        drawn = {} if cell.pairs is None else {"n": cell.pairs}
        task = BUILT_IN[cell.task](model, seed=cell.seed, **drawn)
    task = task if cell.pairs is None else task.head(cell.pairs)
    return model, task.require(model), known


@lru_cache(maxsize=1)
def _loaded(place: str, dtype: str, device: str) -> Model:
    """The newest model alone is kept: cells come model by model."""
    from circuitboard.models.load import load

    return load(place, dtype=_DTYPES[dtype], device=device or None)


@lru_cache(maxsize=1)
def _known(name: str) -> KnownCircuit:
    return known_circuit(name)


def _found(cell: Cell, model: Model, task: Task, known: KnownCircuit | None) -> Result:
    began = time.perf_counter()
    found_on, held_out = task, None
    if cell.held_out is not None:
        held_out, found_on = task.split(cell.held_out, cell.seed)
    given: dict[str, Any] = {"seed": cell.seed, **cell.options}
    circuit = discover(model, found_on, cell.method, **given)
    truth = None if known is None else known.edges
    evaluation = None
    if cell.evaluation != "none":
        less: dict[str, Any] = {} if cell.evaluation == "full" else QUICK
        asked = {"held_out": held_out, "known": truth, "seed": cell.seed}
        evaluation = evaluate(model, circuit, found_on, **asked, **less)
    return Result(
        cell.key,
        cell,
        "done",
        circuit=circuit,
        evaluation=evaluation,
        auroc={} if truth is None else recovery(model, circuit, truth),
        seconds=time.perf_counter() - began,
    )
