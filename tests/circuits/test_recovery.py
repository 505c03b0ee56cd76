"""AUROC against a known circuit: hand-computed, and against brute force over pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from circuitboard.circuits.known.known import known_circuit
from circuitboard.circuits.recovery import auroc, edge_scores, node_scores, recovery
from circuitboard.spec.circuit import Circuit


def test_by_hand() -> None:
    scores = {"a": 3.0, "b": -2.0, "c": 1.0, "d": 0.5}
    assert auroc(scores, {"a", "b"}) == 1
    assert auroc(scores, {"c", "d"}) == 0
    assert auroc(scores, {"a", "d"}) == 0.5
    assert auroc({"a": 1.0, "b": -1.0}, {"a"}) == 0.5  # a tie, by size
    assert math.isnan(auroc(scores, set()))
    assert math.isnan(auroc(scores, set(scores)))


def test_it_is_the_share_of_pairs_in_order() -> None:
    dice = np.random.default_rng(0)
    values = dice.integers(-4, 5, 60)
    scores = {str(i): float(v) for i, v in enumerate(values)}
    truth = {str(i) for i in range(60) if dice.random() < 0.3}
    pairs = [
        (abs(scores[t]) > abs(scores[f])) + 0.5 * (abs(scores[t]) == abs(scores[f]))
        for t in truth
        for f in scores
        if f not in truth
    ]
    assert auroc(scores, truth) == pytest.approx(np.mean(pairs))


def test_scores_of_edges_and_nodes() -> None:
    circuit = Circuit.of({"L0H1->L1H2.k": -3.0, "embed->L1H2.q": 2.0})
    every = ["embed->L1H2.q", "L0H1->L1H2.k", "L0H1->L1H2.v", "L1H2->logits"]
    scores = edge_scores(circuit, every)
    assert scores == dict(zip(every, (1.0, 1.0, 0.0, 0.0), strict=True))
    assert node_scores(scores, ["L0H1", "L1H2"]) == {"L0H1": 1.0, "L1H2": 0.0}
    whole = edge_scores(Circuit.of(["L0H1->L1H2"]), every)
    assert list(whole.values()) == [0.0, 1.0, 1.0, 0.0]


def test_the_truth_recovers_itself() -> None:
    known = known_circuit("induction", pairs=2)
    found = recovery(known.model, Circuit.of(known.edges), known.edges)
    assert found == {"edges": 1.0, "nodes": 1.0}
    others = Circuit.of(["embed->logits", "L0H0->L1H0.q"])
    assert recovery(known.model, others, known.edges)["edges"] < 0.5
