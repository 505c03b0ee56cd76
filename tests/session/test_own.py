"""The user's own views: run when they must, beside the model, with errors in their place."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

import tiny
from circuitboard.session.board import Board
from circuitboard.spec.errors import AddressError, InterventionError

PROMPT = tiny.prompt()


@pytest.fixture
def board() -> Any:
    made = Board(tiny.model("gpt2"), PROMPT, "t7", "t11")
    made.wait()
    yield made
    for view in made.own:
        view.worker.close()
    made.worker.close()


def settle(board: Board, title: str, revision: int | None = None) -> Any:
    """The view of a title once it shows the newest run."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        view = board.own.get(title)
        if view and view.drawing and not view.running and view.revision == board.revision:
            return view
        time.sleep(0.005)
    raise AssertionError("the view did not settle")


def test_a_view_follows_the_board_while_it_is_looked_at(board: Board) -> None:
    calls: list[float] = []

    @board.view(title="Metric")
    def metric(result: Any, baseline: Any) -> str:
        calls.append(result.metric)
        return f"{result.metric - baseline.metric:.5f}"

    board.ablate("L1H2")
    board.wait()
    time.sleep(0.05)
    assert not calls
    board.own.watch(["metric"])
    difference = board.result.metric - board.baseline.metric
    assert settle(board, "metric").drawing.text == f"{difference:.5f}"
    board.clear()
    board.wait()
    assert settle(board, "metric").drawing.text in ("0.00000", "-0.00000")
    board.own.watch([])
    board.ablate("L0H0")
    board.wait()
    time.sleep(0.05)
    assert len(calls) == 2


def test_what_it_needs_decides_whether_it_runs_again(board: Board) -> None:
    calls: list[int] = []

    @board.view(title="Early", needs=["L0H1.pattern"])
    def early(result: Any) -> np.ndarray:
        calls.append(1)
        return result["L0H1.pattern"][0]

    board.own.watch(["early"])
    assert settle(board, "early").drawing.array_kind == "pattern"
    board.ablate("L2H0")
    board.wait()
    settle(board, "early")
    assert len(calls) == 1
    board.scale("L0H1.pattern", 0.5)
    board.wait()
    view = settle(board, "early")
    assert len(calls) == 2
    np.testing.assert_allclose(view.drawing.array, board.result["L0H1.pattern"][0], atol=1e-6)


def test_it_follows_the_selection_where_it_asks_for_it(board: Board) -> None:
    @board.view()
    def chosen_parts(result: Any, selection: list[str]) -> str:
        return ", ".join(selection)

    board.own.watch(["chosen-parts"])
    settle(board, "chosen-parts")
    board.selection = ["L1H1", "L0.mlp"]
    end = time.monotonic() + 10
    while settle(board, "chosen-parts").drawing.text != "L1H1, L0.mlp":
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_error_is_shown_with_its_traceback_and_the_board_lives_on(board: Board) -> None:
    @board.view(title="Broken")
    def broken(result: Any) -> None:
        raise ValueError("no such thing <b>")

    board.own.watch(["broken"])
    drawing = settle(board, "broken").drawing
    assert drawing.kind == "error"
    assert "in broken" in drawing.text
    assert "ValueError: no such thing <b>" in drawing.text
    assert "_drawn" not in drawing.text

    @board.view(title="Broken")
    def mended(result: Any) -> object:
        return object()

    drawing = settle(board, "broken").drawing
    assert "cannot be shown" in drawing.text
    board.ablate("L0H0")
    assert np.isfinite(board.result.metric)


def test_a_slow_view_holds_up_neither_the_model_nor_other_views(board: Board) -> None:
    going, begun = threading.Event(), threading.Event()

    @board.view(title="Slow")
    def slow(result: Any) -> str:
        begun.set()
        going.wait(20)
        return "done"

    @board.view(title="Quick")
    def quick(result: Any) -> str:
        return f"{result.metric:.4f}"

    board.own.watch(["slow", "quick"])
    assert begun.wait(10)
    board.ablate("L1H0")
    wanted = f"{board.result.metric:.4f}"
    assert settle(board, "quick").drawing.text == wanted
    view = board.own.get("slow")
    assert view is not None
    assert view.running
    going.set()
    assert settle(board, "slow").drawing.text == "done"


def test_arrays_of_the_users_own(board: Board) -> None:
    board.show(np.arange(3), kind="bars", title="Three", labels=["a", "b", "c"])
    view = board.own.get("three")
    assert view is not None
    assert view.drawing is not None
    assert view.drawing.labels == (("a", "b", "c"),)
    board.show(np.ones((2, 2)), title="Three")
    view = board.own.get("three")
    assert view is not None
    assert view.drawing is not None
    assert view.drawing.array_kind == "heatmap"
    assert [v.title for v in board.own] == ["Three"]
    board.hide("Three")
    assert not list(board.own)
    with pytest.raises(InterventionError, match="There is no view 'Three'"):
        board.hide("Three")


def test_what_cannot_be_a_view_is_refused_at_once(board: Board) -> None:
    with pytest.raises(AddressError, match="Nearest"):
        board.view(needs=["L99H0"])(lambda result: None)
    with pytest.raises(InterventionError, match="cannot be given 'colour'"):
        board.view()(lambda result, colour: None)
    with pytest.raises(InterventionError, match="is a function of the run's result"):
        board.view()(lambda: None)
