"""The benchmarks in small: ours and the peers' results agree. Nothing is timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


def run_quick(script: str, *more: str) -> str:
    """Runs a command on tiny models, in a process of its own: peers patch what they import."""
    done = subprocess.run(
        [sys.executable, str(FOLDER / script), "--quick", *more],
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def quick(device: str) -> None:
    """The sweeps."""
    assert "agree" in run_quick("sweeps.py", "--device", device)


def test_scores_of_edges_agree_with_plain_autograd() -> None:
    said = run_quick("gradients.py").splitlines()
    assert len(said) == 2
    assert all("agree with the naive ones" in line for line in said)


def test_sweeps_agree_with_the_peers() -> None:
    quick("cpu")


def test_runs_of_circuits_agree_with_the_model() -> None:
    assert "agree" in run_quick("circuits.py", "--device", "cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_runs_of_circuits_agree_with_the_model_on_a_gpu() -> None:
    assert "agree" in run_quick("circuits.py", "--device", "cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_sweeps_agree_with_the_peers_on_a_gpu() -> None:
    quick("cuda")
