"""Every architecture's MLP, from its weights: the same as what the model computes."""

from __future__ import annotations

import pytest
import torch

import tiny
from circuitboard.engine.run import run
from circuitboard.models.mlp import elementwise, mlp_weights
from circuitboard.models.norms import centred, gain
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError

PROMPT = tiny.prompt()
WITH_MLP = [name for name in tiny.ARCHITECTURES if name != "attn_only"]


@pytest.mark.parametrize("name", WITH_MLP)
@pytest.mark.parametrize("layer", [0, 1])
def test_the_weights_give_what_the_model_computes(name: str, layer: int) -> None:
    m = tiny.model(name)
    result = run(m, PROMPT)
    w = mlp_weights(m, layer)
    x = torch.tensor(result[str(w.reads)])
    pre = x @ w.w_pre + (0 if (b := w.b_in if w.w_gate is None else w.b_gate) is None else b)
    post = w.act(pre)
    up = w.up(x)
    assert (up is None) != m.facts.gated
    post = post if up is None else post * up
    torch.testing.assert_close(pre, torch.tensor(result[f"L{layer}.mlp.pre"]), atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(
        post, torch.tensor(result[f"L{layer}.mlp.post"]), atol=2e-5, rtol=1e-4
    )
    out = post @ w.w_out + (0 if w.b_out is None else w.b_out)
    after = m.post_gain(layer, "ln2_post")
    if after is not None:
        out = out / (out.pow(2).mean(-1, keepdim=True) + m.final_eps()).sqrt() * after
    torch.testing.assert_close(out, torch.tensor(result[f"L{layer}.mlp"]), atol=2e-4, rtol=1e-4)
    assert elementwise(w.act)


def test_a_softmax_is_no_curve() -> None:
    assert not elementwise(lambda x: x * x.softmax(-1))


def test_a_model_without_mlp_says_so() -> None:
    with pytest.raises(AddressError, match="has no"):
        mlp_weights(tiny.model("attn_only"), 0)
    with pytest.raises(AddressError):
        mlp_weights(tiny.model("gpt2"), 99)
    with pytest.raises(AddressError):
        mlp_weights(tiny.model("gpt2"), -1)


@pytest.mark.parametrize("name", [n for n in tiny.ARCHITECTURES if n != "attn_only"])
@pytest.mark.parametrize("place", ["L1.ln1", "L1.ln2"])
def test_the_gain_gives_what_a_norm_computes(name: str, place: str) -> None:
    m = tiny.model(name)
    result = run(m, PROMPT)
    parallel = m.facts.parallel or place.endswith("ln1")
    stream = torch.tensor(result["L1.resid_pre" if parallel else "L1.resid_mid"])
    scale = torch.tensor(result[f"{place}.scale"])[..., None]
    address = Address.parse(place)
    bias = m.norm_bias(address)
    out = centred(m, stream) / scale * gain(m, address) + (0 if bias is None else bias)
    torch.testing.assert_close(out, torch.tensor(result[place]), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_the_vocabulary_matrices(name: str) -> None:
    m = tiny.model(name)
    w_e, w_u = m.embedding(), m.unembedding()
    assert w_e.shape == w_u.shape == (tiny.VOCABULARY, m.facts.d_model)
    torch.testing.assert_close(w_u[[3, 5]].float(), m.unembed_rows([3, 5]))
    embedded = torch.tensor(run(m, PROMPT)["embed"][0])
    rows = w_e[m.tokenize(PROMPT)]
    factor = embedded.norm() / rows.norm()
    torch.testing.assert_close(embedded, rows * factor, atol=1e-4, rtol=1e-4)
