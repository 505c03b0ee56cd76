"""One norm: what it removes and amplifies, and what passes through its scale."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from circuitboard.engine.held import HeldRun
from circuitboard.methods import norms as method
from circuitboard.models.model import Model
from circuitboard.models.norms import gain
from circuitboard.session.board import Board
from circuitboard.session.probes import Case, Probe, probe_effects
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError
from circuitboard.wire.messages import (
    NormDirectionsInfo,
    NormDirectionsView,
    NormInfo,
    NormView,
)
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import Floats, Painter, Scene

#: Dimensions that stand out, listed.
OUTLIERS = 8
#: Parts whose effects through norms are swept for a saved board.
SWEPT = 1000


def needs(view: NormView, model: Model) -> list[Address]:
    """The stream that enters, the scale, and what leaves; nothing for an address that is none."""
    try:
        norm = method.norm_of(model, view.address)
    except AddressError:
        return []
    source = method.entering(model, norm)
    out = replace(norm, part=norm.part.removesuffix(".scale"))
    return [] if source is None else [source, norm, out]


def paint(view: NormView, scene: Scene) -> NormInfo:
    """Arrays as :class:`NormView` names them."""
    norm = method.norm_of(scene.model, view.address)
    values = {end: method.norm_values(scene.engine, run, norm) for end, run in scene.ends}
    dims, found = method.outliers(list(values.values()), OUTLIERS)
    scene.parcel.add("dims", np.array(dims))
    scene.parcel.add("gain", gain(scene.model, norm).cpu().numpy())
    for (end, run), (relative, share) in zip(scene.ends, found, strict=True):
        own = values[end]
        for name in ("scale", "mean", "before", "after"):
            scene.parcel.add(f"{name}_{end}", getattr(own, name))
        scene.parcel.add(f"relative_{end}", relative)
        scene.parcel.add(f"share_{end}", share)
        live, frozen = _effects(view, scene, run, end, norm)
        scene.parcel.add(f"live_{end}", live)
        scene.parcel.add(f"frozen_{end}", frozen)
    return NormInfo(
        address=norm.place,
        parts=method.upstream(scene.model, norm),
        metric=scene.outcome.metric is not None,
    )


def _effects(view: NormView, scene: Scene, run: HeldRun, end: str, norm: Address) -> Floats:
    """[2, c]: effects of upstream parts, the scale live and held."""
    metric, wanted = scene.outcome.metric, scene.wanted(end)
    if metric is None:
        return np.full((2, len(method.upstream(scene.model, norm))), np.nan, np.float32)
    sets = method.scale_probe(scene.model, scene.outcome.question.prompt, norm, wanted)
    order = np.arange(len(sets.parts))[::-1]  # late parts are ablated fastest
    live, held = ([group[i] for i in order] for group in (sets.live, sets.held))
    name = "now" if len(wanted) else "baseline"
    probe = Probe(
        f"scale {name}",
        f"Effects through {norm.place} ({name})",
        norm.place,
        [Case(wanted, live), Case(sets.hold, held)],
    )
    return probe_effects(scene.backlog, view, scene.engine, metric, run, probe)[:, order]


def paint_directions(view: NormDirectionsView, scene: Scene) -> NormDirectionsInfo:
    """Arrays as :class:`NormDirectionsView` names them."""
    model = scene.model
    norm = method.norm_of(model, view.address)
    length = scene.outcome.now.lengths[0]
    position = view.position + length if view.position < 0 else view.position
    position = max(0, min(position, length - 1))
    for end, run in scene.ends:
        written = method.writes(scene.engine, run, norm, position)
        ratios = method.amplified(model, norm, written)
        scene.parcel.add(f"ratio_{end}", ratios.cpu().numpy())
    metric = scene.outcome.metric
    target = None
    if metric is not None:
        direction = method.target_direction(model, metric)
        target = float(method.amplified(model, norm, direction)[0])
    even = float(gain(model, norm).pow(2).mean().sqrt())
    parts = method.upstream(model, norm)
    return NormDirectionsInfo(position=position, parts=parts, even=even, target=target)


def _norms(board: Board) -> list[str]:
    """The norms selected, then from the last one down, as many as are swept in a while."""
    model = board.model
    layers = [f"L{i}.{norm}" for i in range(model.facts.n_layers) for norm in ("ln1", "ln2")]
    there = [f"{a}.scale" for a in (*layers, "ln_final") if model.has(Address.parse(f"{a}.scale"))]
    chosen = [f"{found[1]}.scale" for found in wanted.selected(board, r"(L\d+\.ln[12]|ln_final)")]
    first = [norm for norm in chosen if norm in there]
    norms = list(dict.fromkeys([*first, *reversed(there)]))
    parts = itertools.accumulate(len(method.upstream(model, Address.parse(a))) for a in norms)
    few = sum(count <= SWEPT for count in parts)
    return norms[: max(few, len(dict.fromkeys(first)))]


def record(board: Board) -> list[NormView]:
    """Those that are worth their sweeps."""
    return [NormView(address=norm) for norm in _norms(board)]


def record_directions(board: Board) -> list[NormDirectionsView]:
    """The same norms, at every position."""
    asked = wanted.nearest(wanted.MOST, _norms(board), wanted.positions(board))
    return [NormDirectionsView(address=norm, position=position) for norm, position in asked]


_OVER = ("position",)
AXES = {
    **dict.fromkeys(("scale", "mean", "before", "after"), _OVER),
    "dims": ("row",),
    "relative": ("row", "position"),
    "share": ("row", "position"),
    "gain": ("dimension",),
    "live": ("part",),
    "frozen": ("part",),
}
PAINTER = Painter(paint, needs, record, AXES)
DIRECTIONS = Painter(paint_directions, record=record_directions, axes={"ratio": ("part",)})
