"""A campaign: many searches, each done once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from circuitboard.circuits.campaign.cell import Cell, Result
from circuitboard.circuits.campaign.results_table import write_tables
from circuitboard.circuits.campaign.runners import Runner, here
from circuitboard.circuits.campaign.store import Store


@dataclass(frozen=True)
class Standing:
    """How far a campaign is.

    Attributes:
        total: all its cells.
        found: of them, those that were there before.
        done, failed: those that came out one way or the other, ``found`` among them.
        running: labels of what is under way.
        last: the newest result.
    """

    total: int
    found: int
    done: int
    failed: int
    running: tuple[str, ...] = ()
    last: Result | None = field(default=None, repr=False)


def run_campaign(
    cells: Sequence[Cell],
    out: Path,
    *,
    retry: bool = False,
    runner: Runner = here,
    watch: Callable[[Standing], None] = lambda _: None,
) -> Standing:
    """Does what is not done yet, and writes the tables.

    Each result is safe on the disk before the next is counted: kill the process at any moment, run
    it again, and it goes on. Failed cells stay failed until ``retry``.

    Args:
        cells: from :func:`circuitboard.circuits.campaign.plan.read_plan`.
        out: the folder of results; results of other plans there are left alone.
        runner: where cells are computed; see :mod:`circuitboard.circuits.campaign.runners`.
        watch: called at every start and every result.

    Raises:
        StoreError: the folder cannot be written to, another process does, or a result is damaged.
    """
    store = Store(out)
    with store.writing():
        open_cells = _open(store, cells, retry)
        before = [found for cell in cells if (found := store.get(cell.key)) is not None]
        failed = sum(result.state == "failed" for result in before)
        now = Standing(len(cells), len(before), len(before) - failed, failed)
        watch(now)

        def started(cell: Cell) -> None:
            nonlocal now
            store.note("start", cell.key)
            now = replace(now, running=(*now.running, cell.label))
            watch(now)

        for result in runner(open_cells, started):
            store.put(result)
            now = _counted(now, result)
            watch(now)
        write_tables(store)
    return now


def _open(store: Store, cells: Sequence[Cell], retry: bool) -> list[Cell]:
    """What is left to do; failed results are forgotten where they shall be tried again."""
    left = []
    for cell in cells:
        found = store.get(cell.key)
        if found is not None and found.state == "failed" and retry:
            store.drop(cell.key)
            found = None
        if found is None:
            left.append(cell)
    return left


def _counted(now: Standing, result: Result) -> Standing:
    running = list(now.running)
    running.remove(result.cell.label)
    failed = result.state == "failed"
    return replace(
        now,
        done=now.done + (not failed),
        failed=now.failed + failed,
        running=tuple(running),
        last=result,
    )
