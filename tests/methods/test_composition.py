"""Composition scores against the d x d matrices written out, norms folded as written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_token_circuits import folded, head

import circuitboard as cb
import tiny
from circuitboard.methods.composition import random_score
from circuitboard.spec.errors import InterventionError


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox", "attn_only", "gemma2"])
@pytest.mark.parametrize("kind", ["Q", "K", "V"])
@pytest.mark.parametrize("fold", [True, False])
def test_scores_are_norms_of_products_written_out(name: str, kind: str, fold: bool) -> None:
    m = tiny.model(name)
    f, d = m.facts, m.facts.d_model
    found = cb.composition_scores(m, kind, "none", fold=fold)
    assert found.shape == (f.n_layers, f.n_heads, f.n_layers, f.n_heads)
    centre = np.eye(d) - (1 / d if fold and f.norm == "LN" else 0)

    def ov(layer: int, h: int) -> np.ndarray:
        after = m.post_gain(layer, "ln1_post") if fold else None
        middle = np.eye(d) if after is None else np.diag(after.double().numpy())
        first = folded(m, layer) if fold else np.eye(d)
        return first @ head(m, layer, "V", h) @ head(m, layer, "O", h) @ middle @ centre

    def reading(layer: int, h: int) -> np.ndarray:
        if kind == "V":
            return ov(layer, h)
        first = folded(m, layer) if fold else np.eye(d)
        whole = (first @ head(m, layer, "Q", h)) @ (first @ head(m, layer, "K", h)).T
        return whole if kind == "Q" else whole.T

    for one, a, two, b in np.ndindex(found.shape):
        score = found[one, a, two, b]
        if one >= two:
            assert np.isnan(score)
            continue
        left, right = ov(one, a), reading(two, b)
        norms = np.linalg.norm(left) * np.linalg.norm(right)
        assert score == pytest.approx(np.linalg.norm(left @ right) / norms, rel=1e-5)


def test_the_baseline_is_what_random_heads_score() -> None:
    m = tiny.model("gpt2")
    plain, less = (cb.composition_scores(m, "K", b) for b in ("none", "subtract"))
    apart = (plain - less)[~np.isnan(plain)]
    drawn = random_score(m.facts.d_model, m.facts.d_head)
    np.testing.assert_allclose(apart, drawn, atol=1e-6)
    generator = torch.Generator().manual_seed(5)
    scores = []
    for _ in range(200):
        a, b, c, d = (torch.randn(32, 8, generator=generator).double() for _ in range(4))
        left, right = a @ b.T, c @ d.T
        scores.append(float((left @ right).norm() / left.norm() / right.norm()))
    assert drawn == pytest.approx(np.mean(scores), rel=0.02)
    assert drawn == pytest.approx(32**-0.5, rel=0.05)
    assert random_score(32, 8) == drawn


def test_a_head_made_to_compose_scores_one() -> None:
    """The later head's queries read exactly the one direction that the earlier head writes."""
    m = tiny.fresh("attn_only")
    direction = torch.nn.functional.normalize(torch.randn(16), dim=0)
    with torch.no_grad():
        first, second = (block.attn for block in m.bridge.blocks)
        first.W_O[0].copy_(torch.randn(8)[:, None] * direction)
        second.W_Q[1].copy_(direction[:, None] * torch.randn(8))
    scores = cb.composition_scores(m, "Q", "none")
    assert scores[0, 0, 1, 1] == pytest.approx(1.0, abs=1e-6)
    assert scores[0, 1, 1, 1] < 0.9


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(InterventionError):
        cb.composition_scores(tiny.model("gpt2"), "X")
    with pytest.raises(InterventionError):
        cb.composition_scores(tiny.model("gpt2"), "Q", "divide")
