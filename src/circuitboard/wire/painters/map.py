"""The numbers that colour the map."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from typing import get_args

import numpy as np

from circuitboard.engine.held import HeldRun
from circuitboard.methods.direct_logit_attribution import attribute, output_norms
from circuitboard.session.board import Board
from circuitboard.session.effects import part_effects
from circuitboard.wire.messages import MapView, Measure
from circuitboard.wire.painters.scene import Floats, Painter, Scene


def paint(view: MapView, scene: Scene) -> None:
    """Arrays as :class:`MapView` names them."""
    for end, run in scene.ends:
        heads, mlps, embed = _measure(view, scene, run, end)
        scene.parcel.add(f"heads_{end}", heads)
        scene.parcel.add(f"mlp_{end}", mlps)
        scene.parcel.add(f"embed_{end}", np.array([embed], np.float32))
        scene.parcel.add(f"resid_{end}", _stream_norms(run))


def _measure(view: MapView, scene: Scene, run: HeldRun, end: str) -> tuple[Floats, Floats, float]:
    facts, engine, metric = scene.model.facts, scene.engine, scene.outcome.metric
    if view.measure == "norm":
        heads, mlps = output_norms(engine, run)
        start = run.entering[0]
        last = [n - 1 for n in run.lengths]
        return heads, mlps, float(start[range(len(last)), last].float().norm(dim=-1).mean())
    if metric is None:
        empty = np.full(facts.n_layers, np.nan, np.float32)
        return np.full((facts.n_layers, facts.n_heads), np.nan, np.float32), empty, np.nan
    if view.measure == "effect":
        found = part_effects(scene.backlog, view, engine, metric, run, scene.wanted(end))
        return found.heads, found.mlps, np.nan
    found = attribute(engine, run, metric)
    return found.heads, found.mlps, found.embed


def _stream_norms(run: HeldRun) -> Floats:
    """[2l+1]: before attention and before the MLP of each layer, and at the end."""
    rows, last = range(len(run.lengths)), [n - 1 for n in run.lengths]
    norms: list[float] = []
    for entering, written in zip(run.entering, run.written, strict=True):
        before = entering[rows, last].float()
        middle = before if written.attn is None else before + written.attn.float()
        norms += [float(before.norm(dim=-1).mean()), float(middle.norm(dim=-1).mean())]
    norms.append(float(run.final[rows, last].float().norm(dim=-1).mean()))
    return np.array(norms, np.float32)


def record(_board: Board) -> list[MapView]:
    """Every measure."""
    return [MapView(measure=name) for name in get_args(Measure)]


AXES = {
    "heads": ("layer", "head"),
    "mlp": ("layer",),
    "embed": ("embed",),
    "resid": ("sublayer",),
}
PAINTER = Painter(paint, record=record, axes=AXES)
