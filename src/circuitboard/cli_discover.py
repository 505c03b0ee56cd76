"""What ``circuitboard discover`` and ``circuitboard report`` do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from circuitboard.circuits.campaign import plan
from circuitboard.circuits.campaign.cell import KNOWN, Cell
from circuitboard.circuits.campaign.results_table import (
    CSV,
    MARKDOWN,
    SHOWN,
    Row,
    tables_of,
    write_tables,
)
from circuitboard.circuits.campaign.run import Standing, run_campaign
from circuitboard.circuits.campaign.runners import Runner, here, on_processes, on_ray
from circuitboard.circuits.campaign.store import Store
from circuitboard.spec.errors import CircuitboardError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

#: Rows that a terminal gets; the files hold all.
ROWS = 40
#: Heads of columns, where the table's are too long for a terminal.
SHORT = {"faithfulness": "faithful", "AUROC edges": "AUROC", "AUROC nodes": "nodes"}


@dataclass(frozen=True)
class Order:
    """What the command line asked for.

    Attributes:
        what: a plan's file, or one task.
        models, methods, seed, neurons: for one task.
        jobs, ray: where; at most one of them.
    """

    what: str
    out: Path
    models: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    seed: int = 0
    neurons: int = 0
    retry: bool = False
    jobs: int = 1
    ray: str | None = None


def cells_of(order: Order) -> list[Cell]:
    """The cells of a plan, or of one task. Raises PlanError."""
    path = Path(order.what)
    if path.suffix in plan.ENDINGS:
        if order.models or order.methods or order.seed or order.neurons:
            raise plan.PlanError(
                "A plan says itself which models, methods, neurons and seeds.",
                "Leave the options out.",
            )
        return plan.read_plan(path)
    known = order.what.startswith(KNOWN)
    if not order.methods or not (order.models or known):
        raise plan.PlanError(
            f"What is {order.what} to be tried with?",
            "Give --model and --method, or a plan (.yaml, .toml) in place of the task.",
        )
    methods = order.methods
    if order.neurons:
        methods = tuple(plan.PlannedMethod(m, {"neurons": order.neurons}) for m in methods)
    one = plan.Plan((order.what,), methods, order.models, (order.seed,))
    return one.cells()


def discover(order: Order, console: Console) -> bool:
    """Does what is left to do of an order, with a progress bar, and shows the table.

    Returns:
        Whether every cell came out.

    Raises:
        CircuitboardError: the plan makes no sense, the folder is taken, or no cluster is there.
    """
    cells = cells_of(order)
    with _progress(console, len(cells)) as show:
        standing = run_campaign(
            cells, order.out, retry=order.retry, runner=_runner(order), watch=show
        )
    keys = {cell.key for cell in cells}
    report([row for row in tables_of(order.out) if row["key"] in keys], order.out, console)
    return standing.failed == 0


def _runner(order: Order) -> Runner:
    if order.ray is not None and order.jobs > 1:
        raise CircuitboardError("The cells run in --jobs here, or on --ray.", "Give one of them.")
    if order.ray is not None:
        return on_ray(order.ray)
    return on_processes(order.jobs) if order.jobs > 1 else here


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[Standing], None]]:
    columns = (
        TextColumn("Discovering"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total, note="")

        def show(now: Standing) -> None:
            failed = f"[red]{now.failed} failed[/]  " if now.failed else ""
            running = escape(now.running[0]) if now.running else ""
            more = f" and {len(now.running) - 1} more" if len(now.running) > 1 else ""
            note = f"{failed}{running}{more}"
            bar.update(task, completed=now.done + now.failed, note=note)

        yield show


def report(table: list[Row], out: Path, console: Console) -> None:
    """Shows results, and says where all of them are."""
    if not table:
        raise CircuitboardError(
            f"There are no results in {out}.", "circuitboard discover --out puts them there."
        )
    console.print(_sheet(table[:ROWS]))
    if len(table) > ROWS:
        console.print(f"and {len(table) - ROWS} more")
    for row in [row for row in table if row["state"] == "failed"][:ROWS]:
        told = escape(f"{row['task']} in {row['model']} by {row['method']}: {row['error']}")
        console.print(f"[red]failed[/] {told}", soft_wrap=True)
    if any(row["state"] == "failed" for row in table):
        console.print("The same command with --retry tries these again.")
    console.print(f"All results: {out / MARKDOWN} and {out / CSV}", soft_wrap=True)


def _sheet(table: list[Row]) -> Table:
    """Names may fold over lines; numbers stay whole."""
    shown = [name for name in SHOWN if any(row.get(name) is not None for row in table)]
    seeds = len({row["seed"] for row in table}) > 1
    sheet = Table(box=None, pad_edge=False)
    for name in ("task", "model", "method"):
        sheet.add_column(name, overflow="fold")
    for name in [*(["seed"] if seeds else []), "edges", *shown]:
        sheet.add_column(SHORT.get(name, name), no_wrap=True, justify="right")
    for row in table:
        failed = row["state"] == "failed"
        size = "[red]failed[/]" if failed else f"{row['edges']}/{row['of']}"
        model = "its own" if row["model"] == row["task"] else row["model"]
        names = [escape(str(name)) for name in (row["task"], model, row["method"])]
        numbers = [_number(row.get(name)) for name in shown]
        sheet.add_row(*names, *([str(row["seed"])] if seeds else []), size, *numbers)
    return sheet


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.3f}"


def written_report(out: Path, console: Console) -> None:
    """Writes the tables of a folder anew, and shows them.

    Raises CircuitboardError where there are no results.
    """
    store = Store(out)
    if not store.cells.is_dir():
        raise CircuitboardError(
            f"{out} is no folder of results.", "Give the --out of circuitboard discover."
        )
    report(write_tables(store), out, console)


def written_pages(out: Path, console: Console) -> None:
    """Writes the report pages that are missing, with a progress bar, and what they share.

    Raises CircuitboardError where one cannot be made.
    """
    from circuitboard.circuits.campaign.comparisons import MARKDOWN as COMPARED
    from circuitboard.circuits.campaign.comparisons import write_comparisons
    from circuitboard.circuits.campaign.pages import FOLDER, missing, write_pages

    store = Store(out)
    columns = (TextColumn("Explaining"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=len(missing(store)))
        for _ in write_pages(store):
            bar.advance(task)
    console.print(f"Reports: {out / FOLDER}", soft_wrap=True)
    if write_comparisons(store):
        console.print(f"Circuits of one task side by side: {out / COMPARED}", soft_wrap=True)
