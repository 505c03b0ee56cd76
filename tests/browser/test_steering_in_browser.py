"""Steering on the board: a slider that is dragged, seen in the notebook, taken back in one step."""

from __future__ import annotations

import re

from harness import execute, run_cell
from playwright.sync_api import Page, expect
from steps import baseline, entries, expect_new_revision, now, revision, show

DRAG = (0.46, 0.42, 0.38, 0.34, 0.30)


def open_steering(page: Page) -> None:
    """The panel in front, with the direction that target and foil make."""
    execute(page, "for name in list(board.directions): del board.directions[name]")
    show(page, "steering")
    expect(page.get_by_test_id("steering-view")).to_contain_text("no direction yet")
    page.get_by_test_id("make-direction").click()
    expect(page.get_by_test_id("steering-view")).to_have_attribute("data-direction", "Mary-John")


def drag(page: Page, *parts: float) -> None:
    """Drags the slider from its middle through some parts of its width."""
    slider = page.get_by_test_id("steering-slider")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    for part in parts:
        page.mouse.move(box["x"] + box["width"] * part, y)
        page.wait_for_timeout(50)
    page.mouse.up()


def coefficient(page: Page) -> float:
    """What the kernel adds now, as the panel knows it."""
    return float(page.get_by_test_id("steering-view").get_attribute("data-coefficient") or "nan")


def settled(page: Page) -> float:
    """The coefficient, once the kernel's is what the slider shows."""
    page.wait_for_function(
        """() => {
          const view = document.querySelector('[data-testid=steering-view]');
          const slider = document.querySelector('[data-testid=steering-slider]');
          return view.dataset.coefficient !== '0'
            && Math.abs(+view.dataset.coefficient - +slider.value) < 1e-9; }"""
    )
    return coefficient(page)


def test_the_model_follows_a_drag_that_one_undo_takes_back(page: Page) -> None:
    open_steering(page)
    clean = baseline(page)
    assert now(page) == clean
    drag(page, *DRAG)
    added = settled(page)
    assert added < 0
    expect(entries(page)).to_have_text(
        re.compile(rf"add {added:g} × 'Mary-John' to L1\.resid_post@-1")
    )
    expect(page.get_by_test_id("metric-now")).not_to_have_text(f"{clean:.2f}")
    execute(page, "import circuitboard as cb")
    direction = 'board.directions["Mary-John"]'
    line = f'cb.Add("L1.resid_post@-1", {direction}, {added!r})'
    asked = "target=board.target, foil=board.foil"
    by_hand = float(run_cell(page, f"cb.run(model, board.prompt, {line}, {asked}).metric"))
    assert abs(now(page) - by_hand) < 0.006
    assert run_cell(page, f"board.interventions[0].item == {line}") == "True"
    code = run_cell(page, "print(board.code().splitlines()[-2])")
    assert code.strip() == f"""board.steer("L1.resid_post@-1", 'Mary-John', {added!r})"""
    page.get_by_test_id("undo").click()
    expect(entries(page)).to_have_count(0)
    expect(page.get_by_test_id("metric-now")).to_have_text(f"{clean:.2f}")
    page.get_by_test_id("redo").click()
    expect(entries(page)).to_have_count(1)
    assert settled(page) == added


def test_the_curve_is_what_python_says_and_sets_the_coefficient(page: Page) -> None:
    open_steering(page)
    curve = page.get_by_test_id("steering-curve")
    expect(curve).to_have_attribute("data-known", "41", timeout=30_000)
    page.get_by_test_id("steering-table").click()
    rows = page.get_by_test_id("steering-row").evaluate_all(
        "rows => rows.map(r => [+r.dataset.coefficient, +r.dataset.metric])"
    )
    assert len(rows) == 41
    execute(page, "import circuitboard as cb")
    ends = [rows[0][0], rows[20][0], rows[40][0]]
    swept = run_cell(
        page,
        f"print(*cb.steering_sweep(model, board.prompt, 'L1.resid_post@-1', "
        f"board.directions['Mary-John'], {ends}, target='Mary', foil='John').metric)",
    )
    for (_, shown), value in zip((rows[0], rows[20], rows[40]), swept.split(), strict=True):
        assert abs(shown - float(value)) < 1e-3
    curve.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(entries(page)).to_have_count(1)
    assert abs(settled(page) - rows[22][0]) < 1e-6


def test_news_does_not_write_over_what_is_being_typed(page: Page) -> None:
    open_steering(page)
    number = page.get_by_test_id("steering-number")
    number.fill("-1.5")
    old = revision(page)
    execute(page, 'board.ablate("L0H1")')
    expect_new_revision(page, old)
    expect(number).to_have_value("-1.5")
    number.press("Enter")
    expect(page.get_by_test_id("steering-line")).to_have_count(1)
    assert settled(page) == -1.5
    number.fill("7")
    page.get_by_test_id("steering-slider").focus()
    assert settled(page) == 7


def test_keys_places_and_a_second_line(page: Page) -> None:
    open_steering(page)
    slider = page.get_by_test_id("steering-slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    first = settled(page)
    page.get_by_test_id("steering-layer").select_option("2")
    page.get_by_test_id("steering-position").select_option("")
    view = page.get_by_test_id("steering-view")
    expect(view).to_have_attribute("data-at", "L2.resid_post")
    number = page.get_by_test_id("steering-number")
    number.fill("-1.5")
    number.press("Enter")
    lines = page.get_by_test_id("steering-line")
    expect(lines).to_have_count(2)
    assert run_cell(
        page, "[(str(o.item.at), o.item.coefficient) for o in board.interventions]"
    ) == (f"[('L1.resid_post@-1', {first!r}), ('L2.resid_post', -1.5)]")
    lines.first.locator(".plain").click()
    expect(view).to_have_attribute("data-at", "L1.resid_post@-1")
    page.get_by_test_id("undo").click()
    expect(lines).to_have_count(1)
    page.get_by_test_id("undo").click()
    expect(lines).to_have_count(0)


def test_without_a_contrast_prompt_the_panel_says_so(page: Page) -> None:
    open_steering(page)
    execute(page, "_contrast = board.contrast; board.contrast = None")
    page.get_by_test_id("steering-new").click()
    page.get_by_test_id("make-how").select_option("contrast")
    make = page.get_by_test_id("steering-make")
    expect(make).to_contain_text("no contrast prompt")
    expect(page.get_by_test_id("make-direction")).to_be_disabled()
    execute(page, "board.contrast = _contrast")
    expect(page.get_by_test_id("make-direction")).to_be_enabled()
    page.get_by_test_id("make-direction").click()
    expect(page.get_by_test_id("steering-view")).to_have_attribute(
        "data-direction", "contrast L1.resid_post@-1"
    )
