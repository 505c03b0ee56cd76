"""Edges into a part and out of it, from a board: as path patching and plain runs measure them."""

from __future__ import annotations

from typing import Any

import pytest

import circuitboard as cb
import tiny
from circuitboard.methods.path_edges import edges_between, edges_from, edges_into
from circuitboard.spec.address import Edge
from circuitboard.spec.errors import AddressError, InterventionError, TargetError

PROMPT, CONTRAST = tiny.prompt(9, 1), tiny.prompt(9, 2)
ASKED: dict[str, Any] = {"target": "t7", "foil": "t11"}
WIRED = ["gpt2", "llama", "gemma2", "neox", "attn_only", "native"]


def board(name: str, contrast: str | None = CONTRAST) -> cb.Board:
    return cb.Board(tiny.model(name), PROMPT, "t7", "t11", contrast=contrast)


def metric(model: cb.Model, *items: Any) -> float:
    return cb.run(model, PROMPT, list(items), **ASKED).metric


@pytest.mark.parametrize("name", WIRED)
def test_who_feeds_a_head_equals_path_patching_of_each_input(name: str) -> None:
    b = board(name)
    last = b.model.facts.n_layers - 1
    found = b.paths_into(f"L{last}H1")
    parts = 1 + last * (b.model.facts.n_heads + b.model.has_part("mlp"))
    assert len(found) == 3 * parts
    for end in "qkv":
        patched = cb.path_patch(b.model, PROMPT, CONTRAST, receiver=f"L{last}H1.{end}", **ASKED)
        for edge, value in patched.items():
            assert found[edge] == pytest.approx(value, abs=1e-6), edge
    assert max(map(abs, found.values())) > 1e-4


@pytest.mark.parametrize("name", WIRED)
@pytest.mark.parametrize("mlps", ["frozen", "recomputed"])
def test_whom_a_head_feeds_equals_path_patching_and_plain_runs(name: str, mlps: Any) -> None:
    b = board(name)
    found = b.paths_from("L0H1", mlps=mlps)
    patched = cb.path_patch(b.model, PROMPT, CONTRAST, sender="L0H1", mlps=mlps, **ASKED)
    assert list(found) == list(patched)
    begun = metric(b.model)
    for edge, value in list(found.items())[::5]:
        assert value == pytest.approx(patched[edge], abs=1e-6), edge
        alone = metric(b.model, cb.Patch(edge, CONTRAST)) - begun
        assert value == pytest.approx(alone, abs=1e-4), edge


def test_numbers_are_on_top_of_what_is_on() -> None:
    b = board("gpt2")
    b.scale("L1H0", 0.3)
    b.patch("L0H0->L1H1.k", CONTRAST)
    done = [cb.Scale("L1H0", 0.3), cb.Patch("L0H0->L1H1.k", CONTRAST)]
    begun = metric(b.model, *done)
    for edge, value in list(b.paths_into("L2H2", how="zero").items())[::4]:
        assert value == pytest.approx(metric(b.model, *done, cb.Zero(edge)) - begun, abs=1e-4)


def test_an_edge_that_is_patched_already_changes_nothing_more() -> None:
    b = board("gpt2")
    b.patch("L0H1->L2H2.k", CONTRAST)
    found = b.paths_into("L2H2")
    assert found["L0H1->L2H2.k"] == pytest.approx(0, abs=1e-5)
    assert abs(found["L0H1->L2H2.q"]) > 1e-4


def test_without_a_contrast_prompt_senders_are_taken_out() -> None:
    b = board("llama", contrast=None)
    found, begun = b.paths_from("L1.mlp"), metric(b.model)
    assert set(found) == {*(f"L1.mlp->L2H{h}.{x}" for h in range(4) for x in "qkv"),
                          "L1.mlp->L2.mlp", "L1.mlp->logits"}  # fmt: skip
    for edge in ("L1.mlp->L2H1.v", "L1.mlp->logits"):
        assert found[edge] == pytest.approx(metric(b.model, cb.Zero(edge)) - begun, abs=1e-4)
    with pytest.raises(InterventionError, match="no contrast"):
        b.paths_from("L1.mlp", how="patch")
    b.contrast = tiny.prompt(7, 2)
    with pytest.raises(InterventionError, match=r"has \d+ tokens"):
        b.paths_into("logits")
    assert len(b.paths_into("logits", how="zero")) == 1 + 3 * 4 + 3


def test_what_cannot_be_asked_says_what_can() -> None:
    b = board("gpt2")
    with pytest.raises(AddressError, match=r"no such edges|not an input"):
        b.paths_into("embed")
    with pytest.raises(AddressError):
        b.paths_from("L1.ln1")
    with pytest.raises(AddressError):
        b.paths_from("L9H9")
    b.ask(target="", foil="")
    with pytest.raises(TargetError, match="no target"):
        b.paths_into("L1H1")


@pytest.mark.parametrize("name", ["gpt2", "neox", "attn_only"])
def test_edges_between_two_parts_are_all_there_are(name: str) -> None:
    m = tiny.model(name)
    assert edges_between(m, "L0H1", "L1H0") == [
        "L0H1->L1H0.q", "L0H1->mlps->L1H0.q", "L0H1->L1H0.k", "L0H1->mlps->L1H0.k",
        "L0H1->L1H0.v", "L0H1->mlps->L1H0.v", "L0H1->L1H0", "L0H1->mlps->L1H0",
    ]  # fmt: skip
    assert edges_between(m, "embed", "logits") == ["embed->logits", "embed->mlps->logits"]
    with pytest.raises(AddressError, match="does not come before"):
        edges_between(m, "L1H1", "L0H1")
    for text in [*edges_into(m, "L1H1"), *edges_from(m, "L0H1", "recomputed")]:
        edge = Edge.parse(text)
        receiver = edge.receiver
        part = f"L{receiver.layer}H{receiver.head}" if receiver.head is not None else str(receiver)
        assert text in edges_between(m, edge.sender.place, part)


def test_in_a_parallel_model_a_head_does_not_feed_the_mlp_beside_it() -> None:
    assert edges_between(tiny.model("gpt2"), "L1H0", "L1.mlp")
    with pytest.raises(AddressError, match="side by side"):
        edges_between(tiny.model("neox"), "L1H0", "L1.mlp")


def test_code_rebuilds_edges_through_mlps() -> None:
    b = cb.Board("names")
    b.patch("L0H1->mlps->L2H1.k", b.contrast)
    b.ablate(["L0H2->mlps->logits", "embed->L1H1.v"])
    b.ablate("L0.mlp->L3.mlp", on=False)
    made: dict[str, Any] = {}
    exec(b.code().removesuffix("board\n"), made)
    assert repr(made["board"].interventions) == repr(b.interventions)
    assert made["board"].result.metric == pytest.approx(b.result.metric, abs=1e-6)
