"""Estimates by gradients, measured: the largest ones, and those that somebody asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from circuitboard.methods.audit import correlations
from circuitboard.session.board import Board
from circuitboard.session.probes import Case, Probe, probe_effects
from circuitboard.spec.intervention import InterventionSet
from circuitboard.wire import messages as m
from circuitboard.wire.painters.estimates import (
    Estimated,
    estimated_edges,
    estimated_parts,
    estimated_pattern,
    estimated_tokens,
    metric_of,
)
from circuitboard.wire.painters.gradients import (
    record_edges,
    record_parts,
    record_pattern,
    record_tokens,
)
from circuitboard.wire.painters.scene import Floats, Painter, Scene

#: Estimates that are measured without being asked for, at most.
MOST = 200


def paint(view: m.GradientAuditView, scene: Scene) -> m.GradientAuditInfo:
    """Arrays as :class:`GradientAuditView` names them."""
    found = _estimated(view, scene)
    order = np.argsort(-np.abs(found.values), kind="stable")
    known = not np.isnan(found.values).any()
    order = order[found.values[order] != 0]  # such as all places before the prompts differ
    top: list[int] = order[: max(0, min(view.top, MOST)) if known else 0].tolist()
    place = {name: i for i, name in enumerate(found.names)}
    more = [place[name] for name in view.also if name in place and known]
    more = [i for i in dict.fromkeys(more) if i not in set(top)]
    groups = [[found.names[i] for i in top], *([found.names[i]] for i in more)]
    exact = [_measured(view, scene, found, names) for names in groups]
    estimate, measured = found.values[[*top, *more]], np.concatenate(exact)
    scene.parcel.add("estimate", estimate.astype(np.float32))
    scene.parcel.add("exact", measured)
    there = np.flatnonzero(~np.isnan(measured[: len(top)]))
    both = correlations(estimate[there], measured[there])
    scene.parcel.add("correlation", np.array(both, np.float32))
    names = [found.names[i] for i in (*top, *more)]
    return m.GradientAuditInfo(addresses=names, top=len(top))


def _estimated(view: m.GradientAuditView, scene: Scene) -> Estimated:
    end = "now" if view.side == "now" else "base"
    if view.section == "tokens":
        return estimated_tokens(scene, view, view, end)
    if view.section == "parts":
        return estimated_parts(scene, view, view, end)
    if view.section == "pattern":
        return estimated_pattern(scene, view, view, end)
    return estimated_edges(scene, view, view)


def _measured(
    view: m.GradientAuditView, scene: Scene, found: Estimated, names: Sequence[str]
) -> Floats:
    """The exact numbers [n], NaN until known."""
    if not names:
        return np.zeros(0, np.float32)
    start = found.start
    sets = [InterventionSet((*start.items, found.change(name))) for name in names]
    single = names[0] if len(names) == 1 else f"the {len(names)} largest estimates"
    probe = Probe(
        f"audit {view.section} {view.side} {single}",
        f"Audit: measuring {single}",
        tuple(sets),
        [Case(start, sets)],
    )
    metric = metric_of(scene)
    effects = probe_effects(scene.backlog, view, scene.engine, metric, found.run, probe)[0]
    return found.sign * effects


def record(board: Board) -> list[m.GradientAuditView]:
    """Of the first that is recorded of each section, and of heads: each takes a run for a row."""
    token = record_tokens(board)[0]
    views = [m.GradientAuditView(section="tokens", what=token.what, steps=token.steps)]
    parts = record_parts(board)
    first = [v for v in parts if _way(v) == _way(parts[0])]
    views += [
        m.GradientAuditView(
            section="parts", what=v.what, contrast=v.contrast, direction=v.direction
        )
        for v in first
        if v is parts[0] or v.what == "head"
    ]
    edges = [
        m.GradientAuditView(
            section="edges", what=v.what, contrast=True, direction=v.direction, steps=v.steps
        )
        for v in record_edges(board)[:1]
    ]
    cells = [
        m.GradientAuditView(
            section="pattern",
            what="product",
            at=f"L{v.layer}H{v.head}",
            contrast=v.contrast,
            direction=v.direction,
        )
        for v in record_pattern(board)[:1]
    ]
    return [*views, *edges, *cells]


def _way(view: m.PartGradientsView) -> tuple[bool, str]:
    return view.contrast, view.direction


PAINTER = Painter(paint, record=record, axes=dict.fromkeys(("estimate", "exact"), ("place",)))
