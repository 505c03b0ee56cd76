"""The numbers that colour the map."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from typing import get_args

import numpy as np

from circuitboard.engine.held import HeldRun
from circuitboard.methods.direct_logit_attribution import attribute
from circuitboard.methods.gradient_attribution import GradientAttribution
from circuitboard.methods.part_norms import PartNorms, norm_scales, part_norms, streams_at_end
from circuitboard.session.board import Board
from circuitboard.session.effects import part_effects
from circuitboard.session.gradients import kept_parts
from circuitboard.session.measures import kept_copying, kept_entropies, kept_head_scores
from circuitboard.wire.messages import ClassesView, MapView, Measure
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import Floats, Painter, Scene


@dataclass
class _Values:
    """One measure of every part; what is not filled in stays NaN."""

    heads: Floats
    mlp: Floats
    attn: Floats
    rest: Floats
    embed: Floats
    constant: Floats


def paint(view: MapView, scene: Scene) -> None:
    """Arrays as :class:`MapView` names them."""
    for end, run in scene.ends:
        values = _nothing(scene)
        _MEASURES[view.measure](view, scene, run, end, values)
        for field in fields(values):
            scene.parcel.add(f"{field.name}_{end}", getattr(values, field.name))
        norms, scales = scene.once(run, "spine", functools.partial(_spine, scene, run))
        scene.parcel.add(f"resid_{end}", norms)
        scene.parcel.add(f"scales_{end}", scales)


def _spine(scene: Scene, run: HeldRun) -> tuple[Floats, Floats]:
    """Lengths of the stream [2l+1], and what its norms divide by."""
    norms = [float(vectors.norm(dim=-1).mean()) for vectors in streams_at_end(run)]
    return np.array(norms, np.float32), norm_scales(scene.engine, run)


def _nothing(scene: Scene) -> _Values:
    f = scene.model.facts
    shapes = ((f.n_layers, f.n_heads), f.n_layers, f.n_layers, f.n_layers, 2, 1)
    return _Values(*(np.full(shape, np.nan, np.float32) for shape in shapes))


def _attribution(_view: MapView, scene: Scene, run: HeldRun, _end: str, out: _Values) -> None:
    metric = scene.outcome.metric
    if metric is None:
        return
    found = scene.once(run, ("attribution", metric), lambda: attribute(scene.engine, run, metric))
    out.heads, out.mlp, out.rest = found.heads, found.mlps, found.attn_rest
    out.attn = found.heads.sum(1) + found.attn_rest
    out.embed[:] = found.embed, found.pos_embed
    out.constant[0] = found.constant


def _effect(view: MapView, scene: Scene, run: HeldRun, end: str, out: _Values) -> None:
    metric = scene.outcome.metric
    if metric is None:
        return
    found = part_effects(scene.backlog, view, scene.engine, metric, run, scene.wanted(end))
    out.heads, out.mlp, out.attn, out.embed = found.heads, found.mlps, found.attn, found.feet


def _gradient(view: MapView, scene: Scene, run: HeldRun, _end: str, out: _Values) -> None:
    """To zero, or to what each part is on the contrast prompt."""
    metric, source = scene.outcome.metric, None
    if view.measure == "gradient_contrast":
        text = scene.outcome.question.contrast
        source = scene.engine.encode(text)[0] if text else None
        if source is None or source.shape != run.tokens.shape:
            return
    if metric is None:
        return
    parts = kept_parts(scene.backlog, view, scene.engine, metric, run, source)
    if parts is not None:
        found = GradientAttribution.of(parts)
        out.heads, out.mlp, out.attn = found.heads, found.mlps, found.attn
        out.embed[:] = found.embed, found.pos_embed


def _norm(_view: MapView, scene: Scene, run: HeldRun, _end: str, out: _Values) -> None:
    _put_norms(_norms_of(scene, run), out)


def _share(_view: MapView, scene: Scene, run: HeldRun, _end: str, out: _Values) -> None:
    _put_norms(_norms_of(scene, run).shares(scene.model.facts.parallel), out)


def _norms_of(scene: Scene, run: HeldRun) -> PartNorms:
    return scene.once(run, "norms", lambda: part_norms(scene.engine, run))


def _put_norms(found: PartNorms, out: _Values) -> None:
    out.heads, out.mlp, out.attn, out.rest = found.heads, found.mlps, found.attn, found.rest
    out.embed[:] = found.embed, found.pos_embed


def _entropy(view: MapView, scene: Scene, run: HeldRun, _end: str, out: _Values) -> None:
    found = kept_entropies(scene.backlog, view, scene.engine, run)
    if view.measure == "entropy_mean":
        out.heads = found.mean(-1)
        return
    width = found.shape[-1]
    position = view.position + width if view.position < 0 else view.position
    out.heads = found[..., max(0, min(position, width - 1))]


def _score(view: MapView, scene: Scene, _run: HeldRun, _end: str, out: _Values) -> None:
    out.heads = getattr(kept_head_scores(scene.backlog, view, scene.engine), view.measure)


def _copying(view: MapView, scene: Scene, _run: HeldRun, _end: str, out: _Values) -> None:
    out.heads = kept_copying(scene.backlog, view, scene.engine)


_MEASURES = {
    "attribution": _attribution,
    "effect": _effect,
    "gradient": _gradient,
    "gradient_contrast": _gradient,
    "norm": _norm,
    "share": _share,
    "entropy": _entropy,
    "entropy_mean": _entropy,
    "previous": _score,
    "duplicate": _score,
    "induction": _score,
    "current": _score,
    "first": _score,
    "copying": _copying,
}


def paint_classes(view: ClassesView, scene: Scene) -> None:
    """Arrays as :class:`ClassesView` names them."""
    scores = kept_head_scores(scene.backlog, view, scene.engine)
    for field in fields(scores):
        scene.parcel.add(field.name, getattr(scores, field.name))
    scene.parcel.add("copying", kept_copying(scene.backlog, view, scene.engine))


def record(board: Board) -> list[MapView]:
    """Every measure, and the entropy from every token."""
    measures = [MapView(measure=name) for name in get_args(Measure)]
    from_each = [MapView(measure="entropy", position=i) for i in wanted.positions(board)]
    return list(dict.fromkeys([*measures, *from_each]))


def record_classes(_board: Board) -> list[ClassesView]:
    """The one there is."""
    return [ClassesView()]


_HEADS = ("layer", "head")
AXES = {
    "heads": _HEADS,
    "mlp": ("layer",),
    "attn": ("layer",),
    "rest": ("layer",),
    "embed": ("embed",),
    "constant": ("constant",),
    "resid": ("sublayer",),
    "scales": ("sublayer",),
}
SCORES = ("previous", "duplicate", "induction", "current", "first", "copying")
PAINTER = Painter(paint, record=record, axes=AXES)
CLASSES = Painter(paint_classes, record=record_classes, axes=dict.fromkeys(SCORES, _HEADS))
