"""Every message between the board's Python side and its screen. Data only, no functions.

One file for each view (what it asks for, and what it gets beside arrays), ``core`` for the rest.
TypeScript types are generated from here by ``circuitboard.wire.typescript``; the check fails when
they are stale. Numbers that fill a picture travel as binary buffers beside the JSON: an
:class:`Array` says which buffer holds what.
"""

from circuitboard.wire.messages.base import Array, DType, Message
from circuitboard.wire.messages.core import (
    Act,
    Ask,
    Cancel,
    Code,
    Entry,
    Hello,
    Job,
    Metric,
    ModelInfo,
    Problem,
    Progress,
    Push,
    Reply,
    Request,
    Save,
    Saved,
    Select,
    Show,
    State,
    Token,
    ViewData,
)
from circuitboard.wire.messages.head import HeadView
from circuitboard.wire.messages.logits import LogitRow, LogitsInfo, LogitsView
from circuitboard.wire.messages.map import MapView, Measure
from circuitboard.wire.messages.recording import Recording
from circuitboard.wire.messages.views import Info, View

__all__ = [
    "Act",
    "Array",
    "Ask",
    "Cancel",
    "Code",
    "DType",
    "Entry",
    "HeadView",
    "Hello",
    "Info",
    "Job",
    "LogitRow",
    "LogitsInfo",
    "LogitsView",
    "MapView",
    "Measure",
    "Message",
    "Metric",
    "ModelInfo",
    "Problem",
    "Progress",
    "Push",
    "Recording",
    "Reply",
    "Request",
    "Save",
    "Saved",
    "Select",
    "Show",
    "State",
    "Token",
    "View",
    "ViewData",
]
