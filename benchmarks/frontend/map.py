"""Milliseconds for each frame while the map is moved: ``python benchmarks/frontend/map.py``.

The board's own page without a kernel, with a map of 96 layers x 96 heads, in headless Chromium. The
map is dragged and zoomed by real pointer events, one for each frame. Reported are the time from
frame to frame as the page sees it, and the main thread's work for each frame (script, style, layout
and paint, from the browser's own counters). 60 frames a second leave 16.7 ms.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import math
import os
import platform
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from harness import chromium  # noqa: E402
from playwright.sync_api import CDPSession, Page  # noqa: E402

OUT = ROOT / "benchmarks" / "FRONTEND.md"
SIZE = {"width": 1600, "height": 1000}
FRAMES = 180
#: Turns of the wheel before a drag, and what is seen then.
VIEWS = ((0, "all of it"), (2, "blocks"), (3, "blocks with names"), (5, "cells with numbers"))
DRAG = """async ([frames, x, y, reach]) => {
  const stage = document.querySelector('.map-stage');
  const send = (type, dx, dy, buttons) => {
    const at = {clientX: x + dx, clientY: y + dy, bubbles: true, cancelable: true, buttons,
                view: window, pointerId: 1, isPrimary: true};
    stage.dispatchEvent(new PointerEvent('pointer' + type, at));
    stage.dispatchEvent(new MouseEvent('mouse' + type, at)); };
  const next = () => new Promise(requestAnimationFrame);
  await next();
  send('down', 0, 0, 1);
  const times = [performance.now()];
  for (let i = 1; i <= frames; i++) {
    const turn = 2 * Math.PI * i / frames;
    send('move', reach * Math.sin(turn), reach * Math.sin(2 * turn), 1);
    times.push(await next()); }
  send('up', 0, 0, 0);
  return times.slice(2).map((t, i) => t - times[i + 1]); }"""
ZOOM = """async ([frames, x, y]) => {
  const stage = document.querySelector('.map-stage');
  const next = () => new Promise(requestAnimationFrame);
  const times = [await next()];
  for (let i = 0; i < frames; i++) {
    const deltaY = i < frames / 2 ? -25 : 25;
    stage.dispatchEvent(new WheelEvent('wheel',
      {clientX: x, clientY: y, deltaY, bubbles: true, cancelable: true, view: window}));
    times.push(await next()); }
  return times.slice(1).map((t, i) => t - times[i]); }"""


@dataclass
class Row:
    """One movement: what, times between frames, the main thread's work for each, in ms."""

    name: str
    gaps: list[float]
    work: float

    def line(self) -> str:
        """A row of the table."""
        ordered = sorted(self.gaps)
        high = ordered[math.ceil(0.95 * len(ordered)) - 1]
        late = sum(gap > 1.5 * 1000 / 60 for gap in self.gaps)
        return (
            f"| {self.name} | {statistics.median(self.gaps):.1f} | {high:.1f} | "
            f"{late} of {len(self.gaps)} | {self.work:.1f} |"
        )


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def page_server() -> Iterator[str]:
    """The page without a kernel, built and served; its address."""
    subprocess.run(["node", "build.mjs", "--dev-once"], cwd=ROOT / "web", check=True)
    handler = functools.partial(Quiet, directory=str(ROOT / "web" / "dev"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index.html"
    finally:
        server.shutdown()


def busy(session: CDPSession) -> float:
    """Milliseconds that the main thread has worked so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(m["value"] for m in metrics if m["name"] == "TaskDuration")


def moved(page: Page, session: CDPSession, name: str, script: str, given: list[float]) -> Row:
    """One movement, measured."""
    page.wait_for_timeout(400)
    before = busy(session)
    gaps = page.evaluate(script, given)
    work = (busy(session) - before) / len(gaps)
    row = Row(name, gaps, work)
    print(row.line())
    return row


def measure(model: str) -> list[Row]:
    """All movements on the map of a model."""
    rows = []
    with page_server() as address, chromium() as browser:
        page = browser.new_page(viewport=SIZE)
        page.goto(f"{address}?model={model}&theme=light")
        box = page.get_by_test_id("map-canvas").bounding_box()
        assert box
        x, y = box["x"] + box["width"] * 0.45, box["y"] + box["height"] / 2
        page.wait_for_timeout(1000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.mouse.move(x, y)
        turned = 0
        for turns, name in VIEWS:
            for _ in range(turns - turned):
                page.mouse.wheel(0, -300)
                page.wait_for_timeout(100)
            turned = turns
            if turns:
                rows.append(moved(page, session, f"drag, {name}", DRAG, [FRAMES, x, y, 150]))
        page.keyboard.press("0")
        page.locator(".map-stage").evaluate("e => e.querySelector('button')?.focus()")
        page.keyboard.press("0")
        rows.append(moved(page, session, "zoom in and out", ZOOM, [FRAMES, x, y]))
    return rows


def report(rows: list[Row], model: str) -> str:
    """The page with the table."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    lines = [
        "# The map's frames",
        "",
        f"`python benchmarks/frontend/map.py`: a map of {model} layers x {model} heads, moved by",
        f"pointer events in headless Chromium without a GPU ({SIZE['width']} x {SIZE['height']};"
        f" {machine}).",
        "60 frames a second leave 16.7 ms for each. Work is that of the main thread.",
        "",
        "| movement | frame to frame, median ms | 95 % ms | late frames | work, ms |",
        "|---|---|---|---|---|",
        *(row.line() for row in rows),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measures and writes."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", default="96", help="layers and heads of the page's model")
    options.add_argument("--out", type=Path, default=OUT)
    given = options.parse_args()
    given.out.write_text(report(measure(given.model), given.model))


if __name__ == "__main__":
    main()
