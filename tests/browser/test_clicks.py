"""What a person does on the board, as the screen and the next notebook cell show it."""

from __future__ import annotations

from harness import execute, run_cell, until
from playwright.sync_api import Page, expect
from steps import (
    ablate,
    ask,
    baseline,
    board,
    choose,
    entries,
    expect_new_picture,
    expect_new_revision,
    expect_painted,
    now,
    part,
    picture,
    probabilities,
    revision,
)


def test_the_map_is_painted(page: Page) -> None:
    expect_painted(page.get_by_test_id("map-canvas"), at_least=8)
    expect(part(page, "L0H0")).to_be_attached()
    expect(part(page, "L3.mlp")).to_be_attached()


def test_the_board_is_left_of_the_notebook(page: Page) -> None:
    notebook = page.locator(".jp-NotebookPanel:visible").bounding_box()
    shown = board(page).bounding_box()
    assert notebook
    assert shown
    assert shown["x"] + shown["width"] <= notebook["x"] + 1
    assert shown["height"] > 700
    assert shown["width"] > 500


def test_a_head_shows_its_pattern(page: Page) -> None:
    choose(page, "L1H2")
    expect_painted(page.get_by_test_id("pattern-canvas"))
    for head in range(4):
        expect_painted(page.get_by_test_id(f"thumb-{head}").locator("canvas"), at_least=2)
    page.get_by_test_id("thumb-0").click()
    expect(page.get_by_test_id("head-title")).to_contain_text("L1H0")


def test_a_click_ablates_and_python_sees_it(page: Page) -> None:
    before = probabilities(page)
    picked = picture(page.get_by_test_id("map-canvas"))
    ablate(page, "L2H1")
    expect(entries(page)).to_have_count(1)
    expect_new_picture(page.get_by_test_id("map-canvas"), picked)
    after = probabilities(page)
    assert after != before
    assert any(abs(at_present - base) > 1e-4 for at_present, base in after.values())
    shown = run_cell(page, "board.interventions")
    assert "L2H1" in shown
    assert "Zero" in shown or "ablate" in shown.lower()


def test_the_metric_goes_from_baseline_to_now(page: Page) -> None:
    assert now(page) == baseline(page)
    untouched = page.get_by_test_id("metric-now").inner_text()
    ablate(page, "L0H0")
    expect(page.get_by_test_id("metric-now")).not_to_have_text(untouched)
    assert now(page) != baseline(page)
    shown = float(run_cell(page, "float(board.result.metric)"))
    assert abs(shown - now(page)) < 0.01


def test_freeze_scale_and_release(page: Page) -> None:
    choose(page, "L1H0")
    page.get_by_test_id("ctl-freeze-pattern").click()
    expect(entries(page)).to_have_count(1)
    page.get_by_test_id("ctl-freeze-output").click()
    expect(entries(page)).to_have_count(2)
    assert "L1H0.pattern" in run_cell(page, "board.interventions")
    page.get_by_test_id("ctl-release").click()
    expect(entries(page)).to_have_count(0)


def test_undo_redo_toggle_remove_clear(page: Page) -> None:
    undo, redo = page.get_by_test_id("undo"), page.get_by_test_id("redo")
    untouched = page.get_by_test_id("metric-now").inner_text()
    ablate(page, "L2H1")
    expect(page.get_by_test_id("metric-now")).not_to_have_text(untouched)
    ablated = page.get_by_test_id("metric-now").inner_text()
    undo.click()
    expect(entries(page)).to_have_count(0)
    expect(page.get_by_test_id("metric-now")).to_have_text(untouched)
    redo.click()
    expect(entries(page)).to_have_count(1)
    expect(page.get_by_test_id("metric-now")).to_have_text(ablated)

    page.locator("[data-testid^='entry-toggle-']").click()
    expect(page.get_by_test_id("metric-now")).to_have_text(untouched)
    expect(entries(page)).to_have_count(1)
    page.locator("[data-testid^='entry-toggle-']").click()
    expect(page.get_by_test_id("metric-now")).to_have_text(ablated)

    page.locator("[data-testid^='entry-remove-']").click()
    expect(entries(page)).to_have_count(0)
    ablate(page, "L1H1")
    ablate(page, "L1H2")
    page.get_by_test_id("clear").click()
    expect(entries(page)).to_have_count(0)
    expect(page.get_by_test_id("metric-now")).to_have_text(untouched)


def test_the_copied_code_rebuilds_the_state(page: Page) -> None:
    ablate(page, "L2H1")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_test_id("copy-code").click()
    until(page, "async () => (await navigator.clipboard.readText()).includes('L2H1')")
    code = page.evaluate("navigator.clipboard.readText()")
    assert code.strip() == run_cell(page, "print(board.code())").strip()
    execute(page, f"_space = {{}}\nexec({code!r}, _space)")
    same = "str(_space['board'].interventions) == str(board.interventions)"
    assert run_cell(page, same) == "True"


def test_a_prompt_edited_on_screen(page: Page) -> None:
    old = revision(page)
    ask(page, prompt="When Mary and John went to the store, John gave a book to")
    expect_new_revision(page, old)
    assert "a book to" in run_cell(page, "board.prompt")
    expect(page.get_by_test_id("problem")).to_have_count(0)


def test_an_empty_prompt_is_refused_and_the_state_stays(page: Page) -> None:
    shown = page.get_by_test_id("metric-now").inner_text()
    kept = run_cell(page, "board.prompt")
    ask(page, prompt="")
    expect(page.get_by_test_id("problem")).to_be_visible()
    assert run_cell(page, "board.prompt") == kept
    expect(page.get_by_test_id("metric-now")).to_have_text(shown)


def test_a_target_that_is_no_token_is_refused(page: Page) -> None:
    kept = run_cell(page, "board.target")
    ask(page, target=" Zzyzxqqq")
    expect(page.get_by_test_id("problem")).to_contain_text("Zzyzxqqq")
    assert run_cell(page, "board.target") == kept


def test_the_ablation_effect_fills_in(page: Page) -> None:
    canvas = page.get_by_test_id("map-canvas")
    old = picture(canvas)
    page.get_by_test_id("measure-select").select_option("effect")
    expect_new_picture(canvas, old)
    expect(page.get_by_test_id("progress")).to_have_count(0, timeout=30_000)
    expect_painted(canvas, at_least=8)
    page.get_by_test_id("measure-select").select_option("attribution")


def test_the_ablation_effect_can_be_cancelled(page: Page) -> None:
    execute(page, SLOW)
    try:
        page.get_by_test_id("measure-select").select_option("effect")
        expect(page.get_by_test_id("progress")).to_be_visible()
        page.get_by_test_id("cancel-job").first.click()
        expect(page.get_by_test_id("progress")).to_have_count(0, timeout=5000)
    finally:
        execute(page, "_slow.remove()")
        page.get_by_test_id("measure-select").select_option("attribution")


# A forward hook that sleeps makes every pass slow enough to be caught at work.
SLOW = """
import time as _time
_slow = model.bridge.blocks[3].attn.register_forward_hook(lambda *_: _time.sleep(0.05))
"""
