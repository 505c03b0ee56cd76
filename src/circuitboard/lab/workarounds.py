"""What is done only because of a defect elsewhere, each with the version that has it.

``tests/lab/test_workarounds.py`` fails when one of them is no longer needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


def keep_on_subshells(comm: Any) -> None:
    """Lets messages of this comm be answered while a cell runs.

    ipykernel 7.4.0 (not 7.1 to 7.3): once the kernel's main thread has sent on a comm, that
    comm's later messages from the browser go to the main shell, whatever subshell the browser
    named, and wait there for the running cell. Without the routing function they do not.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = None


def drop_when_closed(write: Callable[..., Any]) -> Callable[..., None]:
    """Writes to a websocket, or does nothing where the browser's tab has gone.

    jupyter_server 2.21.1: messages under way when a tab closes are written to its closed
    websocket, and each leaves a traceback in the terminal.
    """
    from tornado.websocket import WebSocketClosedError

    def settle(task: asyncio.Future[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, WebSocketClosedError):
            raise error

    def written(*args: Any, **named: Any) -> None:
        try:
            task = write(*args, **named)
        except WebSocketClosedError:
            return
        task.add_done_callback(settle)

    return written
