"""Attribution patching and gradients of patterns, against autograd and small patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.engine.sweep import patch_grid
from circuitboard.methods.attribution_patching import attribution_patching
from circuitboard.methods.pattern_gradient import gradient_of_pattern
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, InterventionError, StaleResultError, TargetError
from circuitboard.spec.intervention import Set

NAMES = ("gpt2", "llama", "neox", "attn_only")
CLEAN, CORRUPT = tiny.prompt(7, 1), tiny.prompt(7, 2)
ENDS = {"target": "t7", "foil": "t11"}
EVERY = (
    "resid_pre", "resid_mid", "resid_post", "attn", "mlp", "head", "head position", "neuron",
    "q", "k", "v", "z", "pattern",
)  # fmt: skip


def difference(logits: torch.Tensor) -> torch.Tensor:
    return logits[0, -1, 7] - logits[0, -1, 11]


def by_hand(m, base: str, source: str, point: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Change of a hook point's value between two runs, and the gradient there, by plain hooks."""
    tokens, other = (torch.tensor([m.tokenize(p)]) for p in (base, source))
    with torch.no_grad():
        _, theirs = m.bridge.run_with_cache(other)
        _, mine = m.bridge.run_with_cache(tokens)
    nothing = torch.zeros_like(mine[point], requires_grad=True)
    logits = m.bridge.run_with_hooks(tokens, fwd_hooks=[(point, lambda t, hook: t + nothing)])
    (slope,) = torch.autograd.grad(difference(logits), nothing)
    return theirs[point] - mine[point], slope


@pytest.mark.parametrize("direction", ["denoising", "noising"])
@pytest.mark.parametrize("name", NAMES)
def test_scores_are_gradient_times_difference(name: str, direction: str) -> None:
    m = tiny.model(name)
    pair = (CORRUPT, CLEAN) if direction == "denoising" else (CLEAN, CORRUPT)
    for over in EVERY:
        place = Address(f"head.{over}" if over in "qkvz" or over == "pattern" else over, 1)
        if over in ("head", "head position", "neuron", "resid_mid") or not m.has_part(place.part):
            continue
        found = attribution_patching(m, CLEAN, CORRUPT, over=over, direction=direction, **ENDS)
        product = torch.mul(*by_hand(m, *pair, place.hook))[0]
        if over == "pattern":
            wanted = product.sum((1, 2))
        elif product.ndim == 3:
            group = m.facts.n_heads // product.shape[1]
            wanted = product.sum((0, 2)).repeat_interleave(group)
        else:
            wanted = product.sum(-1)
        assert np.abs(found.scores).max() > 1e-4
        np.testing.assert_allclose(found.scores[1], wanted.numpy(), rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_grid_is_the_derivative_of_small_patches(name: str) -> None:
    """The run moved a little way towards the source changes by as much of the score."""
    m = tiny.model(name)
    small = 1e-2
    base, source = cb.run(m, CORRUPT, **ENDS), cb.run(m, CLEAN, **ENDS)
    for over in EVERY:
        if not (over in ("head", "head position") or m.has(_place(over))):
            continue
        found = attribution_patching(m, CLEAN, CORRUPT, over=over, **ENDS)
        assert found.scores.shape == patch_grid(m, CLEAN, CORRUPT, over=over, **ENDS).shape
        worst = [*found.top(2), (found.addresses[-1], float(found.flat[-1]))]
        for address, score in worst:
            place = address.partition("@")[0]
            place = f"{place}.z" if Address.parse(place).part == "head" else place
            start, end = base[place], source[place]
            at = address.partition("@")[2]
            at = f"{place}@{at}" if at else place
            moved = [
                cb.run(m, CORRUPT, [Set(at, start + sign * small * (end - start))], **ENDS).metric
                for sign in (1, -1)
            ]
            slope = (moved[0] - moved[1]) / (2 * small)
            assert slope == pytest.approx(score, rel=2e-2, abs=2e-3), address


def _place(over: str) -> Address:
    part = f"head.{over}" if over in ("q", "k", "v", "z", "pattern") else over
    if part == "neuron":
        return Address(part, 0, neuron=0)
    return Address(part, 0, head=0 if part.startswith("head") else None)


def test_what_is_linear_is_exact_and_audited() -> None:
    """Without a norm the last stream's way into a logit difference is linear."""
    m = tiny.model("attn_only")
    found = cb.attribute(m, CLEAN, CORRUPT, over="resid_post", **ENDS)
    exact = patch_grid(m, CLEAN, CORRUPT, over="resid_post", **ENDS)
    np.testing.assert_allclose(found.grid[-1], exact[-1], atol=1e-5)
    last = "L1.resid_post@7"
    assert found.exact(last) == pytest.approx(found.estimate(last), abs=1e-5)
    audit = found.audit(1)
    assert len(audit.rows) == 1
    assert np.isnan(audit.pearson)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_audit_measures_what_patch_grid_measures(name: str) -> None:
    m = tiny.model(name)
    found = attribution_patching(m, CLEAN, CORRUPT, **ENDS)
    exact = patch_grid(m, CLEAN, CORRUPT, over="head", **ENDS) - found.base.mean()
    audit = found.audit(6)
    assert [row.address for row in audit.rows] == [address for address, _ in found.top(6)]
    for row in audit.rows:
        here = Address.parse(row.address)
        assert row.exact == pytest.approx(float(exact[here.layer, here.head]), abs=1e-5)
        assert row.estimate == float(found.scores[here.layer, here.head])
        assert found.estimate(row.address) == row.estimate
    first = audit.rows[0]
    assert found.exact(first.address) == pytest.approx(first.exact, abs=1e-5)
    table = np.array([row[1:] for row in audit.rows])
    assert audit.pearson == pytest.approx(np.corrcoef(table.T)[0, 1])
    ranks = table.argsort(0).argsort(0)
    assert audit.spearman == pytest.approx(np.corrcoef(ranks.T)[0, 1])
    misses = np.abs(table[:, 0] - table[:, 1])
    assert [abs(r.estimate - r.exact) for r in audit.worst(2)] == sorted(misses)[::-1][:2]
    assert first.address in str(audit)


def test_prompts_of_different_lengths_and_targets_are_their_own() -> None:
    m = tiny.model("gpt2")
    clean, corrupt = [CLEAN, tiny.prompt(5, 3)], [CORRUPT, tiny.prompt(5, 4)]
    both = attribution_patching(m, clean, corrupt, target=["t7", "t5"], foil=["t11", "t6"])
    for i, ends in enumerate([{"target": "t7", "foil": "t11"}, {"target": "t5", "foil": "t6"}]):
        alone = attribution_patching(m, clean[i], corrupt[i], **ends)
        np.testing.assert_allclose(both.per_prompt[..., i], alone.scores, atol=1e-5)
    with pytest.raises(InterventionError, match="positions"):
        attribution_patching(m, clean, corrupt, over="attn", target="t7", foil="t11")


def test_portions_do_not_change_the_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    m = tiny.model("gpt2")
    clean, corrupt = [CLEAN, tiny.prompt(5, 3)], [CORRUPT, tiny.prompt(5, 4)]
    ends = {"target": ["t7", "t5"], "foil": ["t11", "t6"]}
    whole = [attribution_patching(m, clean, corrupt, **ends).per_prompt]
    whole.append(cb.edge_attribution(m, clean, corrupt, **ends).scores)
    monkeypatch.setattr("circuitboard.methods.contrast.ROOM", 1)
    monkeypatch.setattr("circuitboard.methods.edge_attribution.SIDE_BY_SIDE", 1)
    parts = [attribution_patching(m, clean, corrupt, **ends).per_prompt]
    parts.append(cb.edge_attribution(m, clean, corrupt, **ends).scores)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.mark.parametrize("metric", ["loss", "probability", lambda logits: logits[:, 3] ** 2])
def test_other_metrics(metric) -> None:
    m = tiny.model("llama")
    found = attribution_patching(m, CLEAN, CORRUPT, metric, over="resid_post", target="t7")
    begun = cb.run(m, CORRUPT, metric=metric, target="t7").metric
    assert float(found.base.mean()) == pytest.approx(begun, abs=1e-5)
    base, source = (cb.run(m, p)["L1.resid_post"] for p in (CORRUPT, CLEAN))
    (address, score), small = found.top(1)[0], 1e-2
    place = Address.parse(address)
    if place.layer != 1:
        (address, score) = max(
            zip(found.addresses[8:16], found.scores[1].tolist(), strict=True),
            key=lambda pair: abs(pair[1]),
        )
    moved = [
        cb.run(
            m, CORRUPT, [Set(address, base + sign * small * (source - base))],
            metric=metric, target="t7",
        ).metric
        for sign in (1, -1)
    ]  # fmt: skip
    slope = (moved[0] - moved[1]) / (2 * small)
    assert slope == pytest.approx(score, rel=3e-2, abs=1e-4)


def test_a_divergence_has_no_gradient_at_its_minimum() -> None:
    with pytest.raises(TargetError, match="minimum"):
        attribution_patching(tiny.model("gpt2"), CLEAN, CORRUPT, "KL divergence")


def test_a_changed_model_is_not_mixed_with_an_old_estimate() -> None:
    m = tiny.fresh("attn_only")
    found = attribution_patching(m, CLEAN, CORRUPT, **ENDS)
    with torch.no_grad():
        next(m.bridge.original_model.parameters()).mul_(1.5)
    with pytest.raises(StaleResultError):
        found.audit(2)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_of_pattern_is_that_of_one_cell(name: str) -> None:
    m = tiny.model(name)
    found = gradient_of_pattern(m, CLEAN, "L1H1", **ENDS)
    assert found.shape == (1, 8, 8)
    assert not np.triu(found[0], 1).any()
    point = Address("head.pattern", 1, head=1).hook
    _, slope = by_hand(m, CLEAN, CORRUPT, point)
    np.testing.assert_allclose(found[0], slope[0, 1].tril().numpy(), rtol=1e-3, atol=1e-5)
    pattern = cb.run(m, CLEAN)["L1H1.pattern"]
    row, column = np.unravel_index(np.abs(found[0]).argmax(), (8, 8))
    moved = []
    for sign in (1, -1):
        other = pattern.copy()
        other[0, row, column] += sign * 1e-2
        moved.append(cb.run(m, CLEAN, [Set("L1H1.pattern", other)], **ENDS).metric)
    assert (moved[0] - moved[1]) / 2e-2 == pytest.approx(found[0, row, column], rel=1e-2, abs=1e-3)
    with pytest.raises(AddressError):
        gradient_of_pattern(m, CLEAN, "L1.attn", **ENDS)


def test_the_door_says_what_does_not_go_together() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(InterventionError, match="two prompts"):
        cb.attribute(m, CLEAN, method="eap", **ENDS)
    with pytest.raises(InterventionError, match="all edges"):
        cb.attribute(m, CLEAN, CORRUPT, method="eap", over="head", **ENDS)
    with pytest.raises(AddressError):
        cb.attribute(m, CLEAN, CORRUPT, **ENDS).estimate("L9H9")
