"""The contrast row and the Patching panel, driven through a real kernel."""

from __future__ import annotations

import re

import pytest
from harness import execute, run_cell
from playwright.sync_api import Locator, Page, expect
from steps import (
    choose,
    entries,
    expect_new_picture,
    expect_new_revision,
    expect_painted,
    expect_python,
    now,
    number,
    part,
    picture,
    revision,
    show,
)

CLEAN = "When Mary and John went to the store, John gave a drink to"
OTHER = "When Mary and John went to the store, Mary gave a drink to"
#: Where the two differ.
AT = 10


@pytest.fixture(autouse=True)
def contrast(page: Page) -> None:
    execute(page, f"board.ask({CLEAN!r}, 'Mary', 'John', {OTHER!r}); board.wait()")
    expect(page.get_by_test_id(f"contrast-token-{AT}")).to_have_text("Mary")


def chip(page: Page, index: int = AT) -> Locator:
    return page.get_by_test_id(f"contrast-token-{index}")


def middle(of: Locator) -> tuple[float, float]:
    box = of.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def expect_patches(page: Page, *places: str) -> None:
    expect_python(page, f"[line.item.at for line in board.interventions] == {list(places)}")


def test_what_differs_is_marked_and_said(page: Page) -> None:
    expect(page.get_by_test_id("contrast-differs")).to_have_text("1 of 15 tokens differs")
    unlike = page.locator(".token-pair[data-same=false]")
    expect(unlike).to_have_count(1)
    expect(unlike).to_contain_text("≠")
    value = number(page.get_by_test_id("metric-contrast").inner_text())
    assert value == pytest.approx(float(run_cell(page, "board.contrast_metric")), abs=0.006)


def test_a_token_is_dragged_onto_a_part(page: Page) -> None:
    old = revision(page)
    page.mouse.move(*middle(chip(page)))
    page.mouse.down()
    page.mouse.move(*middle(part(page, "L2H1")), steps=4)
    expect(page.get_by_test_id("drag-ghost")).to_contain_text(f"patch L2H1@{AT}")
    page.mouse.up()
    expect_new_revision(page, old)
    expect(page.get_by_test_id("drag-ghost")).to_have_count(0)
    expect(entries(page)).to_contain_text(f"patch L2H1@{AT}")
    assert run_cell(page, "board.interventions") == f"[Patch(\"L2H1@{AT}\", '{OTHER}')]".replace(
        "\n", ""
    )
    expect(part(page, "L2H1")).to_have_accessible_name(re.compile("patched"))
    page.get_by_test_id("undo").click()
    expect(entries(page)).to_have_count(0)
    expect_patches(page)


def test_a_drag_is_given_up_by_escape_and_beside_the_map(page: Page) -> None:
    page.mouse.move(*middle(chip(page)))
    page.mouse.down()
    page.mouse.move(*middle(part(page, "L2H1")), steps=3)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("drag-ghost")).to_have_count(0)
    page.mouse.up()
    page.mouse.move(*middle(chip(page)))
    page.mouse.down()
    page.mouse.move(*middle(page.get_by_test_id("plan")), steps=3)
    expect(page.get_by_test_id("drag-ghost")).to_contain_text("onto a part")
    page.mouse.up()
    expect_patches(page)


def test_a_click_patches_what_is_selected_and_takes_it_back(page: Page) -> None:
    chip(page).click()
    expect(page.get_by_test_id("board")).to_contain_text("Nothing is selected to patch")
    choose(page, "L1H3")
    old = revision(page)
    chip(page).click()
    expect_new_revision(page, old)
    expect(chip(page)).to_have_attribute("aria-pressed", "true")
    expect_patches(page, f"L1H3@{AT}")
    chip(page).click()
    expect(entries(page)).to_have_count(0)


def test_the_keyboard_patches_here_and_everywhere(page: Page) -> None:
    page.get_by_test_id(f"token-{AT}").click()
    choose(page, "L0H1")
    old = revision(page)
    page.keyboard.press("c")
    expect_new_revision(page, old)
    expect(page.get_by_test_id("ctl-patch-here")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+C")
    expect(entries(page)).to_have_count(2)
    expect_patches(page, f"L0H1@{AT}", "L0H1")
    chip(page).focus()
    page.keyboard.press("ArrowLeft")
    expect(chip(page, AT - 1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(entries(page)).to_have_count(3)
    run_cell(page, "board.position = -1")


def test_prompts_are_swapped_edited_and_made(page: Page) -> None:
    first = now(page)
    old = revision(page)
    page.get_by_test_id("contrast-swap").click()
    expect_new_revision(page, old)
    expect(page.get_by_test_id("prompt-input")).to_have_value(OTHER)
    expect(page.get_by_test_id("contrast-input")).to_have_value(CLEAN)
    assert number(page.get_by_test_id("metric-contrast").inner_text()) == first
    page.get_by_test_id("contrast-remove").click()
    expect(page.get_by_test_id("contrast")).to_have_count(0)
    page.get_by_test_id("contrast-make").click()
    expect(page.get_by_test_id("contrast-input")).to_be_focused()
    expect(page.get_by_test_id("contrast-help")).to_be_visible()
    assert run_cell(page, "board.contrast") == ""  # None prints nothing: it is not yet one
    page.get_by_test_id("contrast-exchange").click()
    expect(chip(page, 2)).to_have_text("John")
    other = run_cell(page, "board.contrast")
    assert other.strip("'") == OTHER.replace("Mary", "X").replace("John", "Mary").replace(
        "X", "John"
    )
    field = page.get_by_test_id("contrast-input")
    field.fill("When Mary and John went to the store, our Sarah gave a drink to")
    field.press("Enter")
    expect(page.get_by_test_id("contrast-differs")).to_contain_text("16 tokens, the prompt 15")
    expect(page.locator(".token-gap")).to_have_count(1)
    page.get_by_test_id("contrast-fold").click()
    expect(page.locator(".token-pair")).to_have_count(0)
    page.get_by_test_id("contrast-fold").click()


def test_a_grid_fills_and_a_cell_is_pinned(page: Page) -> None:
    show(page, "patching")
    canvas = page.get_by_test_id("patching-grid-canvas")
    expect_painted(canvas, at_least=6)
    expect(page.get_by_test_id("patching-progress")).to_have_count(0)
    grid = run_cell(page, f"round(float(board.patch_grid()[2, {AT}]), 3)")
    canvas.focus()
    # The first cell is that of the last layer at the first token.
    for _ in range(AT + 1):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    readout = page.get_by_test_id("patching-grid-readout")
    expect(readout).to_contain_text(f"L2.resid_pre@{AT}")
    cell = number(readout.inner_text().split("→")[1])
    assert cell == pytest.approx(float(grid), abs=0.0011)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("patching-pinbar")).to_contain_text(f"L2.resid_pre@{AT}")
    assert run_cell(page, "board.selection, board.position") == f"(['L2.resid_pre'], {AT})"
    old = revision(page)
    page.get_by_test_id("patching-pin").click()
    expect_new_revision(page, old)
    assert now(page) == pytest.approx(cell, abs=0.006)
    expect_patches(page, f"L2.resid_pre@{AT}")
    expect(page.get_by_test_id("patching-pin")).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("undo").click()
    expect(entries(page)).to_have_count(0)
    expect(page.get_by_test_id("patching-pin")).to_have_attribute("aria-pressed", "false")


def test_a_cell_of_denoising_swaps_the_prompts_and_is_the_same_number(page: Page) -> None:
    show(page, "patching")
    canvas = page.get_by_test_id("patching-grid-canvas")
    expect_painted(canvas, at_least=6)
    before = picture(canvas)
    page.get_by_test_id("patching-over").select_option("head")
    expect_new_picture(canvas, before)
    page.get_by_test_id("patching-denoising").click()
    expect(page.get_by_test_id("patching-runs")).to_contain_text("Runs the contrast prompt")
    expect(page.get_by_test_id("patching-progress")).to_have_count(0)
    expect(page.get_by_test_id("patching-hint")).to_contain_text("pinning exchanges the two")
    page.get_by_test_id("patching-table").click()
    row = page.get_by_test_id("patching-row").first
    address = row.get_by_role("button").first.inner_text()
    value = number(row.locator(".number").first.inner_text())
    old = revision(page)
    row.get_by_test_id(f"pin-{address}").click()
    expect_new_revision(page, old)
    expect(entries(page)).to_have_count(1)
    expect(page.get_by_test_id("prompt-input")).to_have_value(OTHER)
    expect(page.get_by_test_id("patching-runs")).to_contain_text("Runs the prompt")
    page.wait_for_function(
        "v => Math.abs(parseFloat(document.querySelector('[data-testid=metric-now]').textContent"
        ".replace('\\u2212', '-')) - v) < 0.011",
        arg=value,
    )
    expect_patches(page, address)
    expect(page.get_by_test_id("patching-exchanged")).to_contain_text("were exchanged")
    page.get_by_test_id("undo").click()
    expect(entries(page)).to_have_count(0)
    expect(page.get_by_test_id("patching-exchanged")).to_have_count(0)
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("prompt-input")).to_have_value(CLEAN)


def test_neurons_and_one_layers_heads(page: Page) -> None:
    choose(page, "L2H1")
    show(page, "patching")
    page.get_by_test_id("patching-over").select_option("head position")
    expect(page.get_by_test_id("patching-runs")).to_be_visible()
    canvas = page.get_by_test_id("patching-grid-canvas")
    expect_painted(canvas, at_least=4)
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("patching-grid-readout")).to_contain_text("L2H3@0")
    page.get_by_test_id("patching-over").select_option("neuron")
    expect(page.get_by_test_id("patching-row").first).to_contain_text("L2.mlp.n")
    expect(page.get_by_test_id("patching-progress")).to_have_count(0)
    expect(page.get_by_test_id("patching-row")).to_have_count(64)
