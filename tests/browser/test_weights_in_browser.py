"""The weights panel through a real kernel: pairs seen, a direction scaled, weights restored."""

from __future__ import annotations

import re

from harness import execute, run_cell
from playwright.sync_api import Locator, Page, expect
from steps import choose, expect_new_revision, expect_painted, now, number, part, revision, show

METRIC = "repr(board.result.metric)"


def open_weights(page: Page, head: str) -> Locator:
    """Selects a head and brings its weights to the front."""
    execute(page, "import circuitboard as cb; board.restore_weights(); board.wait()")
    choose(page, head)
    show(page, "weights")
    view = page.get_by_test_id("weights-view")
    expect(view).to_contain_text(head)
    page.get_by_test_id("weights-tab-circuits").click()
    page.get_by_test_id("weights-circuit-ov").click()
    return view


def slide(page: Page, index: int, factor: float) -> None:
    """Moves the slider of a direction, and waits for the run that follows."""
    old = revision(page)
    slider = page.get_by_test_id(f"direction-scale-{index}")
    slider.evaluate(
        """(input, value) => { input.value = value;
          input.dispatchEvent(new Event('input', {bubbles: true}));
          input.dispatchEvent(new Event('change', {bubbles: true})); }""",
        str(factor),
    )
    expect_new_revision(page, old)


def test_circuits_of_a_head_are_what_python_says(page: Page) -> None:
    open_weights(page, "L1H3")
    pairs = page.get_by_test_id("weight-pairs")
    expect(pairs).to_have_attribute("data-complete", "true", timeout=30_000)
    first = page.get_by_test_id("pairs-largest").locator("[data-value]").first
    found = run_cell(page, 'cb.ov_circuit(model, "L1H3", k=1).high[0]')
    value = float(re.search(r"value=([-\d.e]+)", found)[1])  # type: ignore[index]
    assert abs(float(first.get_attribute("data-value") or "nan") - value) < 1e-4
    score = number(page.get_by_test_id("copying-score").inner_text())
    assert abs(float(run_cell(page, "float(cb.copying_scores(model)[1, 3])")) - score) < 2e-3
    grid = page.get_by_test_id("weight-matrix-canvas")
    expect_painted(grid, at_least=10)
    grid.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    shown = float(page.get_by_test_id("weight-cell").get_attribute("data-value") or "nan")
    ids = "list(dict.fromkeys(board.tokens))"
    cell = run_cell(page, f'float(cb.ov_circuit(model, "L1H3", {ids}).matrix[1, 0])')
    assert abs(shown - float(cell)) < 1e-5
    page.get_by_test_id("weights-circuit-qk").click()
    expect(page.get_by_test_id("weights-notes")).to_contain_text("no factor")


def test_a_direction_is_scaled_and_the_weights_come_back(page: Page) -> None:
    open_weights(page, "L1H3")
    clean, shown = run_cell(page, METRIC), now(page)
    page.get_by_test_id("weights-tab-directions").click()
    expect(page.get_by_test_id("weight-direction").first).to_be_visible(timeout=30_000)
    expect(page.get_by_test_id("weights-line")).to_have_count(0)
    slide(page, 0, 0.1)
    slide(page, 1, 0.25)
    assert run_cell(page, METRIC) != clean
    changes = page.get_by_test_id("weight-changes")
    expect(changes).to_contain_text("h.1.attn.o.weight")
    expect(page.get_by_test_id("weight-edits")).to_contain_text("board.scale_direction('L1H3.ov'")
    expect(page.get_by_test_id("weights-line")).to_contain_text("1 weight edited")
    assert run_cell(page, "board.weight_edits[0]") == (
        "\"board.scale_direction('L1H3.ov', 0, 0.1)\""
    )
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("weight-edits")).not_to_contain_text("0.25")
    page.get_by_test_id("direction-remove-2").click()
    expect(page.get_by_test_id("weight-edits")).to_contain_text("2, 0.0")
    page.get_by_test_id("weights-tab-circuits").click()
    page.get_by_test_id("weights-side-difference").click()
    expect(page.get_by_test_id("weight-pairs")).to_have_attribute("data-complete", "true")
    page.get_by_test_id("weights-side-now").click()
    old = revision(page)
    page.get_by_test_id("weights-line").get_by_test_id("restore-weights").click()
    expect_new_revision(page, old)
    expect(page.get_by_test_id("weight-edits")).to_have_count(0)
    expect(page.get_by_test_id("weights-line")).to_have_count(0)
    assert run_cell(page, METRIC) == clean
    assert run_cell(page, "board.weights_changed()") == "[]"
    assert abs(now(page) - shown) < 1e-9


def test_weights_edited_in_a_cell_are_listed_by_themselves(page: Page) -> None:
    open_weights(page, "L2H1")
    run_cell(page, "import torch\nwith torch.no_grad(): model.bridge.blocks[2].attn.W_O[1] *= 0.5")
    expect(page.get_by_test_id("weight-changes")).to_contain_text("h.2.attn.o.weight")
    expect(page.get_by_test_id("weights-line")).to_contain_text("1 weight edited")
    page.get_by_test_id("weight-edits").get_by_test_id("restore-weights").click()
    expect(page.get_by_test_id("weight-edits")).to_have_count(0)
    assert run_cell(page, "board.weights_changed()") == "[]"


def test_a_click_on_a_grid_selects_heads_and_a_path_is_followed(page: Page) -> None:
    open_weights(page, "L1H3")
    page.get_by_test_id("weights-tab-composition").click()
    grid = page.get_by_test_id("weight-composition-canvas")
    expect_painted(grid, at_least=6)
    grid.focus()
    page.keyboard.press("ArrowRight")
    cell = page.get_by_test_id("composition-cell")
    expect(cell).to_have_attribute("data-value", re.compile(r"^-?\d"))  # it fills in
    value = float(cell.get_attribute("data-value") or "nan")
    plain = run_cell(page, 'float(cb.composition_scores(model, "K")[0, 0, 1, 3])')
    assert abs(value - float(plain)) < 1e-4
    grid.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("weights-view")).to_contain_text("Weights, L0H0")
    assert run_cell(page, "board.selection") == "['L0H0']"
    part(page, "L2H1").click(modifiers=["Shift"])
    expect(page.get_by_test_id("head-title")).to_contain_text("L2H1")
    show(page, "weights")
    page.get_by_test_id("weights-tab-path").click()
    expect(page.get_by_test_id("path-relative")).to_be_visible(timeout=30_000)
    shown = number(page.get_by_test_id("path-relative").locator("b").inner_text())
    relative = run_cell(page, 'cb.virtual_weights(model, "L0H0->L2H1.k").relative')
    assert abs(float(relative) - shown) < 1e-3


def test_a_neurons_row_is_zeroed_where_the_neuron_is_shown(page: Page) -> None:
    open_weights(page, "L1H3")
    clean = run_cell(page, METRIC)
    execute(page, "board.selection = ['L1.mlp.n7']")
    show(page, "mlp")
    old = revision(page)
    button = page.get_by_test_id("zero-neuron")
    button.click()
    expect_new_revision(page, old)
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("weights-line")).to_contain_text("1 weight edited")
    old = revision(page)
    button.click()
    expect_new_revision(page, old)
    expect(page.get_by_test_id("weights-line")).to_have_count(0)
    assert run_cell(page, METRIC) == clean
