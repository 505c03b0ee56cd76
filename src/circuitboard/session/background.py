"""Results that fill in over time: swept in the background, kept, shown while they grow."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from circuitboard.session.worker import Steps, Worker

#: Values kept: those asked for least recently go first.
KEEP = 128

T = TypeVar("T")


@dataclass(frozen=True)
class Sweep(Generic[T]):
    """Work that fills in a value step by step.

    Attributes:
        name: what it is, for the worker: a newer sweep of that name replaces an older one.
        label: what it is, in words.
        total: its steps.
        value: what it fills in, shown from the start.
        steps: does the work, yielding how many steps are done.
        lasting: it has to do with the weights alone, and goes on when the board changes.
        first: it is short and a person waits for it: it goes before what is under way.
    """

    name: str
    label: str
    total: int
    value: T
    steps: Steps
    lasting: bool = False
    first: bool = False


@dataclass
class _Kept:
    name: str
    value: Any
    lasting: bool
    job: int = -1
    viewers: set[Hashable] = field(default_factory=set[Hashable])
    done: bool = False


class Backlog:
    """Sweeps of one board, kept under what they depend on.

    Args:
        on_step: called with the viewer of a sweep (see :meth:`get`) after each of its steps.
    """

    def __init__(self, worker: Worker, on_step: Callable[[Hashable], None]) -> None:
        self._worker = worker
        self._on_step = on_step
        self._kept: dict[Hashable, _Kept] = {}

    def get(
        self,
        viewer: Hashable,
        key: Hashable,
        begin: Callable[[], Sweep[T]],
        *,
        quick: bool = False,
    ) -> T:
        """The value kept under a key, complete or not yet; begins its sweep where it must.

        Args:
            viewer: who shows it, told after each step.
            key: all that the value depends on.
            quick: it takes no more than a moment: done at once, by the caller.
        """
        if key not in self._kept:
            sweep = begin()
            if quick:
                for _ in sweep.steps:
                    pass
            kept = _Kept(sweep.name, sweep.value, sweep.lasting, done=quick)
            self._kept[key] = kept
            while len(self._kept) > KEEP:
                self._kept.pop(next(iter(self._kept)))
            if not quick:
                steps = self._follow(key, kept, sweep.steps)
                kept.job = self._worker.background(
                    sweep.name, sweep.label, sweep.total, steps, first=sweep.first
                )
        kept = self._kept[key] = self._kept.pop(key)
        kept.viewers.add(viewer)
        return kept.value

    def _follow(self, key: Hashable, kept: _Kept, steps: Steps) -> Steps:
        for count in steps:
            self._tell(kept)
            yield count
        kept.done = True
        self._tell(kept)

    def _tell(self, kept: _Kept) -> None:
        for viewer in list(kept.viewers):
            self._on_step(viewer)

    def unfinished(self, viewer: Hashable) -> bool:
        """Whether some of what a viewer shows is not swept to its end."""
        return any(not kept.done and viewer in kept.viewers for kept in list(self._kept.values()))

    def forget_unfinished(self) -> None:
        """Drops what was not swept to its end, so that it is started again when asked for.

        What lasts and is still under way goes on.
        """
        running = {job.id for job in self._worker.jobs()}
        self._kept = {
            key: kept
            for key, kept in self._kept.items()
            if kept.done or (kept.lasting and kept.job in running)
        }

    def stop_unseen(self, viewers: set[Hashable]) -> None:
        """Stops and drops the unfinished sweeps of viewers that are shown no longer."""
        for key, kept in list(self._kept.items()):
            if not kept.done and not kept.viewers & viewers:
                self._worker.stop(kept.name)
                del self._kept[key]
