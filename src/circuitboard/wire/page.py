"""A recording as one HTML file that works without a network, a kernel or a server."""

from __future__ import annotations

from urllib.parse import quote

from circuitboard import offline
from circuitboard.wire.messages import Recording
from circuitboard.wire.recording import to_text

#: The identifier of the element that holds the recording, for the front end.
ELEMENT = "circuitboard-recording"


def page(recording: Recording, panel: str = "") -> str:
    """The file's text. ``panel`` names one panel to show alone.

    Raises CircuitboardError where the front end is not built.
    """
    state = recording.state
    return offline.page(
        "saved",
        to_text(recording),
        title=f"{state.model.name}: {state.prompt}",
        element=ELEMENT,
        made_with=recording.made_with,
        panel=quote(panel),
    )
