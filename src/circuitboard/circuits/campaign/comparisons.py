"""Every two explained circuits of a task in a campaign, side by side."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from itertools import combinations
from typing import Any

from circuitboard.circuits.campaign.cell import Cell
from circuitboard.circuits.campaign.pages import page_of
from circuitboard.circuits.campaign.results_table import markdown_line
from circuitboard.circuits.campaign.store import Store, write_whole
from circuitboard.circuits.explain.findings import Explanation
from circuitboard.spec.comparison import Comparison
from circuitboard.spec.sheets import safe

Row = dict[str, Any]
MARKDOWN, CSV = "comparisons.md", "comparisons.csv"
#: What is counted of both circuits, of the first alone, of the other alone.
COUNTED: dict[str, Callable[[Comparison], tuple[int, int, int]]] = {
    "parts": lambda found: found.parts,
    "edges": lambda found: found.edges,
    "edges among shared parts": lambda found: found.wired,
    "kinds of edges by role": lambda found: found.linked,
}


def write_comparisons(store: Store) -> list[Row]:
    """Writes ``comparisons.md`` and ``comparisons.csv`` beside the results; returns the rows.

    Explanations are read from the data beside the pages, so :func:`write_pages` comes first. Models
    of one shape are compared by address, others by behaviour. Nothing is written where no task has
    two.

    Raises StoreError for a damaged result, TaskError for a damaged explanation.
    """
    found: dict[str, list[tuple[Cell, Explanation]]] = {}
    for result in store.results():
        data = page_of(store, result.cell).with_suffix(".json")
        if data.exists():
            known = found.setdefault(result.cell.task, [])
            known.append((result.cell, Explanation.open(data)))
    table = [
        _row(task, first, other)
        for task, known in sorted(found.items())
        for first, other in combinations(sorted(known, key=lambda one: one[0].label), 2)
    ]
    if table:
        write_whole(store.folder / MARKDOWN, _markdown(table).encode())
        write_whole(store.folder / CSV, _csv(table).encode())
    return table


def _row(task: str, first: tuple[Cell, Explanation], other: tuple[Cell, Explanation]) -> Row:
    found = first[1].compare(other[1])
    row: Row = {"task": task, "first": _name(first[0]), "other": _name(other[0]), "by": found.by}
    for name, of in COUNTED.items():
        counts = of(found)
        row[f"{name}: both"], row[f"{name}: first"], row[f"{name}: other"] = counts
        row[f"{name}: Jaccard"] = counts[0] / sum(counts) if sum(counts) else 1.0
    return row | {"depth apart": found.shift}


def _name(cell: Cell) -> str:
    """A cell without its task."""
    return cell.label.removeprefix(cell.task).removeprefix(" in ").strip()


def _markdown(table: list[Row]) -> str:
    """Jaccard for people; the CSV has the counts."""
    head = ["task", "first", "other", "by", *COUNTED, "depth apart"]
    lines = [markdown_line(head), "|---" * len(head) + "|"]
    for row in table:
        told = [row.get(name, row.get(f"{name}: Jaccard")) for name in head]
        lines.append(markdown_line([_text(value) for value in told]))
    note = "Numbers are Jaccard: what both have over what either has, 1 for the same."
    return "\n".join([*lines, "", note, ""])


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _csv(table: list[Row]) -> str:
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(list(table[0]))
    for row in table:
        write.writerow([safe("" if value is None else value) for value in row.values()])
    return out.getvalue()
