"""Saving: from Python, and on the screen's wish; sweeps are shared, files never overwritten."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import circuitboard as cb
import tiny
from circuitboard import offline
from circuitboard.session.board import Board
from circuitboard.session.exports import Exports
from circuitboard.spec.errors import CircuitboardError
from circuitboard.wire.export import BoardExporter, free_name
from circuitboard.wire.screen import Screen

PROMPT = tiny.prompt()
MAP = {"kind": "map", "measure": "effect"}
HEAD = {"kind": "head", "layer": 1, "head": 2}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "saved.js"
    bundle.write_text("console.log('a board');")
    monkeypatch.setattr(offline, "STATIC", tmp_path)
    monkeypatch.chdir(tmp_path)


class Ear:
    """A screen, and the files that it was told of."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, Any], list[bytes]]] = []
        self.board = Board(tiny.model("gpt2"), PROMPT, "t7", "t11")
        self.screen = Screen(self.board, lambda c, b: self.heard.append((c, b)))
        self.board.wait()

    def save(self, number: int, what: str, *views: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        self.screen.receive({"op": "save", "id": number, "what": what, "views": list(views)})
        assert any(c["t"] == "reply" and c["id"] == number for c, _ in self.heard)
        return self.saved(number)

    def saved(self, number: int) -> tuple[dict[str, Any], bytes]:
        end = time.monotonic() + 90
        while time.monotonic() < end:
            for content, buffers in list(self.heard):
                if content["t"] == "saved" and content["id"] == number:
                    return content, buffers[0] if buffers else b""
            time.sleep(0.005)
        raise AssertionError("no file was told of")


def test_the_screen_gets_a_page_beside_the_notebook_and_its_content(tmp_path: Path) -> None:
    ear = Ear()
    told, content = ear.save(3, "html", HEAD)
    assert told["problem"] is None
    path = Path(told["path"])
    assert path.parent == tmp_path
    assert path.name == told["name"]
    assert path.read_bytes() == content
    assert content.startswith(b"<!doctype html>")
    assert b'"shown":[{"kind":"head","layer":1,"head":2,"value":"pattern",' in content


def test_the_screen_gets_the_numbers_of_its_views() -> None:
    ear = Ear()
    _, content = ear.save(1, "npz", HEAD, MAP)
    with np.load(io.BytesIO(content), allow_pickle=False) as data:
        assert np.isfinite(data["map-effect.heads_now"]).all()  # the sweep was waited for
        np.testing.assert_allclose(
            data["head-layer1-head2-pattern.cells_now"],
            ear.board.result["L1H2.pattern"][0],
            atol=1e-6,
        )
    _, content = ear.save(2, "csv", HEAD)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert "head-layer1-head2-pattern.cells.csv" in archive.namelist()


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    ear = Ear()
    names = [ear.save(i, "npz", HEAD)[0]["name"] for i in range(3)]
    assert len(set(names)) == 3
    assert free_name(tmp_path, "../a b/c", "html").parent == tmp_path


def test_a_folder_that_takes_no_file_is_a_problem_and_not_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear()

    def refuse(*_: Any) -> None:
        raise PermissionError("the folder is not yours")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    told, content = ear.save(1, "npz", HEAD)
    assert "not yours" in told["problem"]["message"]
    assert content == b""


def test_saving_does_not_hold_up_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    ear = Ear()
    quick = ear.board.engine.run

    def slow(*args: Any, **options: Any) -> Any:
        time.sleep(0.02)
        return quick(*args, **options)

    monkeypatch.setattr(ear.board.engine, "run", slow)
    began = time.monotonic()
    ear.screen.receive({"op": "save", "id": 5, "what": "html", "views": []})
    assert time.monotonic() - began < 0.2
    ear.screen.receive({"op": "cancel", "id": 6})
    assert ear.saved(5)[0]["problem"] is None


def test_python_saves_what_the_screen_shows_and_shares_its_sweeps(tmp_path: Path) -> None:
    ear = Ear()
    ear.screen.receive({"op": "hello", "id": 1, "views": [MAP]})
    exporter = BoardExporter(ear.board, ear.screen.shown(), ear.screen.backlog)
    exporter.data(tmp_path / "data.npz", None, True)
    with np.load(tmp_path / "data.npz") as data:
        views = {name.split(".")[0] for name in data if "." in name}
    assert views == {"map-effect"}
    runs: list[int] = []
    ear.board.subscribe(lambda event: runs.append(1) if event == "jobs" else None)
    exporter.data(tmp_path / "again.npz", None, True)
    assert runs == []  # the sweep is kept


def test_one_line_of_python_saves_the_page(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    b = cb.Board(tiny.model("gpt2"), PROMPT, "t7", "t11")
    path = b.export_html("figure.html", panel="head", told=lambda *step: told.append(step))
    text = (tmp_path / path).read_text()
    assert 'data-panel="head"' in text
    assert told[-1][0] == told[-1][1]


def test_a_board_that_nothing_can_save_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exports, "exporter", None)
    monkeypatch.setattr(Board, "exporter", None)
    with pytest.raises(CircuitboardError, match="set up"):
        Board(tiny.model("gpt2"), PROMPT).export_html("x.html")
