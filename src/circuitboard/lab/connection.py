"""The kernel's websocket as the board wants it: at once, and without news that is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from circuitboard.lab.workarounds import drop_when_closed


class BoardConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's own connection, which sends each message at once.

    A kernel says "busy" for each message that a board sends it, although a subshell answers and
    the notebook's cells need not wait. JupyterLab draws half its page anew each time, and fetches
    another icon for the tab, while the model wants the processor: these messages are not passed on.
    """

    def connect(self) -> Any:
        """Turns Nagle's delay off, which costs some 40 ms a message, then connects as usual."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()

    @property
    def write_message(self) -> Callable[..., None]:
        """Sends to the browser, as long as it is there."""
        return drop_when_closed(self.websocket_handler.write_message)

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Passes a kernel's message on to the browser; ``stream`` is a channel or its name."""
        if "iopub" in (stream, getattr(stream, "channel", None)):
            _, (_signature, *parts) = self.session.feed_identities(outgoing_msg)
            if is_idle_talk(parts):
                return
        super().handle_outgoing_message(stream, outgoing_msg)


def is_idle_talk(parts: Sequence[Any]) -> bool:
    """Whether a message says that a comm keeps a subshell busy.

    Args:
        parts: header, parent header, metadata and content, as they travel.
    """
    header, parent, _, content = (bytes(part) for part in parts[:4])
    if b'"busy"' not in content or b'"comm_msg"' not in parent or b'"status"' not in header:
        return False
    return (
        json.loads(header).get("msg_type") == "status"
        and json.loads(content).get("execution_state") == "busy"
        and json.loads(parent).get("msg_type") == "comm_msg"
        and json.loads(parent).get("subshell_id") is not None
    )
