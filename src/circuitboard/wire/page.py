"""A recording as one HTML file that works without a network, a kernel or a server."""

from __future__ import annotations

import base64
import hashlib
import html
from pathlib import Path
from urllib.parse import quote

from circuitboard.spec.errors import CircuitboardError
from circuitboard.wire.messages import Recording
from circuitboard.wire.recording import to_text

BUNDLE = Path(__file__).resolve().parents[1] / "static" / "saved.js"
#: The identifier of the element that holds the recording, for the front end.
ELEMENT = "circuitboard-recording"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="{made_with}">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
html, body {{ margin: 0; height: 100%; background: Canvas; color-scheme: light dark; }}
#board {{ height: 100%; }}
</style>
</head>
<body>
<div id="board"{panel}></div>
<noscript>This saved board is drawn by the script in this file: allow it to run.</noscript>
<script type="application/json" id="{element}">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def page(recording: Recording, panel: str = "") -> str:
    """The file's text. ``panel`` names one panel to show alone.

    The page's own policy forbids every connection, and every script but the one that it carries.
    Raises CircuitboardError where the front end is not built.
    """
    if not BUNDLE.is_file():
        raise CircuitboardError(
            "The board's front end is not built here.", "Run `make build`, then save again."
        )
    # Inside a script element only these end it or begin a comment.
    script = BUNDLE.read_text(encoding="utf-8").replace("</script", "<\\/script")
    script = script.replace("<!--", "<\\!--")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{digest}'",
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    state = recording.state
    return _PAGE.format(
        policy=policy,
        made_with=html.escape(recording.made_with),
        title=html.escape(f"{state.model.name}: {state.prompt}"),
        panel=f' data-panel="{quote(panel)}"' if panel else "",
        element=ELEMENT,
        data=to_text(recording),
        script=script,
    )
