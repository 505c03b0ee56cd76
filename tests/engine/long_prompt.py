"""Runs a long prompt in a process of its own: prints bytes of memory before it, and the peak.

Usage: python long_prompt.py names|gpt2 TOKENS
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import torch

import circuitboard as cb
from circuitboard.models.tiny import new_gpt2, number_tokenizer


def peak() -> int:
    """Largest resident memory of this process so far, in bytes.

    Linux counts, in ``ru_maxrss``, what the parent held when it made this process.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(shape: str, width: int) -> tuple[int, int]:
    """Memory before the run and its peak."""
    torch.set_num_threads(1)
    vocabulary, *sizes = {"names": (400, 128, 4, 4), "gpt2": (50257, 768, 12, 12)}[shape]
    m = cb.load(new_gpt2(vocabulary, width, *sizes, seed=0), number_tokenizer(vocabulary))
    before = peak()
    prompt = [int(n) for n in torch.randint(1, vocabulary, (width,))]
    base = cb.run(m, prompt, target="t7", foil="t11")
    now = cb.run(m, prompt, cb.Zero(f"L1H2@{width // 2}"), target="t7", foil="t11")
    rows = now["L2H1.pattern"].sum(-1)
    if abs(rows - 1.0).max() > 1e-4 or base.metric == now.metric:
        raise SystemExit("the run went wrong")
    return before, peak()


if __name__ == "__main__":
    sys.stdout.write("{} {}".format(*main(sys.argv[1], int(sys.argv[2]))))
