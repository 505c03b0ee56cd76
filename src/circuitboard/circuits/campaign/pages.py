"""A report for each result of a campaign: a page and its data, beside the tables."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from circuitboard.circuits.campaign.cell import Cell, Result
from circuitboard.circuits.campaign.compute import opened
from circuitboard.circuits.campaign.store import Store
from circuitboard.circuits.explain import explain
from circuitboard.engine.sweep import Watch

FOLDER = "reports"
#: A campaign's circuit may hold a tenth of a large model: no more of its edges are explained.
EDGES = 200


def page_of(store: Store, cell: Cell) -> Path:
    """Where the page of a cell is, or will be."""
    return store.folder / FOLDER / f"{cell.key}.html"


def write_pages(store: Store, watch: Watch | None = None) -> Generator[Path, None, None]:
    """Writes the pages and data that are missing, one after the other; yields each page.

    A circuit of more than ``EDGES`` edges is explained by its strongest ones.

    Raises CircuitboardError where a model or task cannot be opened any more, or the front end is
    not built.
    """
    for result in missing(store):
        assert result.circuit is not None
        model, task, _ = opened(result.cell)
        circuit = result.circuit
        if len(circuit) > EDGES and circuit.scores is not None:
            circuit = circuit.top(EDGES)
        found = explain(model, circuit, task, evaluation=result.evaluation, watch=watch)
        path = page_of(store, result.cell)
        path.parent.mkdir(exist_ok=True)
        found.save(path.with_suffix(".json"))
        found.save(path)
        yield path


def missing(store: Store) -> list[Result]:
    """Results with edges that have no page yet."""
    return [
        result
        for result in store.results()
        if result.circuit is not None
        and result.circuit.kept
        and not page_of(store, result.cell).exists()
    ]
