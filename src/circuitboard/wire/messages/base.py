"""The base of all records, and where arrays lie."""

from __future__ import annotations

from typing import Literal

import msgspec

DType = Literal["float32", "uint8"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all plain records."""


class Array(Message, frozen=True):
    """Where one array lies: its buffer (by order of the message's buffers), kind and shape."""

    name: str
    dtype: DType
    shape: list[int]
    buffer: int
