"""Virtual weights against products written out, and chance against random turns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_singular import centre
from test_token_circuits import extremes, final, folded, head

import circuitboard as cb
import tiny
from circuitboard.models.mlp import mlp_weights
from circuitboard.models.model import Model
from circuitboard.models.norms import gain
from circuitboard.spec.errors import AddressError

NAMES = ["gpt2", "llama", "gemma2", "neox"]


def parts(m: Model, path: str, fold: bool) -> list[NDArray[np.float64]]:
    d = m.facts.d_model

    def norm(layer: int) -> NDArray[np.float64]:
        return folded(m, layer) if fold else np.eye(d)

    def post(layer: int, which: str) -> NDArray[np.float64]:
        after = m.post_gain(layer, which) if fold else None  # type: ignore[arg-type]
        return (np.eye(d) if after is None else np.diag(after.double().numpy())) @ centre(m, fold)

    def mlp(layer: int, first: bool) -> NDArray[np.float64]:
        weights = mlp_weights(m, layer)
        if first:
            return weights.w_out.double().numpy() @ post(layer, "ln2_post")
        gained = np.diag(gain(m, weights.reads).double().numpy()) if fold else np.eye(d)
        return centre(m, fold) @ gained @ weights.w_pre.double().numpy()

    made: list[NDArray[np.float64]] = []
    for i, step in enumerate(path.split("->")):
        if step == "embed":
            made.append(m.embedding().double().numpy() @ centre(m, fold))
        elif step == "logits":
            made.append((final(m) if fold else np.eye(d)) @ m.unembedding().double().numpy().T)
        elif step.endswith("mlp"):
            made.append(mlp(int(step[1]), i == 0))
        elif "." in step:
            made.append(norm(int(step[1])) @ head(m, int(step[1]), step[-1].upper(), int(step[3])))
        else:
            layer, h = int(step[1]), int(step[3])
            pair = head(m, layer, "V", h) @ head(m, layer, "O", h)
            made.append(norm(layer) @ pair @ post(layer, "ln1_post"))
    return made


PATHS = [
    "embed->L0H1->L2H3.k",
    "embed->L1H0->L2H2->logits",
    "L0H1->L1.mlp",
    "L0.mlp->L2H0.q",
    "L0H3->L1H1->L2H0",
    "embed->L1.mlp",
    "embed->logits",
    "L0.mlp->L2.mlp",
    "L1H1->L2H1.v",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_the_product_of_its_parts(name: str, fold: bool, path: str) -> None:
    m = tiny.model(name)
    made = parts(m, path, fold)
    whole = np.linalg.multi_dot(made)
    found = cb.virtual_weights(m, path, 3, fold=fold)
    size = np.abs(whole).max()
    assert found.shape == whole.shape
    np.testing.assert_allclose(found.dense(), whole, atol=1e-5 * size)
    assert found.norm == pytest.approx(np.linalg.norm(whole), rel=1e-6)
    width = m.facts.d_model - (1 if fold and m.facts.norm == "LN" else 0)
    chance = np.prod([np.linalg.norm(p) for p in made]) / width ** ((len(made) - 1) / 2)
    assert found.relative == pytest.approx(found.norm / chance, rel=1e-6)
    values = np.linalg.svd(whole, compute_uv=False)
    np.testing.assert_allclose([d.value for d in found.directions], values[:3], rtol=1e-5)
    for pairs, furthest in zip((found.high, found.low), extremes(whole, 3), strict=True):
        wanted = furthest if path.startswith("embed") and path.endswith("logits") else []
        np.testing.assert_allclose([p.value for p in pairs], wanted, atol=1e-5 * size)


def test_ends_are_named_where_they_are_tokens_or_neurons() -> None:
    m = tiny.model("gpt2")
    path = "embed->L0H1->L2.mlp"
    u, _, vh = np.linalg.svd(np.linalg.multi_dot(parts(m, path, True)))
    direction = cb.virtual_weights(m, path, 2).directions[0]
    assert direction.start is not None
    assert direction.end is not None
    furthest = {direction.start.high[0].id, direction.start.low[0].id}
    assert furthest == {int(u[:, 0].argmax()), int(u[:, 0].argmin())}
    assert {direction.end.high[0].text, direction.end.low[0].text} == {
        f"n{vh[0].argmax()}",
        f"n{vh[0].argmin()}",
    }
    inner = cb.virtual_weights(m, "L0H1->L2H0.k").directions[0]
    assert inner.start is None
    assert inner.end is None


def test_randomly_turned_parts_score_one() -> None:
    """The mean square of what `relative` measures is 1, whatever the parts' own shapes."""
    m = tiny.fresh("attn_only")
    generator = torch.Generator().manual_seed(0)
    squares = []
    writes = m.bridge.blocks[0].attn.W_O[0].detach().clone()
    for _ in range(300):
        turn, _ = torch.linalg.qr(torch.randn(16, 16, generator=generator))
        with torch.no_grad():
            m.bridge.blocks[0].attn.W_O[0].copy_(writes @ turn)
        squares.append(cb.virtual_weights(m, "L0H0->L1H1.q", 1).relative ** 2)
    assert np.mean(squares) == pytest.approx(1, abs=0.1)


def test_what_is_no_path() -> None:
    m = tiny.model("gpt2")
    wrong = ["L0H1", "L1H0->L0H1", "L0H1->L1.mlp->L2H0", "L0.attn->L1H0", "embed->L0H1->L9H0"]
    for path in [*wrong, "L0H1->L1H0@3", "L0H1.q->L1H0", "embed->mlps->L1H0", "L2H0->L1.mlp"]:
        with pytest.raises(AddressError):
            cb.virtual_weights(m, path)
    with pytest.raises(AddressError, match="parallel"):
        cb.virtual_weights(tiny.model("neox"), "L1H0->L1.mlp")
    assert cb.virtual_weights(m, "L1H0->L1.mlp").norm > 0
