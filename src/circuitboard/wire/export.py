"""Saves a board: the page without a kernel, and the numbers of its views."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from circuitboard.session.background import Backlog
from circuitboard.session.board import Board
from circuitboard.session.exports import Told
from circuitboard.wire import tables
from circuitboard.wire.messages import Save, Saved, View
from circuitboard.wire.page import page
from circuitboard.wire.recording import PATIENCE, Recorder, current
from circuitboard.wire.state import problem_of

#: How the files are called that the screen asks for.
ENDINGS = {"html": "html", "npz": "npz", "csv": "zip"}


class BoardExporter:
    """Writes one board's files.

    Args:
        shown: the views on screen; they come first.
        backlog: the sweeps of the board's screen, shared with it.
    """

    def __init__(
        self, board: Board, shown: Sequence[View] = (), backlog: Backlog | None = None
    ) -> None:
        self._board = board
        self._shown = shown
        self._backlog = backlog

    def html(self, path: Path, panel: str, wait: bool | float, told: Told | None) -> None:
        """Writes the board as one page."""
        patience = PATIENCE if isinstance(wait, bool) else float(wait)
        recorder = Recorder(self._board, self._backlog, bool(wait), told=told, patience=patience)
        path.write_text(page(recorder.record(self._shown), panel), encoding="utf-8")

    def data(self, path: Path, views: Sequence[View] | None, wait: bool) -> None:
        """Writes the numbers of views: see :func:`circuitboard.wire.tables.write`."""
        recorder = Recorder(self._board, self._backlog, wait)
        shown = views if views is not None else self._shown or None
        tables.write(self._board, painted(recorder, shown), path)


def painted(recorder: Recorder, views: Sequence[View] | None) -> tables.Painted:
    """The data of views, or of one of each kind; those with a problem are left out."""
    outcome = recorder.outcome()
    asked = current(recorder.board) if views is None else views
    found = [recorder.numbers(view, outcome) for view in asked]
    return [(data, buffers) for data, buffers in found if data.problem is None]


def answer(board: Board, backlog: Backlog, request: Save) -> tuple[Saved, list[bytes]]:
    """Makes a file on the screen's wish, beside the notebook, and its content for a download."""
    recorder = Recorder(board, backlog)
    try:
        match request.what:
            case "html":
                content = page(recorder.record(request.views)).encode()
            case "npz":
                content = tables.npz(board, painted(recorder, request.views))
            case "csv":
                content = tables.zipped(board, painted(recorder, request.views))
        path = free_name(Path.cwd(), board.model.facts.name, ENDINGS[request.what])
        path.write_bytes(content)
    except Exception as error:
        return Saved(id=request.id, problem=problem_of(error)), []
    return Saved(id=request.id, name=path.name, path=str(path)), [content]


def free_name(folder: Path, model: str, ending: str) -> Path:
    """A name that no file of the folder has: ``names-board.html``, ``names-board-2.html``."""
    stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in model).strip("-.") or "model"
    path = folder / f"{stem}-board.{ending}"
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-board-{number}.{ending}"
    return path
