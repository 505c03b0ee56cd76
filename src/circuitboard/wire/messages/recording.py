"""A board saved for a page without a kernel."""

from __future__ import annotations

from circuitboard.wire.messages.base import Message
from circuitboard.wire.messages.core import State, ViewData
from circuitboard.wire.messages.views import View


class Recording(Message, frozen=True):
    """All that a screen would have been sent.

    ``buffers`` are the arrays' bytes, each compressed (raw DEFLATE) and in base64; an array's
    ``buffer`` counts among all of them, and views share those that are equal. ``shown`` are the
    views that a person had on screen. ``left_out`` views did not fit. ``code`` is the Python that
    rebuilds the state.
    """

    format: int
    made_with: str
    state: State
    code: str
    shown: list[View]
    views: list[ViewData]
    buffers: list[str]
    left_out: int
