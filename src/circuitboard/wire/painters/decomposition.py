"""A residual taken apart, and the waterfall from the embedding to the metric."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.held import HeldRun
from circuitboard.methods.components import Components, gather
from circuitboard.methods.decomposition import Decomposition, measure
from circuitboard.methods.directions import Point, find
from circuitboard.methods.waterfall import Waterfall, build
from circuitboard.models.model import Model
from circuitboard.session.background import Sweep
from circuitboard.session.board import Board
from circuitboard.spec.address import Address
from circuitboard.spec.errors import TargetError
from circuitboard.wire.messages import (
    Component,
    DecompositionInfo,
    DecompositionView,
    View,
    WaterfallInfo,
    WaterfallView,
)
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import QUICK, Floats, Painter, Scene, position_of

Key = tuple[str, str]


def components_of(view: View, scene: Scene, end: str, run: HeldRun, position: int) -> Components:
    """The summands of the stream at a position, as far as they have been read."""
    engine, facts = scene.engine, scene.model.facts

    def begin() -> Sweep[Components]:
        found = Components(position)
        words = "baseline" if end == "base" else "now"
        return Sweep(
            f"components {end} {position}",
            f"Reading what each part wrote ({words})",
            facts.n_layers,
            found,
            gather(engine, run, found),
        )

    work = facts.n_layers * facts.d_model * facts.d_model
    if position != run.lengths[0] - 1:
        work *= 12 * run.lengths[0]
    key = ("components", engine.epoch, run.key, position)
    return scene.backlog.get(view, key, begin, quick=work < QUICK)


def decomposition_needs(view: DecompositionView, _model: Model) -> list[Address]:
    """The residual itself, where it is not kept anyway."""
    place = Address.parse(view.place)
    return [place] if place.part == "resid_mid" else []


def paint_decomposition(view: DecompositionView, scene: Scene) -> DecompositionInfo:
    """Arrays as :class:`DecompositionView` names them."""
    position = position_of(scene, view.position)
    place = scene.model.check(Address.parse(view.place)).at(None)
    point = Point(place, position)
    known = (scene.outcome.metric, scene.board.directions)
    found: dict[str, Decomposition] = {}
    ready = True
    for end, run in scene.ends:
        parts = components_of(view, scene, end, run, position)
        ready = ready and parts.layers == scene.model.facts.n_layers
        if not parts.parts:
            continue
        along = find(scene.engine, run, view.direction, point, known)
        found[end] = measure(scene.engine, run, parts, point, along)
    if len(found) < 2:
        empty: list[Component] = []
        return DecompositionInfo(
            place=view.place, position=position, components=empty, unit="length", ready=False
        )
    now, base = found["now"], found["base"]
    order = _order([(p.kind, p.at) for p in now.parts], [(p.kind, p.at) for p in base.parts])
    for end, one in found.items():
        keys = [(p.kind, p.at) for p in one.parts]
        scene.parcel.add(f"values_{end}", _aligned(order, keys, one.projections))
        scene.parcel.add(f"norms_{end}", _aligned(order, keys, one.norms))
        scene.parcel.add(f"cosines_{end}", _aligned(order, keys, one.cosines))
        length = float(np.linalg.norm(one.residual))
        ends = [one.total, one.constant, one.error, length]
        scene.parcel.add(f"ends_{end}", np.array(ends, np.float32))
    return DecompositionInfo(
        place=view.place,
        position=position,
        components=_components(order),
        unit=now.unit,
        ready=ready,
    )


def _order(now: list[Key], base: list[Key]) -> list[Key]:
    """The keys of both, in the order of the model: the run now has all, and its own changes."""
    known = set(now)
    return now + [key for key in base if key not in known]


def _aligned(order: list[Key], keys: list[Key], values: NDArray[Any]) -> Floats:
    """Values in a common order; 0 for what a run has not."""
    own = dict(zip(keys, values.tolist(), strict=True))
    return np.array([own.get(key, 0.0) for key in order], np.float32)


def _components(order: Sequence[Key]) -> list[Component]:
    found: list[Component] = []
    for kind, at in order:
        layer = Address.parse(at).layer
        found.append(Component(kind=kind, at=at, layer=layer))  # pyright: ignore[reportArgumentType]
    return found


def paint_waterfall(view: WaterfallView, scene: Scene) -> WaterfallInfo:
    """Arrays as :class:`WaterfallView` names them."""
    model, metric = scene.model, scene.outcome.metric
    if metric is None:
        raise TargetError("There is no metric to take apart.", "Give a target above.")
    found: dict[str, Waterfall] = {}
    ready = True
    for end, run in scene.ends:
        parts = components_of(view, scene, end, run, run.lengths[0] - 1)
        ready = ready and parts.layers == model.facts.n_layers
        if parts.parts:
            found[end] = build(scene.engine, run, parts, metric)
    order: list[Key] = []
    if len(found) == 2:
        keys = {end: [(s.kind, s.at) for s in one.steps] for end, one in found.items()}
        order = _in_place(keys["now"], keys["base"])
        for end, one in found.items():
            values = np.array([step.value for step in one.steps], np.float32)
            scene.parcel.add(f"values_{end}", _aligned(order, keys[end], values))
            ends = np.array([one.reached, one.error, one.scale], np.float32)
            scene.parcel.add(f"ends_{end}", ends)
    return WaterfallInfo(
        components=_components(order),
        metric=metric.kind,
        reached="log-probability" if metric.foil is None else "logit difference",
        post_norm=any(model.post_gain(0, which) is not None for which in ("ln1_post", "ln2_post")),
        softcap=model.facts.softcap,
        ready=ready and len(found) == 2,
    )


def _in_place(now: list[Key], base: list[Key]) -> list[Key]:
    """As :func:`_order`, with what follows the parts still last."""
    order = _order(now, base)
    last = ("edges", "constant", "cap", "softmax")
    parts = [key for key in order if key[0] not in last]
    return parts + sorted(
        (key for key in order if key[0] in last), key=lambda key: last.index(key[0])
    )


def record_decomposition(board: Board) -> list[DecompositionView]:
    """Every place at the position looked at, and every position at the place selected, first."""
    directions = ["metric"] if wanted.has_metric(board) else []
    directions += [name for name in board.directions if name != "metric"]
    asked = wanted.nearest(
        wanted.MOST, directions, wanted.stream_places_of(board), wanted.positions(board)
    )
    return [
        DecompositionView(place=place, position=position, direction=direction)
        for direction, place, position in asked
    ]


def record_waterfall(board: Board) -> list[WaterfallView]:
    """The one there is, if there is a metric."""
    return [WaterfallView()] if wanted.has_metric(board) else []


_PART = ("component",)
DECOMPOSITION = Painter(
    paint_decomposition,
    decomposition_needs,
    record_decomposition,
    dict.fromkeys(("values", "norms", "cosines"), _PART),
)
WATERFALL = Painter(paint_waterfall, record=record_waterfall, axes={"values": _PART})
