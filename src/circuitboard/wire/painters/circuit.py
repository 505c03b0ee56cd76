"""The circuit that is open on the board: its edges, what is left of them, and what they carry."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from circuitboard.models.model import Model
from circuitboard.session.board import Board
from circuitboard.session.circuits import circuit_numbers
from circuitboard.session.open_circuit import OpenCircuit
from circuitboard.spec.comparison import Comparison
from circuitboard.spec.errors import CircuitboardError
from circuitboard.spec.task import Task
from circuitboard.wire.messages import CircuitInfo, CircuitMatch, CircuitRole, CircuitView
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
    compared = opened.compared()
    edges = _add_edges(scene, opened, compared)
    scene.parcel.add("metric", numbers.metric)
    scene.parcel.add("faithfulness", numbers.faithfulness)
    cut, kept = opened.cut, opened.kept
    info = CircuitInfo(
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
        neurons=list(cut.neurons),
        problem="" if numbers.problem is None else numbers.problem.message,
        hint="" if numbers.problem is None else numbers.problem.hint,
    )
    return info if compared is None else _beside(info, compared)


def _beside(info: CircuitInfo, compared: Comparison) -> CircuitInfo:
    """With what is said of the second circuit."""
    other, foreign = compared.other, compared.by != "address"
    matches = [CircuitMatch(mine=m.mine, theirs=m.theirs, apart=m.apart) for m in compared.matches]
    roles = [
        CircuitRole(
            role=row.role,
            first=list(row.first),
            other=list(row.other),
            first_effect=row.effects[0],
            other_effect=row.effects[1],
        )
        for row in compared.roles
    ]
    return msgspec.structs.replace(
        info,
        other=other.method or "by hand",
        other_task=other.task,
        other_size=len(other),
        other_model=other.model if other.model != compared.first.model else "",
        by=compared.by,
        both=len(compared.shared),
        jaccard=compared.edges.jaccard,
        elsewhere=list(compared.only_other) if foreign else [],
        parts=list(compared.parts),
        matches=matches if foreign else [],
        roles=roles,
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


def _add_edges(scene: Scene, opened: OpenCircuit, compared: Comparison | None) -> list[str]:
    """All edges of the two circuits that are this model's; adds what is said of each."""
    known = {one.edge: one.score for one in opened.cut.kept}
    theirs: dict[str, float] = {}
    if compared is not None and opened.foreign:
        theirs = {edge: known[edge] for edge in compared.shared}
    elif compared is not None:
        theirs = {one.edge: one.score for one in compared.other.kept}
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
