"""OV and QK circuits against the matrices written out, and against the model's own scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import circuitboard as cb
import tiny
from circuitboard.methods import token_circuits
from circuitboard.models.model import Model
from circuitboard.models.rotary import rotation
from circuitboard.spec.errors import AddressError, CancelledError, ModelError, PromptError

NAMES = ["gpt2", "llama", "gemma3", "neox", "attn_only"]
IDS = [3, 60, 17, 8, 3]


def folded(m: Model, layer: int) -> NDArray[np.float64]:
    """What the norm before attention does to a row besides its scale, [d, d], from the model."""
    d = m.facts.d_model
    if m.facts.norm == "none":
        return np.eye(d)
    norm = m.bridge.blocks[layer].ln1
    weight = norm.weight.detach().double().numpy()
    gain = 1 + weight if m.facts.name.startswith("gemma") else weight
    centre = np.eye(d) - (1 / d if m.facts.norm == "LN" else 0)
    return centre @ np.diag(gain)


def final(m: Model) -> NDArray[np.float64]:
    if m.facts.norm == "none":
        return np.eye(m.facts.d_model)
    gain = m.final_gain()
    assert gain is not None
    centre = np.eye(m.facts.d_model) - (1 / m.facts.d_model if m.facts.norm == "LN" else 0)
    return centre @ np.diag(gain.double().numpy())


def head(m: Model, layer: int, which: str, index: int) -> NDArray[np.float64]:
    weights = getattr(m.bridge.blocks[layer].attn, f"W_{which}").detach().double().numpy()
    return weights[index * len(weights) // m.facts.n_heads]


def brute_ov(m: Model, layer: int, h: int, fold: bool) -> NDArray[np.float64]:
    embed, unembed = m.embedding().double().numpy(), m.unembedding().double().numpy()
    first, last = (folded(m, layer), final(m)) if fold else (np.eye(m.facts.d_model),) * 2
    after = m.post_gain(layer, "ln1_post") if fold else None
    middle = np.eye(m.facts.d_model) if after is None else np.diag(after.double().numpy())
    return (
        embed @ first @ head(m, layer, "V", h) @ head(m, layer, "O", h) @ middle @ last @ unembed.T
    )


def extremes(matrix: NDArray[np.float64], k: int) -> tuple[list[float], list[float]]:
    flat = np.sort(matrix.ravel())
    return flat[::-1][:k].tolist(), flat[:k].tolist()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fold", [True, False])
def test_ov_over_tokens_is_the_product_written_out(name: str, fold: bool) -> None:
    m = tiny.model(name)
    for h in (0, m.facts.n_heads - 1):
        found = cb.ov_circuit(m, f"L1H{h}", IDS, k=4, fold=fold)
        whole = brute_ov(m, 1, h, fold)
        size = np.abs(whole).max()
        assert found.matrix is not None
        np.testing.assert_allclose(found.matrix, whole[np.ix_(IDS, IDS)], atol=1e-5 * size)
        assert found.axes == ("source", "logit")
        assert found.high[0].value == pytest.approx(found.matrix.max(), abs=1e-5 * size)


@pytest.mark.parametrize("name", NAMES)
def test_the_best_pairs_of_a_vocabulary_are_exact_whatever_the_blocks(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    m = tiny.model(name)
    whole = brute_ov(m, 0, 1, True)
    size = np.abs(whole).max()
    for block in (1, 150, 1 << 24):  # a row at a time, two rows, everything
        monkeypatch.setattr(token_circuits, "BLOCK", block)
        found = cb.ov_circuit(m, "L0H1", k=7)
        assert found.matrix is None
        for pairs, values in zip((found.high, found.low), extremes(whole, 7), strict=True):
            np.testing.assert_allclose([p.value for p in pairs], values, atol=1e-5 * size)
            for pair in pairs:
                assert whole[pair.row, pair.column] == pytest.approx(pair.value, abs=1e-5 * size)
                assert pair.row_text == m.token_text(pair.row)
                assert pair.column_text == m.token_text(pair.column)


def test_more_pairs_than_there_are_gives_all_of_them() -> None:
    found = cb.ov_circuit(tiny.model("gpt2"), "L0H1", ["t4", "t9"], k=50)
    assert found.matrix is not None
    assert [p.value for p in found.high] == pytest.approx(np.sort(found.matrix.ravel())[::-1])
    assert [(p.row, p.column) for p in found.low] == [
        (p.row, p.column) for p in reversed(found.high)
    ]


def test_the_search_shows_progress_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_circuits, "BLOCK", tiny.VOCABULARY * 20)
    seen: list[tuple[int, int]] = []
    m = tiny.model("gpt2")
    cb.qk_circuit(
        m, "L0H0", watch=cb.Watch(progress=lambda done, total: seen.append((done, total)))
    )
    assert seen == [(20, 61), (40, 61), (60, 61), (61, 61)]

    def stop() -> None:
        raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        cb.qk_circuit(m, "L0H0", watch=cb.Watch(check=stop))


@pytest.mark.parametrize("name", ["gpt2", "attn_only", "llama", "neox"])
@pytest.mark.parametrize("fold", [True, False])
def test_qk_over_tokens_is_the_product_written_out(name: str, fold: bool) -> None:
    m = tiny.model(name)
    embed = m.embedding().double().numpy()
    first = folded(m, 1) if fold else np.eye(m.facts.d_model)
    for h in (0, m.facts.n_heads - 1):
        q, k = (embed @ first @ head(m, 1, which, h) for which in "QK")
        whole = q @ k.T
        found = cb.qk_circuit(m, f"L1H{h}", k=5, fold=fold)
        some = cb.qk_circuit(m, f"L1H{h}", IDS, fold=fold)
        size = np.abs(whole).max()
        np.testing.assert_allclose(some.matrix, whole[np.ix_(IDS, IDS)], atol=1e-5 * size)
        np.testing.assert_allclose([p.value for p in found.high], extremes(whole, 5)[0], rtol=1e-4)
        assert found.axes == ("query", "key")


@pytest.mark.parametrize("name", ["llama", "mistral", "qwen2", "neox"])
def test_rotation_turns_the_models_queries_and_keys_into_its_scores(name: str) -> None:
    m = tiny.model(name)
    run = cb.run(m, tiny.prompt(8))
    for layer in (0, 2):
        q, k = (run[f"L{layer}H3.{which}"][0] for which in "qk")
        scores = run[f"L{layer}H3.scores"][0]
        for offset in (0, 1, 5):
            turned = rotation(m, layer, offset).numpy()
            for at in range(offset, 8):
                score = q[at] @ turned @ k[at - offset] / m.facts.d_head**0.5
                assert score == pytest.approx(scores[at, at - offset], rel=1e-4, abs=1e-5)


def test_rotation_changes_with_the_distance() -> None:
    m = tiny.model("llama")
    assert torch.equal(rotation(m, 0, 0), torch.eye(8))
    assert (rotation(m, 0, 3) - torch.eye(8)).abs().max() > 0.5
    near, far = (cb.qk_circuit(m, "L0H1", IDS, offset=n).matrix for n in (0, 3))
    assert near is not None
    assert far is not None
    assert np.abs(near - far).max() > 1e-3 * np.abs(near).max()


@pytest.mark.parametrize("name", ["llama", "mistral", "gemma3"])
@pytest.mark.parametrize("offset", [0, 1, 4])
def test_qk_of_layer_0_is_the_models_own_score_but_for_norms_scales(name: str, offset: int) -> None:
    """No biases, no positions in the stream: scores are the circuit over the norms' scales."""
    m = tiny.model(name)
    run = cb.run(m, tiny.prompt(6))
    ids = m.tokenize(tiny.prompt(6))
    scores = run["L0H2.scores"][0]
    inner = m.bridge.blocks[0].attn.original_component
    x = run["L0.ln1.scale"][0, :, 0] if run["L0.ln1.scale"].ndim == 3 else run["L0.ln1.scale"][0]
    sizes = [x, x]
    factor = float(getattr(m.bridge.original_model.get_input_embeddings(), "embed_scale", 1.0))
    if name == "gemma3":  # its queries and keys have norms of their own
        q, k = (run[f"L0H2.{which}"][0] for which in "qk")
        sizes = [x * np.sqrt((one**2).mean(-1) + 1e-6) for one in (q, k)]
    found = cb.qk_circuit(m, "L0H2", ids, offset=offset)
    assert found.matrix is not None
    assert f"rotated for a key {offset} tokens before the query" in found.notes
    for at in range(offset, len(ids)):
        own = scores[at, at - offset] * sizes[0][at] * sizes[1][at - offset]
        whole = found.matrix[at, at - offset] * factor**2 * inner.scaling
        assert whole == pytest.approx(own, rel=1e-3, abs=1e-5)


def test_what_is_refused() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(AddressError):
        cb.ov_circuit(m, "L0.mlp")
    with pytest.raises(AddressError):
        cb.ov_circuit(m, "L0H9")
    with pytest.raises(PromptError):
        cb.ov_circuit(m, "L0H0", [61])
    with pytest.raises(PromptError):
        cb.qk_circuit(m, "L0H0", [])
    with pytest.raises(ModelError, match="no rotary positions"):
        cb.qk_circuit(m, "L0H0", [1], offset=2)
    for offset in (-1, 48):
        with pytest.raises(ModelError, match="no distance"):
            cb.qk_circuit(tiny.model("llama"), "L0H0", [1], offset=offset)
