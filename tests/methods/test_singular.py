"""Singular directions against numpy's decomposition of the matrices written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_token_circuits import folded, head

import circuitboard as cb
import tiny
from circuitboard.methods.factors import Factors
from circuitboard.methods.neurons import neuron_words
from circuitboard.models.mlp import mlp_weights
from circuitboard.models.model import Model
from circuitboard.models.norms import gain
from circuitboard.spec.errors import AddressError


def centre(m: Model, fold: bool) -> NDArray[np.float64]:
    d = m.facts.d_model
    return np.eye(d) - (1 / d if fold and m.facts.norm == "LN" else 0)


def written_out(m: Model, place: str, fold: bool) -> NDArray[np.float64]:
    d = m.facts.d_model
    after = [m.post_gain(1, which) if fold else None for which in ("ln1_post", "ln2_post")]
    post = [np.eye(d) if a is None else np.diag(a.double().numpy()) for a in after]
    first = folded(m, 1) if fold else np.eye(d)
    if place == "L1H1.ov":
        return first @ head(m, 1, "V", 1) @ head(m, 1, "O", 1) @ post[0] @ centre(m, fold)
    if place == "L1H1.qk":
        return (first @ head(m, 1, "Q", 1)) @ (first @ head(m, 1, "K", 1)).T
    weights = mlp_weights(m, 1)
    if place == "L1.mlp.out":
        return weights.w_out.double().numpy() @ post[1] @ centre(m, fold)
    inward = weights.w_gate if place.endswith("gate") else weights.w_in
    assert inward is not None
    first = np.diag(gain(m, weights.reads).double().numpy()) if fold else np.eye(d)
    return centre(m, fold) @ first @ inward.double().numpy()


PLACES = ["L1H1.ov", "L1H1.qk", "L1.mlp.in", "L1.mlp.out"]


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "neox"])
@pytest.mark.parametrize("place", [*PLACES, "L1.mlp.gate"])
@pytest.mark.parametrize("fold", [True, False])
def test_values_and_vectors_are_those_of_the_matrix(name: str, place: str, fold: bool) -> None:
    m = tiny.model(name)
    if place.endswith("gate") and not m.facts.gated:
        with pytest.raises(AddressError, match="not gated"):
            cb.svd(m, place)
        return
    whole = written_out(m, place, fold)
    found = cb.svd(m, place, 5, words=3, fold=fold)
    values = np.linalg.svd(whole, compute_uv=False)
    np.testing.assert_allclose(found.values, values[:5], rtol=1e-6)
    assert found.share == pytest.approx((values[:5] ** 2).sum() / (values**2).sum(), rel=1e-6)
    for i, value in enumerate(found.values):
        u, v = found.left[:, i].numpy(), found.right[:, i].numpy()
        assert np.linalg.norm(u) == pytest.approx(1, rel=1e-6)
        np.testing.assert_allclose(whole.T @ u, value * v, atol=1e-6 * values[0])
        np.testing.assert_allclose(whole @ v, value * u, atol=1e-6 * values[0])


@pytest.mark.parametrize("name", ["gpt2", "llama", "attn_only"])
def test_words_are_the_furthest_along_the_vectors(name: str) -> None:
    m = tiny.model(name)
    embed, unembed = m.embedding().double().numpy(), m.unembedding().double().numpy()
    found = cb.svd(m, "L1H1.ov", 3, words=4)
    assert found.sides == ("reads", "writes")
    last = m.final_gain()
    for i, direction in enumerate(found.directions):
        reads = embed @ found.left[:, i].numpy()
        v = centre(m, True) @ found.right[:, i].numpy()
        writes = unembed @ (v if last is None else v * last.double().numpy())
        for words, values in ((direction.left, reads), (direction.right, writes)):
            order = np.argsort(values)
            assert [w.id for w in words.high] == order[::-1][:4].tolist()
            assert [w.id for w in words.low] == order[:4].tolist()
            assert [w.value for w in words.high] == pytest.approx(values[order[::-1][:4]])
            assert words.high[0].text == m.token_text(words.high[0].id)
        assert writes[np.abs(writes).argmax()] > 0  # the common sign
    both = cb.svd(m, "L1H1.qk", 1)
    assert both.sides == ("query", "key")
    keys = embed @ both.right[:, 0].numpy()
    assert both.directions[0].right.high[0].id == keys.argmax()


def test_an_mlps_directions_end_in_neurons() -> None:
    m = tiny.model("llama")
    out, inward = cb.svd(m, "L1.mlp.out", 2, words=2), cb.svd(m, "L1.mlp.in", 2, words=2)
    assert (out.sides, inward.sides) == (("neurons", "writes"), ("reads", "neurons"))
    first = out.left[:, 0].numpy()
    assert out.directions[0].left.high[0].text == f"n{first.argmax()}"
    assert inward.directions[1].right.low[0].text == f"n{inward.right[:, 1].argmin()}"


def test_a_matrix_of_one_neuron_has_that_neurons_words() -> None:
    m = tiny.fresh("llama")
    with torch.no_grad():
        rows = mlp_weights(m, 1).w_out
        rows[torch.arange(len(rows)) != 7] = 0
    found = cb.svd(m, "L1.mlp.out", 5, words=3)
    assert len(found.values) == 1  # no more than the rank
    assert found.share == pytest.approx(1)
    own = neuron_words(m, "L1.mlp.n7", 61).writes
    side = own.high if own.high[0].value > -own.low[0].value else own.low
    assert [w.id for w in found.directions[0].right.high] == [w.id for w in side[:3]]


@pytest.mark.parametrize("shape", [(40, 3, 9), (9, 9, 40), (5, 12, 7)])
def test_factors_are_the_matrix(shape: tuple[int, int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    a, r, b = shape
    one = Factors(torch.randn(a, r, generator=generator), torch.randn(b, r, generator=generator))
    two = Factors(torch.randn(b, 4, generator=generator), torch.randn(11, 4, generator=generator))
    whole = one.left.double() @ one.right.double().T
    assert one.shape == (a, b)
    assert one.norm() == pytest.approx(float(whole.norm()))
    values, left, right = one.svd(100)
    assert len(values) == min(shape)
    np.testing.assert_allclose((left * values) @ right.T, whole, atol=1e-8)
    product = whole @ two.left.double() @ two.right.double().T
    np.testing.assert_allclose(one.then(two).dense(), product, rtol=1e-5, atol=1e-4)
    assert one.then(two).left.shape[1] == min(r, 4)


def test_places_that_are_no_weights() -> None:
    m = tiny.model("gpt2")
    for place in ("L1H1", "L1H1.q", "L9H0.ov", "L1.mlp", "L7.mlp.in", "embed"):
        with pytest.raises(AddressError):
            cb.svd(m, place)
    with pytest.raises(AddressError):
        cb.svd(tiny.model("attn_only"), "L1.mlp.in")
