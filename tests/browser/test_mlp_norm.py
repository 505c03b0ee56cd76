"""MLPs and norms on the board: neurons chosen, ablated and released; a scale frozen."""

from __future__ import annotations

import re

from harness import execute, run_cell
from playwright.sync_api import Page, expect
from steps import entries, expect_new_revision, number, part, revision


def neurons(page: Page) -> list[dict[str, float]]:
    """The rows of the table: neuron, direct effect, ablation effect (None until known)."""
    return page.get_by_test_id("neuron-row").evaluate_all(
        "rows => rows.map(({dataset: d}) => ({neuron: +d.neuron, direct: +d.direct,"
        " ablation: Number.isNaN(+d.ablation) ? null : +d.ablation}))"
    )


def open_mlp(page: Page, layer: int) -> None:
    """Clicks an MLP and waits until its neurons are ablated."""
    execute(page, "import circuitboard as cb")
    part(page, f"L{layer}.mlp").click()
    expect(page.get_by_test_id("mlp-view")).to_be_visible()
    expect(page.get_by_test_id("neuron-row").first).to_be_visible()
    expect(page.get_by_test_id("progress")).to_have_count(0, timeout=30_000)


def test_the_neurons_of_an_mlp_are_what_python_says(page: Page) -> None:
    open_mlp(page, 1)
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=neuron-row]')]"
        ".every(r => r.dataset.ablation !== 'NaN')"
    )
    rows = neurons(page)
    sizes = [abs(row["direct"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert len(rows) >= 64
    first = int(rows[0]["neuron"])
    asked = "board.prompt, {}, target=board.target, foil=board.foil"
    direct = run_cell(
        page, f"float(cb.neuron_attribution(model, {asked.format(1)}).neurons[{first}])"
    )
    assert abs(float(direct) - rows[0]["direct"]) < 1e-4
    zero = f'[cb.Zero("L1.mlp.n{first}")]'
    effect = run_cell(page, f"float(cb.sweep(model, {asked.format(zero)})[0])")
    assert abs(float(effect) - float(rows[0]["ablation"])) < 1e-4
    page.get_by_test_id("neuron-sort-ablation").click()
    effects = [abs(row["ablation"]) for row in neurons(page)]
    assert effects == sorted(effects, reverse=True)
    page.get_by_test_id("neuron-sort-direct").click()


def test_a_set_of_neurons_is_chosen_ablated_and_released(page: Page) -> None:
    open_mlp(page, 1)
    first, second = (f"L1.mlp.n{int(row['neuron'])}" for row in neurons(page)[:2])
    rows = page.get_by_test_id("neuron-row")
    rows.nth(0).click()
    expect(page.get_by_test_id("neuron-view")).to_contain_text(first)
    expect(page.get_by_test_id("part-title")).to_have_text(first)
    rows.nth(1).click(modifiers=["Shift"])
    expect(page.get_by_test_id("neuron-view")).to_contain_text(second)
    assert run_cell(page, "board.selection") == f"['{first}', '{second}']"
    old = revision(page)
    page.get_by_test_id("ctl-ablate").click()
    expect_new_revision(page, old)
    expect(entries(page)).to_have_count(2)
    expect(page.locator(".neuron-mark")).to_have_count(2)
    expect(page.get_by_test_id("part-L1.mlp")).to_have_attribute(
        "aria-label", re.compile("changed inside")
    )
    assert f'"{first}"' in run_cell(page, "print(board.code())")
    shown = (
        page.get_by_test_id("neuron-text")
        .locator("button")
        .evaluate_all("all => all.map(b => +b.dataset.value)")
    )
    assert set(shown) == {0}
    page.get_by_test_id("ctl-release").click()
    expect(entries(page)).to_have_count(0)


def test_a_neuron_in_text_words_and_on_its_curve(page: Page) -> None:
    open_mlp(page, 2)
    page.get_by_test_id("neuron-open").fill("40")
    page.get_by_test_id("neuron-open").press("Enter")
    expect(page.get_by_test_id("neuron-view")).to_contain_text("L2.mlp.n40")
    tokens = page.get_by_test_id("neuron-text").locator("button")
    values = tokens.evaluate_all("all => all.map(b => +b.dataset.value)")
    plain = run_cell(page, "board.result['L2.mlp.n40'][0].tolist()")
    expected = [float(x) for x in plain.strip("[]").split(",")]
    assert max(abs(a - b) for a, b in zip(values, expected, strict=True)) < 1e-5
    tokens.nth(3).click()
    expect(tokens.nth(3)).to_have_attribute("aria-pressed", "true")
    assert run_cell(page, "board.position") == "3"
    words = run_cell(page, "cb.neuron_words(model, 'L2.mlp.n40').writes.high[0].text.strip()")
    expect(page.get_by_test_id("neuron-writes")).to_contain_text(words.strip("'"))
    expect(page.get_by_test_id("neuron-curve").locator("circle")).to_have_count(2 * len(values) + 1)
    execute(page, "board.position = -1")


def test_the_table_works_by_keyboard(page: Page) -> None:
    open_mlp(page, 1)
    buttons = page.get_by_test_id("neuron-table").locator("tbody button")
    buttons.nth(0).focus()
    page.keyboard.press("ArrowDown")
    expect(buttons.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(buttons.nth(1)).to_have_attribute("aria-pressed", "true")


def test_every_neuron_is_ablated_on_demand(page: Page) -> None:
    open_mlp(page, 3)
    few = len(neurons(page))
    page.get_by_test_id("neuron-every").click()
    page.wait_for_function(
        "few => document.querySelectorAll('[data-testid=neuron-row]').length > few", arg=few
    )
    expect(page.get_by_test_id("progress")).to_have_count(0, timeout=60_000)
    best = run_cell(
        page,
        "import numpy as np; e = cb.sweep(model, board.prompt, [cb.Zero(f'L3.mlp.n{i}') for i in "
        "range(512)], target=board.target, foil=board.foil); int(np.abs(e).argmax())",
    )
    page.get_by_test_id("neuron-sort-ablation").click()
    expect(page.get_by_test_id("neuron-row").first).to_have_attribute("data-neuron", best)
    page.get_by_test_id("neuron-sort-direct").click()


def test_a_norm_and_what_passes_through_its_scale(page: Page) -> None:
    execute(page, "import circuitboard as cb")
    part(page, "L2.ln2.scale").click()
    expect(page.get_by_test_id("norm-view")).to_be_visible()
    page.wait_for_function(
        "() => { const rows = [...document.querySelectorAll('[data-testid=through-row]')];"
        " return rows.length > 0 && rows.every(r => r.dataset.live !== 'NaN'); }"
    )
    rows = page.get_by_test_id("through-row").evaluate_all(
        "rows => Object.fromEntries(rows.map(({dataset: d}) => [d.part, [+d.live, +d.frozen]]))"
    )
    execute(
        page,
        "s = cb.scale_effects(model, board.prompt, 'L2.ln2', target=board.target, foil=board.foil)"
        "; i = s.parts.index('L1.mlp')",
    )
    live, frozen = (float(run_cell(page, f"float(s.{n}[i])")) for n in ("live", "frozen"))
    assert abs(rows["L1.mlp"][0] - live) < 1e-4
    assert abs(rows["L1.mlp"][1] - frozen) < 1e-4
    scale = number(page.get_by_test_id("norm-value").locator("b").inner_text())
    assert abs(scale - float(run_cell(page, "float(board.result['L2.ln2.scale'][0, -1])"))) < 1e-3
    expect(page.get_by_test_id("norm-outliers").locator("tbody tr")).to_have_count(8)
    expect(page.get_by_test_id("ctl-ablate")).to_be_disabled()
    page.get_by_test_id("ctl-freeze-output").click()
    expect(entries(page)).to_have_count(1)
    assert run_cell(page, "board.interventions[0].item.at") == "'L2.ln2.scale'"
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=through-row]')].every("
        "r => Math.abs(r.dataset.live - r.dataset.frozen) < 1e-3)"
    )
