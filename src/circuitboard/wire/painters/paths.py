"""Edges into a part and out of it, what could be done to one, and the effects of those changed."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Sequence
from typing import Literal

import numpy as np

from circuitboard.engine.held import HeldRun
from circuitboard.methods.path_edges import edges_between, edges_from, edges_into
from circuitboard.session.board import Board
from circuitboard.session.paths import How, path_probe
from circuitboard.session.probes import Probe, probe_effects
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.intervention import AnyIntervention, InterventionSet
from circuitboard.wire.messages import (
    CablesInfo,
    CablesView,
    PathChoice,
    PathInfo,
    PathsInfo,
    PathsView,
    PathView,
)
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import Floats, Painter, Scene

#: Strongest heads whose paths are kept in a saved board, beside what is selected.
HEADS = 3
#: Edges that a saved board measures at most.
MOST = 1200
WAYS: tuple[Literal["into", "from"], ...] = ("into", "from")
HOWS: tuple[How, How] = ("patch", "zero")


def paint(view: PathsView, scene: Scene) -> PathsInfo:
    """Arrays as :class:`PathsView` names them."""
    board = scene.board
    problem = board.patch_problem()
    how: How = "zero" if view.zero or problem is not None else "patch"
    asked = (view.part, view.way, view.mlps, how, board.contrast)
    # Thousands of edges in a large model: they are named once, not at every step of the sweep.
    find = functools.partial(_asked, board, view, how)
    edges, items = scene.once(scene.outcome.baseline, ("paths", asked), find)
    label = f"Paths {'into' if view.way == 'into' else 'out of'} {view.part}"
    for end, run in scene.ends:
        on = scene.wanted(end)
        make = functools.partial(path_probe, "paths", label, asked, on, items)
        probe = scene.once(run, ("path probe", asked, on), make)
        scene.parcel.add(f"effect_{end}", _effects(scene, view, run, probe))
    return PathsInfo(
        edges=edges,
        how=how,
        metric=scene.outcome.metric is not None,
        no_patch="" if problem is None else problem.message,
        hint="" if problem is None else problem.hint,
    )


def _asked(board: Board, view: PathsView, how: How) -> tuple[list[str], Sequence[AnyIntervention]]:
    edges = _edges(board, view)
    return edges, board.on_edges(edges, how)


def _edges(board: Board, view: PathsView) -> list[str]:
    mlps: Literal["frozen", "recomputed"] = "recomputed" if view.mlps else "frozen"
    find = edges_into if view.way == "into" else edges_from
    return find(board.model, view.part, mlps)


def _effects(scene: Scene, viewer: Hashable, run: HeldRun, probe: Probe) -> Floats:
    metric, count = scene.outcome.metric, len(probe.cases[0].sets)
    if metric is None or count == 0:
        return np.full(count, np.nan, np.float32)
    return probe_effects(scene.backlog, viewer, scene.engine, metric, run, probe)[0]


def paint_one(view: PathView, scene: Scene) -> PathInfo:
    """Arrays as :class:`PathView` names them."""
    board = scene.board
    edges = edges_between(board.model, view.sender, view.receiver)
    problem = board.patch_problem()
    hows = HOWS if problem is None else HOWS[1:]
    choices = [_choice(edge, how) for how in hows for edge in edges]
    items = [item for how in hows for item in board.on_edges(edges, how)]
    label = f"Paths from {view.sender} to {view.receiver}"
    same = set(edges)
    on = InterventionSet(tuple(item for item in scene.wanted("now") if item.at not in same))
    probe = path_probe("path", label, tuple(items), on, items)
    scene.parcel.add("effect_now", _effects(scene, view, scene.outcome.now, probe))
    return PathInfo(
        choices=choices,
        metric=scene.outcome.metric is not None,
        no_patch="" if problem is None else problem.message,
        hint="" if problem is None else problem.hint,
    )


def _choice(edge: str, how: How) -> PathChoice:
    parsed = Edge.parse(edge)
    name = parsed.receiver.part
    end = name.removeprefix("head.") if name.startswith("head.") else ""
    return PathChoice(edge=edge, how=how, input=end, mlps=parsed.mlps)


def paint_cables(view: CablesView, scene: Scene) -> CablesInfo:
    """Arrays as :class:`CablesView` names them."""
    lines = [e for e in scene.outcome.question.entries if e.item.edge is not None]
    items = InterventionSet(tuple(e.item for e in lines)).refer(scene.board.reference).items
    probe = path_probe("cables", "Effect of each edge", items, InterventionSet(), items)
    scene.parcel.add("alone_base", _effects(scene, view, scene.outcome.baseline, probe))
    return CablesInfo(entries=[e.id for e in lines])


def record(board: Board) -> list[PathsView]:
    """What is selected, the strongest heads and the logits: who feeds them, then whom they feed."""
    if not wanted.has_metric(board):
        return []
    heads = [f"L{layer}H{head}" for layer, head in wanted.heads(board)[:HEADS]]
    chosen = [_part(address) for address in reversed(board.selection)]
    parts = list(dict.fromkeys([*filter(None, chosen), *heads, "logits"]))
    views = [PathsView(part=part, way=way) for part in parts for way in WAYS if _has(part, way)]
    through = [PathsView(part=part, mlps=True) for part in parts[:1] if _has(part, "into")]
    found: list[PathsView] = []
    room = MOST
    for view in (*views[:2], *through, *views[2:]):
        room -= len(_edges(board, view))
        if room >= 0:
            found.append(view)
    return found


def _part(address: str) -> str:
    """The part that an address belongs to, if it has edges."""
    place = Address.parse(address)
    if place.head is not None:
        return f"L{place.layer}H{place.head}"
    if place.part.startswith("mlp") or place.part == "neuron":
        return f"L{place.layer}.mlp"
    return place.place if place.part in ("embed", "attn", "logits") else ""


def _has(part: str, way: Literal["into", "from"]) -> bool:
    """Whether a part that has edges has them this way."""
    if way == "into":
        return part == "logits" or not part.endswith(("embed", "attn"))
    return part != "logits"


def record_cables(board: Board) -> list[CablesView]:
    """The one there is, where the list has edges."""
    edges = [e for e in board.question.entries if e.item.edge is not None]
    return [CablesView()] if edges and wanted.has_metric(board) else []


PAINTER = Painter(paint, record=record, axes={"effect": ("edge",)})
PATH = Painter(paint_one, axes={"effect": ("choice",)})
CABLES = Painter(paint_cables, record=record_cables, axes={"alone": ("line",)})
