"""The gradients panel on a real kernel: estimates, and the exact number that a click brings."""

from __future__ import annotations

from harness import execute, run_cell
from playwright.sync_api import Locator, Page, expect
from steps import expect_python, number, part, show

ASK = "target=board.target, foil=board.foil"


def open_panel(page: Page, section: str) -> None:
    """Brings the panel in front, and opens one of its sections."""
    execute(page, "import circuitboard as cb")
    show(page, "gradients")
    page.get_by_test_id(f"gradients-{section}").click()
    expect(page.get_by_test_id("gradients-view")).to_be_visible()


def rows(found: Locator) -> dict[str, tuple[float, float]]:
    """Address to (estimate, exact) of the rows that are measured."""
    return dict(
        found.evaluate_all(
            "rows => rows.map(({dataset: d}) => [d.address ?? d.edge, [+d.estimate, +d.exact]])"
        )
    )


def test_a_cell_is_measured_on_demand(page: Page) -> None:
    open_panel(page, "parts")
    page.get_by_test_id("gradients-over-attn").click()
    page.get_by_test_id("gradients-audit-on").click()
    expect(page.get_by_test_id("gradients-audit-on")).to_have_attribute("aria-pressed", "false")
    grid = page.get_by_test_id("gradients-grid-canvas")
    expect(grid).to_be_visible()
    grid.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    picked = page.get_by_test_id("gradients-picked")
    expect(picked).to_be_visible()
    address = picked.get_attribute("data-address") or ""
    place, _, position = address.partition("@")
    expect_python(page, f"(board.selection, board.position) == ([{place!r}], {position})")
    picked.get_by_test_id("gradients-measure").click()
    exact = picked.get_by_test_id("gradients-exact")
    expect(exact).to_be_visible(timeout=20_000)
    execute(
        page,
        "found = cb.attribution_patching(model, board.prompt, board.contrast, over='attn', "
        f"direction='noising', {ASK})",
    )
    wanted = float(run_cell(page, f"found.exact('{address}')"))
    assert abs(number(exact.inner_text()) - wanted) < 1e-3
    estimate = float(run_cell(page, f"found.estimate('{address}')"))
    assert abs(number(picked.locator("b").first.inner_text()) - estimate) < 1e-3


def test_the_largest_estimates_are_measured_unasked(page: Page) -> None:
    open_panel(page, "parts")
    page.get_by_test_id("gradients-over-head").click()
    page.get_by_test_id("gradients-source-zero").click()
    expect(page.get_by_test_id("gradients-scatter")).to_have_attribute(
        "data-measured", "16", timeout=20_000
    )
    shown = rows(page.get_by_test_id("audit-row"))
    assert shown
    for address, (estimate, exact) in shown.items():
        sweep = f"cb.sweep(model, board.prompt, [cb.Zero('{address}')], {ASK})[0]"
        assert abs(float(run_cell(page, f"float({sweep})")) - exact) < 1e-3
        grid = f"-cb.gradient_times_activation(model, board.prompt, {ASK}).estimate('{address}')"
        assert abs(float(run_cell(page, grid)) - estimate) < 1e-3


def test_edges_are_sorted_and_chosen(page: Page) -> None:
    open_panel(page, "edges")
    table = page.get_by_test_id("edge-row")
    expect(table.first).to_be_visible(timeout=20_000)
    page.get_by_test_id("gradients-method").select_option("eap-ig-inputs")
    expect(page.get_by_test_id("gradients-legend")).to_contain_text("mean gradient of 5 runs")
    best = run_cell(
        page,
        "found = cb.edge_attribution(model, board.prompt, board.contrast, "
        f"method='eap-ig-inputs', {ASK}); found.top(1)[0]",
    )
    address, score = best.strip("()").split(", ")
    expect(table.first).to_have_attribute("data-edge", address.strip("'"), timeout=20_000)
    page.wait_for_function(
        "([wanted]) => Math.abs(document.querySelector("
        "'[data-testid=edge-row]').dataset.estimate - wanted) < 1e-3",
        arg=[float(score)],
    )
    expect(page.get_by_test_id("gradients-scatter")).to_have_attribute(
        "data-measured", "20", timeout=30_000
    )
    page.get_by_test_id("edge-sort-exact").click()
    expect(page.locator("[data-testid=edge-table] th[aria-sort]")).to_contain_text("exact")
    known = [exact for _, exact in rows(table).values() if exact == exact]
    assert known == sorted(known, reverse=True)
    assert len(known) == 20


def test_tokens_add_up(page: Page) -> None:
    open_panel(page, "tokens")
    page.get_by_test_id("gradients-tokens-integrated").click()
    gap = page.get_by_test_id("gradients-completeness")
    expect(gap).to_be_visible(timeout=20_000)
    page.get_by_test_id("gradients-steps").select_option("5")
    expect(page.get_by_test_id("gradients-legend")).to_contain_text("5 midpoints")
    expect(gap).to_be_visible()
    line = (
        "cb.integrated_gradients(model, board.prompt, board.contrast, direction='noising', "
        f"steps=5, {ASK}).gap"
    )
    wanted = float(run_cell(page, line))
    page.wait_for_function(
        "([wanted]) => Math.abs(document.querySelector("
        "'[data-testid=gradients-completeness]')?.dataset.gap - wanted) < 1e-3",
        arg=[wanted],
    )


def test_a_tokens_number_is_measured_on_demand(page: Page) -> None:
    open_panel(page, "tokens")
    page.get_by_test_id("gradients-audit-on").click()
    execute(page, "board.position = 2")
    picked = page.get_by_test_id("gradients-picked")
    expect(picked).to_have_attribute("data-address", "embed@2")
    picked.get_by_test_id("gradients-measure").click()
    exact = picked.get_by_test_id("gradients-exact")
    expect(exact).to_be_visible()
    line = f"cb.token_saliency(model, board.prompt, {ASK})"
    wanted = float(run_cell(page, f"{line}.exact('embed@2')"))
    assert abs(number(exact.inner_text()) - wanted) < 1e-3
    estimate = float(run_cell(page, f"float({line}.dot[2])"))
    assert abs(float(picked.get_attribute("data-estimate") or "nan") - estimate) < 1e-3
    page.get_by_test_id("gradients-tokens-norm").click()
    expect(picked).to_have_count(0)


def test_a_pattern_has_its_gradient_and_each_cell_an_exact_number(page: Page) -> None:
    open_panel(page, "pattern")
    part(page, "L1H3").click()
    show(page, "gradients")
    cells = page.get_by_test_id("gradients-gradient-canvas")
    expect(cells).to_be_visible()
    cells.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    readout = page.get_by_test_id("gradients-gradient-readout").locator("b")
    slope = f"cb.gradient_of_pattern(model, board.prompt, 'L1H3', {ASK})[0, 2, 1]"
    wanted = float(run_cell(page, f"float({slope})"))
    assert abs(number(readout.inner_text()) - wanted) < 1e-3
    page.get_by_test_id("gradients-source-zero").click()
    expect(page.get_by_test_id("gradients-scatter")).to_have_attribute("data-measured", "20")
    cells.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    picked = page.get_by_test_id("gradients-picked")
    cell = picked.get_attribute("data-address") or ""
    assert cell.startswith("L1H3.pattern[")
    expect(page.get_by_test_id("tab-gradients")).to_have_attribute("aria-selected", "true")
    found = f"cb.pattern_attribution(model, board.prompt, 'L1H3', {ASK})"
    shown = rows(page.get_by_test_id("audit-row"))
    assert len(shown) == 6
    top = run_cell(page, f"{found}.audit(20).worst(6)[0].address").strip("'")
    assert next(iter(shown)) == top
    for address, (estimate, exact) in list(shown.items())[:2]:
        assert abs(float(run_cell(page, f"{found}.estimate('{address}')")) - estimate) < 1e-3
        assert abs(float(run_cell(page, f"{found}.exact('{address}')")) - exact) < 1e-3
    measure = picked.get_by_test_id("gradients-measure")
    if measure.count():
        measure.click()
    exact_text = picked.get_by_test_id("gradients-exact")
    expect(exact_text).to_be_visible()
    wanted = float(run_cell(page, f"{found}.exact('{cell}')"))
    assert abs(number(exact_text.inner_text()) - wanted) < 1e-3
    page.get_by_test_id("gradients-source-contrast").click()
    page.get_by_test_id("gradients-direction-denoising").click()
    expect(page.get_by_test_id("gradients-legend")).to_contain_text("of the contrast prompt's")
    turned = (
        "cb.pattern_attribution(model, board.prompt, 'L1H3', board.contrast, "
        f"direction='denoising', {ASK}).estimate('{cell}')"
    )
    page.wait_for_function(
        "([wanted]) => Math.abs(document.querySelector("
        "'[data-testid=gradients-picked]')?.dataset.estimate - wanted) < 1e-3",
        arg=[float(run_cell(page, turned))],
    )
