"""The board: verbs, undo, the list, code that rebuilds, changes from outside, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import circuitboard as cb
import tiny
from circuitboard.session.board import Board
from circuitboard.spec.errors import AddressError, InterventionError, PromptError, TargetError
from circuitboard.spec.intervention import Freeze, Scale, Set, Zero

PROMPT = tiny.prompt()


def board(*verbs: tuple[str, *tuple[Any, ...]]) -> Board:
    """A board on which some verbs have been called: ("ablate", "L1H2")."""
    made = Board(tiny.model("gpt2"), PROMPT, "t7", "t11")
    for verb, *arguments in verbs:
        getattr(made, verb)(*arguments)
    return made


def test_verbs_change_the_list_and_the_result() -> None:
    b = board()
    clean = b.result.metric
    assert clean == b.baseline.metric
    b.ablate("L1H2")
    b.freeze("L2H0.pattern")
    b.scale("L0.mlp", 0.5)
    b.set("L1H1.z@-1", 0.25)
    assert [line.item for line in b.interventions] == [
        Zero("L1H2"), Freeze("L2H0.pattern"), Scale("L0.mlp", 0.5), Set("L1H1.z@-1", 0.25),
    ]  # fmt: skip
    assert (b.result["L1H2"] == 0).all()
    np.testing.assert_allclose(b.result["L2H0.pattern"], b.baseline["L2H0.pattern"], atol=1e-6)
    assert b.result.metric != clean
    assert b.baseline.metric == clean
    b.clear()
    assert b.result.metric == clean


def test_several_places_are_one_step() -> None:
    b = board()
    b.ablate(["L1H2", "L0H0", "L1.mlp"])
    assert len(b.interventions) == 3
    b.release(["L1H2", "L0H0"])
    assert list(b.interventions) == [Zero("L1.mlp")]
    b.undo()
    b.undo()
    assert len(b.interventions) == 0
    with pytest.raises(AddressError):
        b.ablate(["L1H2", "L9H9"])
    assert len(b.interventions) == 0


def test_release_takes_the_parts_of_a_place_with_it() -> None:
    b = board(
        ("ablate", "L1H2@3"),
        ("freeze", "L1H2.pattern"),
        ("ablate", "L1H1"),
        ("ablate", "L1.mlp.n3"),
    )
    b.release("L1H2")
    assert list(b.interventions) == [Zero("L1H1"), Zero("L1.mlp.n3")]
    b.release("L1.mlp")
    assert list(b.interventions) == [Zero("L1H1")]


def test_the_same_again_is_not_twice_and_a_new_factor_replaces_the_old() -> None:
    b = board(
        ("ablate", "L1H2"), ("ablate", "L1H2"), ("scale", "L0.mlp", 0.5), ("scale", "L0.mlp", 0.7)
    )
    assert list(b.interventions) == [Zero("L1H2"), Scale("L0.mlp", 0.7)]


def test_switching_and_deleting_lines() -> None:
    b = board(("ablate", "L1H2"), ("ablate", "L2H0"))
    both = b.result.metric
    b.interventions[0].on = False
    assert b.result.interventions.items == (Zero("L2H0"),)
    assert "(off)" in repr(b.interventions)
    b.interventions[0].on = True
    assert b.result.metric == both
    lines = b.interventions
    del lines[0]
    assert list(b.interventions) == [Zero("L2H0")]
    b.interventions = [Scale("L0H0", 2.0)]
    assert list(b.interventions) == [Scale("L0H0", 2.0)]


# Boards of earlier examples still run on threads of their own, which may draw random numbers.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["a", "f", "s", "r", "c", "p"]), max_size=8))
def test_undo_walks_back_and_redo_forth(moves: list[str]) -> None:
    b = board()
    history = [b.question]
    for i, move in enumerate(moves):
        at = f"L{i % 3}H{i % 4}"
        {
            "a": lambda at=at: b.ablate(at),
            "f": lambda at=at: b.freeze(at),
            "s": lambda at=at, i=i: b.scale(at, i / 2),
            "r": lambda at=at: b.release(at),
            "c": b.clear,
            "p": lambda i=i: b.ask(prompt=tiny.prompt(6 + i % 3)),
        }[move]()
        if b.question != history[-1]:
            history.append(b.question)
    for question in reversed(history[:-1]):
        assert b.can_undo
        b.undo()
        assert b.question == question
    assert not b.can_undo
    for question in history[1:]:
        b.redo()
        assert b.question == question
    assert not b.can_redo


def test_code_rebuilds_the_state_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    b = board(("ablate", "L1H2"), ("freeze", "L2H0.pattern"), ("scale", "L0.mlp", 1 / 3))
    b.set("L1H0.pattern", torch.rand(10, 10))
    b.set("L1H1.z", np.arange(8.0))
    b.set("L0H0", 0.5)
    b.interventions[1].on = False
    b.patch("L0H1->L2H0.k", tiny.prompt(9, 5))
    b.patch("L0H2", cb.run(b.model, tiny.prompt(9, 6), cb.Zero("L0H0")))
    b.freeze("L2H3", tiny.prompt(9, 7))
    b.add("L1.resid_pre@-1", np.ones(32), 2.0)

    monkeypatch.setattr("circuitboard.models.load.load", lambda source: tiny.model(source))
    space: dict[str, object] = {}
    exec(b.code(), space)
    other = space["board"]
    assert isinstance(other, cb.Board)
    assert other.interventions == b.interventions
    np.testing.assert_array_equal(other.result.logits, b.result.logits)


def test_ablation_by_mean_and_resampling_over_reference_prompts() -> None:
    named = [tiny.prompt(9 + i, 30 + i) for i in range(3)]
    b = Board(tiny.model("gpt2"), PROMPT, "t7", "t11", reference=named, contrast=named[0])
    b.ablate("L1H2", "mean")
    b.ablate("L1.mlp", "resample", seed=4)
    wanted = cb.run(b.model, PROMPT, [cb.Mean("L1H2"), cb.Resample("L1.mlp", 4)], reference=named)
    np.testing.assert_allclose(b.result.logits, wanted.logits, atol=1e-5)
    assert b.contrast == named[0]


def test_the_contrast_prompt_is_part_of_undo_and_of_the_code() -> None:
    b = board()
    assert b.contrast is None
    assert b.contrast_tokens == []
    with pytest.raises(InterventionError, match="no contrast"):
        b.need_contrast()
    b.contrast = tiny.prompt(9, 30)
    assert len(b.contrast_tokens) == 10  # with the token that begins a prompt
    with pytest.raises(PromptError):
        b.contrast = tiny.prompt(b.model.facts.n_ctx + 1)
    assert b.contrast == tiny.prompt(9, 30)
    assert repr(b.contrast) in b.code()
    b.patch("L1H2@-1", b.need_contrast())
    b.undo()
    b.undo()
    assert b.contrast is None
    b.redo()
    assert b.contrast == tiny.prompt(9, 30)


def test_a_missing_reference_is_a_problem_that_undo_mends() -> None:
    b = board()
    good = b.wait()
    b.ablate("L1H2", "mean")
    with pytest.raises(InterventionError, match="reference="):
        b.wait()
    assert b.outcome is good
    b.undo()
    assert b.result.metric == good.now_value


def test_selection_is_read_and_set() -> None:
    b = board()
    heard: list[str] = []
    b.subscribe(heard.append)
    b.selection = ["L1H2", "L0.mlp"]
    assert b.selection == ["L1H2", "L0.mlp"]
    b.selection = "L0H0"
    b.position = 3
    assert (b.selection, b.position) == (["L0H0"], 3)
    assert heard.count("state") == 3
    with pytest.raises(AddressError, match="Nearest"):
        b.selection = "L9H9"


def test_edited_weights_are_seen_by_the_next_result() -> None:
    b = Board(tiny.fresh("llama"), PROMPT, "t7", "t11")
    before = b.result.metric
    with torch.no_grad():
        b.model.bridge.blocks[1].attn.o.weight.mul_(0.2)
    assert b.result.metric != before
    assert b.baseline.metric == b.result.metric


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda b: b.ask(prompt=" "), PromptError),
        (lambda b: b.ask(target="t3 t4"), TargetError),
        (lambda b: b.ask(foil="zebra"), TargetError),
        (lambda b: b.ablate("L9H9"), AddressError),
        (lambda b: b.ablate("L0H0@99"), AddressError),
        (lambda b: b.set("L0H0.z", [1.0, 2.0, 3.0]), InterventionError),
        (lambda b: b.ablate("L0H0", how="median"), InterventionError),
        (lambda b: b.patch("L0H1->L9H9.k", PROMPT), AddressError),
    ],
)
def test_what_cannot_be_done_changes_nothing(change: object, error: type[Exception]) -> None:
    b = board(("ablate", "L1H1"))
    before, metric = b.question, b.result.metric
    with pytest.raises(error):
        change(b)  # type: ignore[operator]
    assert b.question == before
    assert b.result.metric == metric


def test_nans_keep_the_last_good_outcome_and_say_so() -> None:
    b = Board(tiny.fresh("gpt2"), PROMPT, "t7", "t11")
    good = b.wait()
    weight = b.model.bridge.blocks[1].mlp.out.weight
    kept = weight.detach().clone()
    with torch.no_grad():
        weight[0, 0] = float("nan")
    with pytest.raises(Exception, match=r"NaN.*h\.1\.mlp"):
        b.wait()
    assert b.problem is not None
    assert b.outcome is good
    with torch.no_grad():
        weight.copy_(kept)
    assert b.result.metric == pytest.approx(good.now_value)
    assert b.problem is None
