"""The sweep benchmark in small: ours and the peers' results agree. Nothing is timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

SWEEPS = Path(__file__).resolve().parents[1] / "benchmarks" / "sweeps.py"


def quick(device: str) -> None:
    """Runs the command on tiny models, in a process of its own: peers patch what they import."""
    done = subprocess.run(
        [sys.executable, str(SWEEPS), "--quick", "--device", device],
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "agree" in done.stdout


def test_sweeps_agree_with_the_peers() -> None:
    quick("cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_sweeps_agree_with_the_peers_on_a_gpu() -> None:
    quick("cuda")
