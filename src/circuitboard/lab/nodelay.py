"""The kernel's websocket without Nagle's delay, which costs some 40 ms a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from circuitboard.lab.workarounds import drop_when_closed


class NoDelayConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's own connection, which sends each message at once."""

    def connect(self) -> Any:
        """Turns the delay off, then connects as usual."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()

    @property
    def write_message(self) -> Callable[..., None]:
        """Sends to the browser, as long as it is there."""
        return drop_when_closed(self.websocket_handler.write_message)
