"""Attention patterns of one layer's heads."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np

from circuitboard.models.model import Model
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


PAINTER = Painter(paint, needs)
