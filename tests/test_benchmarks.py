"""Benchmarks in small: what they compare agrees. Nothing is timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def quick(device: str, script: str = "sweeps.py") -> None:
    """Runs the command on tiny models, in a process of its own: peers patch what they import."""
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), "--quick", "--device", device],
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "agree" in done.stdout


def test_sweeps_agree_with_the_peers() -> None:
    quick("cpu")


def test_runs_of_circuits_agree_with_the_model() -> None:
    quick("cpu", "circuits.py")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_runs_of_circuits_agree_with_the_model_on_a_gpu() -> None:
    quick("cuda", "circuits.py")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_sweeps_agree_with_the_peers_on_a_gpu() -> None:
    quick("cuda")
