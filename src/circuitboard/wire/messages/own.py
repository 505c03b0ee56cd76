"""What a panel of the user's own asks for, and what it gets."""

from __future__ import annotations

from typing import Literal

from circuitboard.wire.messages.base import Message


class OwnPanel(Message, frozen=True):
    """A panel that the user made. ``title`` is text of the user's."""

    id: str
    title: str


class OwnView(Message, frozen=True, tag="own", tag_field="kind"):
    """What a function of the user's returned last. Reply: :class:`OwnInfo`.

    Reply arrays: ``image`` uint8 [bytes] for an image; ``values`` float32 [rows, columns].
    """

    id: str


class OwnTable(Message, frozen=True):
    """Rows of texts, of ``total`` in all; ``numeric`` says which columns hold numbers."""

    columns: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    total: int


class OwnInfo(Message, frozen=True, tag="own", tag_field="of"):
    """What is to be shown. All texts are untrusted.

    ``waiting``: it has not run yet; ``error``: ``text`` is a traceback; ``plotly``: ``text`` is
    the figure's JSON. ``seconds``: how long it took. ``current``: it belongs to the newest run.
    """

    shows: Literal["waiting", "text", "markdown", "image", "plotly", "table", "array", "error"]
    text: str
    mime: str
    array_kind: Literal["pattern", "heatmap", "tokens", "bars"]
    labels: list[list[str]]
    table: OwnTable | None
    running: bool
    current: bool
    seconds: float
