"""What a head writes, split by source and spread over the vocabulary."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.engine.run import run
from circuitboard.methods.direct_logit_attribution import attribute
from circuitboard.methods.head_output import (
    head_attribution,
    head_output,
    vocabulary_effect,
    written,
)
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, TargetError
from circuitboard.spec.intervention import Freeze, Scale, Set, Zero

PROMPT = tiny.prompt()
HEADS = ("L0H0", "L1H1")


def result(name: str, *items: object) -> cb.RunResult:
    return run(tiny.model(name), PROMPT, items, target="t7", foil="t11")


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
@pytest.mark.parametrize("head", HEADS)
def test_sources_sum_to_the_heads_attribution(name: str, head: str) -> None:
    found = result(name)
    split = head_attribution(found, head)
    address = Address.parse(head)
    assert found.metric_kind is not None
    whole = attribute(found.engine, found.held, found.metric_kind)
    expected = whole.heads[address.layer or 0, address.head or 0]
    assert split.total[-1] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    np.testing.assert_allclose(split.cells.sum(1), split.total, rtol=1e-4, atol=1e-5)
    assert not split.rest.any()
    assert not np.triu(split.cells, 1).any()


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
@pytest.mark.parametrize("head", HEADS)
def test_the_vocabulary_agrees_with_the_attribution_at_every_position(name: str, head: str) -> None:
    found = result(name)
    effect = vocabulary_effect(found.engine, found.held, Address.parse(head), slice(None))
    total = head_attribution(found, head).total
    np.testing.assert_allclose((effect[:, 7] - effect[:, 11]).numpy(), total, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "qwen2", "neox", "opt", "native"])
def test_the_vocabulary_is_what_cutting_the_direct_path_takes_away(name: str) -> None:
    """With the final norm's scale held, cutting the edge to the logits changes nothing else."""
    m = tiny.model(name)
    held = Freeze("ln_final.scale")
    cut = run(m, PROMPT, [held, Zero("L1H1->logits")]).logits[0]
    whole = run(m, PROMPT, [held]).logits[0]
    found = result(name)
    effect = vocabulary_effect(found.engine, found.held, Address.parse("L1H1"), slice(None))
    np.testing.assert_allclose(effect.numpy(), whole - cut, rtol=1e-3, atol=2e-4)


@torch.no_grad()
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_every_cell_is_attention_times_value_times_direction(name: str) -> None:
    """Written out, from the library's own cache and weights."""
    m = tiny.model(name)
    found = result(name)
    tokens = torch.tensor(found.tokens)
    _, cache = m.bridge.run_with_cache(tokens)
    layer, head = 1, 3
    pattern = cache[f"blocks.{layer}.attn.hook_pattern"][0, head]
    values = cache[f"blocks.{layer}.attn.hook_v"][0]
    values = values[:, head * values.shape[1] // m.facts.n_heads]
    stream = cache[f"blocks.{m.facts.n_layers - 1}.hook_resid_post"][0]
    unembed = m.bridge.W_U[:, 7] - m.bridge.W_U[:, 11]
    gain = m.bridge.ln_final.weight
    out_weights = m.output_weights(layer)[head]
    cells = head_attribution(found, f"L{layer}H{head}").cells
    for d in range(tokens.shape[1]):
        x = stream[d] - stream[d].mean() if m.facts.norm == "LN" else stream[d]
        scale = (x.pow(2).mean() + m.final_eps()).sqrt()
        for s in range(d + 1):
            moved = pattern[d, s] * (values[s] @ out_weights)
            if m.facts.norm == "LN":
                moved = moved - moved.mean()
            expected = float((moved / scale * gain) @ unembed)
            assert cells[d, s] == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_an_ablated_head_has_no_shares_and_a_scaled_one_has_them_scaled() -> None:
    plain = head_attribution(result("gpt2"), "L2H1")
    none = head_attribution(result("gpt2", Zero("L2H1")), "L2H1")
    assert not none.cells.any()
    assert not none.total.any()
    doubled = result("gpt2", Scale("L2H1", 2.0), Freeze("ln_final.scale"))
    twice = head_attribution(doubled, "L2H1")
    np.testing.assert_allclose(twice.cells, 2 * plain.cells, rtol=1e-3, atol=1e-5)
    assert not twice.rest.any()


def test_what_no_source_gave_is_said_to_be_the_rest() -> None:
    found = head_attribution(result("gpt2", Set("L2H1.z", 0.3)), "L2H1")
    assert np.abs(found.rest).min() > 1e-6
    np.testing.assert_allclose(found.cells.sum(1) + found.rest, found.total, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["gemma2", "gemma3"])
def test_heads_add_up_to_the_attention_output_after_its_norm(name: str) -> None:
    found = result(name)
    heads = range(tiny.model(name).facts.n_heads)
    parts = [written(found.engine, found.held, Address("head", 1, head=h)) for h in heads]
    np.testing.assert_allclose(sum(parts).numpy(), found["L1.attn"][0], rtol=1e-3, atol=1e-4)


def test_top_tokens_are_in_order_and_their_effects_are_exact() -> None:
    found = result("gpt2")
    effect = vocabulary_effect(found.engine, found.held, Address.parse("L1H2"), slice(4, 5))[0]
    out = head_output(found, "L1H2", position=4, k=5)
    assert [t.id for t in out.promoted] == effect.topk(5).indices.tolist()
    assert [t.id for t in out.suppressed] == (-effect).topk(5).indices.tolist()
    assert out.promoted[0].text == f"t{out.promoted[0].id}"
    assert out.promoted[0].effect == pytest.approx(float(effect.max()))
    assert cb.head_output is head_output


def test_what_is_not_there_is_refused() -> None:
    found = result("gpt2")
    with pytest.raises(AddressError):
        head_output(found, "L9H0")
    with pytest.raises(AddressError):
        head_output(found, "L1.mlp")
    with pytest.raises(AddressError):
        head_output(found, "L1H0", position=99)
    with pytest.raises(TargetError):
        head_attribution(run(tiny.model("gpt2"), PROMPT), "L1H0")


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_each_prompt_has_its_own_target_and_foil(name: str) -> None:
    m, prompts = tiny.model(name), [tiny.prompt(7, 1), tiny.prompt(5, 2)]
    pairs = [("t7", "t11"), ("t3", "t9")]
    targets, foils = zip(*pairs, strict=True)
    both = run(m, prompts, target=targets, foil=foils)
    for i, (text, (target, foil)) in enumerate(zip(prompts, pairs, strict=True)):
        alone = head_attribution(run(m, text, target=target, foil=foil), "L1H1")
        for found in (head_attribution(both, "L1H1", prompt=i),
                      head_attribution(both, "L1H1", prompt=i - 2)):  # fmt: skip
            assert found.cells.shape == alone.cells.shape
            np.testing.assert_allclose(found.cells, alone.cells, rtol=1e-3, atol=1e-5)
            np.testing.assert_allclose(found.total, alone.total, rtol=1e-3, atol=1e-5)
    with pytest.raises(AddressError, match="no prompt 2"):
        head_attribution(both, "L1H1", prompt=2)


def test_a_set_of_targets_is_read_by_its_mean() -> None:
    m = tiny.model("gpt2")
    both = run(m, [PROMPT], target=[["t7", "t3"]], foil=[["t11"]])
    ones = [run(m, PROMPT, target=target, foil="t11") for target in ("t7", "t3")]
    mean = np.mean([head_attribution(one, "L1H2").cells for one in ones], 0)
    np.testing.assert_allclose(head_attribution(both, "L1H2").cells, mean, rtol=1e-3, atol=1e-5)
