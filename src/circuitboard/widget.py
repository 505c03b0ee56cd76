"""The anywidget that shows a board: a thin host for :class:`circuitboard.wire.screen.Screen`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget

from circuitboard.lab.workarounds import keep_on_subshells
from circuitboard.session.board import Board
from circuitboard.wire.export import BoardExporter
from circuitboard.wire.outbox import Outbox
from circuitboard.wire.screen import Screen

_BUNDLE = Path(__file__).parent / "static" / "widget.js"
_UNBUILT = """export default { render({ el }) {
  el.textContent = "The board's front end is not built here. Run `make build`, then restart.";
} };"""


class BoardWidget(anywidget.AnyWidget):
    """The live view of one board."""

    _esm = _BUNDLE if _BUNDLE.is_file() else _UNBUILT

    def __init__(self, board: Board) -> None:
        super().__init__()
        outbox = Outbox(self._send_down)
        self.screen = Screen(board, outbox.put, outbox.together)
        self.on_msg(lambda _widget, content, _buffers: self.screen.receive(content))
        keep_on_subshells(self.comm)

    def _send_down(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        if self.comm is not None:
            self.send(content, buffers)


def _exporter(board: Board) -> BoardExporter:
    if not board.is_shown:
        return BoardExporter(board)
    screen: Screen = board.widget.screen
    return BoardExporter(board, screen.shown(), screen.backlog)


Board.host = BoardWidget
Board.exporter = _exporter

__all__ = ["Board", "BoardWidget"]
