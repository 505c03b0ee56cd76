"""Attention of one head, cell by cell, and of its layer's heads as thumbnails."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.held import HeldRun
from circuitboard.methods.head_output import attribute_sources
from circuitboard.methods.head_pattern import shrink, summarise, without_first
from circuitboard.models.model import Model
from circuitboard.session.board import Board
from circuitboard.spec.address import Address
from circuitboard.spec.errors import CircuitboardError
from circuitboard.wire.messages import HeadInfo, HeadLineView, HeadRange, HeadValue, HeadView
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import Floats, Painter, Scene

#: Pixels that a thumbnail has across.
THUMB = 48
#: The code of a cell that is hidden or masked, and that of the largest value.
NOTHING, MOST = 255, 254
#: Tokens whose exact cells are kept in a saved board.
LINES = 1600

NO_SCORES = "This architecture computes its scores inside its library: there is nothing to read."
NO_METRIC = "There is no target token: give one to see what a source adds to its logit."


def places(model: Model, layer: int, part: str) -> list[Address]:
    """One place of every head of a layer."""
    return [Address(part, layer, head=h) for h in range(model.facts.n_heads)]


def needs(view: HeadView, model: Model) -> list[Address]:
    """Patterns of every head of the layer, and what the cells of the head hold."""
    own = {"scores": ("head.scores",), "weighted": ("head.v",), "attribution": ("head.v", "head.z")}
    more = [Address(p, view.layer, head=view.head) for p in own.get(view.value, ())]
    return [*places(model, view.layer, "head.pattern"), *more]


def paint(view: HeadView, scene: Scene) -> HeadInfo:
    """Arrays as :class:`HeadView` names them."""
    model, outcome = scene.model, scene.outcome
    model.check(Address("head.pattern", view.layer, head=view.head))
    unchanged = outcome.now is outcome.baseline
    shown: dict[str, HeadRange] = {}
    for end, run in scene.ends:
        if end == "base" and (unchanged or not view.base):
            continue
        found = scene.read(run, *places(model, view.layer, "head.pattern"))
        patterns = np.stack([pattern[0].float().cpu().numpy() for pattern in found])
        if view.skip_first:
            patterns = without_first(patterns)
        small = shrink(np.nan_to_num(patterns), THUMB)
        scene.parcel.add(f"thumbs_{end}", triangle(coded(small, 0.0, 1.0)))
        summary = summarise(patterns[view.head])
        scene.parcel.add(f"tokens_{end}", np.stack([summary.entropy, summary.received]))
        shown[end] = _cells(view, scene, end, run)
    return HeadInfo(
        tokens=outcome.now.tokens.shape[1],
        thumb=min(THUMB, outcome.now.tokens.shape[1]),
        now=shown["now"],
        base=shown.get("base"),
        unchanged=unchanged,
        no_scores="" if model.has_part("head.scores") else NO_SCORES,
        no_attribution="" if outcome.metric is not None else NO_METRIC,
    )


def _cells(view: HeadView, scene: Scene, end: str, run: HeldRun) -> HeadRange:
    values, total, rest = cells(view, scene, run)
    seen = values[lower(len(values))]
    seen = seen[np.isfinite(seen)]
    low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
    if view.value in ("pattern", "weighted"):
        low, high = min(low, 0.0), max(high, 1.0 if view.value == "pattern" else 1e-9)
    scene.parcel.add(f"cells_{end}", triangle(coded(values, low, high)))
    return HeadRange(low=low, high=high, total=total, rest=rest)


def cells(
    view: HeadView | HeadLineView, scene: Scene, run: HeldRun
) -> tuple[Floats, float | None, float | None]:
    """[p, p] exact, NaN where hidden or masked; and total and rest of an attribution."""
    head = Address("head", view.layer, head=view.head)
    if view.value == "attribution":
        if scene.outcome.metric is None:
            raise CircuitboardError(NO_METRIC, "Type one beside the prompt.")
        split = attribute_sources(scene.engine, run, head, scene.outcome.metric)
        out = split.cells.copy()
        if view.skip_first:
            out[:, 0] = np.nan
        return out, float(split.total[-1]), float(split.rest[-1])
    if view.value == "scores":
        if not scene.model.has_part("head.scores"):
            raise CircuitboardError(NO_SCORES, "Look at the pattern instead.")
        (scores,) = scene.read(run, Address("head.scores", view.layer, head=view.head))
        out = scores[0].float().cpu().numpy().copy()
        out[out < -1e30] = np.nan
        if view.skip_first:
            out[:, 0] = np.nan
        return out, None, None
    (pattern,) = scene.read(run, Address("head.pattern", view.layer, head=view.head))
    out = pattern[0].float().cpu().numpy()
    if view.skip_first:
        out = without_first(out)
    if view.value == "weighted":
        (value,) = scene.read(run, Address("head.v", view.layer, head=view.head))
        out = out * value[0].float().norm(dim=-1).cpu().numpy()[None, :]
    return out, None, None


def paint_line(view: HeadLineView, scene: Scene) -> None:
    """Arrays as :class:`HeadLineView` names them."""
    scene.model.check(Address("head.pattern", view.layer, head=view.head))
    last = scene.outcome.now.tokens.shape[1] - 1
    token = max(0, min(view.token, last))
    for end, run in scene.ends:
        values = cells(view, scene, run)[0]
        scene.parcel.add(f"row_{end}", values[token, : token + 1])
        scene.parcel.add(f"column_{end}", values[token:, token])


def coded(values: Floats, low: float, high: float) -> NDArray[np.uint8]:
    """Codes of one byte, 0 at ``low`` and 254 at ``high``; 255 for NaN and infinities."""
    known = np.isfinite(values)
    part = (np.where(known, values, low) - low) * (MOST / max(high - low, 1e-30))
    codes = np.rint(np.clip(part, 0, MOST)).astype(np.uint8)
    codes[~known] = NOTHING
    return codes


@lru_cache(maxsize=8)
def lower(size: int) -> NDArray[np.bool_]:
    """[p, p]: what a causal head can see."""
    return np.tri(size, dtype=bool)


def triangle(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lower triangles of square matrices [..., p, p], packed row by row: [..., p(p+1)/2]."""
    return codes[..., lower(codes.shape[-1])]


def data(view: HeadView, scene: Scene) -> None:
    """Exact cells [destination, source], and each token's entropy and what it receives."""
    for end, run in scene.ends:
        scene.parcel.add(f"cells_{end}", cells(view, scene, run)[0])
        (pattern,) = scene.read(run, Address("head.pattern", view.layer, head=view.head))
        plain = pattern[0].float().cpu().numpy()
        summary = summarise(without_first(plain) if view.skip_first else plain)
        scene.parcel.add(f"entropy_{end}", summary.entropy)
        scene.parcel.add(f"received_{end}", summary.received)


def _values(board: Board) -> list[HeadValue]:
    """What the cells can hold here."""
    found: list[HeadValue] = ["pattern", "weighted"]
    if board.model.has_part("head.scores"):
        found.append("scores")
    if wanted.has_metric(board):
        found.append("attribution")
    return found


def record(board: Board) -> list[HeadView]:
    """The pattern of every head on both sides; of the first ones all that their cells can hold."""
    heads = wanted.heads(board)
    views = [
        HeadView(layer=layer, head=head, base=base)
        for base in (False, True)
        for layer, head in heads
    ]
    settings = list(wanted.nearest(wanted.MOST, _values(board), (False, True), (False, True)))
    for layer, head in heads[: wanted.STRONG]:
        views += [
            HeadView(layer=layer, head=head, value=value, skip_first=skip, base=base)
            for value, skip, base in settings
        ]
    return list(dict.fromkeys(views))


def record_lines(board: Board) -> list[HeadLineView]:
    """Exact patterns of every token, the first heads first, as many as are kept; then what else
    the cells of the first one hold."""
    heads, tokens = wanted.heads(board), wanted.tokens(board)
    settings = list(wanted.nearest(wanted.MOST, _values(board), (False, True)))
    (layer, head), *_ = heads
    asked = [(place, settings[0]) for place in heads[: max(1, LINES // len(tokens))]]
    asked += [((layer, head), setting) for setting in settings[1:]]
    return [
        HeadLineView(layer=layer, head=head, value=value, skip_first=skip, token=token)
        for (layer, head), (value, skip) in asked
        for token in tokens
    ]


_CELLS = ("destination", "source")
AXES = {"cells": _CELLS, "entropy": ("destination",), "received": ("source",)}
PAINTER = Painter(paint, needs, record, AXES, data)
LINE = Painter(paint_line, record=record_lines)
