"""The board's layout: panels move, resize, close, pop out, and are found again; tour and help."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import Server, execute, run_cell, wait_for_board
from playwright.sync_api import Browser, Locator, Page, expect
from steps import ablate, board, choose, entries, expect_new_picture, expect_painted, part, picture

RESTART_LAYOUT = "board.layout = ''"
#: The kinds of views that the newest screen has asked for.
ASKED = "sorted(type(v).__name__ for v in [*board.widget.screen._views.values()][-1])"


def tab(page: Page, panel: str) -> Locator:
    return page.get_by_test_id(f"tab-{panel}")


def box(found: Locator) -> dict[str, float]:
    """Where an element is, in CSS pixels."""
    at = found.bounding_box()
    assert at is not None
    x, y, width, height = at["x"], at["y"], at["width"], at["height"]
    ends = {"right": x + width, "bottom": y + height}
    return {"x": x, "y": y, "width": width, "height": height, **ends}


def menu(page: Page, panel: str, item: str) -> None:
    """Opens a panel's menu and picks an item, by keyboard alone."""
    page.get_by_test_id(f"panel-menu-{panel}").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("menu")).to_be_visible()
    for _ in range(30):
        if page.evaluate("document.activeElement.dataset.testid") == f"menu-{item}":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("menu")).to_have_count(0)


def kept(page: Page) -> dict[str, Any]:
    """The layout as the kernel keeps it."""
    return json.loads(run_cell(page, "print(board.layout)") or "{}")


def wait_until_kept(page: Page) -> None:
    """Until the screen has sent its layout to the kernel."""
    for _ in range(30):
        if run_cell(page, "print(board.layout)").strip():
            return
        page.wait_for_timeout(100)
    raise AssertionError("the layout did not reach the kernel")


def test_the_panel_of_the_selection_comes_to_the_front(page: Page) -> None:
    expect(page.get_by_test_id("logits-view")).to_be_visible()
    choose(page, "L1H2")
    expect(page.get_by_test_id("head-view")).to_be_visible()
    expect(page.get_by_test_id("logits-view")).to_have_count(0)
    expect(tab(page, "head")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("ctl-ablate")).to_be_visible()
    expect(page.get_by_test_id("interventions")).to_be_visible()


def test_only_panels_that_can_be_seen_are_computed(page: Page) -> None:
    choose(page, "L1H2")
    expect_painted(page.get_by_test_id("pattern-canvas"))
    assert run_cell(page, ASKED) == "['HeadView', 'LogitsView', 'MapView', 'WeightEditsView']"
    tab(page, "logits").click()
    expect(page.get_by_test_id("head-view")).to_have_count(0)
    # The map needs the logits, too, for the answers over it; the list, whether weights are edited.
    assert run_cell(page, ASKED) == "['LogitsView', 'MapView', 'WeightEditsView']"
    menu(page, "map", "close")
    assert run_cell(page, ASKED) == "['LogitsView', 'WeightEditsView']"
    tab(page, "head").click()
    expect_painted(page.get_by_test_id("pattern-canvas"))
    assert run_cell(page, ASKED) == "['HeadView', 'WeightEditsView']"
    page.get_by_test_id("fold-head").click()
    expect(page.get_by_test_id("head-view")).to_have_count(0)
    assert run_cell(page, ASKED) == "['WeightEditsView']"


def test_a_pinned_panel_stays_in_front(page: Page) -> None:
    choose(page, "L1H2")
    tab(page, "logits").click()
    menu(page, "logits", "pin")
    choose(page, "L2H1")
    expect(page.get_by_test_id("logits-view")).to_be_visible()
    expect(page.get_by_test_id("head-view")).to_have_count(0)
    menu(page, "logits", "pin")
    choose(page, "L2H0")
    expect(page.get_by_test_id("head-view")).to_be_visible()


def test_a_panel_moves_by_keyboard(page: Page) -> None:
    choose(page, "L1H2")
    menu(page, "head", "below")
    expect(page.get_by_test_id("logits-view")).to_be_visible()
    expect(page.get_by_test_id("head-view")).to_be_visible()
    page.wait_for_function("document.activeElement?.dataset?.testid === 'tab-head'")
    logits, head = (box(page.get_by_test_id(f"{name}-view")) for name in ("logits", "head"))
    assert head["y"] > logits["y"]
    menu(page, "head", "left")
    page.wait_for_function("document.activeElement?.dataset?.testid === 'tab-head'")
    assert (
        box(page.get_by_test_id("head-view"))["right"] <= box(page.get_by_test_id("map"))["x"] + 1
    )
    expect_painted(page.get_by_test_id("pattern-canvas"))
    menu(page, "head", "with-logits")
    expect(page.get_by_test_id("logits-view")).to_have_count(0)
    expect(tab(page, "logits")).to_be_visible()
    expect_painted(page.get_by_test_id("map-canvas"), at_least=8)


def test_a_tab_is_dragged_beside_the_map(page: Page) -> None:
    choose(page, "L1H2")
    target = box(page.get_by_test_id("map"))
    tab(page, "logits").hover()
    page.mouse.down()
    page.mouse.move(target["x"] + target["width"] / 2, target["bottom"] - 60, steps=8)
    expect(page.locator(".drop-mark")).to_be_visible()
    page.mouse.up()
    expect(page.locator(".drop-mark")).to_have_count(0)
    logits, shown = box(page.get_by_test_id("logits-view")), box(page.get_by_test_id("map"))
    assert logits["y"] > shown["bottom"] - 1
    assert abs(logits["x"] - shown["x"]) < 20
    expect(page.get_by_test_id("head-view")).to_be_visible()
    # Escape lets go of it again.
    tab(page, "logits").hover()
    page.mouse.down()
    page.mouse.move(target["right"] + 100, target["y"] + 300, steps=8)
    expect(page.locator(".drop-mark")).to_be_visible()
    page.keyboard.press("Escape")
    page.mouse.up()
    assert abs(box(page.get_by_test_id("logits-view"))["y"] - logits["y"]) < 2


def test_panels_are_resized_by_keyboard_and_pointer(page: Page) -> None:
    line = page.get_by_role("separator", name="Resize Map and")
    before = box(page.get_by_test_id("map"))["width"]
    line.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowRight")
    after = box(page.get_by_test_id("map"))["width"]
    assert abs(after - (before - 3 * 24 + 96)) < 3
    canvas = page.get_by_test_id("map-canvas")
    expect_painted(canvas, at_least=8)
    assert abs(box(canvas)["width"] - after) < 3
    at = box(line)
    page.mouse.move(at["x"], at["y"] + 200)
    page.mouse.down()
    page.mouse.move(at["x"] - 120, at["y"] + 220, steps=6)
    page.mouse.up()
    assert abs(box(page.get_by_test_id("map"))["width"] - (after - 120)) < 4
    # No end of a line hides what is beside it.
    for _ in range(20):
        page.keyboard.press("Shift+ArrowLeft")
    assert box(page.get_by_test_id("map"))["width"] >= 145
    height = box(page.get_by_test_id("interventions"))["height"]
    page.get_by_role("separator", name="and Interventions").focus()
    page.keyboard.press("Shift+ArrowUp")
    assert box(page.locator("[data-holds~=interventions]"))["height"] > height + 60


def test_a_panel_is_closed_and_opened_again(page: Page) -> None:
    menu(page, "logits", "close")
    expect(page.get_by_test_id("logits-view")).to_have_count(0)
    expect(tab(page, "logits")).to_have_count(0)
    page.get_by_test_id("panels-menu").click()
    line = page.get_by_test_id("menu-logits")
    expect(line).to_contain_text("The most likely next tokens")
    expect(line).to_have_attribute("aria-checked", "false")
    expect(page.get_by_test_id("menu-head")).to_contain_text("Nothing to show for this selection")
    line.click()
    expect(page.get_by_test_id("logits-view")).to_be_visible()
    page.wait_for_function("document.activeElement?.dataset?.testid === 'tab-logits'")
    page.keyboard.press("Delete")
    expect(page.get_by_test_id("logits-view")).to_have_count(0)
    page.get_by_test_id("panels-menu").click()
    page.get_by_test_id("menu-reset").click()
    expect(page.get_by_test_id("logits-view")).to_be_visible()


def test_a_panel_pops_out_and_comes_back(page: Page) -> None:
    choose(page, "L1H2")
    with page.expect_popup() as opening:
        menu(page, "head", "pop-out")
    popup = opening.value
    expect(popup.get_by_test_id("popout")).to_be_visible()
    canvas = popup.get_by_test_id("pattern-canvas")
    expect_painted(canvas)
    expect(page.get_by_test_id("head-view")).to_have_count(0)
    expect(page.get_by_test_id("logits-view")).to_be_visible()
    assert run_cell(page, ASKED) == "['HeadView', 'LogitsView', 'MapView', 'WeightEditsView']"
    old = picture(canvas)
    part(page, "L2H1").click()
    expect(popup.get_by_label("Head L2H1")).to_be_visible()
    expect_new_picture(canvas, old)
    # It works in its window as on the board, and by the same keys.
    popup.get_by_test_id("head-side-difference").click()
    expect(popup.get_by_test_id("head-side-difference")).to_have_attribute("aria-pressed", "true")
    popup.get_by_test_id("thumb-0").click()
    expect(page.get_by_test_id("head-title")).to_contain_text("L2H0")
    page.get_by_test_id("ctl-ablate").click()
    expect(entries(page)).to_have_count(1)
    popup.keyboard.press("Control+z")
    expect(entries(page)).to_have_count(0)
    old = picture(canvas)
    popup.set_viewport_size({"width": 400, "height": 800})
    expect_new_picture(canvas, old)
    popup.close()
    expect(page.get_by_test_id("head-view")).to_be_visible()
    expect_painted(page.get_by_test_id("pattern-canvas"))


def test_where_no_window_opens_the_panel_floats(page: Page) -> None:
    page.evaluate("() => { window.open = () => null; }")
    choose(page, "L1H2")
    menu(page, "head", "pop-out")
    floating = page.get_by_test_id("float-head")
    expect(floating).to_be_visible()
    expect_painted(floating.get_by_test_id("pattern-canvas"))
    before = box(floating)
    floating.locator(".float-title").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    after = box(floating)
    assert abs(after["x"] - before["x"] - 24) < 2
    assert abs(after["height"] - before["height"] - 24) < 2
    page.get_by_test_id("dock-float-head").click()
    expect(floating).to_have_count(0)
    expect(tab(page, "head")).to_be_visible()


def test_a_reload_a_second_tab_and_python_know_the_layout(page: Page, lab: Server) -> None:
    choose(page, "L1H2")
    menu(page, "head", "below")
    menu(page, "interventions", "fold")
    wait_until_kept(page)
    page.reload()
    wait_for_board(page)
    for shown in (page, page.context.new_page()):
        if shown is not page:
            shown.goto(lab.workspace("another-tab"))
            wait_for_board(shown)
        expect(shown.get_by_test_id("head-view")).to_be_visible()
        expect(shown.get_by_test_id("logits-view")).to_be_visible()
        expect(tab(shown, "interventions")).to_be_visible()
        expect(shown.get_by_test_id("interventions")).to_have_count(0)
    assert kept(page)["trees"].keys() == {"medium"}
    run_cell(page, "board.layout = ''")
    expect(page.get_by_test_id("interventions")).to_be_visible()
    expect(page.get_by_test_id("logits-view")).to_have_count(0)
    assert run_cell(page, "board.can_undo") == "False"


def test_a_kernel_restart_keeps_the_layout(page: Page) -> None:
    menu(page, "logits", "close")
    wait_until_kept(page)
    page.evaluate("""() => { const panel = [...jupyterapp.shell.widgets('main')]
      .find(w => w.content?.model?.cells); void panel.sessionContext.session.kernel.restart(); }""")
    expect(page.get_by_test_id("board")).to_have_count(0)
    wait_for_board(page)
    expect(page.get_by_test_id("map")).to_be_visible()
    expect(tab(page, "logits")).to_have_count(0)
    wait_until_kept(page)


@pytest.mark.parametrize("width", [640, 360])
def test_a_narrow_cell_has_one_column_of_tabs(page: Page, width: int) -> None:
    run_cell(page, "board")
    cell = board(page).and_(page.locator("[data-cell]")).last
    cell.evaluate("(root, width) => { root.style.width = `${width}px`; }", width)
    expect(cell).to_have_attribute("data-size", "narrow")
    cell.scroll_into_view_if_needed()
    expect_painted(cell.get_by_test_id("map-canvas"), at_least=8)
    overflow = "e => e.scrollWidth - e.clientWidth"
    assert cell.locator(".frame").evaluate(overflow) == 0
    cell.get_by_test_id("part-L2H1").click()
    expect(cell.get_by_test_id("head-title")).to_contain_text("L2H1")
    expect(cell.get_by_test_id("map")).to_be_visible()
    cell.get_by_test_id("part-L2H1").dblclick()
    expect(cell.get_by_test_id("head-view")).to_be_visible()
    expect(cell.get_by_test_id("map")).to_have_count(0)
    assert cell.locator(".frame").evaluate(overflow) == 0
    cell.get_by_test_id("tab-map").click()
    expect_painted(cell.get_by_test_id("map-canvas"), at_least=8)


def test_the_help_lists_the_keys_of_every_view(page: Page) -> None:
    part(page, "L1H1").focus()
    page.keyboard.press("?")
    shown = page.get_by_test_id("help")
    for name in ("Anywhere", "Prompt", "Panels", "Map", "Head", "Interventions"):
        expect(shown.get_by_role("region", name=name, exact=True)).to_be_visible()
    expect(shown).to_contain_text("freeze the output")
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("Boolean(document.activeElement.closest('.dialog'))")
    page.keyboard.press("Escape")
    expect(shown).to_have_count(0)
    page.wait_for_function("document.activeElement?.dataset?.testid === 'part-L1H1'")


def test_the_tour_from_the_help(page: Page) -> None:
    expect(page.get_by_test_id("tour")).to_have_count(0)
    page.get_by_test_id("open-help").click()
    page.get_by_test_id("start-tour").click()
    tour = page.get_by_test_id("tour")
    seen = []
    for step in range(1, 8):
        expect(tour).to_have_attribute("data-step", str(step))
        seen.append(tour.locator("h2").inner_text())
        card, whole = box(tour), box(board(page))
        assert card["x"] >= whole["x"]
        assert card["bottom"] <= whole["bottom"]
        for _ in range(4):
            page.keyboard.press("Tab")
            assert page.evaluate("Boolean(document.activeElement.closest('[data-testid=tour]'))")
        page.keyboard.press("ArrowRight")
    expect(tour).to_have_count(0)
    assert len(set(seen)) == 7
    page.get_by_test_id("open-help").click()
    page.get_by_test_id("start-tour").click()
    expect(tour).to_have_attribute("data-step", "1")
    page.keyboard.press("Escape")
    expect(tour).to_have_count(0)


def test_the_tour_comes_by_itself_once(page: Page, chrome: Browser, lab: Server) -> None:
    context = chrome.new_context(viewport={"width": 1600, "height": 1000})
    context.add_init_script("Object.defineProperty(navigator, 'webdriver', {get: () => false})")
    first = context.new_page()
    first.goto(lab.workspace("first-time"))
    wait_for_board(first)
    expect(first.get_by_test_id("tour")).to_be_visible()
    first.get_by_test_id("tour-skip").click()
    expect(first.get_by_test_id("tour")).to_have_count(0)
    first.reload()
    wait_for_board(first)
    first.wait_for_timeout(2500)
    expect(first.get_by_test_id("tour")).to_have_count(0)
    context.close()


def test_a_wide_board_shows_everything_at_once(page: Page) -> None:
    page.set_viewport_size({"width": 2400, "height": 1100})
    expect(board(page)).to_have_attribute("data-size", "wide")
    ablate(page, "L2H1")
    for name in ("map", "head-view", "logits-view", "interventions"):
        expect(page.get_by_test_id(name)).to_be_visible()
    execute(page, RESTART_LAYOUT)
