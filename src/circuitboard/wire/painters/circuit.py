"""The circuit that is open on the board: its edges, what is left of them, and what they carry."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from circuitboard.models.model import Model
from circuitboard.session.board import Board
from circuitboard.session.circuits import OpenCircuit, circuit_numbers
from circuitboard.spec.errors import CircuitboardError
from circuitboard.spec.task import Task
from circuitboard.wire.messages import CircuitInfo, CircuitView
from circuitboard.wire.painters.scene import QUICK, Floats, Painter, Scene

#: Passes of the model that the first numbers take: a proof, values of two prompts, five masks.
PASSES = 10


def paint(view: CircuitView, scene: Scene) -> CircuitInfo:
    """Arrays as :class:`CircuitView` names them."""
    board = scene.board
    opened = board.opened
    if opened is None:
        return CircuitInfo()
    task = _task(board)
    cost = PASSES * _passed(board.model) * len(scene.board.tokens)
    quick = opened.task is None and cost < QUICK
    numbers = circuit_numbers(scene.backlog, view, board, opened, quick)
    edges = _add_edges(scene, opened)
    scene.parcel.add("metric", numbers.metric)
    scene.parcel.add("faithfulness", numbers.faithfulness)
    kept, other = opened.kept, opened.other
    cut = opened.cut
    return CircuitInfo(
        edges=edges,
        method=cut.method,
        task=cut.task,
        kept=len(kept),
        cut=len(cut),
        whole=len(opened.whole),
        total=cut.total,
        scored=cut.scores is not None,
        measured="" if task is None else task.name,
        pairs=0 if task is None else len(task),
        metric="" if task is None else task.metric,
        other="" if other is None else other.method or "by hand",
        other_task="" if other is None else other.task,
        other_size=0 if other is None else len(other),
        both=0 if other is None else len(set(kept.edges) & set(other.edges)),
        jaccard=0.0 if other is None else kept.jaccard(other),
        neurons=list(cut.neurons),
        problem="" if numbers.problem is None else numbers.problem.message,
        hint="" if numbers.problem is None else numbers.problem.hint,
    )


def _task(board: Board) -> Task | None:
    try:
        return board.circuit_task()
    except CircuitboardError:
        return None


def _passed(model: Model) -> int:
    """Multiplications for one token in a pass of the model, roughly."""
    f = model.facts
    return f.n_layers * f.d_model * (4 * f.n_heads * f.d_head + 2 * f.d_mlp)


def _add_edges(scene: Scene, opened: OpenCircuit) -> list[str]:
    """All edges of the two circuits; adds what is said of each."""
    known = {one.edge: one.score for one in opened.cut.kept}
    theirs = {} if opened.other is None else {one.edge: one.score for one in opened.other.kept}
    scores = known | {edge: score for edge, score in theirs.items() if edge not in known}
    edges = list(scores)
    kept = known.keys() - opened.pruned
    scene.parcel.add("score", np.array(list(scores.values()), np.float32))
    scene.parcel.add("kept", _flags(edge in kept for edge in edges))
    scene.parcel.add("other", _flags(edge in theirs for edge in edges))
    return edges


def _flags(flags: Iterable[bool]) -> Floats:
    return np.array(list(flags), np.float32)


def record(board: Board) -> list[CircuitView]:
    """The one there is, where a circuit is open."""
    return [] if board.opened is None else [CircuitView()]


PAINTER = Painter(
    paint,
    record=record,
    axes={
        "score": ("edge",),
        "kept": ("edge",),
        "other": ("edge",),
        "metric": ("run",),
        "faithfulness": ("circuit",),
    },
)
