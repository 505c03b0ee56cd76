"""The tutorials: each runs from top to bottom in a real kernel, and its text states no number.

They are kept without outputs: whoever opens one makes them. Their claims are cells that assert.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.ipynb"))
NAMES = [path.stem for path in TUTORIALS]


def read(path: Path) -> Any:
    return nbformat.read(path, 4)


def text_of(notebook: Any, kind: str) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == kind)


def test_there_are_tutorials_and_the_guide_names_each() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text()
    assert {"first-steps", "indirect-objects"} <= set(NAMES)
    for path in TUTORIALS:
        assert f"(tutorials/{path.name})" in guide


@pytest.mark.parametrize("path", TUTORIALS, ids=NAMES)
def test_a_tutorial_is_kept_clean(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@pytest.mark.parametrize("path", TUTORIALS, ids=NAMES)
def test_no_result_is_typed_into_the_text(path: Path) -> None:
    notebook = read(path)
    assert re.findall(r"\d+\.\d+|\d+ ?%", text_of(notebook, "markdown")) == []
    assert text_of(notebook, "code").count("assert ") >= 5


@pytest.mark.parametrize("path", TUTORIALS, ids=NAMES)
def test_a_tutorial_runs_and_its_claims_hold(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT / "src"), given])))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = read(path)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in ran)
    shown = [output for cell in ran for output in cell.outputs]
    assert any("widget-view" in kind for o in shown for kind in o.get("data", {})), "no board"
