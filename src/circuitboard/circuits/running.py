"""The metric of a task when only a circuit's edges are live."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.edge_graph import Graph
from circuitboard.engine.masked import MaskedRuns
from circuitboard.engine.metric import Judge
from circuitboard.engine.run import resolve
from circuitboard.engine.sweep import Watch
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task
from circuitboard.spec.wiring import ends

Floats = NDArray[np.float32]


def mask_of(model: Model, graph: Graph, circuit: Circuit) -> Tensor:
    """A circuit as a mask [sender, receiver] of ones and zeros, in a graph's order.

    Raises CircuitError for an edge that the model has not, or one at some positions alone.
    """
    rows = {str(sender): i for i, sender in enumerate(graph.senders)}
    columns = {str(receiver): i for i, receiver in enumerate(graph.receivers)}
    mask = torch.zeros(len(rows), len(columns))
    for name in circuit.edges:
        edge = Edge.parse(name)
        if edge.position is not None:
            raise CircuitError(
                f"{name} is at some positions alone.", "Run circuits whose edges are at all."
            )
        row = rows.get(str(edge.sender))
        for receiver in _columns(model, edge.receiver):
            column = columns.get(receiver)
            if row is None or column is None:
                raise CircuitError(
                    f"{model.facts.name} has no edge {name}.", "Is the circuit of another model?"
                )
            mask[row, column] = 1
    return mask


def _columns(model: Model, receiver: Address) -> list[str]:
    """A receiver's columns: a head reads by three; shared keys and values are their first's."""
    if not receiver.part.startswith("head"):
        return [str(receiver)]
    names = "qkv" if receiver.part == "head" else [receiver.part.rpartition(".")[2]]
    size = model.facts.n_heads // model.facts.n_kv_heads
    head = receiver.head or 0
    first = head - head % size
    return [f"L{receiver.layer}H{head if name == 'q' else first}.{name}" for name in names]


def circuit_metrics(
    model: Model, circuits: Sequence[Circuit], task: Task, watch: Watch | None = None
) -> Floats:
    """The task's metric under each circuit alone, [n, b], all else as in the corrupted prompts."""
    by_width: dict[int, list[int]] = {}
    for i, pair in enumerate(task.pairs):
        by_width.setdefault(len(model.tokenize(pair.clean)), []).append(i)
    out = np.full((len(circuits), len(task)), np.nan, np.float32)
    for rows in by_width.values():
        some = msgspec.structs.replace(task, pairs=tuple(task.pairs[i] for i in rows))
        runs = MaskedRuns.of(model, some.clean, some.corrupt)
        metric = resolve(model, some.targets, some.foils, some.metric, len(some))
        tokens, lengths = runs.engine.encode(some.clean)
        clean = runs.engine.last_logits(runs.engine.baseline(tokens, lengths))
        judge = Judge(model, metric, tokens, lengths, clean)
        masks = [mask_of(model, runs.graph, circuit) for circuit in circuits]
        found = runs.measure(masks, judge, watch)
        out[:, rows] = found.float().detach().cpu().numpy()
    return out


def circuit_metric(model: Model, circuit: Circuit, task: Task, *, share: bool = False) -> Floats:
    """The task's metric with only a circuit's edges live, on each prompt [b].

    Everything else is as in the corrupted prompts (see :mod:`circuitboard.engine.masked`).

    Args:
        share: give faithfulness instead: (m(C) - m(nothing)) / (m(all) - m(nothing)), the
            denominator its mean over prompts, so that the mean is the ratio of the means.

    Raises CircuitError for a circuit of another model.
    """
    values = circuit_metrics(model, [circuit], task)[0]
    if not share:
        return values
    from circuitboard.circuits.explain.effects import metric_values

    low = metric_values(model, task, corrupt=True)
    gap = float((metric_values(model, task) - low).mean())
    return (values - low) / (gap or np.nan)


def without_part(circuit: Circuit, place: str) -> Circuit:
    """A circuit without the edges into and out of one part."""
    kept = tuple(one for one in circuit.kept if place not in ends(one.edge))
    return msgspec.structs.replace(circuit, kept=kept)
