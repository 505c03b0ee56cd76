"""Integrated gradients: completeness, against plain autograd, and the exact numbers beside them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.engine.sweep import patch_grid
from circuitboard.methods.integrated_gradients import integrated_gradients
from circuitboard.spec.errors import AddressError, InterventionError
from circuitboard.spec.intervention import Patch, Set, Zero

NAMES = ("gpt2", "llama", "neox", "attn_only")
CLEAN, CORRUPT = tiny.prompt(7, 1), tiny.prompt(7, 2)
ENDS = {"target": "t7", "foil": "t11"}


@pytest.mark.parametrize("name", NAMES)
def test_they_add_up_to_the_exact_effect_of_patching(name: str) -> None:
    m = tiny.model(name)
    last = m.facts.n_layers - 1
    for at in (f"L{last}.resid_post", f"L{last}.attn", f"L{last}H1", f"L{last}.mlp@-1",
               f"L{last}H1.v@3:", f"L{last}.resid_mid", f"L{last}H1.pattern"):  # fmt: skip
        if ".mlp" in at and not m.has_part("mlp"):
            continue
        if "resid_mid" in at and not m.has_part("resid_mid"):
            continue
        found = integrated_gradients(m, CLEAN, CORRUPT, at=at, steps=64, **ENDS)
        begun = cb.run(m, CORRUPT, **ENDS).metric
        ended = cb.run(m, CORRUPT, [Patch(at, CLEAN)], **ENDS).metric
        assert found.start == pytest.approx(begun, abs=1e-4)
        assert found.end == pytest.approx(ended, abs=1e-4)
        assert found.scores.sum() == pytest.approx(ended - begun, rel=1e-3, abs=2e-4), at
        assert abs(found.gap) < 1e-3 * abs(ended - begun) + 2e-4


@pytest.mark.parametrize("name", ["llama", "attn_only"])
def test_token_saliency_is_the_integral_written_out(name: str) -> None:
    m, steps = tiny.model(name), 6
    found = integrated_gradients(m, CLEAN, steps=steps, **ENDS)
    tokens = torch.tensor([m.tokenize(CLEAN)])
    with torch.no_grad():
        _, cache = m.bridge.run_with_cache(tokens)
    whole = cache["hook_embed"]
    total = torch.zeros_like(whole)
    for step in range(steps):
        part = (whole * (step + 0.5) / steps).clone().requires_grad_()
        logits = m.bridge.run_with_hooks(
            tokens, fwd_hooks=[("hook_embed", lambda t, hook, part=part: part * 1)]
        )
        total += torch.autograd.grad(logits[0, -1, 7] - logits[0, -1, 11], part)[0]
    wanted = (whole * total / steps).sum(-1)[0]
    np.testing.assert_allclose(found.scores, wanted.numpy(), rtol=2e-3, atol=2e-4)
    assert found.end == pytest.approx(cb.run(m, CLEAN, **ENDS).metric, abs=1e-4)
    assert found.start == pytest.approx(cb.run(m, CLEAN, [Set("embed", 0.0)], **ENDS).metric,
                                        abs=1e-4)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_saliency_between_two_prompts_is_complete(name: str) -> None:
    """Through the embeddings it leads from one prompt's metric to the other's."""
    m = tiny.model(name)
    gaps = []
    for steps in (8, 64, 512):
        found = integrated_gradients(m, CLEAN, CORRUPT, steps=steps, **ENDS)
        gaps.append(abs(found.gap))
    moved = cb.run(m, CLEAN, **ENDS).metric - cb.run(m, CORRUPT, **ENDS).metric
    assert found.end - found.start == pytest.approx(moved, abs=1e-4)
    assert gaps[2] < 1e-2 * max(abs(moved), np.abs(found.scores).max())
    other = integrated_gradients(m, CLEAN, CORRUPT, steps=64, direction="noising", **ENDS)
    again = integrated_gradients(m, CLEAN, CORRUPT, steps=64, **ENDS)
    np.testing.assert_allclose(other.scores, -again.scores, atol=2e-3)


def test_the_exact_numbers_are_patches_of_one_position() -> None:
    m = tiny.model("gpt2")
    found = cb.attribute(m, CLEAN, CORRUPT, method="integrated-gradients", over="L2.resid_pre",
                         **ENDS)  # fmt: skip
    grid = patch_grid(m, CLEAN, CORRUPT, over="resid_pre", **ENDS)[2]
    audit = found.audit(3)
    for row in audit.rows:
        position = int(row.address.partition("@")[2])
        assert row.exact == pytest.approx(float(grid[position]) - found.start, abs=1e-4)
        assert row.estimate == float(found.scores[position])
    zero = cb.attribute(m, CLEAN, method="integrated-gradients", over="L1.attn@2:", steps=4, **ENDS)
    assert zero.addresses == [f"L1.attn@{p}" for p in range(2, 8)]
    assert not zero.scores[:2].any()
    assert zero.exact("L1.attn@3") == pytest.approx(
        -float(cb.sweep(m, CLEAN, [Zero("L1.attn@3")], **ENDS)[0]), abs=1e-5
    )


def test_what_has_no_path_is_refused() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(InterventionError, match="path"):
        integrated_gradients(m, CLEAN, at="L0.ln1.scale", **ENDS)
    with pytest.raises(InterventionError, match="steps"):
        integrated_gradients(m, CLEAN, steps=0, **ENDS)
    with pytest.raises(InterventionError, match="one prompt"):
        integrated_gradients(m, [CLEAN, CORRUPT], **ENDS)
    with pytest.raises(AddressError):
        integrated_gradients(m, CLEAN, at="L7.attn", **ENDS)
