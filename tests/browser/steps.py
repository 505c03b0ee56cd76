"""What the tests do on the board, each in one word."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from harness import PATIENCE_S, execute
from playwright.sync_api import Locator, Page, expect

PAINTED = """canvas => {
  const {width, height} = canvas;
  if (!width || !height) return 0;
  const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4)
    seen.add((data[i] << 24) | (data[i + 1] << 16) | (data[i + 2] << 8) | data[i + 3]);
  return seen.size; }"""
SIGNATURE = """canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let hash = 17;
  for (let i = 0; i < data.length; i++) hash = (hash * 31 + data[i]) | 0;
  return hash; }"""


def board(page: Page) -> Locator:
    """The board's root."""
    return page.get_by_test_id("board")


def revision(page: Page) -> str:
    """Which run of the model is shown."""
    return board(page).get_attribute("data-revision") or ""


def expect_new_revision(page: Page, old: str, *, within_ms: float = 1000 * PATIENCE_S) -> None:
    """Until another run is shown than the one of ``old``."""
    expect(board(page)).not_to_have_attribute("data-revision", old, timeout=within_ms)


def colours(canvas: Locator) -> int:
    """How many colours a canvas holds: one where it is blank."""
    return canvas.evaluate(PAINTED)


def expect_painted(canvas: Locator, at_least: int = 3) -> None:
    """Until a canvas shows something."""
    expect(canvas).to_be_visible()
    if not eventually(canvas.page, lambda: colours(canvas) >= at_least):
        raise AssertionError(f"the canvas holds {colours(canvas)} colours: it is blank")


def picture(canvas: Locator) -> int:
    """A number that changes with any pixel of a canvas."""
    return canvas.evaluate(SIGNATURE)


def expect_new_picture(canvas: Locator, old: int) -> None:
    """Until a canvas shows something else."""
    assert eventually(canvas.page, lambda: picture(canvas) != old), "the picture did not change"


def expect_still(canvas: Locator) -> int:
    """Until a canvas has shown the same for a moment; gives that picture."""
    seen = [picture(canvas)]

    def same() -> bool:
        canvas.page.wait_for_timeout(150)
        seen.append(picture(canvas))
        return seen[-1] == seen[-2]

    assert eventually(canvas.page, same), "the picture goes on changing"
    return seen[-1]


def eventually(page: Page, question: Callable[[], bool], *, within_s: float = PATIENCE_S) -> bool:
    """Whether something becomes true."""
    deadline = time.monotonic() + within_s
    while not question():
        if time.monotonic() > deadline:
            return False
        page.wait_for_timeout(50)
    return True


def expect_python(page: Page, condition: str, *, within_s: float = PATIENCE_S) -> None:
    """Until a condition holds in the kernel: what the screen has said takes a way of its own."""
    code = f"assert {condition}"
    deadline = time.monotonic() + within_s
    while True:
        try:
            return execute(page, code)
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        page.wait_for_timeout(100)


def part(page: Page, address: str) -> Locator:
    """A part on the map."""
    return page.get_by_test_id(f"part-{address}")


def show(page: Page, panel: str) -> None:
    """Brings a panel in front of those that share its dock."""
    tab = page.get_by_test_id(f"tab-{panel}")
    tab.click()
    expect(tab).to_have_attribute("aria-selected", "true")


def choose(page: Page, address: str) -> None:
    """Clicks a head on the map; its view opens."""
    part(page, address).click()
    expect(page.get_by_test_id("head-title")).to_contain_text(address)


def ablate(page: Page, address: str) -> None:
    """Clicks a head and its ablate control."""
    choose(page, address)
    old = revision(page)
    page.get_by_test_id("ctl-ablate").click()
    expect_new_revision(page, old)


def entries(page: Page) -> Locator:
    """The lines of the list of interventions."""
    return page.locator("[data-testid^='entry-']").and_(
        page.locator(":not([data-testid*='toggle']):not([data-testid*='remove'])")
    )


def now(page: Page) -> float:
    """The metric as the board shows it now."""
    return number(page.get_by_test_id("metric-now").inner_text())


def baseline(page: Page) -> float:
    """The metric of the untouched run."""
    return number(page.get_by_test_id("metric-baseline").inner_text())


def number(text: str) -> float:
    """The number in a text, with either kind of minus."""
    found = re.search(r"-?\d+(\.\d+)?", text.replace("\N{MINUS SIGN}", "-"))
    assert found, f"no number in {text!r}"
    return float(found[0])


def probabilities(page: Page) -> dict[str, tuple[float, float]]:
    """Token to (probability now, at baseline), of the rows shown; brings their panel in front."""
    show(page, "logits")
    expect(page.get_by_test_id("logits-view")).to_have_attribute("data-position", re.compile(r"\d"))
    rows = page.get_by_test_id("logit-row").evaluate_all(
        "rows => rows.map(r => [r.dataset.token, +r.dataset.probNow, +r.dataset.probBase])"
    )
    return {token: (at_present, before) for token, at_present, before in rows}


def ask(page: Page, **given: Any) -> None:
    """Fills prompt, target or foil in, and applies them."""
    for name, text in given.items():
        page.get_by_test_id(f"{name}-input").fill(text)
    page.get_by_test_id("apply-prompt").click()
