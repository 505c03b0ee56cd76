"""Results that fill in: kept when complete, dropped when nobody looks, told as they grow."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator

from circuitboard.session.background import Backlog, Sweep
from circuitboard.session.worker import Steps, Worker


class Counting:
    """A backlog whose sweeps count to a number."""

    def __init__(self) -> None:
        self.told: list[Hashable] = []
        self.begun = 0
        self.worker = Worker(lambda _jobs: None)
        self.backlog = Backlog(self.worker, self.told.append)

    def get(self, viewer: str, key: str, total: int = 3, pause: float = 0.0) -> list[int]:
        def begin() -> Sweep[list[int]]:
            self.begun += 1
            value: list[int] = []

            def steps() -> Iterator[int]:
                for i in range(total):
                    time.sleep(pause)
                    value.append(i)
                    yield i + 1

            return Sweep(f"count {key}", "Counting", total, value, steps())  # type: ignore[arg-type]

        return self.backlog.get(viewer, key, begin)

    def settle(self) -> None:
        end = time.monotonic() + 10
        while self.worker.jobs() and time.monotonic() < end:
            time.sleep(0.005)


def test_a_complete_value_is_kept_and_its_viewers_are_told() -> None:
    counting = Counting()
    value = counting.get("map", "a")
    counting.settle()
    assert value == [0, 1, 2]
    assert counting.told == ["map"] * 4
    counting.backlog.forget_unfinished()
    assert counting.get("map", "a") is value
    assert counting.begun == 1


def test_what_nobody_looks_at_is_stopped_and_begun_again_when_asked_for() -> None:
    counting = Counting()
    value = counting.get("map", "a", total=1000, pause=0.005)
    counting.backlog.stop_unseen({"map"})
    assert counting.get("list", "a") is value
    counting.backlog.stop_unseen({"list"})
    assert counting.worker.jobs()
    counting.backlog.stop_unseen(set())
    counting.settle()
    assert len(value) < 1000
    assert counting.get("map", "a") is not value
    assert counting.begun == 2


def test_an_unfinished_value_is_forgotten_when_the_board_changes() -> None:
    counting = Counting()
    value = counting.get("map", "a", total=1000, pause=0.005)
    counting.backlog.forget_unfinished()
    assert counting.get("map", "a") is not value
    counting.worker.close()


def test_a_viewer_is_unfinished_until_its_own_sweeps_are_done() -> None:
    counting = Counting()
    counting.get("map", "a", total=20, pause=0.005)
    assert counting.backlog.unfinished("map")
    assert not counting.backlog.unfinished("list")
    counting.settle()
    assert not counting.backlog.unfinished("map")


def test_short_work_that_is_waited_for_goes_first() -> None:
    worker = Worker(lambda _jobs: None)
    order: list[str] = []
    begun, go = threading.Event(), threading.Event()

    def steps(name: str, count: int) -> Steps:
        for i in range(count):
            order.append(name)
            begun.set()
            go.wait(10)
            yield i + 1

    backlog = Backlog(worker, lambda _viewer: None)
    backlog.get("a", "long", lambda: Sweep("long", "Long", 3, [], steps("long", 3)))
    assert begun.wait(10)
    backlog.get("b", "next", lambda: Sweep("next", "Next", 1, [], steps("next", 1)))
    backlog.get("c", "short", lambda: Sweep("short", "Short", 2, [], steps("short", 2), first=True))
    go.set()
    end = time.monotonic() + 10
    while worker.jobs() and time.monotonic() < end:
        time.sleep(0.01)
    worker.close()
    assert order == ["long", "short", "short", "long", "long", "next"]
