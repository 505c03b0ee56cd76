"""The notebook and the board on one kernel: cells show on screen, and no click is held up."""

from __future__ import annotations

import time

from harness import finish_cell, run_cell, type_and_run
from playwright.sync_api import Page, expect
from steps import (
    ablate,
    baseline,
    choose,
    entries,
    expect_new_picture,
    expect_new_revision,
    now,
    picture,
    revision,
)


def test_what_a_cell_does_shows_on_the_board(page: Page) -> None:
    canvas = page.get_by_test_id("map-canvas")
    old = picture(canvas)
    type_and_run(page, 'board.freeze("L1H0.pattern"); board.ablate("L2H1");')
    expect(entries(page)).to_have_count(2)
    expect(page.get_by_test_id("interventions")).to_contain_text("L1H0.pattern")
    expect(page.get_by_test_id("interventions")).to_contain_text("L2H1")
    expect_new_picture(canvas, old)
    assert now(page) != baseline(page)


def test_a_weight_edited_in_place_shows_after_the_cell(page: Page) -> None:
    old, before = revision(page), page.get_by_test_id("metric-now").inner_text()
    run_cell(page, EDIT.format(factor=0.5))
    expect_new_revision(page, old)
    expect(page.get_by_test_id("metric-now")).not_to_have_text(before)
    old = revision(page)
    run_cell(page, EDIT.format(factor=2.0))
    expect_new_revision(page, old)
    expect(page.get_by_test_id("metric-now")).to_have_text(before)


EDIT = """
import torch
with torch.no_grad():
    model.bridge.blocks[1].attn.o.weight.mul_({factor})
"""


def test_a_hook_added_in_a_cell_shows_after_it(page: Page) -> None:
    old, before = revision(page), page.get_by_test_id("metric-now").inner_text()
    run_cell(
        page,
        "handle = model.bridge.blocks[2].mlp.register_forward_hook(\n"
        "    lambda module, given, out: out * 0)",
    )
    expect_new_revision(page, old)
    expect(page.get_by_test_id("metric-now")).not_to_have_text(before)
    run_cell(page, "handle.remove()")
    expect(page.get_by_test_id("metric-now")).to_have_text(before)


def test_a_click_is_answered_while_a_cell_sleeps(page: Page) -> None:
    choose(page, "L2H1")
    run_cell(page, "import time; time.sleep(5); 'slept'", wait=False)
    page.wait_for_timeout(500)
    took = []
    for control in ("ctl-ablate", "undo", "redo"):
        old, began = revision(page), time.monotonic()
        page.get_by_test_id(control).click()
        expect_new_revision(page, old, within_ms=3000)
        took.append(time.monotonic() - began)
    assert max(took) < 1, took
    assert "slept" in finish_cell(page)


def test_a_click_is_answered_while_python_computes(page: Page) -> None:
    choose(page, "L2H1")
    busy = "end = time.monotonic() + 5\nwhile time.monotonic() < end: sum(range(1000))\n'done'"
    run_cell(page, f"import time\n{busy}", wait=False)
    page.wait_for_timeout(500)
    old, began = revision(page), time.monotonic()
    page.get_by_test_id("ctl-ablate").click()
    expect_new_revision(page, old, within_ms=4000)
    assert time.monotonic() - began < 3
    assert "done" in finish_cell(page)


def test_the_selection_reads_and_sets(page: Page) -> None:
    choose(page, "L3H2")
    assert "L3H2" in run_cell(page, "board.selection")
    run_cell(page, 'board.selection = ["L0H3"]')
    expect(page.get_by_test_id("head-title")).to_contain_text("L0H3")


def test_the_run_is_made_while_the_pointer_is_on_its_way(page: Page) -> None:
    run_cell(page, "board.engine.shelf.clear()")
    choose(page, "L2H1")
    page.get_by_test_id("ctl-ablate").hover()
    page.wait_for_timeout(400)
    expect(entries(page)).to_have_count(0)
    old = revision(page)
    page.evaluate(CLICK)
    expect_new_revision(page, old)
    expect(page.get_by_test_id("plan")).to_contain_text("beforehand")
    assert "beforehand" in run_cell(page, "board.result.plan")


def test_a_control_that_is_only_passed_over_asks_for_nothing(page: Page) -> None:
    run_cell(page, "board.engine.shelf.clear()")
    choose(page, "L2H1")
    page.evaluate(PASS_OVER)
    page.wait_for_timeout(300)
    old = revision(page)
    page.evaluate(CLICK)
    expect_new_revision(page, old)
    assert "beforehand" not in run_cell(page, "board.result.plan")


ABLATE = "const control = document.querySelector('[data-testid=ctl-ablate]')"
# No pointer comes near the control, nor the focus.
CLICK = f"() => {{ {ABLATE}; control.click(); }}"
PASS_OVER = f"""() => {{
  {ABLATE};
  control.dispatchEvent(new PointerEvent('pointerenter'));
  control.dispatchEvent(new PointerEvent('pointerleave')); }}"""


def test_undo_in_a_cell_takes_back_a_click(page: Page) -> None:
    ablate(page, "L2H1")
    run_cell(page, "board.undo();")
    expect(entries(page)).to_have_count(0)


def test_a_board_shown_in_the_notebook_is_in_step(page: Page) -> None:
    run_cell(page, "board")
    expect(page.get_by_test_id("board")).to_have_count(2)
    page.get_by_test_id("board").first.get_by_test_id("part-L2H1").click()
    page.get_by_test_id("board").first.get_by_test_id("ctl-ablate").click()
    for index in range(2):
        shown = page.get_by_test_id("board").nth(index)
        expect(shown.get_by_test_id("interventions")).to_contain_text("L2H1")


def test_another_board_takes_the_place_of_the_first(page: Page) -> None:
    panel = page.locator(".cb-panel")
    first = panel.get_attribute("data-model")
    run_cell(
        page, 'import circuitboard as cb; _first = board; board = cb.Board(model, prompt="the")'
    )
    expect(panel).not_to_have_attribute("data-model", first or "")
    expect(panel.get_by_test_id("board")).to_be_visible()
    run_cell(page, "board = _first")
    expect(panel).to_have_attribute("data-model", first or "")
