"""The results of a campaign as a table, Markdown for people and CSV for everything else."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from circuitboard.circuits.campaign.cell import Result
from circuitboard.circuits.campaign.store import Store, write_whole
from circuitboard.circuits.evaluation import Evaluation
from circuitboard.spec.sheets import safe

Row = dict[str, Any]
MARKDOWN, CSV = "results.md", "results.csv"
#: What the Markdown shows of the evaluation; the CSV holds all of it.
SHOWN = ("faithfulness", "held out", "CPR", "CMD", "AUROC edges", "AUROC nodes")
_FIRST = ("task", "model", "method", "seed", "options", "state", "edges", "of")
_LAST = ("seconds", "error", "key")


def rows(results: Iterable[Result]) -> list[Row]:
    """A row for each result: what was asked, what came of it; in a steady order."""
    found = [_row(result) for result in results]
    return sorted(found, key=lambda row: tuple(str(row[name]) for name in _FIRST[:5]))


def _row(result: Result) -> Row:
    cell, circuit = result.cell, result.circuit
    return {
        "task": cell.task,
        "model": cell.model,
        "method": cell.method,
        "seed": cell.seed,
        "options": " ".join(f"{name}={value}" for name, value in sorted(cell.options.items())),
        "state": result.state,
        "edges": None if circuit is None else len(circuit),
        "of": None if circuit is None else circuit.total,
        **({} if result.evaluation is None else _numbers(result.evaluation)),
        **{f"AUROC {name}": value for name, value in result.auroc.items()},
        "seconds": round(result.seconds, 3),
        "error": result.error,
        "key": result.key,
    }


def _numbers(found: Evaluation) -> Row:
    """The numbers of an evaluation, by column; worst cases where there are many."""
    first, row = found.faithfulness[0], {"live": found.live}
    row |= {"faithfulness": first.value, "faithfulness low": first.low}
    row |= {"faithfulness high": first.high, "full": first.full, "empty": first.empty}
    row |= {f"faithfulness, {one.how}": one.value for one in found.faithfulness[1:]}
    if found.held_out is not None:
        row["held out"] = found.held_out.value
    if found.curve is not None:
        row |= {"CPR": found.curve.cpr, "CMD": found.curve.cmd}
    if found.chance is not None:
        row["random circuits"] = found.chance.mean
    if found.completeness:
        row["completeness gap"] = found.completeness[0].gap
    if found.minimality:
        row["minimality"] = found.minimality[0].change
    if found.truth is not None:
        row |= {"precision": found.truth.precision, "recall": found.truth.recall}
    return row


def markdown(table: Sequence[Row]) -> str:
    """The table for people: columns that hold something, and failures in full below."""
    names = [n for n in ("seed", "options") if len({row[n] for row in table}) > 1]
    shown = [name for name in SHOWN if any(row.get(name) is not None for row in table)]
    head = ["task", "model", "method", *names, "edges", *shown, "seconds"]
    lines = [markdown_line(head), "|---" * len(head) + "|"]
    lines += [markdown_line([_text(row, name) for name in head]) for row in table]
    failed = [row for row in table if row["state"] == "failed"]
    if failed:
        lines += ["", f"{len(failed)} failed; `circuitboard discover ... --retry` tries again:", ""]
        lines += [f"- {_plain(_what(row))}: {_plain(row['error'])}" for row in failed]
    return "\n".join([*lines, ""])


def _what(row: Row) -> str:
    return f"{row['task']} in {row['model']} by {row['method']}, seed {row['seed']}"


def _text(row: Row, name: str) -> str:
    if name == "edges":
        return "failed" if row["state"] == "failed" else f"{row['edges']} of {row['of']}"
    value = row.get(name)
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def markdown_line(cells: Sequence[str]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    """A text that cannot break out of its cell, or become markup."""
    marked = "".join(f"\\{mark}" if mark in "\\|`*_<>[]" else mark for mark in text)
    return " ".join(marked.split())


def csv_text(table: Sequence[Row]) -> str:
    """The table with every number of the evaluations, one column each."""
    others = sorted({name for row in table for name in row} - {*_FIRST, *_LAST})
    names = [*_FIRST, *others, *_LAST]
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(names)
    for row in table:
        write.writerow([safe(_exact(row, name)) for name in names])
    return out.getvalue()


def _exact(row: Mapping[str, Any], name: str) -> Any:
    value = row.get(name)
    return "" if value is None or value != value else value


def write_tables(store: Store) -> list[Row]:
    """Writes ``results.md`` and ``results.csv`` beside the results, and returns the rows.

    Raises StoreError for a damaged result.
    """
    table = rows(store.results())
    write_whole(store.folder / MARKDOWN, markdown(table).encode())
    write_whole(store.folder / CSV, csv_text(table).encode())
    return table


def tables_of(folder: Path) -> list[Row]:
    """The rows of a folder of results; none where it holds no results."""
    return rows(Store(folder).results())
