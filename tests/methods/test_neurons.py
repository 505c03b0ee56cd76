"""Neurons: sums, ablations and vocabulary against plain runs, TransformerLens and autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.engine.engine import Engine
from circuitboard.engine.run import metric_of
from circuitboard.methods.direct_logit_attribution import attribute
from circuitboard.methods.neurons import (
    activation_curve,
    attribute_neurons,
    neuron_attribution,
    neuron_words,
)
from circuitboard.models.mlp import mlp_weights
from circuitboard.spec.errors import AddressError, TargetError
from circuitboard.spec.intervention import InterventionSet

PROMPT = tiny.prompt()
WITH_MLP = [name for name in tiny.ARCHITECTURES if name != "attn_only"]
DONE = [cb.Zero("L0H0"), cb.Scale("L1.mlp.n3", 2.0)]


@pytest.mark.parametrize("name", WITH_MLP)
@pytest.mark.parametrize("done", [[], DONE], ids=["baseline", "changed"])
def test_neurons_and_bias_sum_to_the_mlp(name: str, done: list[cb.Zero]) -> None:
    m = tiny.model(name)
    engine = Engine(m)
    metric = metric_of(m, "t7", "t11")
    assert metric is not None
    run, _ = engine.run(*engine.encode(PROMPT), InterventionSet.of(done))
    whole = attribute(engine, run, metric)
    for layer in range(m.facts.n_layers):
        found = attribute_neurons(engine, run, metric, layer)
        size = np.abs(found.neurons).sum()
        assert found.total == pytest.approx(float(whole.mlps[layer]), abs=1e-6)
        assert abs(found.rest) < 1e-5 * max(1.0, size)
        assert found.neurons.shape == (m.facts.d_mlp,)


@pytest.mark.parametrize("name", WITH_MLP)
def test_a_neurons_effect_is_the_gradient_of_what_the_stream_adds(name: str) -> None:
    """Linear in the activation with all scales held: the derivative by autograd, times it."""
    m = tiny.model(name)
    layer = 1
    found = neuron_attribution(m, PROMPT, layer, target="t7", foil="t11")
    result = cb.run(m, PROMPT)
    w = mlp_weights(m, layer)
    post = torch.tensor(result[f"L{layer}.mlp.post"][0, -1], requires_grad=True)
    out = post @ w.w_out + (0 if w.b_out is None else w.b_out)
    after = m.post_gain(layer, "ln2_post")
    if after is not None:
        out = out * after / (out.detach().pow(2).mean() + m.final_eps()).sqrt()
    scale = float(result["ln_final.scale"][0, -1])
    if m.facts.norm == "LN":
        out = out - out.mean()
    gain = m.final_gain()
    rows = m.unembed_rows([7, 11])
    (out / scale * (1 if gain is None else gain) @ (rows[0] - rows[1])).backward()
    assert post.grad is not None
    np.testing.assert_allclose(
        found.neurons, (post.grad * post.detach()).numpy(), atol=2e-5, rtol=1e-3
    )


def test_what_is_done_to_the_output_is_the_rest() -> None:
    m = tiny.model("gpt2")
    plain = neuron_attribution(m, PROMPT, 1, target="t7", foil="t11")
    halved = neuron_attribution(
        m, PROMPT, 1, target="t7", foil="t11", interventions=[cb.Zero("L1.mlp")]
    )
    assert halved.total == 0
    assert abs(plain.rest) < 1e-5
    assert halved.rest == pytest.approx(-float(halved.neurons.sum()) - halved.bias, abs=1e-6)
    last = neuron_attribution(m, PROMPT, 1, target="t7")
    assert not np.allclose(last.neurons, plain.neurons)
    order = plain.top(m.facts.d_mlp)
    assert sorted(order) == list(range(m.facts.d_mlp))
    assert abs(plain.neurons[order[0]]) == np.abs(plain.neurons).max()
    with pytest.raises(TargetError):
        neuron_attribution(m, PROMPT, 1, target="")


@pytest.mark.parametrize("name", WITH_MLP)
def test_words_are_products_of_weights(name: str) -> None:
    m = tiny.model(name)
    neuron = 5
    found = neuron_words(m, f"L1.mlp.n{neuron}", k=tiny.VOCABULARY)
    w = mlp_weights(m, 1)
    assert (found.multiplies is not None) == m.facts.gated
    # What it writes: the difference that one unit more makes to the logits of a frozen final norm.
    row = w.w_out[neuron].float()
    after = m.post_gain(1, "ln2_post")
    row = row if after is None else row * after
    plain = m.final_gain()
    inner = row - row.mean() if m.facts.norm == "LN" else row
    expected = m.unembed_rows(range(tiny.VOCABULARY)) @ (inner * plain)
    values = {word.id: word.value for word in found.writes.high}
    np.testing.assert_allclose(
        [values[i] for i in range(tiny.VOCABULARY)], expected.numpy(), atol=1e-4, rtol=1e-4
    )
    highest = [word.value for word in found.writes.high]
    assert highest == sorted(highest, reverse=True)
    lowest = [word.value for word in found.writes.low]
    assert lowest == sorted(lowest)
    # What it reads: the gradient of its pre-activation by the stream, at a scale of 1.
    for words, matrix in ((found.reads, w.w_pre), (found.multiplies, w.w_in)):
        if words is None:
            continue
        stream = torch.zeros(m.facts.d_model, requires_grad=True)
        norm = stream - stream.mean() if m.facts.norm == "LN" else stream
        layer_gain = m.bridge.blocks[1]._modules["ln2"].weight.detach()
        if name.startswith("gemma"):
            layer_gain = layer_gain + 1
        (norm * layer_gain @ matrix[:, neuron]).backward()
        assert stream.grad is not None
        expected = m.embedding() @ stream.grad
        values = {word.id: word.value for word in words.high}
        np.testing.assert_allclose(
            [values[i] for i in range(tiny.VOCABULARY)], expected.numpy(), atol=1e-4, rtol=1e-4
        )


def test_only_neurons_have_words() -> None:
    with pytest.raises(AddressError, match="not a neuron"):
        neuron_words(tiny.model("gpt2"), "L1.mlp")
    with pytest.raises(AddressError):
        neuron_words(tiny.model("attn_only"), "L0.mlp.n0")


@pytest.mark.parametrize("name", ["gpt2", "llama", "opt", "native"])
def test_the_curve_is_the_models_own_activation(name: str) -> None:
    m = tiny.model(name)
    result = cb.run(m, PROMPT)
    pre = torch.tensor(result["L1.mlp.pre"][0, :, 4]) * 3
    x, y = activation_curve(mlp_weights(m, 1), pre)
    assert x.shape == y.shape
    assert x[0] <= float(pre.min())
    assert x[-1] >= float(pre.max())
    known = {
        "gpt2": lambda v: torch.nn.functional.gelu(v, approximate="tanh"),
        "llama": torch.nn.functional.silu,
        "opt": torch.relu,
        "native": torch.nn.functional.gelu,
    }
    np.testing.assert_allclose(y, known[name](torch.tensor(x)).numpy(), atol=1e-5)
