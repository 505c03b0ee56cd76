"""Saliency, gradient times activation, gradients of runs: against autograd and small changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.engine.engine import engine_of
from circuitboard.engine.metric import evaluate
from circuitboard.methods.part_gradients import part_gradients
from circuitboard.methods.pattern_gradient import pattern_gradients
from circuitboard.methods.saliency import saliency_of, token_saliency
from circuitboard.spec.address import Address
from circuitboard.spec.errors import InterventionError, TargetError
from circuitboard.spec.intervention import Add, InterventionSet, Scale, Set, Zero
from circuitboard.spec.metric import Metric

NAMES = ("gpt2", "llama", "neox", "attn_only")
CLEAN, CORRUPT = tiny.prompt(7, 1), tiny.prompt(7, 2)
ENDS: dict[str, Any] = {"target": "t7", "foil": "t11"}
METRIC = Metric("logit difference", 7, 11)


def gradient_at(m: cb.Model, point: str) -> tuple[torch.Tensor, torch.Tensor]:
    """A hook point's value and the gradient there, by plain hooks."""
    tokens = torch.tensor([m.tokenize(CLEAN)])
    with torch.no_grad():
        value = m.bridge.run_with_cache(tokens)[1][point]
    nothing = torch.zeros_like(value, requires_grad=True)
    logits = m.bridge.run_with_hooks(tokens, fwd_hooks=[(point, lambda t, hook: t + nothing)])
    (slope,) = torch.autograd.grad(logits[0, -1, 7] - logits[0, -1, 11], nothing)
    return value, slope


@pytest.mark.parametrize("name", [*NAMES, "gemma2", "opt"])
def test_saliency_is_the_gradient_at_the_embedding(name: str) -> None:
    m = tiny.model(name)
    found = token_saliency(m, CLEAN, **ENDS)
    value, slope = gradient_at(m, Address("embed").hook)
    np.testing.assert_allclose(found.norm, slope[0].norm(dim=-1), rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(found.dot, (value * slope)[0].sum(-1), rtol=2e-3, atol=1e-4)
    assert (found.norm > 0).all()
    address, score = found.top(1)[0]
    assert score == pytest.approx(float(np.abs(found.dot).max()) * np.sign(score))
    taken = cb.run(m, CLEAN, **ENDS).metric - cb.run(m, CLEAN, [Zero(address)], **ENDS).metric
    assert found.exact(address) == pytest.approx(taken, abs=1e-5)


def test_saliency_refuses_what_it_is_not_about() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(InterventionError, match="one prompt"):
        token_saliency(m, [CLEAN, CORRUPT], **ENDS)
    with pytest.raises(TargetError, match="minimum"):
        token_saliency(m, CLEAN, "KL divergence")
    assert np.isfinite(token_saliency(m, CLEAN, "loss").norm).all()


@pytest.mark.parametrize("name", NAMES)
def test_gradient_times_activation_of_every_part_and_position(name: str) -> None:
    m = tiny.model(name)
    for over in ("resid_pre", "attn", "mlp", "head position", "q", "pattern"):
        part = {"head position": "head.z"}.get(
            over, f"head.{over}" if over in "q pattern" else over
        )
        place = Address(part, 1, head=0 if part.startswith("head") else None)
        if not m.has(place):
            continue
        found = cb.attribute(m, CLEAN, method="gradient-x-activation", over=over, **ENDS)
        assert isinstance(found.scores, np.ndarray)
        product = torch.mul(*gradient_at(m, place.hook))[0]
        if over == "head position":
            wanted = product.sum(-1).T
        elif over == "pattern":
            wanted = product.sum((1, 2))
        else:
            wanted = product.sum((0, 2)) if over == "q" else product.sum(-1)
        np.testing.assert_allclose(found.scores[1], wanted.numpy(), rtol=2e-3, atol=2e-4)
        address = found.top(1)[0][0]
        with_zero = cb.run(m, CLEAN, [Zero(address)], **ENDS).metric
        taken = cb.run(m, CLEAN, **ENDS).metric - with_zero
        assert found.exact(address) == pytest.approx(taken, abs=1e-5)


def test_gradient_times_activation_is_exact_where_the_metric_is_linear() -> None:
    m = tiny.model("attn_only")
    found = cb.gradient_times_activation(m, CLEAN, **ENDS)
    for head in ("L1H0", "L1H1"):
        assert found.exact(head) == pytest.approx(found.estimate(head), abs=1e-5)
    assert found.grid[1, 0] == pytest.approx(
        cb.run(m, CLEAN, [Zero("L1H0")], **ENDS).metric, abs=1e-5
    )
    with pytest.raises(InterventionError, match="one prompt"):
        cb.attribute(m, CLEAN, CORRUPT, method="gradient-x-activation", **ENDS)


STACKS = ([], [Scale("L0H1", 0.4), Zero("L1.mlp")], [Set("L1H1", 0.3), Add("L0H0", 0.2, 1.0)])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stack", range(len(STACKS)))
def test_parts_of_a_run_move_towards_the_source(name: str, stack: int) -> None:
    """The metric's slope as a place goes a little way to the other prompt's value."""
    m = tiny.model(name)
    items = [item for item in STACKS[stack] if m.has(Address.parse(item.at))]
    engine = engine_of(m)
    tokens, lengths = engine.encode(CLEAN)
    run, _ = engine.run(tokens, lengths, InterventionSet(tuple(items)))
    found = part_gradients(engine, run, METRIC, engine.encode(CORRUPT)[0])
    here, there = cb.run(m, CLEAN, items), cb.run(m, CORRUPT)
    small, last = 2e-3, len(m.tokenize(CLEAN)) - 1
    cases = {
        f"L1.resid_pre@{last}": found.resid_pre[1, last],
        f"L1.attn@{last}": found.attn[1, last],
        f"L0.mlp@{last}": found.mlp[0, last],
        f"L1H1@{last}": found.head[1, 1, last],
        f"embed@{last}": found.embed[last],
    }
    for address, score in cases.items():
        if not m.has(Address.parse(address)):
            assert np.isnan(score)
            continue
        place = address.partition("@")[0]
        begin, end = here[place][:, last:], there[place][:, last:]
        ends = [
            cb.run(m, CLEAN, [*items, Set(address, begin + sign * small * (end - begin))], **ENDS)
            for sign in (1, -1)
        ]
        slope = (ends[0].metric - ends[1].metric) / (2 * small)
        assert slope == pytest.approx(float(score), rel=3e-2, abs=5e-3), (address, items)
    if not items:
        plain = cb.attribution_patching(m, CLEAN, CORRUPT, over="head position", **ENDS,
                                        direction="noising")  # fmt: skip
        np.testing.assert_allclose(found.head, plain.scores, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_saliency_and_patterns_of_a_run_have_its_interventions_in_place(name: str) -> None:
    m, engine = tiny.model(name), engine_of(tiny.model(name))
    tokens, lengths = engine.encode(CLEAN)
    plain = engine.baseline(tokens, lengths)
    head = Address("head.pattern", 1, head=2)
    norm, dot = saliency_of(engine, plain, METRIC)
    found = token_saliency(m, CLEAN, **ENDS)
    np.testing.assert_allclose(norm, found.norm, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(dot, found.dot, rtol=1e-3, atol=1e-4)
    slope, pattern = pattern_gradients(engine, plain, METRIC, head)
    wanted = cb.gradient_of_pattern(m, CLEAN, "L1H2", **ENDS)[0]
    np.testing.assert_allclose(slope, wanted, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(pattern, cb.run(m, CLEAN)["L1H2.pattern"][0], atol=1e-6)
    items = InterventionSet((Scale("L0H1", 0.3), Scale("embed@2", 2.0)))
    run, _ = engine.run(tokens, lengths, items)
    _, dot = saliency_of(engine, run, METRIC)
    slope, pattern = pattern_gradients(engine, run, METRIC, head)
    small = 1e-3

    def metric(extra: Any) -> float:
        after, _ = engine.run(tokens, lengths, InterventionSet((*items, extra)), hold=False)
        return float(evaluate(METRIC, engine.last_logits(after).double())[0])

    for p in (2, 7):
        up, down = (metric(Scale(f"embed@{p}", 1 + t)) for t in (small, -small))
        assert dot[p] == pytest.approx((up - down) / (2 * small), rel=2e-2, abs=5e-3)
    moved = np.zeros_like(pattern)
    moved[7, 3] = small
    up, down = (metric(Set("L1H2.pattern", (pattern + s * moved)[None])) for s in (1, -1))
    assert slope[7, 3] == pytest.approx((up - down) / (2 * small), rel=2e-2, abs=5e-3)
