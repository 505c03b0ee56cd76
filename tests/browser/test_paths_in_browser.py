"""Paths: drawn from part to part, chosen by their effects, shown as wires, and listed."""

from __future__ import annotations

import re

import pytest
from harness import execute, run_cell
from playwright.sync_api import Locator, Page, expect
from steps import (
    board,
    entries,
    expect_new_picture,
    expect_new_revision,
    expect_painted,
    expect_python,
    expect_still,
    now,
    number,
    part,
    picture,
    revision,
    show,
)

TIP = "edge-tip"


@pytest.fixture(autouse=True)
def painted(page: Page) -> None:
    """Each test begins with a map."""
    expect_painted(page.get_by_test_id("map-canvas"), at_least=8)
    execute(page, "board.contrast = 'When Mary and John went to the store, Mary gave a drink to'")


def centre(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pull(page: Page, first: str, last: str, *, let_go: bool = True) -> None:
    """Drags a cable from one part to another."""
    (x, y), (to_x, to_y) = centre(part(page, first)), centre(part(page, last))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + to_x) / 2, (y + to_y) / 2, steps=3)
    page.mouse.move(to_x, to_y, steps=2)
    if let_go:
        page.mouse.up()


def complete(page: Page) -> None:
    """Until the list is of what is asked for now, and all of it is measured."""
    expect(page.locator(".paths-body")).to_have_attribute("data-stale", "false")
    expect(page.get_by_test_id("paths-progress")).to_have_count(0)
    expect(page.get_by_test_id("path-row").and_(page.locator("[data-base=NaN]"))).to_have_count(0)


def choice(page: Page, how: str, edge: str) -> Locator:
    return page.get_by_test_id(f"choice-{how}-{edge}")


def exact(page: Page, code: str) -> float:
    """The number that a line of Python gives."""
    return float(run_cell(page, f"import circuitboard as cb; float({code})"))


def effect_of(page: Page, item: str) -> float:
    """What an intervention does to the metric, in a run of its own."""
    asked = "board.prompt, [{}], target=board.target, foil=board.foil"
    runs = [f"cb.run(model, {asked.format(done)}).metric" for done in (item, "")]
    return exact(page, f"{runs[0]} - {runs[1]}")


def test_a_drag_from_part_to_part_offers_every_path_with_its_effect(page: Page) -> None:
    canvas = page.get_by_test_id("map-edges")
    expect(canvas).to_be_hidden()
    pull(page, "L2H1", "L3H3", let_go=False)
    expect(page.get_by_test_id("draft-text")).to_have_text("L2H1 → L3H3")
    expect_painted(canvas, at_least=2)
    page.mouse.up()
    popover = page.get_by_test_id("edge-popover")
    expect(popover.locator("[data-choice]")).to_have_count(16)
    expect(popover).not_to_contain_text("…")
    for how, item in (("patch", "cb.Patch({!r}, board.contrast)"), ("zero", "cb.Zero({!r})")):
        edge = "L2H1->L3H3.q" if how == "patch" else "L2H1->mlps->L3H3"
        shown = float(choice(page, how, edge).get_attribute("data-effect") or "nan")
        assert shown == pytest.approx(effect_of(page, item.format(edge)), abs=2e-4)
    expect_python(page, "board.selection == []")  # a drag selects nothing
    old, before = revision(page), now(page)
    choice(page, "patch", "L2H1->L3H3.q").click()
    expect_new_revision(page, old)
    expect(choice(page, "patch", "L2H1->L3H3.q")).to_have_attribute("aria-pressed", "true")
    assert 'Patch("L2H1->L3H3.q"' in run_cell(page, "board.interventions")
    assert 'board.patch("L2H1->L3H3.q"' in run_cell(page, "board.code()").replace("\\'", "'")
    assert abs(now(page) - before) > 0.05
    popover.get_by_label("Close").click()
    expect(popover).to_have_count(0)
    expect_painted(canvas, at_least=3)
    expect(page.get_by_test_id("edge-legend")).to_contain_text("patched")
    page.get_by_test_id("undo").click()
    expect(entries(page)).to_have_count(0)
    expect(canvas).to_be_hidden()


def test_a_drag_over_empty_ground_moves_the_map_and_one_to_an_earlier_part_does_nothing(
    page: Page,
) -> None:
    page.get_by_label("Zoom in").click()
    expect_still(page.get_by_test_id("map-canvas"))
    before = part(page, "L1H1").bounding_box()
    stage = page.locator(".map-stage").bounding_box()
    assert before
    assert stage
    x, y = stage["x"] + 70, stage["y"] + stage["height"] - 8
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y - 10, steps=4)
    page.mouse.up()
    expect_still(page.get_by_test_id("map-canvas"))
    after = part(page, "L1H1").bounding_box()
    assert after
    assert after["x"] < before["x"] - 20
    pull(page, "L2H1", "L1H1")
    expect(page.get_by_test_id("edge-popover")).to_have_count(0)
    expect(page.get_by_test_id("draft-text")).to_have_count(0)
    assert part(page, "L1H1").bounding_box() == after
    expect_python(page, "board.selection == []")
    part(page, "L2H1").click()
    expect(page.get_by_test_id("head-title")).to_contain_text("L2H1")


def test_the_keyboard_draws_an_edge_and_chooses(page: Page) -> None:
    part(page, "L1H2").click()
    part(page, "L1H2").focus()
    page.keyboard.press("e")
    text = page.get_by_test_id("draft-text")
    expect(text).to_have_text("L1H2 → L2H2")
    page.keyboard.press("ArrowLeft")
    expect(text).to_have_text("L1H2 → L2H1")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(text).to_have_text("L1H2 → logits")
    page.keyboard.press("Escape")
    expect(text).to_have_count(0)
    page.keyboard.press("e")
    page.keyboard.press("/")
    page.keyboard.type("3.0")
    page.keyboard.press("Enter")
    expect(text).to_have_text("L1H2 → L3H0")
    page.keyboard.press("Enter")
    popover = page.get_by_test_id("edge-popover")
    expect(popover.locator("[data-choice]")).to_have_count(16)
    page.get_by_test_id("map-search").fill("")
    popover.locator("[data-choice]").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(choice(page, "patch", "L1H2->mlps->L3H0.k")).to_be_focused()
    page.keyboard.press("Enter")
    expect(entries(page)).to_have_count(1)
    expect(page.get_by_test_id("interventions")).to_contain_text("L1H2->mlps->L3H0.k")
    page.keyboard.press("Escape")
    expect(popover).to_have_count(0)
    expect_python(page, "board.selection == ['L1H2']")


def test_without_a_contrast_prompt_zero_is_offered_and_it_is_said_why(page: Page) -> None:
    execute(page, "board.contrast = None; board.wait()")
    pull(page, "L0.mlp", "logits")
    popover = page.get_by_test_id("edge-popover")
    expect(popover.locator("[data-choice]")).to_have_count(2)
    expect(page.get_by_test_id("edge-no-patch")).to_contain_text("no contrast prompt")
    choice(page, "zero", "L0.mlp->logits").click()
    expect(entries(page)).to_have_count(1)
    assert 'Zero("L0.mlp->logits")' in run_cell(page, "board.interventions")


def test_an_edge_on_the_map_says_its_effect_and_is_switched_there(page: Page) -> None:
    execute(page, "board.ablate('embed->L3H0.v'); board.wait()")
    canvas = page.get_by_test_id("map-edges")
    expect_painted(canvas)
    (x, y), (to_x, to_y) = centre(part(page, "embed")), centre(part(page, "L3H0"))
    expect(page.get_by_test_id("progress")).to_have_count(0)
    tip = page.get_by_test_id(TIP)
    # It is looked for across the gap between two layers, where no part lies over it.
    gap = (centre(part(page, "L1H0"))[1] + centre(part(page, "L2H0"))[1]) / 2 - 4
    for step in range(120):
        page.mouse.move(to_x + (x - to_x) * step / 120, gap)
        if tip.count():
            break
    expect(tip).to_contain_text("embed->L3H0.v")
    shown = number(tip.locator("dd").inner_text())
    assert shown == pytest.approx(effect_of(page, "cb.Zero('embed->L3H0.v')"), abs=2e-4)
    expect(page.locator(".entry[data-here=true]")).to_have_count(1)
    page.mouse.down()
    page.mouse.up()
    popover = page.get_by_test_id("edge-popover")
    old = picture(canvas)
    popover.get_by_role("switch").click()
    expect(page.get_by_test_id("interventions").get_by_role("switch")).to_have_attribute(
        "aria-checked", "false"
    )
    expect_new_picture(canvas, old)
    popover.get_by_label(re.compile("^Remove")).click()
    expect(entries(page)).to_have_count(0)
    assert y > to_y


def test_who_feeds_a_head_fills_in_is_drawn_listed_and_pinned(page: Page) -> None:
    part(page, "L3H3").click()
    page.get_by_test_id("map-paths-into").click()
    rows = page.get_by_test_id("path-row")
    expect(rows).to_have_count(3 * (1 + 3 * 4 + 3))
    complete(page)
    canvas = page.get_by_test_id("map-edges")
    expect_painted(canvas, at_least=4)
    found = rows.evaluate_all("rows => rows.map(r => [r.dataset.edge, +r.dataset.base])")
    sizes = [abs(value) for _, value in found]
    assert sizes == sorted(sizes, reverse=True)
    asked = "target=board.target, foil=board.foil"
    for edge, value in found[:3]:
        end = edge[-1]
        code = f"cb.path_patch(model, board.prompt, board.contrast, receiver='L3H3.{end}', {asked})"
        assert value == pytest.approx(exact(page, f"{code}[{edge!r}]"), abs=2e-5)
        assert value == pytest.approx(exact(page, f"board.paths_into('L3H3')[{edge!r}]"), abs=2e-5)
    old = picture(canvas)
    page.get_by_test_id("paths-top").fill("2")
    page.get_by_test_id("paths-top").press("Enter")
    expect_new_picture(canvas, old)
    rows.first.get_by_test_id("path-pin").click()
    expect(entries(page)).to_have_count(1)
    assert found[0][0] in run_cell(page, "board.interventions")
    page.get_by_test_id("undo").click()
    expect(entries(page)).to_have_count(0)


def test_a_panel_opened_at_once_stays_in_front(page: Page) -> None:
    """The kernel's word for a selection comes when another panel has been opened for it."""
    page.evaluate(AT_ONCE)
    expect(page.get_by_test_id("path-row").first).to_be_visible()
    page.wait_for_timeout(500)
    expect(page.get_by_test_id("path-row").first).to_be_visible()


AT_ONCE = """async () => {
  const find = id => document.querySelector(`[data-testid=${id}]`);
  find('part-L3H3').dispatchEvent(new MouseEvent('click', {bubbles: true}));
  while (find('map-paths-into').disabled) await new Promise(r => setTimeout(r));
  find('map-paths-into').click(); }"""


def test_whom_it_feeds_follows_the_selection_until_it_is_dismissed(page: Page) -> None:
    part(page, "L0H1").click()
    part(page, "L0H1").focus()
    page.keyboard.press("o")
    rows = page.get_by_test_id("path-row")
    expect(rows).to_have_count(3 * 4 * 3 + 4 + 1)
    expect(page.get_by_test_id("map-paths-from")).to_have_attribute("aria-pressed", "true")
    part(page, "L2.mlp").click()
    expect(page.get_by_test_id("neuron-row").first).to_be_visible()
    show(page, "paths")
    expect(rows).to_have_count(4 * 3 + 1 + 1)
    complete(page)
    expect_painted(page.get_by_test_id("map-edges"), at_least=4)
    page.get_by_test_id("paths-zero").click()
    expect(page.get_by_test_id("paths-zero")).to_have_attribute("aria-pressed", "true")
    complete(page)
    expect(rows.first).to_have_attribute("data-edge", re.compile("^L2.mlp->"))
    edge = rows.first.get_attribute("data-edge") or ""
    shown = float(rows.first.get_attribute("data-base") or "nan")
    assert shown == pytest.approx(exact(page, f"board.paths_from('L2.mlp', how='zero')[{edge!r}]"))
    page.get_by_test_id("map-paths-from").click()
    expect(page.get_by_test_id("map-edges")).to_be_hidden()
    expect(board(page)).to_be_visible()
