"""Where cells are computed: in this process, in processes beside it, or on a Ray cluster.

Each runner takes cells, says when it begins with one, and gives results as they come. What crosses
between processes is JSON; the results are the same wherever they are made.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import msgspec

from circuitboard.circuits.campaign.cell import Cell, Result
from circuitboard.spec.errors import CircuitboardError

Started = Callable[[Cell], None]
Runner = Callable[[Sequence[Cell], Started], Iterator[Result]]
#: How often a worker looks whether the process that it works for is still there, in seconds.
HEARTBEAT = 0.5


def here(cells: Sequence[Cell], started: Started) -> Iterator[Result]:
    """One after another, in this process."""
    from circuitboard.circuits.campaign.compute import compute

    for cell in cells:
        started(cell)
        yield compute(cell)


def on_processes(jobs: int) -> Runner:
    """In so many processes of this machine, which share its cores and end when this one ends."""

    def run(cells: Sequence[Cell], started: Started) -> Iterator[Result]:
        spawn = multiprocessing.get_context("spawn")
        given = os.getpid(), max(1, (os.cpu_count() or 1) // jobs)
        pool = ProcessPoolExecutor(jobs, spawn, initializer=_serve, initargs=given)
        waiting, todo = set(), iter(cells)
        try:
            while True:
                while len(waiting) < jobs and (cell := next(todo, None)) is not None:
                    started(cell)
                    waiting.add(pool.submit(_compute_json, msgspec.json.encode(cell)))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield Result.from_json(future.result())
        except BrokenProcessPool:
            raise CircuitboardError(
                "A worker process died, perhaps for want of memory.",
                "What is done is kept: go on with fewer --jobs.",
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)

    return run


def on_ray(address: str) -> Runner:
    """On a Ray cluster that runs already, one processor for each cell, a GPU where it asks for one.

    Its machines need Circuitboard installed, and to see files and folders under the same names.
    """

    def run(cells: Sequence[Cell], started: Started) -> Iterator[Result]:
        ray = _ray()
        _connect(ray, address)
        try:
            work = ray.remote(max_retries=1)(_compute_json)
            slots = max(1, int(ray.cluster_resources().get("CPU", 1)))
            waiting: dict[Any, Cell] = {}
            todo = iter(cells)
            while True:
                while len(waiting) < slots and (cell := next(todo, None)) is not None:
                    started(cell)
                    needs = {"num_cpus": 1, "num_gpus": int(cell.device.startswith("cuda"))}
                    waiting[work.options(**needs).remote(msgspec.json.encode(cell))] = cell
                if not waiting:
                    return
                (done, *_), _ = ray.wait(list(waiting), num_returns=1)
                yield _fetched(ray, done, waiting.pop(done))
        finally:
            ray.shutdown()

    return run


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise CircuitboardError(
            "Ray is not installed.", "Install it: pip install 'circuitboard[ray]'."
        ) from None
    return ray


def _connect(ray: Any, address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise CircuitboardError(
            f"No Ray cluster answers at {address}: {str(error).splitlines()[0]}",
            "Start one with: ray start --head; its output says the address.",
        ) from None


def _fetched(ray: Any, done: Any, cell: Cell) -> Result:
    """The result of a cell; a failed one where its worker died."""
    try:
        return Result.from_json(ray.get(done))
    except ray.exceptions.RayError as error:
        told = f"The worker died: {str(error).splitlines()[0]}"
        return Result(cell.key, cell, "failed", error=told)


def _compute_json(text: bytes) -> bytes:
    from circuitboard.circuits.campaign.compute import compute

    return compute(msgspec.json.decode(text, type=Cell)).to_json()


def _serve(parent: int, threads: int) -> None:
    """Sets a worker process up: few threads, and an end when its parent is gone."""
    import torch

    torch.set_num_threads(threads)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(HEARTBEAT)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
