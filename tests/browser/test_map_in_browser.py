"""The map: measures, search, filter, brush, groups, zoom, minimap, and the same as a table."""

from __future__ import annotations

import re

import pytest
from harness import run_cell
from playwright.sync_api import Locator, Page, expect
from steps import (
    board,
    entries,
    expect_new_picture,
    expect_new_revision,
    expect_painted,
    expect_python,
    expect_still,
    number,
    part,
    picture,
    revision,
)


@pytest.fixture(autouse=True)
def tidy(page: Page) -> None:
    """Each test begins with a map."""
    expect_painted(page.get_by_test_id("map-canvas"), at_least=8)


def centre(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, first: str, last: str) -> None:
    """A rectangle from beyond one part to beyond another."""
    (x, y), (to_x, to_y) = centre(part(page, first)), centre(part(page, last))
    page.mouse.move(x - 8, y + 8)
    page.mouse.down()
    page.mouse.move((x + to_x) / 2, (y + to_y) / 2)
    page.mouse.move(to_x + 8, to_y - 8)
    page.mouse.up()


def choose_measure(page: Page, name: str) -> None:
    page.get_by_test_id("measure-select").select_option(name)
    expect(page.get_by_test_id("progress")).to_have_count(0, timeout=30_000)


def test_every_measure_paints_and_says_its_numbers(page: Page) -> None:
    canvas = page.get_by_test_id("map-canvas")
    names = (
        page.get_by_test_id("measure-select")
        .locator("option")
        .evaluate_all("options => options.map(o => o.value)")
    )
    assert len(names) == 14
    for name in names[1:]:
        old = picture(canvas)
        choose_measure(page, name)
        expect_new_picture(canvas, old)
        expect(part(page, "L2H1")).to_have_attribute("aria-label", re.compile("now .*baseline"))
    choose_measure(page, "copying")
    shown = number(re.split("now ", part(page, "L0H1").get_attribute("aria-label") or "")[1])
    exact = float(
        run_cell(page, "import circuitboard as cb; float(cb.copying_scores(model)[0, 1])")
    )
    assert abs(shown - exact) < 2e-3
    choose_measure(page, "attribution")


def test_search_finds_an_address_and_a_class(page: Page) -> None:
    found = run_cell(page, "import circuitboard as cb; cb.head_scores(model).over('previous')")
    heads = re.findall(r"L\d+H\d+", found)
    field = page.get_by_test_id("map-search")
    field.fill("2.1")
    field.press("Enter")
    expect(page.get_by_test_id("head-title")).to_contain_text("L2H1")
    field.fill("previous")
    results = page.get_by_test_id("map-results")
    expect(results).to_contain_text(f"{len(heads)} found", timeout=30_000)
    expect(results).not_to_contain_text("being computed", timeout=30_000)
    for head in heads[:10]:
        expect(results).to_contain_text(head)
    if heads:
        field.press("Enter")
        expect(page.get_by_test_id("head-title")).to_contain_text(heads[0])
        field.press("Shift+Enter")
        expect_python(page, f"sorted(board.selection) == {sorted(heads)}")
    field.press("Escape")
    expect(field).to_have_value("")


def test_the_filter_counts_and_selects(page: Page) -> None:
    canvas = page.get_by_test_id("map-canvas")
    old = picture(canvas)
    page.get_by_test_id("map-filter").fill("0.5")
    expect_new_picture(canvas, old)
    text = page.get_by_test_id("map-filter-count").inner_text()
    count = int(re.search(r"(\d+) of (\d+)", text)[1])  # type: ignore[index]
    assert 0 < count < 22
    page.get_by_test_id("map-filter-select").click()
    expect_python(page, f"len(board.selection) == {count}")
    page.get_by_test_id("map-filter").fill("0")
    expect(page.get_by_test_id("map-filter-count")).to_have_text("all")


def test_a_rectangle_selects_and_the_group_is_ablated_and_released_at_once(page: Page) -> None:
    page.keyboard.down("Shift")
    drag(page, "L1H0", "L2H1")
    page.keyboard.up("Shift")
    expect(page.get_by_test_id("group-count")).to_have_text("4 selected")
    expect_python(page, "set(board.selection) == {'L1H0', 'L1H1', 'L2H0', 'L2H1'}")
    old, before = revision(page), page.get_by_test_id("metric-now").inner_text()
    page.get_by_test_id("group-ablate").click()
    expect_new_revision(page, old)
    expect(entries(page)).to_have_count(4)
    expect(page.get_by_test_id("metric-now")).not_to_have_text(before)
    page.get_by_test_id("group-ablate").click()
    expect(entries(page)).to_have_count(0)
    page.get_by_test_id("undo").click()
    expect(entries(page)).to_have_count(4)
    page.get_by_test_id("group-release").click()
    expect(entries(page)).to_have_count(0)
    page.get_by_test_id("group-scale").fill("0.5")
    page.get_by_test_id("group-scale").press("Enter")
    expect(entries(page)).to_have_count(4)
    expect(page.get_by_test_id("interventions")).to_contain_text("0.5")


def test_the_brush_and_the_keyboard_select_a_block(page: Page) -> None:
    page.get_by_test_id("map-brush").click()
    drag(page, "L0H0", "L1H2")
    expect(page.get_by_test_id("group-count")).to_have_text("6 selected")
    part(page, "L2H0").click()
    part(page, "L2H0").focus()
    for key in ("ArrowUp", "ArrowRight", "ArrowRight"):
        page.keyboard.press(f"Shift+{key}")
    expect(page.get_by_test_id("group-count")).to_have_text("6 selected")
    page.keyboard.press("b")
    expect(page.get_by_test_id("map-brush")).to_have_attribute("aria-pressed", "false")


def test_zooming_shows_more_and_the_minimap_moves_it(page: Page) -> None:
    canvas = page.get_by_test_id("map-canvas")
    expect(page.get_by_test_id("minimap")).to_have_count(0)
    page.get_by_label("Zoom in").click()
    page.get_by_label("Zoom in").click()
    minimap = page.get_by_test_id("minimap")
    expect(minimap).to_be_visible()
    old = expect_still(canvas)
    box = minimap.bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.up()
    expect_new_picture(canvas, old)


def test_the_table_has_the_exact_numbers_and_the_keyboard(page: Page) -> None:
    part(page, "L2H1").click()
    page.get_by_test_id("ctl-ablate").click()
    expect(entries(page)).to_have_count(1)
    page.get_by_test_id("map-table-toggle").click()
    table = page.get_by_test_id("map-table")
    line = page.get_by_test_id("map-row-L2H1")
    expect(line).to_contain_text("ablated")
    expect(line.locator("td").nth(0)).to_have_text("0.0000")
    total = number(table.locator("tfoot td").nth(0).inner_text())
    assert abs(total - float(run_cell(page, "float(board.result.metric)"))) < 1e-3
    page.get_by_test_id("map-sort-now").click()
    expect(table.locator("th[aria-sort=descending]")).to_contain_text("Now")
    shown = [number(t) for t in table.locator("tbody td:nth-child(2)").all_inner_texts()]
    assert shown == sorted(shown, reverse=True)
    first = table.locator("tbody tr").first
    first.click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    second = table.locator("tbody tr").nth(1).locator("code").inner_text()
    expect_python(page, f"{second!r} in board.selection")
    page.get_by_test_id("map-table-toggle").click()
    expect(table).to_have_count(0)
    expect(board(page)).to_be_visible()
