"""Measures work in turn: seconds on the clock and of the processor, and peak memory."""

from __future__ import annotations

import ctypes
import gc
import os
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from circuitboard.models.products import product

Found = TypeVar("Found")

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Timing:
    """Repeats of one piece of work, scaled where it was a sample.

    Attributes:
        wall, cpu: seconds of each repeat.
        bytes: the most memory that the work took on top of what was there.
        note: why there are no figures.
    """

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    bytes: int = 0
    note: str = ""

    @property
    def seconds(self) -> float:
        """The median on the clock; NaN where there is none."""
        return statistics.median(self.wall) if self.wall else float("nan")

    @property
    def processor(self) -> float:
        """The median of processor seconds, all threads together."""
        return statistics.median(self.cpu) if self.cpu else float("nan")


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def give_back() -> None:
    """Hands freed memory back to the system, so that it counts again when it is taken."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class Memory:
    """The growth of memory while a ``with`` block runs; on a GPU, what torch allocates there."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._done = threading.Event()
        self.bytes = 0

    def __enter__(self) -> Memory:
        if self._cuda:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated()
            return self
        give_back()
        self._before = self._most = resident()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(0.005):
            self._most = max(self._most, resident())

    def __exit__(self, *_: object) -> None:
        if self._cuda:
            torch.cuda.synchronize()
            self.bytes = torch.cuda.max_memory_allocated() - self._before
            return
        self._done.set()
        self._thread.join()
        self.bytes = max(self._most, resident()) - self._before


def weighed(timing: Timing, work: Callable[[], Found], device: torch.device) -> Found:
    """Does the work once, untimed, and notes the memory that it took."""
    with Memory(device) as memory:
        found = work()
    timing.bytes = max(timing.bytes, memory.bytes)
    return found


def once(timing: Timing, work: Callable[[], Any], device: torch.device, scale: float = 1.0) -> None:
    """Adds one repeat; ``scale`` turns a sample's seconds into those of all runs."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    timing.wall.append((time.perf_counter() - wall) * scale)
    timing.cpu.append((time.process_time() - cpu) * scale)


def product_rate(device: torch.device, size: int, repeats: int = 5) -> float:
    """Floating-point operations a second of the best of some large float32 matrix products.

    On the processor oneDNN's are tried beside torch's own.
    """
    a, b = (torch.randn(size, size, device=device) for _ in range(2))
    ways = [lambda: a @ b]
    if device.type == "cpu":
        ways.append(lambda: product(a, b, None))
    best = float("inf")
    for way in ways * (repeats + 1):
        timing = Timing()
        once(timing, way, device)
        best = min(best, timing.wall[0])
    return 2 * size**3 / best
