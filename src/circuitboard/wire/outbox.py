"""Messages on their way to the host's channel: what belongs together travels as one.

A message costs the host some milliseconds whatever its size, and the screen a repaint.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from circuitboard.wire.codec import Buffers

Send = Callable[[dict[str, Any], Buffers], None]

#: Seconds that a message waits for others of its group at most.
GATHER = 0.03


class Outbox:
    """Sends messages in order, in one bundle where they are put inside :meth:`together`.

    A bundle is ``{"t": "bundle", "parts": [{"content": ..., "buffers": n}, ...]}`` with the buffers
    of all parts one after the other.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._lock = threading.RLock()
        self._open = 0
        self._since = 0.0
        self._waiting: list[tuple[dict[str, Any], Buffers]] = []

    def put(self, content: dict[str, Any], buffers: Buffers) -> None:
        """Sends a message, after those that wait."""
        with self._lock:
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting.append((content, buffers))
            if not self._open or time.monotonic() - self._since > GATHER:
                self._flush()

    @contextmanager
    def together(self) -> Generator[None]:
        """What is put until the block ends goes as one message, unless it takes too long."""
        with self._lock:
            self._open += 1
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                if not self._open:
                    self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if len(waiting) == 1:
            self._send(*waiting[0])
        elif waiting:
            parts = [{"content": content, "buffers": len(own)} for content, own in waiting]
            self._send({"t": "bundle", "parts": parts}, [b for _, own in waiting for b in own])
