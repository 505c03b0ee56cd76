"""JupyterLab as the host: reload, restart, a second tab, closing, and nothing to the network."""

from __future__ import annotations

import time

from harness import (
    BOARD_MS,
    FIND,
    Record,
    Server,
    finish_cell,
    run_cell,
    server,
    type_and_run,
    wait_for_board,
)
from playwright.sync_api import Browser, Page, expect
from steps import ablate, entries, expect_painted

CLOSE = f"() => {{ {FIND} panel.context.model.dirty = false; panel.close(); }}"
RESTART = f"() => {{ {FIND} void panel.sessionContext.session.kernel.restart(); }}"


def test_a_reload_brings_the_board_back_as_it_was(page: Page) -> None:
    ablate(page, "L2H1")
    shown = page.get_by_test_id("metric-now").inner_text()
    page.reload()
    wait_for_board(page)
    expect(entries(page)).to_have_count(1)
    expect(page.get_by_test_id("metric-now")).to_have_text(shown)
    expect_painted(page.get_by_test_id("map-canvas"), at_least=8)


def test_a_second_tab_is_in_step(page: Page, lab: Server) -> None:
    second = page.context.new_page()
    second.goto(lab.workspace("second-tab"))
    wait_for_board(second)
    ablate(page, "L2H1")
    expect(entries(second)).to_have_count(1)
    second.get_by_test_id("undo").click()
    expect(entries(page)).to_have_count(0)


def test_a_kernel_restart_brings_the_board_back(page: Page) -> None:
    ablate(page, "L2H1")
    began = time.monotonic()
    page.evaluate(RESTART)
    expect(page.get_by_test_id("board")).to_have_count(0)
    wait_for_board(page)
    assert time.monotonic() - began < 60
    expect(entries(page)).to_have_count(0)
    ablate(page, "L1H1")
    assert "L1H1" in run_cell(page, "board.interventions")


def test_restart_and_run_all_finds_the_board_ready(page: Page) -> None:
    page.evaluate(
        f"""() => {{ {FIND}
          const shared = panel.content.model.sharedModel;
          while (shared.cells.length) shared.deleteCell(0);
          shared.insertCell(0, {{cell_type: 'code', source: 'type(board).__name__'}});
          jupyterapp.shell.activateById(panel.id);
          window.cellDone = jupyterapp.commands.execute('notebook:restart-run-all'); }}"""
    )
    page.locator(".jp-Dialog button.jp-mod-accept").click()
    assert "Board" in finish_cell(page, 0)
    wait_for_board(page)


def test_a_kernel_that_dies_comes_back_with_the_board(page: Page) -> None:
    run_cell(page, "import os; os._exit(1)", wait=False)
    expect(page.get_by_test_id("board")).to_have_count(0, timeout=20_000)
    dialog = page.locator(".jp-Dialog button.jp-mod-accept")
    page.add_locator_handler(dialog, lambda: dialog.click())
    wait_for_board(page)


def test_the_panel_closes_with_its_notebook(page: Page) -> None:
    page.evaluate(CLOSE)
    expect(page.get_by_test_id("board")).to_have_count(0)
    expect(page.locator(".cb-panel")).to_have_count(0)


def test_the_command_opens_the_board_beside_another_notebook(page: Page, lab: Server) -> None:
    page.evaluate(CLOSE)
    page.evaluate(
        """async () => {
          const made = await jupyterapp.commands.execute('notebook:create-new',
            {kernelName: 'python3', activate: true});
          await made.sessionContext.ready; }"""
    )
    type_and_run(page, "mine = 5")
    page.evaluate("() => void jupyterapp.commands.execute('apputils:activate-command-palette')")
    page.locator(".lm-CommandPalette-input").fill("open the board beside")
    # By keyboard: the list may be drawn anew under a pointer.
    found = page.locator(".lm-CommandPalette-item.lm-mod-active")
    expect(found).to_contain_text("Circuitboard: open the board beside this notebook")
    page.keyboard.press("Enter")
    wait_for_board(page)
    assert run_cell(page, "(mine, type(board).__name__)") == "(5, 'Board')"
    page.evaluate(f"async () => {{ {FIND} await panel.sessionContext.shutdown(); }}")


def test_a_click_on_nothing_is_needed(page: Page, lab: Server) -> None:
    assert "model" in run_cell(page, "[name for name in ('model', 'board') if name in globals()]")
    assert (lab.root / "board.ipynb").is_file()


def test_the_terminal_stays_quiet(page: Page, lab: Server) -> None:
    lines = [line for line in lab.output.read_text().splitlines() if line.strip()]
    assert lines[0].startswith("Circuitboard: http://127.0.0.1:")
    noise = [line for line in lines[2:] if "os._exit" not in line and "restart" not in line.lower()]
    assert not noise, "\n".join(noise)


def test_no_request_leaves_the_machine(page: Page, record: Record) -> None:
    ablate(page, "L2H1")
    assert any(url.startswith("ws://127.0.0.1") for url in record.requests)
    assert record.strangers() == []


def test_a_click_does_not_make_jupyterlab_busy(page: Page, record: Record) -> None:
    page.evaluate(f"""() => {{ {FIND}
      window.statuses = [];
      panel.sessionContext.statusChanged.connect((_, now) => window.statuses.push(now)); }}""")
    before = len(record.requests)
    ablate(page, "L1H1")
    page.wait_for_timeout(300)
    assert page.evaluate("window.statuses") == []
    assert not [url for url in record.requests[before:] if "favicon" in url]
    run_cell(page, "1")
    assert page.evaluate("window.statuses") == ["busy", "idle"]


def test_a_stranger_would_be_noticed() -> None:
    seen = Record(requests=["http://127.0.0.1:1/x", "https://example.org/font", "blob:http://x/1"])
    assert seen.strangers() == ["https://example.org/font"]


NOTE_STATES = """() => {
  window.states = [];
  const note = () => window.states.push(document.querySelector('.cb-panel')?.dataset.state);
  const what = {subtree: true, childList: true, attributes: true, attributeFilter: ['data-state']};
  new MutationObserver(note).observe(document.body, what); }"""


def test_a_model_that_cannot_be_loaded_says_so_in_the_panel(chrome: Browser) -> None:
    with server("open", "nobody/nothing") as lab:
        context = chrome.new_context()
        page = context.new_page()
        page.goto(lab.workspace("trouble"))
        panel = page.locator(".cb-panel[data-state='problem']")
        expect(panel).to_contain_text("nobody/nothing cannot be loaded", timeout=BOARD_MS)
        expect(panel).to_contain_text("names")
        page.evaluate(NOTE_STATES)  # trying again may take no longer than a glance
        page.get_by_test_id("panel-action").click()
        page.wait_for_function("() => window.states.includes('starting')")
        expect(panel).to_be_visible(timeout=BOARD_MS)
        assert run_cell(page, "1 + 1") == "2"
        context.close()
