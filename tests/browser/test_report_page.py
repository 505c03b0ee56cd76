"""A circuit's report, opened from disk: its wiring answers, its sentences open, it asks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from saved import Diary

import circuitboard as cb
from circuitboard.circuits.explain.findings import Explanation
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.task import Pair, Task

FRAME = "When {} and {} went to the store, {} gave a drink to"
EDGES = {
    "embed->L0.mlp": 1.0,
    "L0.mlp->L1H0.q": 0.9,
    "L0.mlp->L2H1.v": 0.8,
    "L1H0->L2H1.k": 0.7,
    "L2H1->L2.mlp": 0.6,
    "L2H1->logits": 0.5,
    "L2.mlp->logits": 0.4,
}


@pytest.fixture(scope="module")
def found() -> Explanation:
    names = [("Mary", "John", "Tom"), ("Anna", "Peter", "Susan")]
    pairs = [
        Pair(FRAME.format(a, b, b), FRAME.format(a, b, c), (f" {a}",), (f" {b}",))
        for a, b, c in names
    ]
    circuit = Circuit.of(EDGES, model="names", task="givers")
    return cb.explain(cb.load("names"), circuit, Task("givers <b>", tuple(pairs)))


@pytest.fixture
def opened(chrome: Browser, found: Explanation, tmp_path: Path) -> Iterator[Page]:
    path = tmp_path / "report.html"
    found.save(path)
    context = chrome.new_context(viewport={"width": 1100, "height": 900}, offline=True)
    context.set_default_timeout(20_000)
    diary = Diary()
    page = context.new_page()
    diary.watch(page)
    page.goto(f"file://{path}#theme=light")
    expect(page.get_by_test_id("report")).to_be_visible()
    yield page
    context.close()
    assert diary.said == []
    assert diary.strangers() == []


def test_it_draws_the_circuit_and_says_how_much_it_keeps(opened: Page, found: Explanation) -> None:
    expect(opened.get_by_test_id("wire")).to_have_count(len(EDGES))
    expect(opened.locator("h1")).to_have_text("givers <b> in names")
    kept = opened.locator("dd").nth(4).inner_text()
    assert float(kept.rstrip("%")) == pytest.approx(100 * found.kept.value, abs=0.06)


def test_a_part_shows_its_evidence_and_its_wires(opened: Page) -> None:
    opened.get_by_test_id("part-L2H1").click()
    opened.mouse.move(2, 2)
    expect(opened.get_by_test_id("chosen")).to_contain_text("suppressors")
    expect(opened.locator('[data-testid="wire"][data-faint="false"]')).to_have_count(4)
    opened.get_by_test_id("part-L2H1").press("Enter")
    expect(opened.get_by_test_id("chosen")).to_have_count(0)


def test_fewer_edges_can_be_drawn(opened: Page, found: Explanation) -> None:
    opened.get_by_test_id("shown").fill("2")
    wires = opened.get_by_test_id("wire")
    expect(wires).to_have_count(2)
    drawn = {wires.nth(i).get_attribute("data-edge") for i in range(2)}
    assert drawn == {link.edge for link in found.edges[:2]}


def test_a_sentence_opens_to_its_code(opened: Page, found: Explanation) -> None:
    claims = opened.get_by_test_id("claim")
    expect(claims).to_have_count(len(found.account))
    claims.nth(0).locator("summary").click()
    expect(claims.nth(0).locator("pre")).to_contain_text("cb.metric_values(model, task)")
    weak = opened.locator('[data-testid="claim"][data-weak="true"]')
    expect(weak).to_have_count(sum(claim.weak for claim in found.account))


def test_every_part_and_edge_is_in_a_table(opened: Page, found: Explanation) -> None:
    rows = opened.get_by_test_id("parts-table").locator("tbody tr")
    expect(rows).to_have_count(len(found.parts))
    opened.get_by_text(f"All {len(found.edges)} edges").click()
    expect(opened.get_by_role("row").filter(has_text=found.edges[0].edge)).to_be_visible()
