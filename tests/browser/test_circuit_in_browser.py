"""A circuit on the board: opened in a cell, wired on the map, pruned by clicks, compared."""

from __future__ import annotations

import pytest
from harness import execute, run_cell
from playwright.sync_api import Locator, Page, expect
from steps import expect_new_picture, expect_painted, part, picture, show

FIND = "import circuitboard as cb; found = cb.discover(board.model, board.circuit_task(), size=24)"


def opened(page: Page) -> Locator:
    """The panel in front, with a circuit of 24 edges."""
    show(page, "circuit")
    view = page.get_by_test_id("circuit-view")
    expect(view).to_contain_text("No circuit is open")
    execute(page, f"{FIND}; board.circuit = found")
    expect(view).to_have_attribute("data-kept", "24")
    expect(page.get_by_test_id("circuit-runs")).to_have_attribute("data-waiting", "false")
    return view


def measured(page: Page, run: str = "kept") -> tuple[float, float]:
    """A run's metric and faithfulness, exactly as the panel has them."""
    expect(page.get_by_test_id("circuit-runs")).to_have_attribute("data-waiting", "false")
    row = page.get_by_test_id(f"circuit-run-{run}")
    metric, share = (row.get_attribute(f"data-{name}") or "nan" for name in ("metric", "share"))
    return float(metric), float(share)


def by_hand(page: Page, circuit: str = "board.circuit") -> tuple[float, float]:
    """The same in Python."""
    run = f"cb.circuit_metric(model, {circuit}, board.circuit_task()"
    found = run_cell(page, f"print({run})[0], {run}, share=True)[0])").split()
    return float(found[0]), float(found[1])


def test_wires_and_faithfulness_follow_what_is_pruned(page: Page) -> None:
    view = opened(page)
    wires = page.get_by_test_id("map-edges")
    expect_painted(wires, at_least=4)
    rows = page.get_by_test_id("circuit-row")
    expect(rows).to_have_count(24)
    before = measured(page)
    assert before == pytest.approx(by_hand(page), abs=1e-3)
    old = picture(wires)
    edge = rows.first.get_attribute("data-edge")
    rows.first.get_by_test_id("circuit-keep").click()
    expect(view).to_have_attribute("data-kept", "23")
    expect(rows.first).to_have_attribute("data-pruned", "true")
    expect_new_picture(wires, old)
    after = measured(page)
    assert after == pytest.approx(by_hand(page), abs=1e-3)
    assert abs(after[0] - before[0]) > 1e-3
    assert measured(page, "cut") == before
    assert run_cell(page, f"{edge!r} in board.circuit") == "False"
    page.get_by_test_id("circuit-restore").click()
    expect(view).to_have_attribute("data-kept", "24")
    assert measured(page) == before
    head = run_cell(page, "print(next(n for n in found.nodes if 'H' in n))").strip()
    part(page, head).click()
    show(page, "circuit")
    page.get_by_test_id("circuit-part-prune").click()
    left = run_cell(
        page, f"sum({head!r} not in e.replace('.', '->').split('->') for e in found.edges)"
    )
    expect(view).to_have_attribute("data-kept", left)
    assert measured(page) == pytest.approx(by_hand(page), abs=1e-3)
    page.get_by_test_id("circuit-close").click()
    expect(view).to_contain_text("No circuit is open")
    expect(wires).to_be_hidden()


def test_size_and_a_second_circuit(page: Page) -> None:
    view = opened(page)
    number = page.get_by_test_id("circuit-number")
    number.fill("40")
    number.press("Enter")
    expect(view).to_have_attribute("data-kept", "40")
    assert run_cell(page, "board.circuit == found.top(40)") == "True"
    assert measured(page) == pytest.approx(by_hand(page, "found.top(40)"), abs=1e-3)
    slider = page.get_by_test_id("circuit-slider")
    slider.focus()
    page.keyboard.press("End")
    expect(view).to_have_attribute("data-kept", run_cell(page, "found.total"))
    assert measured(page)[1] == pytest.approx(1, abs=1e-3)
    page.get_by_test_id("circuit-whole").click()
    expect(view).to_have_attribute("data-kept", "24")
    execute(
        page,
        "other = cb.discover(model, board.circuit_task(), 'clean-corrupted', size=30); "
        "board.compare(other)",
    )
    shown = float(page.get_by_test_id("circuit-jaccard").get_attribute("data-value") or "nan")
    assert shown == pytest.approx(float(run_cell(page, "found.jaccard(other)")))
    both = int(run_cell(page, "len(found & other)"))
    page.get_by_test_id("circuit-share-both").click()
    expect(page.get_by_test_id("circuit-row")).to_have_count(both)
    page.get_by_test_id("circuit-share-second").click()
    expect(page.get_by_test_id("circuit-row")).to_have_count(30 - both)
    assert measured(page, "other") == pytest.approx(by_hand(page, "other"), abs=1e-3)
    page.get_by_test_id("circuit-separate").click()
    expect(page.get_by_test_id("circuit-compare")).to_have_count(0)


def test_neurons_are_listed_and_pruned_with_the_mlp_that_draws_them(page: Page) -> None:
    show(page, "circuit")
    execute(
        page,
        "import circuitboard as cb; task = board.circuit_task(); "
        "found = cb.discover(board.model, task, neurons=4, size=60); board.circuit = found",
    )
    view = page.get_by_test_id("circuit-view")
    expect(view).to_have_attribute("data-kept", "60")
    expect(page.get_by_test_id("circuit-neurons")).to_contain_text("16 neurons")
    rows = page.get_by_test_id("circuit-row")
    neuron = run_cell(page, "print(next(n for n in found.nodes if '.n' in n))").strip()
    mlp = neuron.partition(".n")[0]
    expect(rows.filter(has_text=neuron).first).to_be_visible()
    expect(rows.filter(has_text=f"{mlp} rest").first).to_be_visible()
    assert measured(page) == pytest.approx(by_hand(page), abs=1e-3)
    part(page, mlp).click()
    show(page, "circuit")
    page.get_by_test_id("circuit-part-prune").click()
    left = run_cell(page, f"sum({mlp!r} not in edge for edge in found.edges)")
    expect(view).to_have_attribute("data-kept", left)
    assert measured(page) == pytest.approx(by_hand(page), abs=1e-3)


def test_pruning_is_undone_by_the_keyboard(page: Page) -> None:
    view = opened(page)
    before = measured(page)
    row = page.get_by_test_id("circuit-row").first
    row.get_by_test_id("circuit-keep").focus()
    page.keyboard.press("Space")
    expect(view).to_have_attribute("data-kept", "23")
    after = measured(page)
    page.keyboard.press("Control+z")
    expect(view).to_have_attribute("data-kept", "24")
    assert measured(page) == before
    page.keyboard.press("Control+Shift+Z")
    expect(view).to_have_attribute("data-kept", "23")
    assert measured(page) == after
    slider = page.get_by_test_id("circuit-slider")
    slider.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(view).not_to_have_attribute("data-kept", "23")
    page.keyboard.press("Control+z")
    expect(view).to_have_attribute("data-kept", "23")
    assert run_cell(page, "len(board.circuit), board.can_undo") == "(23, True)"
    execute(page, "board.undo(); board.undo()")
    expect(view).to_contain_text("No circuit is open")


THEIRS = """\
known = cb.known_circuit("suppression")
edges = cb.Circuit.of(known.edges, model=known.model.facts.name, task=known.task.name)
theirs = cb.explain(known.model, edges, known.task.head(8))
mine = cb.explain(model, found, cb.tasks.ioi(model, n=8))
compared = mine.compare(theirs)
board.compare(compared)"""


def test_beside_a_circuit_of_another_model(page: Page) -> None:
    view = opened(page)
    execute(page, THEIRS)
    expect(page.get_by_test_id("circuit-other-model")).to_contain_text("measured of them")
    rows = page.get_by_test_id("circuit-role")
    roles = run_cell(page, "print(*(row.role for row in compared.roles), sep='|')").split("|")
    expect(rows).to_have_count(len(roles))
    for row, role in zip(rows.all(), roles, strict=True):
        expect(row).to_have_attribute("data-role", role.strip())
    shown = float(page.get_by_test_id("circuit-jaccard").get_attribute("data-value") or "nan")
    assert shown == pytest.approx(float(run_cell(page, "compared.edges.jaccard")))
    expect(page.get_by_test_id("circuit-elsewhere")).to_contain_text(
        run_cell(page, "len(compared.only_other)")
    )
    expect(page.get_by_test_id("circuit-run-other")).to_have_count(0)
    assert measured(page) == pytest.approx(by_hand(page), abs=1e-3)
    head = page.get_by_test_id("circuit-role-part").and_(page.get_by_text("L2H1"))
    head.click()
    assert run_cell(page, "board.selection") == "['L2H1']"
    show(page, "circuit")
    execute(page, "board.undo()")
    expect(page.get_by_test_id("circuit-compare")).to_have_count(0)
    expect(view).to_have_attribute("data-kept", "24")
