"""Work over the vocabulary in steps, and paths of weights, against the matrices written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_token_circuits import brute_ov, extremes, folded, head
from test_virtual import parts

import circuitboard as cb
import tiny
from circuitboard.methods import circuit_search as search
from circuitboard.methods.circuit_eigenvalues import copying_of
from circuitboard.methods.composition import (
    KINDS,
    head_composition_steps,
    random_score,
    random_score_steps,
)
from circuitboard.methods.path_weights import path_weights
from circuitboard.methods.singular import WeightPlace
from circuitboard.methods.token_circuits import ends_of
from circuitboard.models.model import Model
from circuitboard.spec.errors import AddressError

NAMES = ["gpt2", "llama", "gemma3", "neox", "attn_only"]


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
@pytest.mark.parametrize("fold", [True, False])
def test_eigenvalues_are_those_of_the_whole_matrix(name: str, fold: bool) -> None:
    m = tiny.model(name)
    for h in (0, m.facts.n_heads - 1):
        found = cb.ov_eigenvalues(m, f"L1H{h}", fold=fold).numpy()
        whole = np.linalg.eigvals(brute_ov(m, 1, h, fold))
        size = np.abs(whole).max()
        whole = whole[np.argsort(-np.abs(whole))][: len(found)]
        np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(whole), atol=1e-4 * size)
        score = cb.copying_scores(m, fold=fold)[1, h]
        assert copying_of(torch.from_numpy(found)) == pytest.approx(float(score), abs=2e-3)


def searched(
    m: Model, ends: list[search.Ends], *, eigen: bool = False, k: int = 7
) -> tuple[search.Search, list[int]]:
    found = search.Search(m.facts.d_vocab)
    steps = list(search.search_steps(m, found, ends, k, eigen=eigen))
    assert steps == list(range(1, search.search_total(m, len(ends)) + 1))
    assert found.done == found.total
    return found, steps


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("circuit", ["ov", "qk"])
def test_the_search_in_steps_finds_what_is_found_at_once(
    name: str, circuit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BLOCK", tiny.VOCABULARY * 9)
    m = tiny.model(name)
    ends = ends_of(m, (1, 1), circuit, True)  # type: ignore[arg-type]
    found, _ = searched(m, [ends], eigen=circuit == "ov")
    once = (cb.ov_circuit if circuit == "ov" else cb.qk_circuit)(m, "L1H1", k=7)
    for mine, theirs in ((found.found.high, once.high), (found.found.low, once.low)):
        assert [(p.row, p.column) for p in mine] == [(p.row, p.column) for p in theirs]
        np.testing.assert_allclose([p.value for p in mine], [p.value for p in theirs], rtol=1e-4)
    if circuit == "ov":
        assert len(found.eigenvalues) == 1
        np.testing.assert_allclose(
            found.eigenvalues[0].abs(), cb.ov_eigenvalues(m, "L1H1").abs(), rtol=1e-4, atol=1e-7
        )


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_pairs_of_a_difference_are_those_of_the_matrices_subtracted(name: str) -> None:
    m = tiny.fresh(name)
    before, old = brute_ov(m, 1, 1, True), ends_of(m, (1, 1), "ov", True)
    kept = search.Ends(old.rows.clone(), old.left, old.columns.clone(), old.right)
    with torch.no_grad():
        m.bridge.blocks[1].attn.W_O[1].add_(0.3 * torch.randn(8, 32))
        m.embedding()[5] += 1.0
    found, _ = searched(m, [ends_of(m, (1, 1), "ov", True), kept])
    high, low = extremes(brute_ov(m, 1, 1, True) - before, 7)
    np.testing.assert_allclose([p.value for p in found.found.high], high, rtol=1e-3)
    np.testing.assert_allclose([p.value for p in found.found.low], low, rtol=1e-3)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
@pytest.mark.parametrize("place", ["L1H1.ov", "L1H1.qk", "L1.mlp.in", "L1.mlp.out"])
def test_directions_in_steps_are_those_at_once(name: str, place: str) -> None:
    m = tiny.model(name)
    where = WeightPlace.parse(m, place)
    found = search.Directions(where.sides)
    steps = search.direction_steps(m, found, lambda: where.factors(m, True), 3, fold=True)
    assert list(steps)[-1] == search.direction_total(m, where.sides)
    once = cb.svd(m, place, 1000, words=search.WORDS)
    assert found.values is not None
    np.testing.assert_allclose(found.values, once.values, rtol=1e-6)
    for (left, right), theirs in zip(found.words, once.directions, strict=False):
        for mine, other in ((left, theirs.left), (right, theirs.right)):
            assert [w.text for w in mine.high] == [w.text for w in other.high]
            assert [w.value for w in mine.low] == pytest.approx(
                [w.value for w in other.low], abs=1e-4
            )
    assert len(found.words) == 3


def other_side(m: Model, layer: int, h: int, which: str) -> NDArray[np.float64]:
    return m.embedding().double().numpy() @ folded(m, layer) @ head(m, layer, which, h)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
@pytest.mark.parametrize("end", ["q", "k", "v"])
def test_a_path_between_tokens_is_the_product_written_out(name: str, end: str) -> None:
    m = tiny.model(name)
    weights = path_weights(m, f"L0H1->L2H3.{end}")
    ends = weights.ends(m, True)
    assert ends is not None
    last = "L2H3->logits" if end == "v" else f"L2H3.{end}"
    whole = np.linalg.multi_dot(parts(m, f"embed->L0H1->{last}", True))
    if end != "v":
        whole = whole @ other_side(m, 2, 3, "K" if end == "q" else "Q").T
    np.testing.assert_allclose(ends.over(None).dense(), whole, atol=2e-5 * np.abs(whole).max())
    plain = cb.virtual_weights(m, f"L0H1->L2H3{'' if end == 'v' else '.' + end}")
    assert (weights.norm, weights.relative) == pytest.approx((plain.norm, plain.relative))
    found, _ = searched(m, [ends])
    high, _ = extremes(whole, 7)
    assert [p.value for p in found.found.high] == pytest.approx(high, rel=1e-3)


@pytest.mark.parametrize("path", ["L0H1->L1.mlp", "L0.mlp->L2H0.k", "L0.mlp->L1.mlp"])
def test_a_path_that_ends_in_neurons_has_no_pairs(path: str) -> None:
    m = tiny.model("gpt2")
    weights = path_weights(m, path)
    assert weights.ends(m, True) is None
    made = parts(m, path, True)
    if path.endswith(".k"):
        made.append((folded(m, 2) @ head(m, 2, "Q", 0)).T)
    whole = np.linalg.multi_dot(made)
    np.testing.assert_allclose(weights.factors.dense(), whole, atol=1e-5 * np.abs(whole).max())
    with pytest.raises(AddressError):
        path_weights(m, "L1H0->L0H0")


@pytest.mark.parametrize("name", ["gpt2", "llama", "attn_only"])
def test_one_heads_composition_is_its_part_of_all(name: str) -> None:
    m = tiny.model(name)
    f = m.facts
    layer = 1
    found = np.full((3, f.n_layers, f.n_heads), np.nan, np.float32)
    list(head_composition_steps(m, (layer, 1), found))
    for row, kind in enumerate(KINDS):
        whole = cb.composition_scores(m, kind, "none")
        np.testing.assert_allclose(found[row, :layer], whole[:layer, :, layer, 1], rtol=1e-5)
        np.testing.assert_allclose(found[row, layer + 1 :], whole[layer, 1, layer + 1 :], rtol=1e-5)
        assert np.isnan(found[row, layer]).all()


def test_the_random_score_comes_in_steps() -> None:
    steps = list(random_score_steps(24, 6, draws=35, seed=3))
    assert len(steps) == 5
    assert steps[-1] == random_score(24, 6, 35, 3)
    assert list(random_score_steps(24, 6, draws=35, seed=3)) == [steps[-1]]
