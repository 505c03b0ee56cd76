"""Circuits: any size of them, their nodes, what two have in common, and their JSON."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from circuitboard.spec.circuit import Circuit, Provenance, Scored, Scores
from circuitboard.spec.errors import AddressError, CircuitError, TaskError
from circuitboard.spec.wiring import connected

NAN = np.nan
SENDERS = ("embed", "L0H0", "L0.mlp", "L1H0")
RECEIVERS = ("L0H0.q", "L0.mlp", "L1H0.k", "logits")
MATRIX = np.array(
    [
        [0.1, -0.9, 0.3, 0.01],
        [NAN, 0.5, -0.6, 0.2],
        [NAN, NAN, 0.05, 0.8],
        [NAN, NAN, NAN, 0.7],
    ]
)
EDGES = (
    "embed->L0H0.q",
    "embed->L0.mlp", "L0H0->L0.mlp",
    "embed->L1H0.k", "L0H0->L1H0.k", "L0.mlp->L1H0.k",
    "embed->logits", "L0H0->logits", "L0.mlp->logits", "L1H0->logits",
)  # fmt: skip


def whole() -> Circuit:
    scores = Scores.of(SENDERS, RECEIVERS, MATRIX)
    return Circuit("toy", "t", "eap", (), scores=scores).top(10)


def test_edges_come_in_the_order_of_the_model() -> None:
    circuit = whole()
    assert circuit.edges == EDGES
    assert Circuit.of(sorted(EDGES)).edges == EDGES
    assert (len(circuit), circuit.total) == (10, 10)
    assert circuit.nodes == ("embed", "L0H0", "L0.mlp", "L1H0", "logits")
    assert circuit.mask().tolist() == (~np.isnan(MATRIX)).tolist()


def test_any_size_can_be_cut_from_any_other() -> None:
    small = whole().top(3)
    assert small.edges == ("embed->L0.mlp", "L0.mlp->logits", "L1H0->logits")
    assert small.nodes == ("embed", "L0.mlp", "L1H0", "logits")
    assert small.mask().sum() == 3
    assert small.mask()[0, 1]
    assert small.top(10) == whole()
    assert small.fraction(0.2).edges == ("embed->L0.mlp", "L0.mlp->logits")
    assert small.prune(0.6).edges == ("embed->L0.mlp", "L0H0->L1H0.k", *EDGES[-2:])
    assert len(small.top(0)) == len(small.top(-1)) == len(small.fraction(0)) == 0
    assert len(small.top(99)) == 10
    with pytest.raises(CircuitError, match="not a share"):
        small.fraction(1.5)


def test_scores_of_edges_inside_and_outside() -> None:
    small = whole().top(3)
    assert small.score("embed->L0.mlp") == pytest.approx(-0.9)
    assert small.score("L0H0->logits") == pytest.approx(0.2)
    assert "embed->L0.mlp" in small
    assert "L0H0->logits" not in small
    with pytest.raises(CircuitError, match="has no score"):
        small.score("L2H0->logits")


def test_a_circuit_by_hand_is_cut_by_its_own_scores() -> None:
    circuit = Circuit.of({"L0H0->logits": 0.2, "embed->L0H0": -3}, model="toy", task="t")
    assert circuit.granularity == "node"
    assert circuit.top(1).edges == ("embed->L0H0",)
    assert circuit.top(1).top(5).edges == ("embed->L0H0",)
    assert circuit.total == 2
    with pytest.raises(CircuitError, match="no scores of other edges"):
        circuit.mask()
    with pytest.raises(AddressError):
        Circuit.of(["L1H0->L0H0.q"])


def test_only_edges_on_a_way_from_embedding_to_logits_stay() -> None:
    dead_ends = ["embed->L0H0.q", "L0H0->L1H0.k", "L0.mlp->logits", "embed->logits"]
    assert Circuit.of(dead_ends).connected().edges == ("embed->logits",)
    alive = ["embed->L0H0.q", "L0H0->L0.mlp", "L0.mlp->L1H0.k", "L1H0->logits"]
    assert Circuit.of(alive).connected().edges == tuple(alive)
    assert whole().connected() == whole()


def test_keys_and_values_that_heads_share_lead_to_all_of_them() -> None:
    edges = ["embed->L0H2.k", "L0H3->logits"]
    assert connected(edges) == set()
    assert connected(edges, shared=2) == set(edges)
    assert connected(["embed->L0H2.q", "L0H3->logits"], shared=2) == set()


def test_sets_of_edges() -> None:
    a, b = whole().top(3), Circuit.of(["L0.mlp->logits", "embed->logits"], model="toy")
    assert (a & b).edges == ("L0.mlp->logits",)
    assert (a | b).edges == ("embed->L0.mlp", "embed->logits", "L0.mlp->logits", "L1H0->logits")
    assert (a - b).edges == ("embed->L0.mlp", "L1H0->logits")
    assert (a | b).score("L0.mlp->logits") == pytest.approx(0.8)
    assert (a | b).method == "(eap | by hand)"
    assert a.jaccard(b) == 1 / 4
    assert a.jaccard(a) == 1
    assert a.top(0).jaccard(b.top(0)) == 1
    with pytest.raises(CircuitError, match="of toy, the other of other"):
        a & Circuit.of(["embed->logits"], model="other")
    with pytest.raises(CircuitError, match="qkv edges, the other node edges"):
        a.jaccard(Circuit.of(["embed->L0H0"]))


def test_positions_are_part_of_the_address() -> None:
    matrix = np.stack([MATRIX, MATRIX * 2], -1)
    circuit = Circuit("m", "t", "eap", (), scores=Scores.of(SENDERS, RECEIVERS, matrix))
    assert circuit.total == 20
    assert circuit.top(2).edges == ("embed->L0.mlp@1", "L0.mlp->logits@1")
    assert circuit.top(2).mask().sum(2).tolist() == circuit.top(2).mask()[..., 1].tolist()
    assert circuit.top(2).nodes == ("embed", "L0.mlp", "logits")
    assert Circuit.of(reversed(circuit.top(20).edges)).edges == circuit.top(20).edges


def test_json_is_exact(tmp_path: Path) -> None:
    made = Provenance({"steps": 5, "shared": None}, {"torch": "2"}, 1.25, 100, "loss", "abc")
    values = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
    scores = Scores.of(SENDERS, RECEIVERS, np.where(np.isnan(MATRIX), NAN, values), shared=2)
    circuit = Circuit("m", "t", "eap", (), "qkv", scores, made).top(4)
    again = Circuit.from_json(circuit.to_json())
    assert again == circuit
    assert again.scores is not None
    assert again.scores.data == scores.data
    circuit.save(tmp_path / "c.json")
    assert Circuit.open(tmp_path / "c.json") == circuit
    with pytest.raises(TaskError, match="not a Circuit"):
        Circuit.from_json("{}")


def test_scores_that_do_not_fit_are_refused() -> None:
    with pytest.raises(CircuitError, match="do not fit"):
        Scores(SENDERS, RECEIVERS, 1, 0, b"1234")
    text = msgspec.json.encode(Scored("embed->logits", 1 / 3))
    assert msgspec.json.decode(text, type=Scored).score == 1 / 3
