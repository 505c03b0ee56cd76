"""Computes what each visible view draws: one file, and one line here, for each kind of view."""

from __future__ import annotations

from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.wire.codec import Buffers
from circuitboard.wire.messages import (
    HeadEvidenceView,
    HeadGalleryView,
    HeadLineView,
    HeadTokensView,
    HeadView,
    LogitsView,
    MapView,
    View,
    ViewData,
)
from circuitboard.wire.painters import (
    head,
    head_evidence,
    head_gallery,
    head_tokens,
    logits,
    map,
)
from circuitboard.wire.painters.scene import Painter, Scene

PAINTERS: dict[type, Painter] = {
    MapView: map.PAINTER,
    HeadView: head.PAINTER,
    HeadLineView: head.LINE,
    HeadGalleryView: head_gallery.PAINTER,
    HeadTokensView: head_tokens.PAINTER,
    HeadEvidenceView: head_evidence.PAINTER,
    LogitsView: logits.PAINTER,
}


def needs(view: View, model: Model) -> list[Address]:
    """Places that a view reads in the run now, those that the model has."""
    found = PAINTERS[type(view)].needs(view, model)
    return [address for address in found if model.has(address)]


def paint(view: View, scene: Scene) -> tuple[ViewData, Buffers]:
    """Data of one view. Raises CircuitboardError where the model has no such part."""
    info = PAINTERS[type(view)].paint(view, scene)
    parcel = scene.parcel
    data = ViewData(view=view, revision=scene.outcome.revision, arrays=parcel.arrays, info=info)
    return data, parcel.buffers


__all__ = ["PAINTERS", "Painter", "Scene", "needs", "paint"]
