"""From a click to the painted view, as a ratio to one plain Hugging Face forward pass.

    python benchmarks/live.py            # writes benchmarks/LIVE.md

One run measures, on the same machine and in turn:

- the real command in Chromium: click on "ablate" with a head of the middle layer selected, until
  the map, the head's pattern and the logits have been painted anew (each head once, so that no
  run is held): once by a click out of nowhere, which nothing foretells, and once by a pointer that
  stands on the control for a tenth of a second before it is pressed;
- one forward pass of the plain Hugging Face model on the same tokens, no cache, no gradient: over
  and over in a process of its own, and in a cell of that notebook, beside the same browser and
  after a rest like the one before each click;
- the peers' way: TransformerLens ``run_with_hooks`` with the same ablation and the layer's
  patterns cached, then CircuitsVis' HTML of the layer's heads, loaded in the same Chromium until
  it is painted (only where ``circuitsvis`` is installed).

Medians and quartiles; the machine's noise is in the quartiles.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "browser"))

import harness  # noqa: E402
import steps  # noqa: E402

CLICK = """async () => {
  const root = document.querySelector('[data-testid=board]');
  const old = root.dataset.revision;
  const began = performance.now();
  document.querySelector('[data-testid=ctl-ablate]').click();
  while (root.dataset.revision === old) await new Promise(r => setTimeout(r));
  return performance.now() - began; }"""
# The same from the press of a pointer: begun before it, and asked for after it.
AWAIT_PRESS = """() => {
  const root = document.querySelector('[data-testid=board]');
  const old = root.dataset.revision;
  window.painted = new Promise(done => {
    const control = document.querySelector('[data-testid=ctl-ablate]');
    control.addEventListener('pointerdown', async () => {
      const began = performance.now();
      while (root.dataset.revision === old) await new Promise(r => setTimeout(r));
      done(performance.now() - began);
    }, {once: true, capture: true}); }); }"""
PAINTED = "() => window.painted"
REST_MS = 400
AIM_MS = 100
IN_A_CELL = """
import json, time, torch
from circuitboard.models.load import plain
from circuitboard.engine.engine import engine_of
other, (tokens, _) = plain({source!r}), engine_of(model).encode(board.prompt)
times = []
with torch.no_grad():
    for _ in range({repeats} + 2):
        time.sleep({rest})
        began = time.perf_counter()
        other(tokens, use_cache=False)
        times.append((time.perf_counter() - began) * 1e3)
del other
print(json.dumps(times[2:]))
"""
CLICKED = "Circuitboard: click out of nowhere → painted"
PRESSED = f"Circuitboard: press, {AIM_MS} ms after the pointer came → painted"
CELL = "plain forward in a cell, after a rest"
PEER_JS = (
    "() => document.querySelectorAll('[id^=circuits-vis] img, [id^=circuits-vis] canvas').length"
)


@dataclass
class Case:
    """A model and a prompt."""

    title: str
    source: str
    prompt: str
    target: str
    foil: str
    n_layers: int
    n_heads: int
    times: dict[str, list[float]] = field(default_factory=dict)


def gpt2_shape(folder: Path, length: int) -> Case:
    """Random weights of GPT-2 small's shape: for speed alone."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from circuitboard.models.tiny import number_tokenizer

    if not (folder / "config.json").is_file():
        torch.manual_seed(0)
        GPT2LMHeadModel(GPT2Config(bos_token_id=0, eos_token_id=0)).save_pretrained(folder)
        number_tokenizer(50257).save_pretrained(folder)
    prompt = " ".join(f"t{7 * i + 5}" for i in range(length - 1))
    return Case(f"GPT-2 shape, {length} tokens", str(folder), prompt, "t7", "t11", 12, 12)


def names() -> Case:
    """The bundled model on its own prompt."""
    prompt = "When Mary and John went to the store, John gave a drink to"
    return Case("names, 15 tokens", "names", prompt, "Mary", "John", 4, 4)


def click(page: Any) -> float:
    """A click out of nowhere."""
    return page.evaluate(CLICK)


def press(page: Any) -> float:
    """A pointer comes to the control and presses it."""
    page.evaluate(AWAIT_PRESS)
    page.get_by_test_id("ctl-ablate").hover()
    page.wait_for_timeout(AIM_MS)
    page.mouse.down()
    page.mouse.up()
    return page.evaluate(PAINTED)


def board_times(case: Case, page: Any) -> None:
    """Clicks through the heads of the middle layer, in both ways."""
    layer = case.n_layers // 2
    for name, way in ((CLICKED, click), (PRESSED, press)):
        harness.run_cell(page, "board.engine.shelf.clear()")
        times = case.times.setdefault(name, [])
        for head in range(case.n_heads):
            steps.choose(page, f"L{layer}H{head}")
            page.wait_for_timeout(REST_MS)
            times.append(way(page))
            page.wait_for_timeout(100)
            old = steps.revision(page)
            page.get_by_test_id("clear").click()
            steps.expect_new_revision(page, old)
        page.wait_for_timeout(300)


def cell_times(case: Case, page: Any, repeats: int) -> None:
    """The plain forward pass where the user would run it."""
    code = IN_A_CELL.format(source=case.source, repeats=repeats, rest=REST_MS / 1e3)
    case.times[CELL] = json.loads(harness.run_cell(page, code).splitlines()[-1])


def python_times(case: Case, browser: Any, repeats: int) -> None:
    """The plain forward pass and the peers' way, in this process."""
    import torch

    from circuitboard.engine.engine import engine_of
    from circuitboard.models import load

    model = load.load(case.source)
    plain = load.plain(case.source)
    tokens, _ = engine_of(model).encode(case.prompt)
    layer = case.n_layers // 2
    bridge = model.bridge
    with torch.no_grad():
        case.times["plain"] = timed(lambda: plain(tokens, use_cache=False), repeats)

        def ablated() -> Any:
            kept: dict[str, Any] = {}

            def zero(z: Any, hook: Any) -> Any:
                z[:, :, 0] = 0.0
                return z

            def keep(pattern: Any, hook: Any) -> None:
                kept["pattern"] = pattern

            at = f"blocks.{layer}.attn"
            hooks = [(f"{at}.hook_z", zero), (f"{at}.hook_pattern", keep)]
            logits = bridge.run_with_hooks(tokens, fwd_hooks=hooks, return_type="logits")
            return logits[0, -1].topk(12), kept["pattern"][0]

        case.times["TransformerLens run_with_hooks"] = timed(ablated, repeats)
        if importlib.util.find_spec("circuitsvis") and importlib.util.find_spec(
            "importlib_metadata"
        ):
            texts = [model.token_text(int(t)) for t in tokens[0]]
            page = browser.new_page(viewport={"width": 800, "height": 900})
            case.times["TransformerLens + CircuitsVis, painted"] = timed(
                lambda: peer_view(page, ablated()[1], texts), max(5, repeats // 3)
            )
            page.close()


def peer_view(page: Any, patterns: Any, texts: list[str]) -> None:
    """CircuitsVis' attention view of a layer, loaded until its images are there."""
    from circuitsvis.attention import attention_patterns

    html = attention_patterns(tokens=texts, attention=patterns).local_src
    page.set_content(f"<!doctype html><body>{html}</body>")
    page.wait_for_function(PEER_JS)


def timed(work: Callable[[], Any], repeats: int) -> list[float]:
    """Milliseconds of each repeat, after two that are not counted."""
    work()
    work()
    out = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        out.append((time.perf_counter() - began) * 1e3)
    return out


def row(name: str, times: list[float], plain: float) -> str:
    """One line of the table."""
    low, middle, high = statistics.quantiles(times, n=4)
    return (
        f"| {name} | {middle:.1f} | {low:.1f} to {high:.1f} | **{middle / plain:.2f}** "
        f"| {len(times)} |"
    )


def report(cases: list[Case]) -> str:
    """The Markdown table."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True
    ).stdout.strip()
    lines = [
        "# From a click to the painted view",
        "",
        "Written by `python benchmarks/live.py`" + (f" at {commit}." if commit else "."),
        "Milliseconds of one run on one machine; read the ratios to the plain forward pass.",
    ]
    for case in cases:
        plain = statistics.median(case.times["plain"])
        lines += ["", f"## {case.title}", ""]
        lines += ["| | median ms | quartiles | ratio | repeats |", "|---|---|---|---|---|"]
        lines.append(row("plain Hugging Face forward", case.times["plain"], plain))
        others = [name for name in case.times if name != "plain"]
        lines += [row(name, case.times[name], plain) for name in others]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, default=HERE / "LIVE.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        cases = [
            names(),
            gpt2_shape(Path(place) / "gpt2", 16),
            gpt2_shape(Path(place) / "gpt2", 64),
        ]
        for case in cases:
            given = ("--prompt", case.prompt, "--target", case.target, "--foil", case.foil)
            with harness.chromium() as browser:
                with harness.server("open", case.source, *given) as server:
                    page = browser.new_page(viewport={"width": 1400, "height": 900})
                    page.goto(server.workspace("bench"))
                    harness.wait_for_board(page)
                    page.wait_for_timeout(1500)
                    board_times(case, page)
                    cell_times(case, page, options.repeats)
                    page.close()
                python_times(case, browser, options.repeats)
            print(report([case]).split("\n\n", 2)[2])
    options.out.write_text(report(cases))


if __name__ == "__main__":
    main()
