"""The one thread that runs models: queue, cancel, latest wins, background work in between."""

from __future__ import annotations

import atexit
import itertools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from circuitboard.models.teams import release_team
from circuitboard.spec.errors import CancelledError

Check = Callable[[], None]
Steps = Generator[int, None, None]


#: Seconds that the interpreter waits, at its end, for a pass under way.
PATIENCE = 5.0

_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """A thread inside torch while the interpreter goes away would abort the process."""
    for worker in list(_workers):
        worker.close()


@dataclass(frozen=True)
class JobInfo:
    """Background work under way: ``done`` of ``total`` steps."""

    id: int
    label: str
    done: int
    total: int


@dataclass
class _Task:
    work: Callable[[Check], Any]
    future: Future[Any] = field(default_factory=lambda: Future[Any]())
    stopped: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        if self.stopped.is_set():
            raise CancelledError("Stopped: something newer was asked for.")


@dataclass
class _Background:
    id: int
    label: str
    total: int
    steps: Steps
    done: int = 0
    stopped: bool = False


class Worker:
    """Runs tasks one at a time on a thread of its own.

    Tasks come first; background jobs advance one step whenever no task waits. A task submitted
    under a key that is already waiting or running cancels the older one.
    """

    def __init__(self, on_jobs: Callable[[list[JobInfo]], None]) -> None:
        self._on_jobs = on_jobs
        self._tasks: OrderedDict[str, _Task] = OrderedDict()
        self._background: OrderedDict[str, _Background] = OrderedDict()
        self._running: tuple[str, _Task] | None = None
        self._ids = itertools.count(1)
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        _workers.add(self)

    # --- asking -------------------------------------------------------------------------------

    def submit(self, key: str, work: Callable[[Check], Any]) -> Future[Any]:
        """Queues work under a key; ``work(check)`` calls check often, which raises when stopped."""
        task = _Task(work)
        with self._wake:
            self.withdraw(key)
            self._tasks[key] = task
            self._start()
            self._wake.notify_all()
        return task.future

    def withdraw(self, key: str) -> None:
        """Stops the task of a key, waiting or running, if there is one."""
        with self._wake:
            older = self._tasks.pop(key, None)
            if older is not None:
                older.future.set_exception(CancelledError("Stopped: something newer came."))
            if self._running is not None and self._running[0] == key:
                self._running[1].stopped.set()

    def background(
        self, key: str, label: str, total: int, steps: Steps, *, first: bool = False
    ) -> int:
        """Starts (or replaces) background work; ``steps`` yields how many steps are done.

        ``first`` work goes before what is under way.
        """
        with self._wake:
            older = self._background.pop(key, None)
            if older is not None:
                older.stopped = True
            job = _Background(next(self._ids), label, total, steps)
            self._background[key] = job
            self._background.move_to_end(key, last=not first)
            self._start()
            self._wake.notify_all()
        return job.id

    def cancel(self, job: int | None = None) -> None:
        """Stops one background job, or all of them."""
        with self._wake:
            for key, work in list(self._background.items()):
                if job is None or work.id == job:
                    work.stopped = True
                    del self._background[key]
            self._wake.notify_all()
        self._tell()

    def stop(self, key: str) -> None:
        """Stops the background job of a key, if there is one."""
        with self._wake:
            work = self._background.pop(key, None)
            if work is not None:
                work.stopped = True

    def close(self, *, wait: bool = True) -> None:
        """Stops everything and waits for the thread to end; the worker takes no more work."""
        with self._wake:
            self._closed = True
            self._tasks.clear()
            self._background.clear()
            if self._running is not None:
                self._running[1].stopped.set()
            self._wake.notify_all()
        if wait and self._thread is not None and not self.inside:
            self._thread.join(PATIENCE)

    @property
    def busy(self) -> bool:
        """Whether a task runs or waits (background work does not count)."""
        with self._wake:
            return bool(self._tasks) or self._running is not None

    @property
    def inside(self) -> bool:
        """Whether the caller is the worker's own thread."""
        return threading.current_thread() is self._thread

    def jobs(self) -> list[JobInfo]:
        """Background work under way."""
        with self._wake:
            return [JobInfo(j.id, j.label, j.done, j.total) for j in self._background.values()]

    # --- working ------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._loop, name="circuitboard", daemon=True)
            self._thread.start()

    def _loop(self) -> None:
        while True:
            with self._wake:
                idle = not self._tasks and not self._background
            if idle:
                release_team()  # a cell computes next
            with self._wake:
                while not self._tasks and not self._background and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                if self._tasks:
                    key, task = self._tasks.popitem(last=False)
                    self._running = (key, task)
                    job = None
                else:
                    key, job = next(iter(self._background.items()))
                    task = None
            if task is not None:
                self._run(task)
            elif job is not None:
                self._step(key, job)

    def _run(self, task: _Task) -> None:
        try:
            task.check()
            value = task.work(task.check)
        except BaseException as error:
            self._running = None
            task.future.set_exception(error)
        else:
            self._running = None
            task.future.set_result(value)

    def _step(self, key: str, job: _Background) -> None:
        if job.stopped:
            return
        try:
            job.done = next(job.steps)
        except StopIteration:
            self._drop(key, job)
        except Exception:
            self._drop(key, job)
            self._tell()
            raise
        self._tell()

    def _drop(self, key: str, job: _Background) -> None:
        with self._wake:
            if self._background.get(key) is job:
                del self._background[key]

    def _tell(self) -> None:
        self._on_jobs(self.jobs())
