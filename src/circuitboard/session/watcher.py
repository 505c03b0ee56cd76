"""Notices, when a notebook cell ends, that it changed a model from outside."""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

from circuitboard.models.teams import release_team

if TYPE_CHECKING:
    from circuitboard.session.board import Board

_boards: weakref.WeakSet[Board] = weakref.WeakSet()
_registered: list[Any] = []


def watch(board: Board) -> None:
    """Has the board look for outside changes after each cell, where there are cells."""
    _boards.add(board)
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and shell not in _registered:
        _registered.append(shell)
        shell.events.register("post_run_cell", _after_cell)


def _after_cell(*_: Any) -> None:
    for board in list(_boards):
        board.check_outside()
    release_team()  # the worker computes next
