"""Threads that computed for one thread are gone when another one's turn comes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

THREADS = "/proc/self/task"
COUNT = """
import os, time, torch
from circuitboard.models.teams import release_team
from circuitboard.lab.bootstrap import _answer
from circuitboard.session.watcher import _after_cell
from circuitboard.session.worker import Worker

torch.set_num_threads(3)
big = torch.randn(400, 400)

def threads():
    return len(os.listdir("/proc/self/task"))

def settled(most):
    # a thread of a team ends a moment after it was let go
    for _ in range(200):
        if threads() <= most:
            break
        time.sleep(0.01)
    return threads() <= most

def work():
    return (big @ big).sum().item(), threads()

before = threads()
here, used = work()
assert used > before, (used, before)
assert release_team()
assert settled(before), threads()

worker = Worker(lambda jobs: None)
there, used = worker.submit("product", lambda check: work()).result()
assert there == here
assert used > before + 1, (used, before)
assert settled(before + 1), threads()
assert work()[0] == here
assert threads() > before + 1
_after_cell()
assert settled(before + 1), threads()
_answer(lambda: str(work()[0]))
assert settled(before + 1), threads()
"""


@pytest.mark.skipif(not os.path.isdir(THREADS), reason="counts threads as Linux lists them")
def test_a_team_is_let_go_after_use_and_comes_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNT],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
