"""The worker: one thread, latest wins, background work in between, cancel at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from circuitboard.session.worker import JobInfo, Worker
from circuitboard.spec.errors import CancelledError


def make() -> tuple[Worker, list[list[JobInfo]]]:
    seen: list[list[JobInfo]] = []
    return Worker(seen.append), seen


def test_the_newest_task_of_a_key_wins() -> None:
    worker, _ = make()
    started, go = threading.Event(), threading.Event()

    def slow(check: object) -> str:
        started.set()
        go.wait(5)
        check()  # type: ignore[operator]
        return "old"

    first = worker.submit("run", slow)
    assert started.wait(5)
    second = worker.submit("run", lambda _check: "dropped")
    third = worker.submit("run", lambda _check: "new")
    go.set()
    assert third.result(5) == "new"
    for lost in (first, second):
        with pytest.raises(CancelledError):
            lost.result(5)


def test_all_work_runs_on_one_thread_which_survives_errors() -> None:
    worker, _ = make()
    threads = {worker.submit(str(i), lambda _c: threading.get_ident()).result(5) for i in range(5)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    with pytest.raises(ZeroDivisionError):
        worker.submit("bad", lambda _c: 1 / 0).result(5)
    assert worker.submit("good", lambda _c: worker.inside).result(5)
    assert not worker.inside


def test_tasks_are_answered_between_steps_of_background_work() -> None:
    worker, seen = make()
    steps: list[int] = []

    def count() -> Iterator[int]:
        for i in range(1, 200):
            time.sleep(0.005)
            steps.append(i)
            yield i

    job = worker.background("sweep", "Sweeping", 199, count())  # type: ignore[arg-type]
    began = time.monotonic()
    while not steps:
        time.sleep(0.001)
    assert worker.submit("click", lambda _c: "answered").result(5) == "answered"
    assert time.monotonic() - began < 0.9
    assert 0 < len(steps) < 199
    worker.cancel(job)
    done = len(steps)
    time.sleep(0.1)
    assert len(steps) <= done + 1
    assert worker.jobs() == []
    assert any(jobs and jobs[0].total == 199 for jobs in seen)


def test_new_background_work_replaces_the_old_of_its_key() -> None:
    worker, _ = make()

    def forever() -> Iterator[int]:
        i = 0
        while True:
            time.sleep(0.002)
            i += 1
            yield i

    worker.background("sweep", "old", 10, forever())  # type: ignore[arg-type]
    worker.background("sweep", "new", 10, forever())  # type: ignore[arg-type]
    assert [job.label for job in worker.jobs()] == ["new"]
    worker.stop("sweep")
    assert worker.jobs() == []
