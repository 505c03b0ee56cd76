"""Makes the documentation's pictures: ``make screenshots``.

The real command, in a headless Chromium, once in JupyterLab's light theme and once in the dark one.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from harness import chromium, find_browser, server, wait_for_board  # noqa: E402
from playwright.sync_api import Browser, Page, expect  # noqa: E402

IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1600, "height": 1000}
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
HEAD = "L2H1"
CELLS = ("board.selection", "board.result.top(5)")
SETTLE_MS = 1200


def main() -> None:
    """Takes all pictures."""
    if find_browser() is None:
        sys.exit("No Chromium or Chrome was found.")
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, theme in THEMES.items():
        settings = {"@jupyterlab/apputils-extension/themes": {"theme": theme}}
        with server("open", "names", settings=settings) as lab, chromium() as browser:
            page = open_page(browser, lab.workspace("pictures"), name)
            arrange(page)
            page.screenshot(path=IMAGES / f"board-{name}.png")
            if name == "light":
                page.get_by_test_id("board").screenshot(path=IMAGES / "board-close.png")
            page.context.close()


def open_page(browser: Browser, address: str, name: str) -> Page:
    """A page with the board painted."""
    context = browser.new_context(viewport=SIZE, color_scheme=name, device_scale_factor=1)
    page = context.new_page()
    page.goto(address)
    wait_for_board(page)
    return page


def arrange(page: Page) -> None:
    """A head selected, one intervention on, two cells run."""
    page.get_by_test_id(f"part-{HEAD}").click()
    page.get_by_test_id("ctl-ablate").click()
    expect(page.get_by_test_id("interventions")).to_contain_text(HEAD)
    cells = page.locator(".jp-NotebookPanel:visible .jp-CodeCell")
    for index, code in enumerate(CELLS):
        cell = cells.nth(index)
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.type(code)
        page.keyboard.press("Shift+Enter")
        expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"^\[\d+\]:$"))
    page.wait_for_timeout(SETTLE_MS)


if __name__ == "__main__":
    main()
