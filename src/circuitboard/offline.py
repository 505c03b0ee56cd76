"""A page as one HTML file that works without a network, a kernel or a server."""

from __future__ import annotations

import base64
import hashlib
import html
from pathlib import Path

from circuitboard.spec.errors import CircuitboardError

STATIC = Path(__file__).resolve().parent / "static"

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
<noscript>This page is drawn by the script in this file: allow it to run.</noscript>
<script type="application/json" id="{element}">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def page(
    bundle: str, data: str, *, title: str, element: str, made_with: str, panel: str = ""
) -> str:
    """The file's text: a bundle of the front end with the data that it draws.

    The page's own policy forbids every connection, and every script but the one that it carries.

    Args:
        bundle: its name under ``static``, such as ``saved``.
        data: JSON without ``<``, ``>`` and ``&`` (see :func:`harmless`), in the element of that id.
        panel: what the element ``board`` is told to show, if not all.

    Raises CircuitboardError where the front end is not built.
    """
    file = STATIC / f"{bundle}.js"
    if not file.is_file():
        raise CircuitboardError(
            "The front end is not built here.", "Run `make build`, then save again."
        )
    # Inside a script element only these end it or begin a comment.
    script = file.read_text(encoding="utf-8").replace("</script", "<\\/script")
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
    return _PAGE.format(
        policy=policy,
        made_with=html.escape(made_with),
        title=html.escape(title),
        panel=f' data-panel="{html.escape(panel)}"' if panel else "",
        element=element,
        data=data,
        script=script,
    )


def harmless(json: str) -> str:
    """JSON as it may stand inside a script element: nothing in it ends the element."""
    for sign in "<>&":
        json = json.replace(sign, f"\\u{ord(sign):04x}")
    return json
