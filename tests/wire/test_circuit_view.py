"""The circuit over the wire: its edges and numbers are Python's, through every change by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from test_screen import PROMPT, Ear

import circuitboard as cb
import tiny
from circuitboard.spec.comparison import RoleRow
from circuitboard.wire.painters import circuit as painter

CONTRAST = tiny.prompt(9, 5)
VIEW = {"kind": "circuit"}


def shown(ear: Ear, problem: bool = False, **wanted: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The newest data, once its information says so and its numbers are known."""

    def heard(c: dict[str, Any]) -> bool:
        if c["t"] != "view" or c["view"]["kind"] != "circuit" or c["info"] is None:
            return False
        info, buffers = c["info"], next(b for d, b in ear.heard if d is c)
        if any(info[name] != value for name, value in wanted.items()):
            return False
        metric = np.frombuffer(buffers[3], np.float32) if buffers else np.zeros(5)
        known = not np.isnan(metric[: 5 if info["by"] == "address" else 4]).any()
        return bool(info["problem"]) if problem else known

    data = ear.until(heard)
    buffers = next(b for c, b in ear.heard if c is data)
    named = {a["name"]: np.frombuffer(buffers[a["buffer"]], a["dtype"]) for a in data["arrays"]}
    return data["info"], named


def ear_of(name: str = "gpt2") -> Ear:
    ear = Ear(name)
    ear.say("ask", 2, prompt=PROMPT, target="t7", foil="t11", contrast=CONTRAST)
    ear.board.wait()
    ear.say("hello", views=[VIEW])
    return ear


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_each_edge_pruned_by_hand_is_measured(
    name: str, quick: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not quick:
        monkeypatch.setattr(painter, "QUICK", 0)
    ear = ear_of(name)
    board, task = ear.board, ear.board.circuit_task()
    board.circuit = circuit = cb.discover(board.model, task, "eap", size=25)
    info, arrays = shown(ear, kept=25)
    assert tuple(info["edges"]) == circuit.edges
    np.testing.assert_allclose(arrays["score"], [one.score for one in circuit.kept], rtol=1e-6)
    assert (info["cut"], info["whole"], info["total"]) == (25, 25, circuit.total)
    assert arrays["kept"].all()
    assert not arrays["other"].any()
    ear.until(lambda c: c["t"] == "state" and c["circuit"])
    edge = circuit.edges[-3]
    assert ear.say("edit-circuit", 4, verb="prune", at=[edge])["problem"] is None
    info, arrays = shown(ear, kept=24)
    assert [e for e, on in zip(info["edges"], arrays["kept"], strict=True) if not on] == [edge]
    kept = board.circuit
    assert kept is not None
    values = [cb.circuit_metric(board.model, one, task).mean() for one in (circuit, kept)]
    np.testing.assert_allclose(arrays["metric"][2:4], values, atol=1e-5)
    shares = [cb.circuit_metric(board.model, c, task, share=True).mean() for c in (circuit, kept)]
    np.testing.assert_allclose(arrays["faithfulness"][:2], shares, atol=1e-4)
    assert arrays["metric"][0] == pytest.approx(board.baseline.metric, abs=1e-4)
    assert arrays["metric"][1] == pytest.approx(board.contrast_metric, abs=1e-4)
    ear.say("edit-circuit", 5, verb="restore")
    ear.say("edit-circuit", 6, verb="cut", size=9)
    info, _ = shown(ear, kept=9)
    assert tuple(info["edges"]) == circuit.top(9).edges
    ear.say("edit-circuit", 7, verb="close")
    shown(ear, cut=0)
    assert board.circuit is None


def test_two_circuits_side_by_side() -> None:
    ear = ear_of()
    board, task = ear.board, ear.board.circuit_task()
    board.circuit = one = cb.discover(board.model, task, "eap", size=25)
    other = cb.discover(board.model, task, "clean-corrupted", size=20)
    board.compare(other)
    info, arrays = shown(ear, other="clean-corrupted")
    assert info["edges"][:25] == list(one.edges)
    assert set(info["edges"]) == set(one.edges) | set(other.edges)
    theirs = [e for e, on in zip(info["edges"], arrays["other"], strict=True) if on]
    assert set(theirs) == set(other.edges)
    assert info["both"] == len(one & other)
    assert info["jaccard"] == pytest.approx(one.jaccard(other))
    exact = float(cb.circuit_metric(board.model, other, task).mean())
    assert arrays["metric"][4] == pytest.approx(exact, abs=1e-5)
    ear.say("edit-circuit", 5, verb="separate")
    info, _ = shown(ear, other="", kept=25)


def test_a_circuit_of_another_model_beside_it() -> None:
    ear = ear_of()
    board = ear.board
    board.circuit = one = cb.discover(board.model, board.circuit_task(), "eap", size=25)
    edge = next(e for e in one.edges if e.endswith("->logits") and "H" in e)
    head = edge.partition("->")[0]
    other = cb.Circuit.of(["L4H1->logits", "L5H0->logits"], model="another", task="theirs")
    roles = (RoleRow("movers", (head,), ("L4H1", "L5H0"), (0.5, None)),)
    found = msgspec.structs.replace(one.compare(other, {head: "L4H1"}), roles=roles)
    board.compare(found)
    info, arrays = shown(ear, other_model="another")
    assert tuple(info["edges"]) == one.edges
    both = [e for e, on in zip(info["edges"], arrays["other"], strict=True) if on]
    assert both == [edge]
    assert (info["by"], info["both"], info["elsewhere"]) == ("parts", 1, ["L5H0->logits"])
    assert info["jaccard"] == pytest.approx(1 / 26)
    assert info["parts"] == list(found.parts)
    assert info["matches"] == [{"mine": head, "theirs": "L4H1", "apart": None}]
    (row,) = info["roles"]
    assert (row["first"], row["other"]) == ([head], ["L4H1", "L5H0"])
    assert (row["first_effect"], row["other_effect"]) == (0.5, None)
    assert np.isnan(arrays["metric"][4])
    ear.say("edit-circuit", 5, verb="prune", at=[edge])
    info, arrays = shown(ear, kept=24)
    assert (info["both"], info["elsewhere"]) == (0, ["L4H1->logits", "L5H0->logits"])
    assert not arrays["other"].any()


def test_undo_and_redo_bring_pruned_edges_back_on_screen() -> None:
    ear = ear_of()
    board = ear.board
    board.circuit = circuit = cb.discover(board.model, board.circuit_task(), "eap", size=25)
    shown(ear, kept=25)
    ear.say("edit-circuit", 4, verb="prune", at=[circuit.edges[0]])
    shown(ear, kept=24)
    ear.say("edit-circuit", 5, verb="cut", size=12, step="drag 1")
    ear.say("edit-circuit", 6, verb="cut", size=9, step="drag 1")
    shown(ear, cut=9)
    ear.until(lambda c: c["t"] == "state" and c["can_undo"])
    ear.heard.clear()  # what is heard from here on came of it
    ear.say("act", 7, verb="undo")
    info, arrays = shown(ear, cut=25, kept=24)
    assert arrays["kept"][0] == 0
    ear.heard.clear()
    ear.say("act", 8, verb="undo")
    info, arrays = shown(ear, cut=25, kept=25)
    assert arrays["kept"].all()
    assert tuple(info["edges"]) == circuit.edges
    ear.heard.clear()
    ear.say("act", 9, verb="redo")
    shown(ear, kept=24)
    assert board.circuit is not None
    assert len(board.circuit) == 24


def test_what_cannot_be_measured_is_still_shown() -> None:
    ear = ear_of()
    ear.board.circuit = cb.Circuit.of(["embed->L1H0.q", "L1H0->logits"])
    shown(ear, kept=2)
    ear.say("ask", 5, prompt=PROMPT, target="t7", foil="t11", contrast="")
    info, arrays = shown(ear, problem=True, kept=2)
    assert "no contrast prompt" in info["problem"]
    assert info["hint"]
    assert np.isnan(arrays["metric"]).all()
    ear.say("ask", 6, prompt=PROMPT, target="t7", foil="t11", contrast=tiny.prompt(5))
    info, _ = shown(ear, problem=True, measured="the board's prompts")
    reply = ear.say("edit-circuit", 7, verb="prune", at=["L2H2"])
    assert reply["problem"]["kind"] == "circuit"


def test_a_circuit_of_neurons() -> None:
    ear = ear_of()
    board, task = ear.board, ear.board.circuit_task()
    board.circuit = circuit = cb.discover(board.model, task, "eap", neurons=2, size=40)
    info, arrays = shown(ear, kept=40)
    assert info["neurons"] == list(circuit.neurons)
    assert tuple(info["edges"]) == circuit.edges
    neuron = next(node for node in circuit.nodes if ".n" in node)
    ear.say("edit-circuit", 4, verb="prune", at=[neuron])
    mine = [edge for edge in circuit.edges if neuron in edge.split("->")]
    info, arrays = shown(ear, kept=40 - len(mine))
    pruned = [e for e, on in zip(info["edges"], arrays["kept"], strict=True) if not on]
    assert pruned == mine
    kept = board.circuit
    assert kept is not None
    exact = float(cb.circuit_metric(board.model, kept, task).mean())
    assert arrays["metric"][3] == pytest.approx(exact, abs=1e-5)
