"""The head view, driven as a person drives it, against what the kernel says."""

from __future__ import annotations

import json
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
    number,
    picture,
    revision,
)


@pytest.fixture(autouse=True)
def _settings_as_they_were(page: Page) -> None:
    choose(page, "L1H2")
    expect_painted(page.get_by_test_id("pattern-canvas"))


def cells(page: Page) -> Locator:
    return page.get_by_test_id("pattern-cells")


def point_at(page: Page, row: int, column: int) -> None:
    """Moves over the cells by keys, from the last one."""
    size = page.get_by_test_id("head-text").locator("button").count()
    cells(page).focus()
    cells(page).press("End")
    for _ in range(size - 1 - row):
        cells(page).press("ArrowUp")
    cells(page).press("Home")
    for _ in range(column):
        cells(page).press("ArrowRight")
    expect(cells(page)).to_have_attribute("data-cell", f"{row},{column}")


def exact(page: Page) -> float:
    """The value of the cell pointed at, once the kernel has sent it."""
    value = page.get_by_test_id("pattern-readout").locator(".readout-value[data-exact=true] b")
    expect(value).to_be_visible()
    return number(value.inner_text())


def kernel(page: Page, expression: str) -> object:
    """What an expression gives in the kernel."""
    return json.loads(
        run_cell(page, f"import json, circuitboard as cb\nprint(json.dumps({expression}))")
    )


def test_a_cell_shows_its_exact_value_of_each_kind(page: Page) -> None:
    canvas = page.get_by_test_id("pattern-canvas")
    for value, address in (("pattern", "pattern"), ("scores", "scores")):
        before = picture(canvas)
        page.get_by_test_id(f"head-value-{value}").click()
        if value != "pattern":
            expect_new_picture(canvas, before)
        point_at(page, 9, 3)
        true = kernel(page, f'float(board.result["L1H2.{address}"][0, 9, 3])')
        point_at(page, 9, 3)
        assert exact(page) == pytest.approx(true, abs=6e-5)
    page.get_by_test_id("head-value-attribution").click()
    total = page.get_by_test_id("attribution-total")
    cells(page).blur()
    expect(total).to_be_visible()
    true = kernel(page, 'float(cb.head_attribution(board.result, "L1H2").total[-1])')
    assert number(total.inner_text().partition("sums to")[2]) == pytest.approx(true, abs=6e-5)
    page.get_by_test_id("head-value-pattern").click()


def test_hover_focuses_a_click_locks_and_escape_unlocks(page: Page) -> None:
    text = page.get_by_test_id("head-text")
    tokens = text.locator("button")
    tokens.nth(6).hover()
    expect(text).to_have_attribute("data-focus", "6")
    expect(text).to_have_attribute("data-exact", "true")
    shown = {i: float(tokens.nth(i).get_attribute("data-weight") or "nan") for i in range(7)}
    assert tokens.nth(7).get_attribute("data-weight") is None
    tokens.nth(6).click()
    page.mouse.move(2, 2)
    expect(text).to_have_attribute("data-focus", "6")
    expect(text).to_have_attribute("data-locked", "true")
    page.keyboard.press("Escape")
    expect(text).to_have_attribute("data-locked", "false")
    true = kernel(page, 'board.result["L1H2.pattern"][0, 6, :7].tolist()')
    assert isinstance(true, list)
    assert shown == pytest.approx(dict(enumerate(true)), abs=1e-6)


def test_the_keyboard_moves_the_cell_and_locks(page: Page) -> None:
    point_at(page, 5, 2)
    cells(page).press("ArrowDown")
    cells(page).press("ArrowRight")
    expect(cells(page)).to_have_attribute("data-cell", "6,3")
    cells(page).press("Enter")
    expect(page.get_by_test_id("head-text")).to_have_attribute("data-locked", "true")
    cells(page).press("Escape")
    expect(page.get_by_test_id("head-text")).to_have_attribute("data-locked", "false")


def test_the_first_source_is_hidden_and_the_rest_is_scaled(page: Page) -> None:
    page.get_by_test_id("skip-first").click()
    point_at(page, 9, 3)
    shown = exact(page)
    page.get_by_test_id("skip-first").click()
    row = kernel(page, 'board.result["L1H2.pattern"][0, 9, :10].tolist()')
    assert isinstance(row, list)
    assert shown == pytest.approx(row[3] / (sum(row) - row[0]), abs=6e-5)


def test_a_pattern_painted_by_keys_is_set_and_undone(page: Page) -> None:
    page.get_by_test_id("head-edit").click()
    page.get_by_test_id("edit-weight").fill("0.75")
    page.get_by_test_id("edit-weight").press("Enter")
    point_at(page, 9, 2)
    cells(page).press("Enter")
    old = revision(page)
    page.get_by_test_id("edit-apply").click()
    expect_new_revision(page, old)
    expect(entries(page)).to_have_count(1)
    expect(page.get_by_test_id("edit-apply")).to_be_disabled()
    row = kernel(page, 'board.result["L1H2.pattern"][0, 9].tolist()')
    assert isinstance(row, list)
    assert row[2] == pytest.approx(0.75, abs=1e-6)
    assert sum(row) == pytest.approx(1, abs=1e-5)
    assert 'board.set("L1H2.pattern"' in run_cell(page, "print(board.code())")
    page.get_by_test_id("undo").click()
    expect(entries(page)).to_have_count(0)
    page.get_by_test_id("head-edit").click()


def test_a_stroke_paints_and_discard_takes_it_back(page: Page) -> None:
    page.get_by_test_id("head-edit").click()
    canvas = page.get_by_test_id("pattern-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    x, y = box["x"] + 90, box["y"] + box["height"] * 0.4
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + box["height"] * 0.2)
    page.mouse.up()
    apply = page.get_by_test_id("edit-apply")
    expect(apply).to_have_text(re.compile(r"Apply [3-9] cells"))
    page.get_by_test_id("edit-discard").click()
    expect(apply).to_have_text(re.compile(r"^Apply\s*$"))
    page.get_by_test_id("head-edit").click()
    expect(entries(page)).to_have_count(0)


def test_every_head_of_the_model_is_a_click_away(page: Page) -> None:
    page.get_by_test_id("head-gallery").click()
    for layer in range(4):
        expect_painted(page.get_by_test_id(f"gallery-{layer}").locator("canvas"), at_least=5)
    page.get_by_test_id("gallery-3").click(position={"x": 14, "y": 14})
    expect(page.get_by_test_id("head-title")).to_contain_text("L3H0")
    page.get_by_test_id("gallery-3").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("head-title")).to_contain_text("L3H1")
    page.get_by_test_id("head-gallery").click()


def test_tokens_are_listed_with_what_the_head_writes(page: Page) -> None:
    page.get_by_test_id("head-tokens").click()
    row = page.get_by_test_id("head-promoted").locator("tr").first
    expect(row).to_be_visible()
    out = kernel(page, '[list(t) for t in cb.head_output(board.result, "L1H2", k=1).promoted]')
    assert isinstance(out, list)
    text, _, effect = out[0]
    assert row.get_attribute("data-token") == text
    assert float(row.get_attribute("data-now") or "nan") == pytest.approx(effect, abs=1e-5)
    table = page.get_by_test_id("head-token-table").locator("tbody tr")
    assert table.count() == page.get_by_test_id("head-text").locator("button").count()
    expect(table.last).to_contain_text(text)
    page.get_by_test_id("head-tokens").click()


def test_the_class_comes_with_its_evidence(page: Page) -> None:
    page.get_by_test_id("head-evidence").click()
    expect_painted(page.get_by_test_id("evidence-pattern"), at_least=5)
    execute(page, 'import circuitboard as cb; _evidence = cb.head_evidence(model, "L1H2")')
    scores = kernel(page, "{s.name: s.value for s in _evidence.scores}")
    assert isinstance(scores, dict)
    for name, value in scores.items():
        row = page.get_by_test_id(f"evidence-{name}").locator("xpath=ancestor::tr")
        shown = number(row.locator(".number").get_attribute("title") or "")
        assert shown == pytest.approx(value, abs=6e-5)
    before = picture(page.get_by_test_id("evidence-pattern"))
    page.get_by_test_id("evidence-previous").click()
    expect_new_picture(page.get_by_test_id("evidence-pattern"), before)
    expect(page.get_by_test_id("evidence-copying")).to_contain_text("256 tokens")
    page.get_by_test_id("head-evidence").click()
