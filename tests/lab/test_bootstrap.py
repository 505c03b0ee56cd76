"""The kernel's half of the extension, against stand-ins for the kernel, the model and the board."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comm as comms
import pytest
from IPython.core import getipython

import circuitboard
from circuitboard.lab import bootstrap
from circuitboard.spec.errors import ModelError


class Board:
    made = 0
    current: Board | None = None

    def __init__(self, model: Any, **given: Any) -> None:
        Board.made += 1
        Board.current = self
        self.model, self.given = model, given
        self.widget = type("Widget", (), {"comm": object(), "model_id": f"id-{Board.made}"})()


class Shell:
    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}
        self.events = self
        self.after: list[Callable[[Any], None]] = []

    def register(self, event: str, function: Callable[[Any], None]) -> None:
        assert event == "post_run_cell"
        self.after.append(function)

    def run_cell(self, **names: Any) -> None:
        self.user_ns.update(names)
        for function in self.after:
            function(None)


class Comm:
    comm_id = "c"

    def __init__(self) -> None:
        self.sent: list[str | None] = []

    def send(self, data: dict[str, Any]) -> None:
        self.sent.append(data["model_id"])

    def on_msg(self, function: Callable[[Any], None]) -> None:
        self.ask = lambda: function(None)

    def on_close(self, function: Callable[[Any], None]) -> None:
        self.close = lambda: function(None)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    made = Shell()
    monkeypatch.setattr(Board, "made", 0)
    monkeypatch.setattr(Board, "current", None)
    monkeypatch.setattr(bootstrap, "_doorkeeper", bootstrap._Doorkeeper())
    monkeypatch.setattr(getipython, "get_ipython", lambda: made)
    monkeypatch.setattr(comms, "get_comm_manager", lambda: _Targets())
    monkeypatch.setitem(vars(circuitboard), "Board", Board)
    monkeypatch.setitem(vars(circuitboard), "load", lambda name: f"model {name}")
    return made


class _Targets:
    def register_target(self, name: str, _opened: Any) -> None:
        assert name == "circuitboard.hello"


def hello() -> Comm:
    comm = Comm()
    bootstrap._doorkeeper.opened(comm, {})
    return comm


def test_start_makes_model_and_board(shell: Shell) -> None:
    assert bootstrap.start() == "id-1"
    assert shell.user_ns["model"] == "model names"
    assert shell.user_ns["board"].given == {"prompt": None, "target": "", "foil": ""}


def test_a_prompt_is_handed_on(shell: Shell) -> None:
    bootstrap.start_from_json(
        '{"model": "m", "prompt": "Hi", "target": "a", "foil": null, "notebook": "n"}'
    )
    assert shell.user_ns["model"] == "model m"
    assert shell.user_ns["board"].given == {"prompt": "Hi", "target": "a", "foil": ""}


def test_start_leaves_what_is_there(shell: Shell) -> None:
    mine = Board("mine")
    shell.user_ns.update(model=5, board=mine)
    assert bootstrap.start() == "id-1"
    assert shell.user_ns == {"model": 5, "board": mine}


def test_the_board_made_last_counts_where_none_is_bound(shell: Shell) -> None:
    shell.user_ns.update(first=Board("a"), second=Board("b"))
    assert bootstrap.start() == "id-2"
    assert "board" not in shell.user_ns


def test_the_name_board_comes_first(shell: Shell) -> None:
    shell.user_ns.update(board=Board("a"), other=Board("b"))
    assert bootstrap.model_id() == "id-1"


def test_hello_answers_without_making_anything(shell: Shell) -> None:
    bootstrap.listen()
    assert hello().sent == [None]
    assert shell.user_ns == {}


def test_hello_tells_of_a_board_that_a_cell_makes(shell: Shell) -> None:
    bootstrap.listen()
    comm = hello()
    shell.run_cell(x=1)
    shell.run_cell(board=Board("a"))
    shell.run_cell(x=2)
    shell.run_cell(board=Board("b"))
    assert comm.sent == [None, "id-1", "id-2"]
    comm.ask()
    assert comm.sent[-1] == "id-2"


def test_a_closed_comm_is_told_nothing(shell: Shell) -> None:
    bootstrap.listen()
    comm = hello()
    comm.close()
    shell.run_cell(board=Board("a"))
    assert comm.sent == [None]


def test_listening_twice_is_once(shell: Shell) -> None:
    bootstrap.listen()
    bootstrap.listen()
    assert len(shell.after) == 1


def test_an_error_becomes_a_problem_with_its_hint(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_name: str) -> None:
        raise ModelError("No such model.", "Try names.")

    monkeypatch.setitem(vars(circuitboard), "load", fail)
    answer = bootstrap.start_from_json('{"model": "m"}')
    assert answer._repr_mimebundle_() == {
        "application/json": {"problem": {"message": "No such model.", "hint": "Try names."}}
    }
    assert "board" not in shell.user_ns
