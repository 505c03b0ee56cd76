"""Residuals taken apart: exact sums everywhere, and each part as TransformerLens has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tiny
from circuitboard.engine.run import run
from circuitboard.methods.decomposition import decompose
from circuitboard.methods.direct_logit_attribution import attribute
from circuitboard.methods.waterfall import waterfall
from circuitboard.spec import tensors
from circuitboard.spec.errors import AddressError, InterventionError, TargetError
from circuitboard.spec.intervention import Add, Patch, Scale, Set, Zero
from circuitboard.spec.metric import Metric

PROMPT = tiny.prompt()
SOME = [
    Zero("L1H1"),
    Scale("L0.resid_post", 1.3),
    Add("L1H0@-1", 0.5),
    Scale("L1.resid_pre@3", 0.7),
    Set("L0H1", 0.2),
]


def places(name: str) -> list[str]:
    found = ["L0.resid_pre", "L1.resid_pre", "L1.resid_post"]
    return found + (["L1.resid_mid"] if tiny.model(name).has_part("resid_mid") else [])


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
@pytest.mark.parametrize("done", [[], SOME], ids=["baseline", "changed"])
def test_the_parts_sum_to_the_residual(name: str, done: list[Any]) -> None:
    m = tiny.model(name)
    result = run(m, PROMPT, done, target="t7", foil="t11")
    for place in places(name):
        for position in (0, 3, -1):
            found = decompose(result, f"{place}@{position}", "self")
            own = result[f"{place}@{position}"][0, 0]
            np.testing.assert_allclose(found.residual, own, atol=1e-5)
            length = np.linalg.norm(own)
            assert found.error <= 1e-5 * max(1.0, length)
            np.testing.assert_allclose(found.vectors.sum(0), own, atol=1e-4)
            if length > 0:
                assert found.projections.sum() == pytest.approx(1, abs=1e-4)
                assert found.total == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["gpt2", "llama", "qwen2", "neox", "opt", "native", "attn_only"])
def test_each_part_is_what_transformerlens_caches(name: str) -> None:
    m = tiny.model(name)
    result = run(m, PROMPT)
    _, cache = m.bridge.run_with_cache(torch.tensor(result.tokens))
    for position in (2, -1):
        found = decompose(result, f"L1.resid_post@{position}", "self")
        vectors = dict(zip([(p.kind, p.at) for p in found.parts], found.vectors, strict=True))
        embedded = cache["hook_embed"][0, position].numpy()
        np.testing.assert_allclose(vectors["embed", "embed"], embedded, atol=1e-5)
        for head in range(m.facts.n_heads):
            weights = m.bridge.blocks[1].attn.W_O[head].detach()
            z = cache["blocks.1.attn.hook_z"][0, position, head]
            np.testing.assert_allclose(vectors["head", f"L1H{head}"], z @ weights, atol=1e-5)
        if m.has_part("mlp"):
            mlp = cache["blocks.1.hook_mlp_out"].reshape(1, -1, m.facts.d_model)[0, position]
            np.testing.assert_allclose(vectors["mlp", "L1.mlp"], mlp, atol=1e-5)


def test_a_gemma_head_is_counted_behind_the_norm_after_attention() -> None:
    m = tiny.model("gemma2")
    result = run(m, PROMPT)
    found = decompose(result, "L0.resid_mid@4", "self")
    heads = [v for p, v in zip(found.parts, found.vectors, strict=True) if p.kind == "head"]
    np.testing.assert_allclose(np.sum(heads, 0), result["L0.attn@4"][0, 0], atol=1e-5)


def test_directions_are_what_they_say() -> None:
    m = tiny.model("gpt2")
    result = run(m, PROMPT, target="t7", foil="t11")
    at = "L2.resid_post@4"
    heads = {p.at: i for i, p in enumerate(decompose(result, at).parts) if p.kind == "head"}
    output = decompose(result, at, "output:L1H2")
    own = output.vectors[heads["L1H2"]]
    np.testing.assert_allclose(
        output.projections, output.vectors @ (own / np.linalg.norm(own)), atol=1e-5
    )
    write = decompose(result, at, "write:L1H2")
    top = torch.linalg.svd(m.bridge.blocks[1].attn.W_O[2].detach()).Vh[0].numpy()
    assert write.projections[heads["L1H2"]] > 0
    np.testing.assert_allclose(np.abs(write.projections), np.abs(write.vectors @ top), atol=1e-5)
    vector = np.arange(32, dtype=np.float32) - 7
    given = decompose(result, at, vector)
    np.testing.assert_allclose(
        given.projections, given.vectors @ vector / np.linalg.norm(vector), atol=1e-5
    )
    named = decompose(result, at, "vector:mine", vectors={"mine": tensors.register(vector)})
    np.testing.assert_array_equal(named.projections, given.projections)
    cosines = given.vectors @ given.residual
    cosines /= np.linalg.norm(given.vectors, axis=-1) * np.linalg.norm(given.residual)
    np.testing.assert_allclose(given.cosines, cosines, atol=1e-5)
    np.testing.assert_allclose(given.norms, np.linalg.norm(given.vectors, axis=-1), rtol=1e-5)


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_along_the_metric_the_end_of_the_stream_is_the_logit_difference(name: str) -> None:
    m = tiny.model(name)
    result = run(m, PROMPT, SOME, target="t7", foil="t11")
    last = m.facts.n_layers - 1
    cap = m.facts.softcap
    for position in (3, -1):
        found = decompose(result, f"L{last}.resid_post@{position}")
        logits = result.logits[0, position]
        target, foil = (np.arctanh(logits[i] / cap) * cap if cap else logits[i] for i in (7, 11))
        if cap and max(abs(logits[7]), abs(logits[11])) > 0.99 * cap:
            continue
        assert found.projections.sum() + found.constant == pytest.approx(target - foil, abs=1e-3)
        assert found.total + found.constant == pytest.approx(target - foil, abs=1e-3)


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
@pytest.mark.parametrize("foil", ["t11", None])
def test_the_waterfall_ends_at_the_metric(name: str, foil: str | None) -> None:
    m = tiny.model(name)
    for done in ([], SOME, [Patch("L0H1->logits", tiny.prompt(seed=2))]):
        result = run(m, PROMPT, done, target="t7", foil=foil)
        found = waterfall(result)
        assert found.reached == pytest.approx(result.metric, abs=1e-5)
        assert found.error == pytest.approx(0, abs=1e-4)
        assert found.total == pytest.approx(result.metric, abs=1e-4)
        kinds = [step.kind for step in found.steps]
        assert ("cap" in kinds) == (m.facts.softcap is not None)
        assert ("softmax" in kinds) == (foil is None)
        assert ("edges" in kinds) == (len(done) == 1)


def test_each_prompt_has_the_waterfall_of_its_own_target() -> None:
    m, prompts = tiny.model("gpt2"), [tiny.prompt(), tiny.prompt(7, 3)]
    both = run(m, prompts, target=["t7", "t9"], foil=["t11", "t13"])
    alone = run(m, prompts[1], target="t9", foil="t13")
    found, expected = waterfall(both, prompt=1), waterfall(alone)
    assert [s.value for s in found.steps] == pytest.approx(
        [s.value for s in expected.steps], abs=1e-5
    )
    assert sum(s.value for s in found.steps) == pytest.approx(float(both.metrics[1]), abs=1e-4)


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_the_waterfall_agrees_with_direct_logit_attribution(name: str) -> None:
    m = tiny.model(name)
    result = run(m, PROMPT, Zero("L1H1"), target="t7", foil="t11")
    steps = {(s.kind, s.at): s.value for s in waterfall(result).steps}
    plain = attribute(result.engine, result.held, Metric("logit difference", 7, 11))
    for layer in range(m.facts.n_layers):
        for head in range(m.facts.n_heads):
            own = steps["head", f"L{layer}H{head}"]
            assert own == pytest.approx(float(plain.heads[layer, head]), abs=1e-4)
        if m.has_part("mlp"):
            own = steps["mlp", f"L{layer}.mlp"]
            assert own == pytest.approx(float(plain.mlps[layer]), abs=1e-4)
    start = steps["embed", "embed"] + steps.get(("pos_embed", "pos_embed"), 0.0)
    both = plain.embed + float(np.nan_to_num(plain.pos_embed))
    assert start == pytest.approx(both, abs=1e-4)
    assert steps["constant", "logits"] == pytest.approx(plain.constant, abs=1e-4)
    assert steps["head", "L1H1"] == 0


def test_a_waterfall_by_hand_from_cached_values() -> None:
    m = tiny.model("gpt2")
    result = run(m, PROMPT, target="t7", foil="t11")
    _, cache = m.bridge.run_with_cache(torch.tensor(result.tokens))
    model = m.bridge.original_model
    gain = model.transformer.ln_f.weight.detach()
    along = (model.lm_head.weight[7] - model.lm_head.weight[11]).detach() * gain
    scale = cache["ln_final.hook_scale"][0, -1, 0]
    found = {(s.kind, s.at): s.value for s in waterfall(result).steps}
    for layer in range(m.facts.n_layers):
        out = cache[f"blocks.{layer}.hook_mlp_out"][0, -1]
        expected = float((out - out.mean()) @ along / scale)
        assert found["mlp", f"L{layer}.mlp"] == pytest.approx(expected, abs=1e-5)


def test_what_cannot_be_taken_apart_says_why() -> None:
    m = tiny.model("gpt2")
    result = run(m, PROMPT)
    with pytest.raises(AddressError, match="not on the residual stream"):
        decompose(result, "L1H1")
    with pytest.raises(AddressError, match="2 positions"):
        decompose(result, "L1.resid_post@2:4")
    with pytest.raises(TargetError):
        decompose(result, "L1.resid_post")
    with pytest.raises(TargetError):
        waterfall(result)
    with pytest.raises(InterventionError, match="no direction"):
        decompose(result, "L1.resid_post", "up")
    with pytest.raises(InterventionError, match="3 numbers"):
        decompose(result, "L1.resid_post", [1.0, 2.0, 3.0])
    with pytest.raises(AddressError):
        decompose(result, "L1.resid_post", "write:L9H9")


@pytest.mark.parametrize("name", ["gpt2", "llama", "attn_only"])
def test_each_prompt_is_projected_on_its_own_target_and_foil(name: str) -> None:
    m, prompts = tiny.model(name), [tiny.prompt(7, 1), tiny.prompt(5, 2)]
    pairs = [("t7", "t11"), ("t3", "t9")]
    targets, foils = zip(*pairs, strict=True)
    both = run(m, prompts, target=targets, foil=foils)
    for i, (text, (target, foil)) in enumerate(zip(prompts, pairs, strict=True)):
        alone = decompose(run(m, text, target=target, foil=foil), "L1.resid_post")
        found = decompose(both, "L1.resid_post", prompt=i)
        np.testing.assert_allclose(found.projections, alone.projections, rtol=1e-3, atol=1e-5)
        assert found.total == pytest.approx(alone.total, abs=1e-4)
        assert found.constant == pytest.approx(alone.constant, abs=1e-6)
        if m.facts.n_layers == 2:  # then it is the whole metric
            assert found.total + found.constant == pytest.approx(both.metrics[i], abs=1e-4)


def test_a_set_of_answers_is_projected_on_by_its_mean() -> None:
    m = tiny.model("gpt2")
    both = run(m, [PROMPT], target=[["t7", "t3"]], foil=[["t11", "t9", "t2"]])
    found = decompose(both, f"L{m.facts.n_layers - 1}.resid_post")
    assert found.total + found.constant == pytest.approx(both.metrics[0], abs=1e-4)
