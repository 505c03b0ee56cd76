"""Messages to and from what the host's channel carries: JSON-able objects and binary buffers."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from circuitboard.wire.messages import Array, Push, Request

Buffers = list[bytes]


def encode(message: Push) -> dict[str, Any]:
    """A message as plain objects."""
    return msgspec.to_builtins(message)


def decode(content: Any) -> Request:
    """What the screen sent, checked. Raises msgspec.ValidationError."""
    return msgspec.convert(content, Request)


class Parcel:
    """Arrays on their way to the screen."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []
        self.buffers: Buffers = []

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Adds an array as float32, or as uint8 where it is one."""
        small = values.dtype == np.uint8
        packed = np.ascontiguousarray(values if small else values.astype(np.float32))
        self.arrays.append(
            Array(
                name=name,
                dtype="uint8" if small else "float32",
                shape=list(packed.shape),
                buffer=len(self.buffers),
            )
        )
        self.buffers.append(packed.tobytes())
