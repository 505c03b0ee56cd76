"""Steering on the board: named lines, one step of undo for a drag, code that rebuilds it."""

from __future__ import annotations

import numpy as np
import pytest

import circuitboard as cb
import tiny
from circuitboard.session.board import Board
from circuitboard.session.steered import COUNT, course_of, lines_of
from circuitboard.spec import tensors
from circuitboard.spec.errors import InterventionError

PROMPT = tiny.prompt()
AT = "L1.resid_post@-1"
ONE, TWO = np.linspace(-1, 1, 32), np.cos(np.arange(32))


def board() -> Board:
    made = Board(tiny.model("gpt2"), PROMPT, "t7", "t11", contrast=tiny.prompt(9, 2))
    made.direction("one", ONE)
    made.direction("two", TWO)
    return made


def test_steering_adds_the_named_vector() -> None:
    b = board()
    b.steer(AT, "one", 2.5)
    moved = b.result[AT] - b.baseline[AT]
    np.testing.assert_allclose(moved[0, 0], 2.5 * ONE, atol=1e-5)
    by_hand = cb.run(b.model, PROMPT, cb.Add(AT, ONE, 2.5), target="t7", foil="t11")
    assert b.result.metric == pytest.approx(by_hand.metric, abs=1e-6)


def test_several_directions_stand_side_by_side_and_one_is_one_line() -> None:
    b = board()
    b.steer(AT, "one", 1.0)
    b.steer(AT, "two", -2.0)
    b.steer(AT, "one", 3.0)
    assert [(o.direction, o.coefficient) for o in lines_of(b.question.entries, b.directions)] == [
        ("one", 3.0),
        ("two", -2.0),
    ]
    moved = (b.result[AT] - b.baseline[AT])[0, 0]
    np.testing.assert_allclose(moved, 3 * ONE - 2 * TWO, atol=1e-5)


def test_a_number_that_is_added_is_replaced() -> None:
    b = board()
    b.add("L1H0", 1.0)
    b.add("L1H0", 2.0)
    assert len(b.interventions) == 1


def test_a_drag_is_one_step_of_undo() -> None:
    b = board()
    b.ablate("L0H0")
    for c in (0.5, 1.0, 1.5):
        b.steer(AT, "one", c, step="drag 1")
    b.steer(AT, "one", 9.0, step="drag 2")
    b.undo()
    assert lines_of(b.question.entries, b.directions)[0].coefficient == 1.5
    b.undo()
    assert list(b.interventions) == [cb.Zero("L0H0")]
    b.redo()
    assert lines_of(b.question.entries, b.directions)[0].coefficient == 1.5
    b.undo()
    b.undo()
    assert not b.can_undo


def test_what_comes_between_ends_the_step() -> None:
    b = board()
    b.steer(AT, "one", 1.0, step="drag")
    b.steer(AT, "one", 2.0, step="drag")
    b.ablate("L0H0")
    b.steer(AT, "one", 3.0, step="drag")
    b.undo()
    assert lines_of(b.question.entries, b.directions)[0].coefficient == 2.0
    assert len(b.interventions) == 2
    b.undo()
    b.steer(AT, "one", 4.0, step="drag")
    b.undo()
    assert lines_of(b.question.entries, b.directions)[0].coefficient == 2.0


def test_code_rebuilds_names_and_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    b = board()
    b.steer(AT, "one", 1 / 3)
    b.steer(AT, "two", -2.0, on=False)
    b.add(AT, np.sin(np.arange(32)), 0.5)
    code = b.code()
    assert f"""board.steer("{AT}", 'one', 0.3333333333333333)""" in code
    assert f"""board.steer("{AT}", 'two', -2.0, on=False)""" in code
    monkeypatch.setattr("circuitboard.models.load.load", lambda source: tiny.model(source))
    space: dict[str, object] = {}
    exec(code, space)
    other = space["board"]
    assert isinstance(other, Board)
    assert other.interventions == b.interventions
    assert dict(other.directions) == dict(b.directions)
    np.testing.assert_array_equal(other.result.logits, b.result.logits)


def test_directions_are_renamed_and_forgotten_and_lines_stay() -> None:
    b = board()
    b.steer(AT, "one", 2.0)
    before = b.result.metric
    b.directions.rename("one", "first")
    assert list(b.directions) == ["first", "two"]
    assert lines_of(b.question.entries, b.directions)[0].direction == "first"
    with pytest.raises(InterventionError, match="cannot be"):
        b.directions.rename("first", "two")
    del b.directions["first"]
    assert list(b.directions) == ["two"]
    assert len(b.interventions) == 1
    assert b.result.metric == before
    with pytest.raises(InterventionError, match="no direction 'first'"):
        b.steer(AT, "first", 1.0)
    with pytest.raises(InterventionError, match="no direction 'first'"):
        del b.directions["first"]


def test_directions_made_on_the_board_are_those_of_the_functions() -> None:
    b = board()
    m, contrast = b.model, b.contrast
    assert contrast is not None
    made = {
        "t7-t11": cb.token_direction(m, "t7", "t11"),
        f"contrast {AT}": cb.contrast_direction(m, PROMPT, contrast, AT),
        "output of L1H2@-1": cb.output_direction(b.baseline, "L1H2@-1"),
        "L1H2 writes (1)": cb.write_direction(m, "L1H2", rank=1),
        "L1.mlp.n3 writes": cb.write_direction(m, "L1.mlp.n3"),
    }
    b.ablate("L0H0")  # directions are of the untouched run
    names = [
        b.make_direction("tokens"),
        b.make_direction("contrast", AT),
        b.make_direction("output", "L1H2@-1"),
        b.make_direction("write", "L1H2", rank=1),
        b.make_direction("neuron", "L1.mlp.n3"),
    ]
    assert names == list(made)
    for name, vector in made.items():
        np.testing.assert_array_equal(tensors.lookup(b.directions[name]), vector)
    assert b.make_direction("tokens") == "t7-t11", "the same vector keeps its name"
    assert b.make_direction("tokens", unit=True) == "t7-t11 2"
    length = np.linalg.norm(tensors.lookup(b.directions["t7-t11 2"]))
    assert length == pytest.approx(1, abs=1e-6)
    b.contrast = None
    with pytest.raises(InterventionError, match="no contrast prompt"):
        b.make_direction("contrast", AT)


def test_what_does_not_fit_changes_nothing() -> None:
    b = board()
    with pytest.raises(InterventionError, match="does not fit"):
        b.steer("L1H0.z", "one", 1.0)
    with pytest.raises(InterventionError, match="is zero"):
        b.direction("nothing", np.zeros(32), unit=True)
    with pytest.raises(InterventionError, match="5 numbers"):
        b.direction("short", np.ones(5))
    assert len(b.interventions) == 0
    assert not b.can_undo


def test_a_course_varies_one_line_where_it_stands() -> None:
    b = board()
    b.steer(AT, "one", 1.0)
    b.scale("L1.resid_post", 0.5)
    b.ablate("L0H0", on=False)
    course = course_of(b.question.entries, AT, b.directions["one"], 4.0, None)
    assert course.slot == 0
    assert list(course.rest) == [cb.Scale("L1.resid_post", 0.5)]
    assert len(course.coefficients) == COUNT
    assert course.coefficients[COUNT // 2] == 0
    other = course_of(b.question.entries, AT, b.directions["two"], 4.0, None)
    assert other.slot == 2
    assert len(other.rest) == 2
