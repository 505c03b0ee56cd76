"""Attention of a layer's heads on screen: from the click to the painted view, and its bytes.

    python benchmarks/attention.py       # writes benchmarks/ATTENTION.md

One run measures, on the same machine and in turn, at GPT-2 small's shape (12 layers of 12 heads,
random weights) and 512 tokens:

- the real command in Chromium: a click on a head of a layer whose patterns nobody has looked at,
  until its heat map and the layer's twelve thumbnails are painted; each layer once;
- the same for another head of that layer;
- one forward pass of the plain Hugging Face model on the same tokens, no cache, no gradient;
- the bytes of what was sent, for each cell that is drawn.

The goal: less than one plain forward pass and 200 ms; at most 1.1 bytes for each visible cell.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "browser")]

import harness  # noqa: E402

import live  # noqa: E402

ALLOWED_MS = 200
ALLOWED_BYTES = 1.1
OPEN = """async ([testid, address]) => {
  const root = document.querySelector('[data-testid=board]');
  const find = id => root.querySelector(`[data-testid="${id}"]`);
  const began = performance.now();
  find(testid).dispatchEvent(new MouseEvent('click', {bubbles: true}));
  const shown = () => {
    const view = find('head-view');
    return view?.getAttribute('aria-label') === `Head ${address}`
      && view.querySelector('.head-body')?.dataset.stale === 'false'; };
  while (!shown()) await new Promise(r => setTimeout(r));
  await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
  return performance.now() - began; }"""


def measure(case: live.Case) -> None:
    """Clicks through the layers; then the plain forward pass."""
    given = ("--prompt", case.prompt, "--target", case.target, "--foil", case.foil)
    cold, warm = case.times.setdefault("cold", []), case.times.setdefault("warm", [])
    with harness.chromium() as browser, harness.server("open", case.source, *given) as server:
        page = browser.new_page(viewport={"width": 1600, "height": 1200})
        page.goto(server.workspace("bench"))
        harness.wait_for_board(page)
        page.wait_for_timeout(3000)
        for layer in range(case.n_layers):
            cold.append(opened(page, f"part-L{layer}H3", f"L{layer}H3"))
            warm.append(opened(page, "thumb-7", f"L{layer}H7"))
        page.close()


def opened(page: Any, testid: str, address: str) -> float:
    """Milliseconds from the click until a head's view is painted."""
    took = page.evaluate(OPEN, [testid, address])
    page.wait_for_timeout(300)
    return took


def plain(case: live.Case, repeats: int) -> None:
    """The plain model's forward pass, in this process."""
    import torch

    from circuitboard.engine.engine import engine_of
    from circuitboard.models import load

    tokens, _ = engine_of(load.load(case.source)).encode(case.prompt)
    model = load.plain(case.source)
    with torch.no_grad():
        case.times["plain"] = live.timed(lambda: model(tokens, use_cache=False), repeats)


def payload(case: live.Case) -> tuple[int, int]:
    """Bytes sent for one head's view, and the cells that are drawn from them."""
    from circuitboard.session.board import Board
    from circuitboard.wire.screen import Screen

    heard: list[tuple[dict[str, Any], list[bytes]]] = []
    board = Board(case.source, case.prompt, case.target, case.foil)
    screen = Screen(board, lambda content, buffers: heard.append((content, buffers)))
    board.wait()
    screen.receive({"op": "hello", "id": 1, "views": [{"kind": "head", "layer": 5, "head": 3}]})
    while not (found := [pair for pair in list(heard) if pair[0]["t"] == "view"]):
        time.sleep(0.01)
    content, buffers = found[0]
    tokens, thumb = content["info"]["tokens"], content["info"]["thumb"]
    cells = tokens * (tokens + 1) // 2 + case.n_heads * thumb * (thumb + 1) // 2
    return sum(map(len, buffers)) + len(str(content)), cells


def report(case: live.Case, sent: int, cells: int) -> str:
    """The Markdown page."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True
    ).stdout.strip()
    base = statistics.median(case.times["plain"])
    names = {
        "plain": "plain Hugging Face forward",
        "cold": "head of a layer not looked at before: click → painted",
        "warm": "another head of that layer: click → painted",
    }
    over = statistics.median(case.times["cold"]) - base
    return "\n".join(
        [
            "# Attention on screen",
            "",
            "Written by `python benchmarks/attention.py`" + (f" at {commit}." if commit else "."),
            f"{case.title}; milliseconds of one run on one machine.",
            "",
            "| | median ms | quartiles | ratio | repeats |",
            "|---|---|---|---|---|",
            *(live.row(names[key], case.times[key], base) for key in names),
            "",
            f"Opening a layer takes one plain forward pass {over:+.0f} ms "
            f"(goal: at most +{ALLOWED_MS} ms).",
            "",
            f"Sent: {sent:,} bytes for {cells:,} visible cells, **{sent / cells:.3f}** a cell "
            f"(goal: at most {ALLOWED_BYTES}).",
            "",
        ]
    )


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=HERE / "ATTENTION.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        case = live.gpt2_shape(Path(place) / "gpt2", options.tokens)
        measure(case)
        plain(case, options.repeats)
        text = report(case, *payload(case))
    options.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
