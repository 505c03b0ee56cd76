"""Runs made ahead: the same as when asked for, in nobody's way, and nothing else changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import tiny
from circuitboard.engine.held import run_key
from circuitboard.session.board import Board
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, InterventionError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet, Scale, Zero

AHEAD = "2 of 3 layers, 10 of 10 positions computed, beforehand"


def board() -> Board:
    made = Board(tiny.model("gpt2"), tiny.prompt(), "t7", "t11")
    made.engine.shelf.clear()
    made.ablate("L0H0")
    made.undo()
    made.wait()
    return made


def idle(board: Board) -> None:
    """Until the worker has done what was given to it."""
    board.worker.submit("the last", lambda _check: None).result(20)


@contextmanager
def held_up(board: Board) -> Iterator[None]:
    """The worker is busy with something else until the block ends."""
    started, go = threading.Event(), threading.Event()

    def wait(_check: object) -> None:
        started.set()
        go.wait(20)

    board.worker.submit("something else", wait)
    assert started.wait(20)
    try:
        yield
    finally:
        go.set()


def is_held(board: Board, *items: AnyIntervention) -> bool:
    key = run_key(board._encoded.tokens, InterventionSet.of(items))
    return board.engine.shelf.get(key) is not None


def test_what_was_foreseen_needs_no_run() -> None:
    b, told = board(), list[str]()
    revision, past = b.revision, len(b._past)
    b.subscribe(told.append)
    with b.foreseeing():
        b.ablate("L1H2")
    idle(b)
    assert is_held(b, Zero("L1H2"))
    assert (b.revision, len(b._past), list(b.interventions), told) == (revision, past, [], [])
    b.ablate("L1H2")
    assert b.result.plan == AHEAD
    seen = b.result.metric
    b.clear()
    b.engine.shelf.clear()
    b.ablate("L1H2")
    assert b.result.plan == AHEAD.removesuffix(", beforehand")
    assert b.result.metric == pytest.approx(seen, abs=1e-6)


def test_every_verb_can_be_foreseen() -> None:
    b = board()
    b.ablate("L1H2")
    b.scale("L0.mlp", 0.5)
    b.wait()
    b.engine.shelf.clear()
    with b.foreseeing():
        b.switch(b.question.entries[0].id, False)
    idle(b)
    assert is_held(b, Scale("L0.mlp", 0.5))
    assert b.interventions[0].on
    with b.foreseeing():
        b.release("L0.mlp")
    idle(b)
    assert is_held(b, Zero("L1H2"))
    other = tiny.prompt(seed=2)
    with b.foreseeing():
        b.ask(prompt=other)
    idle(b)
    assert b.prompt == tiny.prompt()
    b.ask(prompt=other)
    assert b.result.plan.endswith("computed, beforehand")


def test_what_is_asked_goes_before_what_is_foreseen() -> None:
    b = board()
    with held_up(b):
        with b.foreseeing():
            b.ablate("L1H2")
        b.ablate("L2H0")
    assert list(b.result.interventions) == [Zero("L2H0")]
    idle(b)
    assert not is_held(b, Zero("L1H2"))


def test_a_newer_aim_takes_the_place_of_an_older_one() -> None:
    b = board()
    with held_up(b):
        for head in ("L1H2", "L2H0"):
            with b.foreseeing():
                b.ablate(head)
    idle(b)
    assert not is_held(b, Zero("L1H2"))
    assert is_held(b, Zero("L2H0"))


def test_what_is_on_its_way_is_not_run_twice() -> None:
    b = board()
    with held_up(b):
        with b.foreseeing():
            b.ablate("L1H2")
        b.ablate("L1H2")
    assert b.result.plan == AHEAD


def test_a_run_ahead_notes_what_the_views_read() -> None:
    b = board()
    b.needs = (Address.parse("L2H1.pattern"),)
    with b.foreseeing():
        b.ablate("L1H2")
    idle(b)
    run = b.engine.shelf.get(run_key(b._encoded.tokens, InterventionSet.of([Zero("L1H2")])))
    assert run is not None
    assert "L2H1.pattern" in run.values
    assert run.last_logits is not None


def test_what_cannot_be_done_raises_and_the_mode_ends() -> None:
    b = board()
    with pytest.raises(AddressError), b.foreseeing():
        b.ablate("L9H9")
    with pytest.raises(InterventionError), b.foreseeing():
        b.patch("L1H2")
    with b.foreseeing():
        b.undo()
        b._change(circuit="what needs no run")
    assert b.question.circuit is None
    b.ablate("L1H2")
    assert list(b.interventions) == [Zero("L1H2")]


def test_a_fault_in_a_run_ahead_is_nobodys() -> None:
    b = board()
    b._prepare = lambda *_: 1 / 0  # type: ignore[method-assign]
    with b.foreseeing():
        b.ablate("L1H2")
    idle(b)
    del b._prepare
    assert b.problem is None
    b.ablate("L1H2")
    assert list(b.result.interventions) == [Zero("L1H2")]
