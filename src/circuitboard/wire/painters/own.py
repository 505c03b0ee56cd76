"""Panels of the user's own, as they are now."""

from __future__ import annotations

import numpy as np

from circuitboard.session.board import Board
from circuitboard.session.drawing import Drawing
from circuitboard.spec.errors import CircuitboardError
from circuitboard.wire.messages import OwnInfo, OwnTable, OwnView
from circuitboard.wire.painters.scene import Painter, Scene


def paint(view: OwnView, scene: Scene) -> OwnInfo:
    """Arrays and texts as :class:`OwnView` and :class:`OwnInfo` name them.

    Raises CircuitboardError where the panel has been taken away.
    """
    own = scene.board.own.get(view.id)
    if own is None:
        raise CircuitboardError("This view is no longer there.", "Run the cell that makes it.")
    drawing = own.drawing or Drawing("text")
    if drawing.data:
        scene.parcel.add("image", np.frombuffer(drawing.data, np.uint8))
    if drawing.array is not None:
        scene.parcel.add("values", drawing.array)
    table = drawing.table
    return OwnInfo(
        shows="waiting" if own.drawing is None else drawing.kind,
        text=drawing.text,
        mime=drawing.mime,
        array_kind=drawing.array_kind,
        labels=[list(group) for group in drawing.labels],
        table=None
        if table is None
        else OwnTable(
            columns=table.columns, rows=table.rows, numeric=table.numeric, total=table.total
        ),
        running=own.running,
        current=own.function is None or own.revision == scene.outcome.revision,
        seconds=own.seconds,
    )


def record(board: Board) -> list[OwnView]:
    """All of them."""
    return [OwnView(id=own.id) for own in board.own]


PAINTER = Painter(paint, record=record, axes={"values": ("row", "column")})
