"""Head scores and copying scores, against the definition and against heads made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.engine.sweep import Watch
from circuitboard.methods.copying import copying_scores
from circuitboard.methods.head_scores import head_scores, pattern_scores, repeat
from circuitboard.spec.address import Address
from circuitboard.spec.errors import CancelledError


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "neox", "attn_only"])
def test_scores_are_diagonals_of_patterns_on_repeats(name: str) -> None:
    """Patterns from plain TransformerLens; diagonals written out as loops."""
    model = tiny.model(name)
    found = head_scores(model, period=7, seeds=2)
    sums = dict.fromkeys(("previous", "duplicate", "induction", "current", "first"), 0.0)
    for seed in range(2):
        ids, copy = repeat(model, 7, seed)
        assert copy == 7
        assert ids[1:8] == ids[8:]
        with torch.no_grad():
            _, cache = model.bridge.run_with_cache(torch.tensor([ids]))
        pattern = cache["blocks.1.attn.hook_pattern"][0, 1].numpy()
        count = len(ids)
        back = {"previous": 1, "duplicate": copy, "induction": copy - 1, "current": 0}
        for key, n in back.items():
            sums[key] += np.mean([pattern[q, q - n] for q in range(n, count)]) / 2
        sums["first"] += np.mean([pattern[q, 0] for q in range(count)]) / 2
    for key, wanted in sums.items():
        assert getattr(found, key)[1, 1] == pytest.approx(wanted, abs=1e-5), key


def test_ideal_heads_score_as_they_should() -> None:
    """Patterns made by hand: [BOS] and two copies of three tokens."""
    size, copy = 7, 3
    induction = torch.zeros(size, size)
    for q in range(size):
        induction[q, q - copy + 1 if q > copy else 0] = 1.0
    previous = torch.zeros(size, size)
    for q in range(size):
        previous[q, max(q - 1, 0)] = 1.0
    scores = pattern_scores(torch.stack([induction, previous, torch.eye(size)]), copy)
    # T + 2 = 5 entries; the queries of the first copy are 2, whose source is BOS, and 3, a miss.
    assert scores["induction"].tolist() == pytest.approx([4 / 5, 0.0, 0.0])
    assert scores["previous"].tolist() == pytest.approx([1 / 6, 1.0, 0.0])
    assert scores["current"].tolist() == pytest.approx([1 / 7, 1 / 7, 1.0])
    assert scores["duplicate"][2] == 0


def test_scores_are_the_same_every_time_and_can_be_stopped() -> None:
    model = tiny.model("gpt2")
    assert repeat(model, 20, 3) == repeat(model, 20, 3)
    assert repeat(model, 20, 3) != repeat(model, 20, 4)
    assert repeat(model, 500, 0)[1] == (48 - 1) // 2
    one, two = (head_scores(model, period=9, seeds=2) for _ in range(2))
    np.testing.assert_array_equal(one.induction, two.induction)

    def stop() -> None:
        raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        head_scores(model, watch=Watch(check=stop))


def test_the_bundled_model_has_heads_of_a_class() -> None:
    model = cb.load("names")
    found = cb.head_scores(model)
    for name in ("previous", "duplicate", "induction", "current", "first"):
        scores = getattr(found, name)
        assert scores.shape == (model.facts.n_layers, model.facts.n_heads)
        assert ((scores >= 0) & (scores <= 1)).all()
        over = found.over(name)
        assert len(over) == int((scores > 0.4).sum())
        values = [scores[Address.parse(a).layer, Address.parse(a).head] for a in over]
        assert values == sorted(values, reverse=True)


def brute(model: cb.Model, layer: int, head: int, fold: bool) -> float:
    """The definition, with the whole v by v matrix in float64."""
    f = model.facts
    block = model.bridge.blocks[layer]
    group = head * len(block.attn.W_V) // f.n_heads
    w_v, w_o = block.attn.W_V[group].detach().double(), block.attn.W_O[head].detach().double()
    w_e, w_u = model.bridge.W_E.detach().double(), model.bridge.W_U.detach().double()
    if fold and f.norm != "none":
        centre = torch.eye(f.d_model, dtype=torch.float64)
        if f.norm == "LN":
            centre = centre - 1 / f.d_model

        def gain(norm):
            weight = norm.weight.detach().double()
            return torch.diag(1 + weight if getattr(norm, "uses_weight_offset", False) else weight)

        w_v = centre @ gain(block.ln1) @ w_v
        w_u = centre @ gain(model.bridge.ln_final) @ w_u
        if "ln1_post" in block._modules:
            w_o = w_o @ gain(block.ln1_post)
    values = np.linalg.eigvals((w_e @ w_v @ w_o @ w_u).numpy())
    return float(values.sum().real / np.abs(values).sum())


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
@pytest.mark.parametrize("fold", [True, False])
def test_copying_is_the_definition_without_the_large_matrix(name: str, fold: bool) -> None:
    model = tiny.model(name)
    found = copying_scores(model, fold=fold)
    for layer, head in ((0, 0), (1, 1)):
        assert found[layer, head] == pytest.approx(brute(model, layer, head, fold), abs=2e-3)


def test_a_head_that_copies_scores_one_and_its_negative_minus_one() -> None:
    """No norms; the OV circuit is made to write back exactly what it reads."""
    model = tiny.fresh("attn_only")
    attn = model.bridge.blocks[0].attn
    with torch.no_grad():
        down = torch.linalg.qr(torch.randn(16, 8))[0]
        attn.W_V[0].copy_(down)
        attn.W_V[1].copy_(down)
        attn.W_O[0].copy_(down.T)
        attn.W_O[1].copy_(-down.T)
        model.bridge.W_U.copy_(model.bridge.W_E.T)
    found = copying_scores(model)
    assert found[0].tolist() == pytest.approx([1.0, -1.0], abs=1e-5)
