"""The kernel's websocket without Nagle's delay, which costs some 40 ms a message."""

from __future__ import annotations

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class NoDelayConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's own connection, which sends each message at once."""

    def connect(self) -> Any:
        """Turns the delay off, then connects as usual."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
