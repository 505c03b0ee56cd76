"""Discovery methods against known circuits."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

import circuitboard as cb
from circuitboard.circuits.known.known import KnownCircuit, known_circuit, known_circuits
from circuitboard.circuits.recovery import recovery

ROOT = Path(__file__).resolve().parents[2]


@lru_cache
def made(name: str) -> KnownCircuit:
    return known_circuit(name)


def recovered(name: str, method: str) -> dict[str, float]:
    known = made(name)
    circuit = cb.discover(known.model, known.task, method, neurons=len(known.neurons))
    return recovery(known.model, circuit, known.edges)


@pytest.mark.parametrize("name", known_circuits())
@pytest.mark.parametrize("method", ["eap-ig", "eap-ig-activations"])
def test_integrated_gradients_recover_every_known_circuit(name: str, method: str) -> None:
    found = recovered(name, method)
    assert found["edges"] >= 0.95
    assert found["nodes"] >= 0.95


@pytest.mark.parametrize("name", sorted({*known_circuits()} - {"gates", "backup"}))
def test_methods_that_run_the_model_recover_what_nothing_stands_in_for(name: str) -> None:
    for method in ("edge-patching", "acdc"):
        found = recovered(name, method)
        assert found["edges"] >= 0.95, method
        assert found["nodes"] >= 0.95, method


def test_one_patch_at_a_time_misses_what_stands_in_for_each_other() -> None:
    """Patching either branch of ``gates`` alone changes nothing: these edges score nothing."""
    known = made("gates")
    scores = cb.discover(known.model, known.task, "edge-patching").scores
    assert scores is not None
    sizes = dict(zip(scores.edges, abs(scores.values).tolist(), strict=True))
    hidden = set(known.standing_in)
    assert max(sizes[edge] for edge in hidden) < 1e-3
    assert min(sizes[edge] for edge in known.edges if edge not in hidden) > 1
    assert recovered("gates", "edge-patching")["edges"] < 0.9


@pytest.mark.parametrize("name", ["gates", "majority"])
def test_no_gradient_at_the_clean_prompts_shows_what_is_saturated(name: str) -> None:
    assert recovered(name, "eap")["edges"] < 0.9 < recovered(name, "eap-ig")["edges"]


def test_the_page_is_written_by_its_command(tmp_path: Path) -> None:
    page = tmp_path / "known.md"
    script, small = str(ROOT / "benchmarks" / "known_circuits.py"), ["relay", "induction"]
    words = [script, "--out", str(page), "--known", *small, "--method", "eap", "acdc"]
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    text = page.read_text()
    assert re.search(r"known_circuits.py` at [0-9a-f]{7,}", text)
    assert text.count("| relay |") == 4
    assert "| circuit | eap | acdc |" in text
    assert "Failures" not in text


def test_the_page_in_the_docs_has_every_circuit_and_method() -> None:
    from circuitboard.circuits.discover import METHODS

    text = (ROOT / "docs" / "circuits" / "known.md").read_text()
    assert all(f"| {name} |" in text for name in known_circuits())
    heads = [line for line in text.splitlines() if line.startswith("| circuit | edge-patching")]
    second_names = {"eap-ig-inputs"}
    assert all(f" {name} " in heads[0] for name in METHODS if name not in second_names)
    rows = [line for line in text.split("## Seconds")[0].splitlines() if line.startswith("| ")]
    best = [max(map(float, re.findall(r"[01]\.\d{3}", row))) for row in rows if "." in row]
    assert min(best) >= 0.95
