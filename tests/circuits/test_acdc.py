"""ACDC against itself done naively: one edge at a time, each a run of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.circuits.known.known import known_circuit
from circuitboard.circuits.methods import acdc
from circuitboard.circuits.methods.space import Space
from circuitboard.engine.masked import run_masked
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task

CLEAN = [tiny.prompt(5, 1), tiny.prompt(5, 2)]
CORRUPT = [tiny.prompt(5, 11), tiny.prompt(5, 12)]
TASK = Task.from_rows(zip(CLEAN, CORRUPT, ["t7", "t8"], ["t11", "t12"], strict=True), name="t")


class Naive:
    """Conmy 2023, algorithm 1, word for word."""

    def __init__(self, m: Model, task: Task, metric: bool = False, **space: Any) -> None:
        self.m, self.task, self.metric = m, task, metric
        self.space = Space.of(m, **space)
        self.kept = self.space.exists.copy()
        self.full = torch.tensor(m.last_logits(task.clean)).log_softmax(-1)
        self.gains = np.zeros(self.kept.shape)

    def loss(self) -> float:
        mask = self.space.expand(torch.tensor(self.kept, dtype=torch.float32))
        logits = run_masked(self.m, self.task.clean, self.task.corrupt, mask)
        if self.metric:
            ids = [
                [self.m.answer(a[0]) for a in side] for side in (self.task.targets, self.task.foils)
            ]
            rows = range(len(logits))
            return -float((logits[rows, ids[0]] - logits[rows, ids[1]]).mean())
        here = logits.float().log_softmax(-1)
        return float((self.full.exp() * (self.full - here)).sum(-1).mean())

    def read(self, column: int) -> bool:
        name = self.space.receivers[column]
        if name == "logits":
            return True
        place = name.split(".")[0] if "H" in name else name
        owners = {place}
        if name.endswith((".k", ".v")):
            layer, head = place.split("H")
            owners = {f"{layer}H{int(head) + i}" for i in range(self.space.shared)}
        return any(self.kept[i].any() for i, s in enumerate(self.space.senders) if s in owners)

    def search(self, threshold: float, forward: bool = False, absolute: bool = False) -> Naive:
        now = self.loss()
        for column in reversed(range(len(self.space.receivers))):
            if not self.read(column):
                self.kept[:, column] = False
                continue
            cells = [tuple(c) for c in np.argwhere(self.kept[:, column])]
            for row, *place in cells if forward else cells[::-1]:
                where = (row, column, *place)
                self.kept[where] = False
                loss = self.loss()
                self.gains[where] = gain = loss - now
                if (abs(gain) if absolute else gain) < threshold:
                    now = loss
                else:
                    self.kept[where] = True
        return self


def same(circuit: Circuit, naive: Naive) -> None:
    assert circuit.scores is not None
    np.testing.assert_array_equal(circuit.mask(), naive.kept)
    there = naive.space.exists
    room = 1e-6 + 1e-3 * np.abs(naive.gains[there]).max()
    np.testing.assert_allclose(circuit.scores.matrix[there], naive.gains[there], atol=room)


@pytest.mark.parametrize(
    ("name", "threshold"), [("attn_only", 3e-5), ("native", 1e-3), ("llama", 0.01), ("neox", 0.01)]
)
def test_it_does_what_one_removal_at_a_time_does(name: str, threshold: float) -> None:
    m = tiny.model(name)
    circuit = cb.discover(m, TASK, "acdc", threshold=threshold)
    naive = Naive(m, TASK, granularity="qkv").search(threshold)
    same(circuit, naive)
    assert 2 < len(circuit) < circuit.total


@pytest.mark.parametrize("ahead", [1, 3, 64])
def test_trying_ahead_changes_nothing(ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    m = tiny.model("gpt2")
    wanted = cb.discover(m, TASK, "acdc", threshold=0.001)
    monkeypatch.setattr(acdc, "AHEAD", ahead)
    found = cb.discover(m, TASK, "acdc", threshold=0.001)
    assert found.edges == wanted.edges
    assert len(found) > 2
    for edge in found.edges:
        assert found.score(edge) == pytest.approx(wanted.score(edge), abs=1e-4)


def test_the_result_depends_on_the_order() -> None:
    m = tiny.model("native")
    plain = cb.discover(m, TASK, "acdc", threshold=1e-3)
    circuit = cb.discover(m, TASK, "acdc", threshold=1e-3, order="forward")
    same(circuit, Naive(m, TASK, granularity="qkv").search(1e-3, forward=True))
    assert circuit.edges != plain.edges


def test_the_threshold_has_a_sign_unless_told_otherwise() -> None:
    """By the metric, edges that work against the answer go; by size they stay."""
    m, asked = tiny.model("native"), {"objective": "metric", "threshold": 0.02}
    plain = cb.discover(m, TASK, "acdc", **asked)
    circuit = cb.discover(m, TASK, "acdc", absolute=True, **asked)
    naive = Naive(m, TASK, metric=True, granularity="qkv").search(0.02, absolute=True)
    same(circuit, naive)
    assert min(one.score for one in circuit.kept) <= -0.02
    assert min(one.score for one in plain.kept) >= 0.02


def test_random_order_depends_on_the_seed_alone() -> None:
    m, asked = tiny.model("native"), {"order": "random", "threshold": 1e-3}
    runs = [cb.discover(m, TASK, "acdc", seed=seed, **asked) for seed in (0, 0, 1, 2)]
    assert runs[0].edges == runs[1].edges
    assert runs[0].scores == runs[1].scores
    assert len({run.scores for run in runs}) > 1


def test_the_tasks_metric_may_be_the_objective() -> None:
    m = tiny.model("attn_only")
    circuit = cb.discover(m, TASK, "acdc", objective="metric", threshold=0.01)
    same(circuit, Naive(m, TASK, metric=True, granularity="qkv").search(0.01))


@pytest.mark.parametrize(("name", "threshold"), [("native", 1e-3), ("llama", 0.02)])
def test_heads_may_be_merged(name: str, threshold: float) -> None:
    m = tiny.model(name)
    circuit = cb.discover(m, TASK, "acdc", granularity="node", threshold=threshold)
    same(circuit, Naive(m, TASK, granularity="node").search(threshold))
    assert any("->L1H" in edge for edge in circuit.edges)
    assert all("." not in edge.split("->")[1] or ".mlp" in edge for edge in circuit.edges)


def test_positions_may_be_apart() -> None:
    m = tiny.model("attn_only")
    circuit = cb.discover(m, TASK, "acdc", positions=True, threshold=3e-5)
    same(circuit, Naive(m, TASK, granularity="qkv", width=6).search(3e-5))
    assert len(circuit) > 2
    assert any("@5" in edge for edge in circuit.edges)


def test_thresholds_without_end_take_nothing_and_everything() -> None:
    m = tiny.model("attn_only")
    assert len(cb.discover(m, TASK, "acdc", threshold=float("inf"))) == 0
    whole = cb.discover(m, TASK, "acdc", threshold=float("-inf"))
    assert len(whole) == whole.total
    with pytest.raises(CircuitError, match="not a number"):
        cb.discover(m, TASK, "acdc", threshold=float("nan"))


def test_pairs_in_portions_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    m = tiny.model("attn_only")
    wanted = cb.discover(m, TASK, "acdc", threshold=3e-5)
    monkeypatch.setattr("circuitboard.circuits.methods.masked_loss.ROOM", 1)
    found = cb.discover(m, TASK, "acdc", threshold=3e-5)
    assert found.edges == wanted.edges
    assert len(found) > 2


@pytest.mark.parametrize("name", ["induction", "lookup"])
def test_it_finds_edges_of_known_circuits_and_no_others(name: str) -> None:
    known = known_circuit(name)
    circuit = cb.discover(known.model, known.task, "acdc", threshold=0.001)
    assert len(circuit) > 0
    assert set(circuit.edges) <= set(known.edges)
    by_metric = cb.discover(known.model, known.task, "acdc", objective="metric", threshold=0.001)
    assert set(by_metric.edges) <= set(known.edges)
