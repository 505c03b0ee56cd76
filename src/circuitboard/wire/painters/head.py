"""Attention patterns of one layer's heads."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np

from circuitboard.methods.direct_logit_attribution import attribute
from circuitboard.models.model import Model
from circuitboard.session.board import Board
from circuitboard.spec.address import Address
from circuitboard.wire.messages import HeadView
from circuitboard.wire.painters.scene import Painter, Scene


def needs(view: HeadView, model: Model) -> list[Address]:
    """Patterns and values of every head of the layer."""
    heads = range(model.facts.n_heads)
    return [Address(part, view.layer, head=h) for part in ("head.pattern", "head.v") for h in heads]


def paint(view: HeadView, scene: Scene) -> None:
    """Arrays as :class:`HeadView` names them."""
    scene.model.check(Address("head.pattern", view.layer, head=view.head))
    count = scene.model.facts.n_heads
    for end, run in scene.ends:
        found = scene.read(run, *needs(view, scene.model))
        grid = np.stack([pattern[0].float().cpu().numpy() for pattern in found[:count]])
        norms = [value[0].float().norm(dim=-1).cpu().numpy() for value in found[count:]]
        scene.parcel.add(f"pattern_{end}", grid[view.head])
        scene.parcel.add(f"thumbs_{end}", np.rint(np.clip(grid, 0, 1) * 255).astype(np.uint8))
        scene.parcel.add(f"value_norm_{end}", np.stack(norms))


def record(board: Board) -> list[HeadView]:
    """Every head: those selected, the last one first, then by direct logit attribution."""
    outcome, facts = board.outcome, board.model.facts
    weights = np.zeros((facts.n_layers, facts.n_heads), np.float32)
    if outcome is not None and outcome.metric is not None:
        weights = np.abs(attribute(board.engine, outcome.now, outcome.metric).heads)
    order = np.argsort(-weights, axis=None, kind="stable").tolist()
    ranked = [HeadView(layer=i // facts.n_heads, head=i % facts.n_heads) for i in order]
    chosen = [Address.parse(a) for a in reversed(board.selection) if "->" not in a]
    first = [HeadView(layer=a.layer or 0, head=a.head) for a in chosen if a.head is not None]
    return list(dict.fromkeys([*first, *ranked]))


AXES = {"pattern": ("destination", "source"), "value_norm": ("head", "source")}
PAINTER = Painter(paint, needs, record, AXES)
