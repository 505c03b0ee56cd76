"""The residual stream's view and the logits' sections, driven through a real kernel."""

from __future__ import annotations

from harness import run_cell
from playwright.sync_api import Locator, Page, expect
from steps import (
    ablate,
    baseline,
    expect_new_picture,
    expect_painted,
    now,
    number,
    part,
    picture,
    show,
)


def point(page: Page, canvas: Locator, across: float, down: float) -> None:
    """Moves the pointer to a place of a canvas, in parts of its size."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)


def ends(text: str) -> tuple[float, float]:
    """The two numbers of ``sum a → b; ...``."""
    first, _, second = text.removeprefix("sum ").partition("→")
    return number(first), number(second.partition(";")[0])


def test_the_lens_shows_tokens_and_selects(page: Page) -> None:
    show(page, "residual")
    canvas = page.get_by_test_id("lens-grid-canvas")
    expect_painted(canvas, at_least=8)
    old = picture(canvas)
    page.get_by_test_id("lens-rank").click()
    expect_new_picture(canvas, old)
    point(page, canvas, 0.97, 0.3)
    readout = page.get_by_test_id("lens-grid-readout")
    expect(readout).to_contain_text("resid_post")
    expect(readout).to_contain_text("rank")
    box = canvas.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.97, box["y"] + box["height"] * 0.5)
    expect(page.get_by_test_id("residual-place")).not_to_have_attribute(
        "data-place", "L3.resid_post"
    )
    assert "resid_p" in run_cell(page, "board.selection")
    page.get_by_test_id("lens-top").click()


def test_the_lens_works_by_keyboard(page: Page) -> None:
    show(page, "residual")
    canvas = page.get_by_test_id("lens-grid-canvas")
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_test_id("residual-place")).to_have_attribute("data-place", "L2.resid_post")
    assert run_cell(page, "board.position") == "1"
    run_cell(page, "board.position = -1")


def test_the_lens_follows_an_intervention(page: Page) -> None:
    show(page, "residual")
    page.get_by_test_id("residual-side-difference").click()
    canvas = page.get_by_test_id("lens-grid-canvas")
    expect_painted(canvas, at_least=2)
    old = picture(canvas)
    ablate(page, "L1H1")
    show(page, "residual")
    expect_new_picture(canvas, old)
    page.get_by_test_id("residual-side-now").click()


def test_the_parts_sum_to_the_residual(page: Page) -> None:
    show(page, "residual")
    page.get_by_test_id("residual-parts").click()
    table = page.get_by_test_id("decomposition")
    expect(table.get_by_test_id("part-bar").first).to_be_visible()
    shown = page.get_by_test_id("decomposition-sum")
    total, own = (float(shown.get_attribute(f"data-{name}") or "nan") for name in ("sum", "total"))
    assert abs(total - own) < 1e-3
    run_cell(page, "board.direction('ones', [1.0] * model.facts.d_model)")
    select = page.get_by_test_id("direction-select")
    select.select_option("vector:ones")
    expect(page.get_by_test_id("residual-view")).to_contain_text("lengths along the direction")
    select.select_option("write")
    page.get_by_test_id("direction-head").select_option("L2H1")
    code = (
        "import circuitboard as cb; "
        "round(cb.decompose(board.result, 'L3.resid_post', 'write:L2H1').total, 3)"
    )
    expected = float(run_cell(page, code))
    page.wait_for_function(
        """([wanted]) => Math.abs(document.querySelector('[data-testid=decomposition-sum]')
          .dataset.total - wanted) < 2e-3""",
        arg=[expected],
    )
    table.get_by_role("button", name="L2 heads").click()
    table.get_by_role("button", name="L2H1").click()
    assert "L2H1" in run_cell(page, "board.selection")
    show(page, "residual")
    select.select_option("metric")
    page.get_by_test_id("residual-lens").click()


def test_geometry_and_embeddings_are_painted(page: Page) -> None:
    show(page, "residual")
    page.get_by_test_id("residual-geometry").click()
    canvas = page.get_by_test_id("stream-grid-canvas")
    for what in ("norms", "projection", "layers", "positions"):
        page.get_by_test_id(f"geometry-{what}").click()
        expect_painted(canvas, at_least=8)
        point(page, canvas, 0.5, 0.6)
        expect(page.get_by_test_id("stream-grid-readout")).to_contain_text("→")
    page.get_by_test_id("geometry-norms").click()
    page.get_by_test_id("residual-embedding").click()
    expect(page.get_by_test_id("nearest").locator("tbody tr")).to_have_count(10)
    expect(page.get_by_test_id("follows").locator("tbody tr")).to_have_count(10)
    expect_painted(page.get_by_test_id("pos-grid-canvas"), at_least=8)
    page.get_by_test_id("residual-lens").click()


def test_a_map_click_on_the_stream_moves_the_view(page: Page) -> None:
    part(page, "L1.resid_post").click()
    expect(page.get_by_test_id("residual-place")).to_have_attribute("data-place", "L1.resid_post")


def test_the_waterfall_ends_at_the_metric(page: Page) -> None:
    show(page, "logits")
    page.get_by_test_id("logits-attribution").click()
    ablate(page, "L2H1")
    show(page, "logits")
    shown = page.get_by_test_id("waterfall-sum")
    expect(shown).to_be_visible()
    page.wait_for_function(
        """([wanted]) => Math.abs(document.querySelector('[data-testid=waterfall-sum]')
          .dataset.now - wanted) < 0.006""",
        arg=[now(page)],
    )
    before, after = ends(shown.inner_text())
    assert abs(before - baseline(page)) < 0.006
    assert abs(after - now(page)) < 0.006
    page.get_by_test_id("logits-order-size").click()
    bars = page.get_by_test_id("waterfall").get_by_test_id("part-bar")
    values = bars.evaluate_all("rows => rows.map(r => Math.abs(+r.dataset.now))")
    assert values[:-1] == sorted(values[:-1], reverse=True)
    gone = page.get_by_test_id("logits-view").locator("[data-part='head L2H1']")
    page.get_by_test_id("logits-side-difference").click()
    expect(gone).to_have_attribute("data-now", "0")
    run_cell(page, "board.position = 2")
    expect(page.get_by_test_id("waterfall-elsewhere")).to_contain_text("position 2")
    run_cell(page, "board.position = -1")
    page.get_by_test_id("logits-side-now").click()
    page.get_by_test_id("logits-order-model").click()
    page.get_by_test_id("logits-here").click()


def test_every_position_and_tokens_through_the_layers(page: Page) -> None:
    show(page, "logits")
    page.get_by_test_id("logits-positions").click()
    canvas = page.get_by_test_id("logit-grid-canvas")
    expect_painted(canvas, at_least=8)
    canvas.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("logits-view")).to_have_attribute("data-position", "1")
    run_cell(page, "board.position = -1")
    page.get_by_test_id("logits-layers").click()
    lines = page.get_by_test_id("trajectory-chart").get_by_test_id("chart-line")
    expect(lines.first).to_be_attached()
    many = lines.count()
    for text in ("drink", "Zzyzxqqq"):
        page.get_by_test_id("follow-input").fill(text)
        page.get_by_test_id("follow-add").click()
    expect(page.get_by_test_id("follow-refused")).to_contain_text("Zzyzxqqq")
    expect(lines).to_have_count(many + 1)
    page.get_by_role("button", name="Forget Zzyzxqqq").click()
    expect(page.get_by_test_id("follow-refused")).to_have_count(0)
    page.get_by_role("button", name="Forget drink").click()
    rows = page.get_by_test_id("trajectory-values").locator("tbody tr")
    expect(rows).to_have_count(many)
    page.get_by_test_id("logits-here").click()
