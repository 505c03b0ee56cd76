"""The geometry of the residual stream, and embeddings."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
from torch import Tensor

from circuitboard.engine.held import HeldRun
from circuitboard.methods.directions import Direction, Point, find, scale_at
from circuitboard.methods.embeddings import (
    Neighbour,
    direct_path,
    nearest,
    position_vectors,
)
from circuitboard.methods.stream import (
    cosines,
    is_known,
    norms,
    projections,
    read_steps,
    stacked,
    stream_at,
    stream_places,
)
from circuitboard.models.model import Model
from circuitboard.session.background import Sweep
from circuitboard.session.board import Board
from circuitboard.session.worker import Steps
from circuitboard.spec.address import Address
from circuitboard.wire import messages as m
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import QUICK, Painter, Scene, position_of


def stream_needs(view: m.StreamView, model: Model) -> list[Address]:
    """The middle of each block, where it is shown."""
    if view.what == "positions":
        place = Address.parse(view.place)
        return [place] if place.part == "resid_mid" else []
    return [p for p in stream_places(model, middle=True) if p.part == "resid_mid"]


def paint_stream(view: m.StreamView, scene: Scene) -> m.StreamInfo:
    """Arrays as :class:`StreamView` names them."""
    position = position_of(scene, view.position)
    place = scene.model.check(Address.parse(view.place)).at(None)
    point = Point(place, position)
    places = [place] if view.what == "positions" else stream_places(scene.model, middle=True)
    unit = "length"
    for end, run in scene.ends:
        _read(view, scene, end, run, places)
        if view.what == "positions" and not is_known(run, place):
            blank = np.full((run.lengths[0], run.lengths[0]), np.nan, np.float32)
            scene.parcel.add(f"values_{end}", blank)
            continue
        along: Direction | None = None
        if view.what == "projection":
            known = (scene.outcome.metric, scene.board.directions)
            along = find(scene.engine, run, view.direction, point, known)
            unit = along.unit
        values = _values(view, scene, run, places, position, along)
        scene.parcel.add(f"values_{end}", values.float().cpu().numpy())
    return m.StreamInfo(places=[p.place for p in places], unit=unit)


def _values(
    view: m.StreamView,
    scene: Scene,
    run: HeldRun,
    places: list[Address],
    position: int,
    along: Direction | None,
) -> Tensor:
    if view.what == "positions":
        return cosines(stream_at(scene.engine, run, places[0])[0, : run.lengths[0]])
    streams = stacked(scene.engine, run, places)
    if view.what == "layers":
        return cosines(streams[:, position])
    if along is None:
        return norms(streams)
    scale = scale_at(scene.engine, run, along, 0, list(range(run.lengths[0])))
    return projections(streams, along.vector, scale)


def _read(view: m.StreamView, scene: Scene, end: str, run: HeldRun, places: list[Address]) -> None:
    """Reads what is not known, at once where that is quick, else in the background."""
    missing = [place for place in places if not is_known(run, place)]
    if not missing:
        return
    engine, facts = scene.engine, scene.model.facts

    def begin() -> Sweep[None]:
        words = "baseline" if end == "base" else "now"
        name, label = f"stream {end}", f"Reading the residual stream ({words})"
        return Sweep(name, label, len(missing), None, read_steps(engine, run, missing))

    work = len(missing) * 12 * facts.d_model * facts.d_model * run.lengths[0]
    key = ("stream", engine.epoch, run.key, tuple(missing))
    scene.backlog.get(view, key, begin, quick=work < QUICK)


@dataclass
class _Found:
    """What was found about one token's embedding."""

    nearest: list[Neighbour] = field(default_factory=list[Neighbour])
    follows: list[Neighbour] = field(default_factory=list[Neighbour])


def paint_embedding(view: m.EmbeddingView, scene: Scene) -> m.EmbeddingInfo:
    """Arrays as :class:`EmbeddingView` names them."""
    engine, run, facts = scene.engine, scene.outcome.baseline, scene.model.facts
    position = position_of(scene, view.position)
    token = int(run.tokens[0, position])
    k = max(1, min(view.k, 50))

    def begin() -> Sweep[_Found]:
        found = _Found()

        def steps() -> Steps:
            with scene.model.lock:
                if engine.epoch == run.epoch:
                    found.nearest = nearest(engine, token, k)
                    found.follows = direct_path(engine, run, position, k)
            yield 1

        return Sweep(f"embedding {position}", "Comparing embeddings", 1, found, steps())

    work = 2 * facts.d_model * facts.d_vocab
    key = ("embedding", engine.epoch, run.key, position, k)
    found = scene.backlog.get(view, key, begin, quick=work < QUICK)
    vectors = position_vectors(engine, run)
    if vectors is not None:
        scene.parcel.add("pos_norms", vectors.norm(dim=-1).cpu().numpy())
        scene.parcel.add("pos_cosines", cosines(vectors).cpu().numpy())
    (embedded,) = scene.read(run, Address("embed"))
    return m.EmbeddingInfo(
        position=position,
        norm=float(embedded[0, position].float().norm()),
        nearest=_rows(scene.model, found.nearest),
        follows=_rows(scene.model, found.follows),
    )


def _rows(model: Model, found: list[Neighbour]) -> list[m.Neighbour]:
    return [
        m.Neighbour(id=n.token, text=model.token_text(n.token), value=n.value, logit=n.logit)
        for n in found
    ]


def stream_data(view: m.StreamView, scene: Scene) -> None:
    """What is drawn, under the name of what it is."""
    paint_stream(view, scene)
    scene.parcel.arrays[:] = [
        msgspec.structs.replace(array, name=array.name.replace("values", view.what))
        for array in scene.parcel.arrays
    ]


def record_stream(board: Board) -> list[m.StreamView]:
    """Each quantity at the place and position looked at, then at others."""
    directions = ["metric"] if wanted.has_metric(board) else []
    directions += [name for name in board.directions if name != "metric"]
    kinds: list[tuple[str, str]] = [("norms", "metric")]
    kinds += [("projection", direction) for direction in directions]
    kinds += [("layers", "metric"), ("positions", "metric")]
    asked = wanted.nearest(
        wanted.MOST, kinds, wanted.stream_places_of(board), wanted.positions(board)
    )
    return [
        m.StreamView(what=what, place=place, position=position, direction=direction)  # pyright: ignore[reportArgumentType]
        for (what, direction), place, position in asked
    ]


def record_embedding(board: Board) -> list[m.EmbeddingView]:
    """Every position."""
    return [m.EmbeddingView(position=i) for i in wanted.positions(board)]


STREAM = Painter(
    paint_stream,
    stream_needs,
    record_stream,
    {
        "norms": ("place", "position"),
        "projection": ("place", "position"),
        "layers": ("place", "other_place"),
        "positions": ("position", "other_position"),
    },
    stream_data,
)
EMBEDDING = Painter(
    paint_embedding,
    record=record_embedding,
    axes={"pos_norms": ("position",), "pos_cosines": ("position", "other_position")},
)
