"""Steering: directions against their definitions, effects against plain TransformerLens hooks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import circuitboard as cb
import tiny
from circuitboard.methods.steering import reach_of
from circuitboard.models.mlp import mlp_weights
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, InterventionError, TargetError

PROMPT = tiny.prompt()
OTHER = tiny.prompt(9, 2)
ALL = tiny.ARCHITECTURES
WITH_MLP = ("gpt2", "llama", "gemma2", "neox", "native")


def cached(m: Any, prompt: str) -> Any:
    with torch.no_grad():
        return m.bridge.run_with_cache(torch.tensor([m.tokenize(prompt)]))[1]


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def hooked(m: Any, prompt: str, at: str, added: np.ndarray) -> Tensor:
    """Logits [v] at the end of one plain run with a vector added at one hook point."""
    address = Address.parse(at)
    ids = torch.tensor([m.tokenize(prompt)])
    width = ids.shape[1]
    rows = range(width) if address.position is None else address.position.indices(width)

    def hook(tensor: Tensor, hook: Any) -> Tensor:
        out = tensor.clone()
        out[:, list(rows)] += torch.tensor(added, dtype=out.dtype)
        return out

    with torch.no_grad():
        return m.bridge.run_with_hooks(ids, fwd_hooks=[(address.hook, hook)])[0, -1]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("at", ["L1.resid_post@-1", "L1.resid_pre", "L0.attn@3:6"])
def test_a_sweep_is_a_plain_run_for_each_coefficient(name: str, at: str) -> None:
    m = tiny.model(name)
    generator = torch.Generator().manual_seed(3)
    vector = torch.randn(m.facts.d_model, generator=generator).numpy()
    coefficients = [-2.0, -0.5, 0.0, 1.5]
    found = cb.steering_sweep(m, PROMPT, at, vector, coefficients, target="t7", foil="t11")
    for i, c in enumerate(coefficients):
        logits = hooked(m, PROMPT, at, c * vector)
        chances = logits.softmax(-1)
        assert found.metric[i] == pytest.approx(float(logits[7] - logits[11]), abs=2e-5)
        assert found.target[i] == pytest.approx(float(chances[7]), abs=1e-6)
        assert found.foil[i] == pytest.approx(float(chances[11]), abs=1e-6)
    assert found.begun == pytest.approx(float(found.metric[2]), abs=1e-6)
    assert abs(found.metric[3] - found.metric[2]) > 1e-4


def test_a_sweep_goes_on_top_of_what_is_done_already_and_over_several_prompts() -> None:
    m = tiny.model("gpt2")
    done = [cb.Zero("L0H1"), cb.Scale("L1.mlp", 0.5)]
    vector = np.linspace(-1, 1, 32)
    prompts = [PROMPT, tiny.prompt(6, 4)]
    found = cb.steering_sweep(
        m, prompts, "L1.resid_post@-1", vector, [1.0, -3.0], target="t7", interventions=done
    )
    for i, c in enumerate((1.0, -3.0)):
        each = [
            cb.run(m, p, [*done, cb.Add("L1.resid_post@-1", vector, c)], target="t7")
            for p in prompts
        ]
        assert found.metric[i] == pytest.approx(np.mean([r.metric for r in each]), abs=1e-5)
        ends = [torch.tensor(r.logits[0, -1]).softmax(-1)[7] for r in each]
        assert found.target[i] == pytest.approx(np.mean(ends), abs=1e-6)
    assert np.isnan(found.foil).all()


@pytest.mark.parametrize("name", ALL)
def test_a_contrast_is_the_difference_of_two_residuals(name: str) -> None:
    m = tiny.model(name)
    mine, theirs = (cached(m, p)["blocks.1.hook_resid_post"][0] for p in (PROMPT, OTHER))
    last = cb.contrast_direction(m, PROMPT, OTHER, "L1.resid_post")
    np.testing.assert_allclose(last, (mine[-1] - theirs[-1]).numpy(), atol=2e-5)
    spread = cb.contrast_direction(m, PROMPT, OTHER, "L1.resid_post@2:5", unit=True)
    raw = (mine[2:5] - theirs[2:5]).mean(0).numpy()
    np.testing.assert_allclose(spread, unit(raw), atol=2e-5)


def test_a_difference_of_means_takes_sides_of_any_size_and_length() -> None:
    m = tiny.model("llama")
    many, few = [tiny.prompt(5 + i, i) for i in range(3)], [tiny.prompt(7, 9), tiny.prompt(4, 8)]
    ends = [
        torch.stack([cached(m, p)["blocks.0.hook_resid_post"][0, -1] for p in side]).mean(0)
        for side in (many, few)
    ]
    found = cb.contrast_direction(m, many, few, "L0.resid_post@-1")
    np.testing.assert_allclose(found, (ends[0] - ends[1]).numpy(), atol=2e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox", "attn_only"])
def test_what_a_head_writes_is_its_z_through_its_output_weights(name: str) -> None:
    m = tiny.model(name)
    z = cached(m, PROMPT)["blocks.1.attn.hook_z"]
    z = z.reshape(z.shape[1], m.facts.n_heads, -1)
    expected = (z[4, 1] @ m.output_weights(1)[1]).detach().numpy()
    found = cb.output_direction(cb.run(m, PROMPT), "L1H1@4")
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "attn_only"])
def test_parts_that_write_sum_to_the_stream(name: str) -> None:
    """Heads and the rest of attention add up to it, so no norm after attention is left out."""
    m = tiny.model(name)
    result = cb.run(m, PROMPT)
    whole = cb.output_direction(result, "L1.attn@-1")
    heads = sum(cb.output_direction(result, f"L1H{h}@-1") for h in range(m.facts.n_heads))
    bias = 0.0
    if name == "gpt2" or name == "attn_only":
        bias = m.bridge.blocks[1].attn.b_O.detach().numpy()
    np.testing.assert_allclose(heads + bias, whole, atol=5e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
def test_a_heads_weights_write_along_the_singular_vectors_of_its_ov(name: str) -> None:
    m = tiny.model(name)
    ov = cb.svd(m, "L1H2.ov", 3)
    for rank in range(3):
        found = cb.write_direction(m, "L1H2", rank=rank)
        assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(found, ov.right[:, rank].numpy(), atol=1e-6)
        # What any input writes lies in the span of the rows of W_O (as the next norm reads it).
        rows = m.output_weights(1)[2].detach().double()
        if m.facts.norm == "LN":
            rows = rows - rows.mean(-1, keepdim=True)
        inside = torch.linalg.lstsq(rows.T, torch.tensor(found).double()[:, None]).solution
        np.testing.assert_allclose((rows.T @ inside)[:, 0].numpy(), found, atol=1e-5)


@pytest.mark.parametrize("name", WITH_MLP)
def test_a_neuron_writes_its_row(name: str) -> None:
    """A unit more of activation moves the MLP's output by the direction (norm after it aside)."""
    m = tiny.model(name)
    row = mlp_weights(m, 1).w_out[5].detach().float()
    found = cb.write_direction(m, "L1.mlp.n5")
    if name != "gemma2":
        np.testing.assert_allclose(found, row.numpy(), atol=1e-6)
        moved = cb.run(m, PROMPT, cb.Add("L1.mlp.n5@-1", 1.0))["L1.mlp@-1"]
        before = cb.run(m, PROMPT)["L1.mlp@-1"]
        np.testing.assert_allclose((moved - before)[0, 0], found, atol=2e-5)
    else:
        gain = m.post_gain(1, "ln2_post")
        np.testing.assert_allclose(found, (row * gain).numpy(), atol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_a_tokens_direction_is_the_gradient_of_its_logit_at_a_fixed_scale(name: str) -> None:
    m = tiny.model(name)
    last = f"L{m.facts.n_layers - 1}.resid_post@-1"
    stream = torch.tensor(cb.run(m, PROMPT)[last][0, 0])
    raw = cb.token_direction(m, "t7", "t11", fold=False)
    rows = m.unembed_rows([7, 11])
    np.testing.assert_allclose(raw, (rows[0] - rows[1]).numpy(), atol=1e-6)
    inner = stream - stream.mean(-1, keepdim=True) if m.facts.norm == "LN" else stream
    scale = 1.0
    if m.has_part("ln_final.scale"):
        scale = float((inner.pow(2).mean() + m.final_eps()).sqrt())
    added = 1e-2 * torch.randn(m.facts.d_model, generator=torch.Generator().manual_seed(5))
    centred = added - added.mean() if m.facts.norm == "LN" and m.has_part("ln_final") else added
    gain = m.final_gain()
    by_hand = (centred if gain is None else centred * gain) @ (rows[0] - rows[1]) / scale
    found = torch.tensor(cb.token_direction(m, "t7", "t11")) @ added / scale
    assert float(found) == pytest.approx(float(by_hand), abs=1e-6)


def test_what_cannot_be_says_what_to_do() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(InterventionError, match="do not differ"):
        cb.contrast_direction(m, PROMPT, PROMPT, "L1.resid_post@-1")
    with pytest.raises(InterventionError, match="8 numbers"):
        cb.contrast_direction(m, PROMPT, OTHER, "L1H0.z@-1")
    with pytest.raises(AddressError, match="no token"):
        cb.contrast_direction(m, PROMPT, OTHER, "L1.resid_post@30")
    with pytest.raises(AddressError, match="no head and no neuron"):
        cb.write_direction(m, "L1.mlp")
    with pytest.raises(AddressError, match="0 to 7"):
        cb.write_direction(m, "L1H2", rank=8)
    with pytest.raises(InterventionError, match="same token"):
        cb.token_direction(m, "t7", "t7")
    with pytest.raises(TargetError):
        cb.steering_sweep(m, PROMPT, "L1.resid_post", np.ones(32), [1.0], target="")
    with pytest.raises(InterventionError, match="does not fit"):
        cb.steering_sweep(m, PROMPT, "L1H0.z", np.ones(32), [1.0], target="t7")


def test_the_reach_makes_the_vector_as_long_as_the_stream() -> None:
    assert reach_of(np.array([3.0, 18.0, 19.0], np.float32), 1.0) == 20
    assert reach_of(np.array([18.0], np.float32), 2.2) == 10
    assert reach_of(np.array([1.0], np.float32), 100.0) == 0.01
    assert reach_of(np.array([0.0], np.float32), 1.0) == 1
