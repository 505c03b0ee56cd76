"""Report pages of a campaign."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import circuitboard as cb
from circuitboard.circuits.campaign.comparisons import write_comparisons
from circuitboard.circuits.campaign.pages import FOLDER, missing, write_pages
from circuitboard.circuits.campaign.store import Store


@pytest.fixture
def out(small: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results of a small campaign, and a front end that is small enough."""
    (tmp_path / "report.js").write_text("1")
    monkeypatch.setattr("circuitboard.offline.STATIC", tmp_path)
    shutil.copytree(small[1], tmp_path / "out")
    return tmp_path / "out"


def test_each_circuit_gets_a_page_and_its_data_once(out: Path) -> None:
    store = Store(out)
    assert len(missing(store)) == 4
    pages = list(write_pages(store))
    assert {path.suffix for path in pages} == {".html"}
    assert missing(store) == []
    assert list(write_pages(store)) == []
    for path, result in zip(pages, store.results(), strict=True):
        found = cb.Explanation.open(path.with_suffix(".json"))
        assert result.circuit is not None
        assert found.circuit.edges == result.circuit.edges
        assert found.evaluation == result.evaluation


def test_circuits_of_one_task_are_compared(out: Path) -> None:
    store = Store(out)
    assert write_comparisons(store) == []
    list(write_pages(store))
    table = write_comparisons(store)
    assert [(row["task"], row["first"], row["other"]) for row in table] == [
        (task, "by eap", "by eap-ig-inputs (steps=2)")
        for task in ("known:induction", "known:relay")
    ]
    known = {(r.cell.task, r.cell.method): r.circuit for r in store.results()}
    for row in table:
        one, two = (known[row["task"], method] for method in ("eap", "eap-ig-inputs"))
        assert one is not None
        assert two is not None
        assert row["by"] == "address"
        assert row["edges: Jaccard"] == one.jaccard(two)
        assert row["edges: both"] == len(one & two)
    lines = (out / "comparisons.md").read_text().splitlines()
    assert f"{table[0]['edges: Jaccard']:.3f}" in lines[2]
    assert len((out / "comparisons.csv").read_text().splitlines()) == 3


def test_the_command_writes_them(small: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(small[1], tmp_path / "out")
    done = subprocess.run(
        [sys.executable, "-m", "circuitboard.cli", "report", str(tmp_path / "out"), "--pages"],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out" / FOLDER).glob("*.html"))) == 4
    assert "comparisons.md" in done.stdout
