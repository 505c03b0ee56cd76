"""One server and one browser for the session; a fresh page and workspace for each test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import (
    PATIENCE_S,
    Record,
    Server,
    chromium,
    execute,
    find_browser,
    server,
    until,
    wait_for_board,
)
from playwright.sync_api import expect

RESULTS = Path(__file__).resolve().parents[2] / "test-results"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test of this folder, skips them where there is no browser, and runs them last.

    Last, because Playwright leaves an event loop running in the main thread.
    """
    no_browser = pytest.mark.skip(reason="no Chromium or Chrome found; make test installs it")
    for item in items:
        if is_here(item):
            item.add_marker(pytest.mark.browser)
            if find_browser() is None:
                item.add_marker(no_browser)
    items.sort(key=is_here)


def is_here(item: pytest.Item) -> bool:
    """Whether it is a browser test."""
    return Path(__file__).parent in item.path.parents


@pytest.fixture(scope="session")
def lab() -> Iterator[Server]:
    with server("open", "names") as running:
        yield running


@pytest.fixture(scope="session")
def chrome() -> Iterator[Any]:
    expect.set_options(timeout=1000 * PATIENCE_S)
    with chromium() as browser:
        yield browser


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def device() -> dict[str, Any]:
    """What the page is shown on; a file of tests may have another."""
    return {"viewport": {"width": 1600, "height": 1000}}


@pytest.fixture
def page(
    lab: Server,
    chrome: Any,
    record: Record,
    device: dict[str, Any],
    request: pytest.FixtureRequest,
) -> Iterator[Any]:
    """JupyterLab with the board of the session's kernel, set back to how it started.

    Prompts, interventions, circuit, selection, weights, layout and the settings of all views are
    those of a new board, whatever the test before has left or failed to take back.
    """
    context = chrome.new_context(**device)
    context.set_default_timeout(1000 * PATIENCE_S)
    context.on("page", record.watch)
    page = context.new_page()
    page.goto(lab.workspace(re.sub(r"\W", "-", request.node.name)))
    wait_for_board(page)
    execute(page, RESET)
    until(page, SETTLED)
    yield page
    if getattr(request.node, "failed", False):
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / f"{request.node.name}.png")
    context.close()
    assert record.errors == []
    assert record.strangers() == []


# Nothing is at work, and nothing new has been painted for a while: what the reset brought is on
# screen.
SETTLED = """async () => {
  const root = document.querySelector('[data-testid=board]');
  const seen = () => `${root?.dataset.seq} ${root?.dataset.revision}`;
  const before = seen();
  await new Promise(r => setTimeout(r, 300));
  const idle = !document.querySelector('[data-testid=progress]');
  return root !== null && idle && seen() === before; }"""

# The first test's board is the one as loaded; the rest come back to it.
RESET = """
try:
    _fresh
except NameError:
    _fresh = (board.prompt, board.target, board.foil, board.contrast)
if (board.prompt, board.target, board.foil, board.contrast) != _fresh:
    board.ask(*_fresh)
if board.weights_changed():
    board.restore_weights()
board.clear()
board.circuit = None
board.select([], -1)
board.layout = ""
board._past.clear()
board._future.clear()
board.wait()
"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.failed:
        item.failed = True  # type: ignore[attr-defined]
    return report
