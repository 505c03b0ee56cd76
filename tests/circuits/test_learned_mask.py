"""Learned masks: their gates are what they say, and their circuits better than chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.circuits.known.known import known_circuit
from circuitboard.circuits.methods.job import Job, Options
from circuitboard.circuits.methods.learned_mask import Gates
from circuitboard.circuits.methods.masked_loss import MaskedLoss
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task

CLEAN = [tiny.prompt(7, seed) for seed in range(1, 9)]
CORRUPT = [tiny.prompt(7, seed) for seed in range(11, 19)]
TASK = Task.from_rows([(*pair, "t7", "t11") for pair in zip(CLEAN, CORRUPT, strict=True)], name="t")


def test_gates_are_open_as_often_as_they_say() -> None:
    gates = Gates(torch.linspace(-4, 4, 9))
    dice = torch.Generator().manual_seed(0)
    drawn = torch.stack([gates.sample(dice) for _ in range(20_000)])
    assert float(drawn.min()) == 0
    assert float(drawn.max()) == 1
    np.testing.assert_allclose((drawn > 0).float().mean(0), gates.open(), atol=0.015)
    assert (gates.still().diff() >= 0).all()
    assert gates.still()[[0, -1]].tolist() == [0, 1]


def test_gradients_of_the_loss_are_those_of_differences() -> None:
    m = tiny.model("gpt2")
    job = Job(m, TASK, "learned-mask", Options(), cb.Watch())
    loss = MaskedLoss(job, "KL divergence", 4)
    part = loss.portions[1]
    assert [p.size for p in loss.portions] == [4, 4]
    exists = torch.tensor(job.space.exists)
    mask = torch.full(exists.shape, 0.6).requires_grad_()
    (slope,) = torch.autograd.grad(loss.step(mask, part), mask)
    assert slope[~exists].abs().max() == 0
    where = torch.where(exists, slope.abs(), 0).flatten().topk(3).indices
    for at in where.tolist():
        sides = []
        for nudge in (1e-2, -1e-2):
            moved = mask.detach().clone()
            moved.view(-1)[at] += nudge
            sides.append(float(loss.step(moved, part).detach()))
        assert float(slope.flatten()[at]) == pytest.approx((sides[0] - sides[1]) / 2e-2, rel=0.02)


def divergence(m: cb.Model, masks: np.ndarray) -> np.ndarray:
    job = Job(m, TASK, "test", Options(), cb.Watch())
    return MaskedLoss(job, "KL divergence").of(masks)


def test_it_keeps_about_as_many_edges_as_told_and_better_ones_than_chance() -> None:
    m = tiny.model("llama")
    circuit = cb.discover(m, TASK, "learned-mask", keep=0.3, steps=120, batch=8)
    assert len(circuit) == pytest.approx(0.3 * circuit.total, rel=0.35)
    exists = Job(m, TASK, "test", Options(), cb.Watch()).space.exists
    dice = np.random.default_rng(0)
    masks = []
    for _ in range(20):
        mask = np.zeros(exists.shape, bool)
        mask[exists] = dice.permutation(np.arange(exists.sum()) < len(circuit))
        masks.append(mask)
    assert divergence(m, circuit.mask()[None])[0] < divergence(m, np.stack(masks)).min()


def test_the_same_seed_gives_the_same_circuit() -> None:
    m = tiny.model("attn_only")
    one, again, other = (
        cb.discover(m, TASK, "learned-mask", steps=25, seed=seed) for seed in (3, 3, 4)
    )
    assert (one.edges, one.scores) == (again.edges, again.scores)
    assert one.scores != other.scores


def test_merged_heads_positions_and_the_tasks_metric() -> None:
    m = tiny.model("llama")
    circuit = cb.discover(
        m, TASK, "learned-mask", granularity="node", positions=True, objective="metric", steps=4
    )
    assert circuit.scores is not None
    assert circuit.scores.width == 8
    assert circuit.edges
    with pytest.raises(CircuitError, match="whole prompts"):
        cb.discover(m, TASK.with_metric("loss"), "learned-mask", objective="metric", steps=2)
    for wrong in ({"keep": 0.0}, {"keep": 1.0}, {"steps": 0}, {"batch": 0}, {"rate": 0.0}):
        with pytest.raises(CircuitError, match="cannot be learned so"):
            cb.discover(m, TASK, "learned-mask", **wrong)


def test_it_finds_a_known_circuit() -> None:
    """With as many edges as the circuit has, most of them are the circuit's."""
    known = known_circuit("induction")
    share = len(known.edges) / cb.discover(known.model, known.task, "eap").total
    circuit = cb.discover(known.model, known.task, "learned-mask", keep=share, steps=300)
    top = circuit.top(len(known.edges))
    hit = len(set(top.edges) & set(known.edges)) / len(known.edges)
    assert hit > 0.5
