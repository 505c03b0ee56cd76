"""Measures of parts (norms, shares, gradients, entropies) against the run's own values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import tiny
from circuitboard.engine.engine import Engine
from circuitboard.engine.metric import evaluate
from circuitboard.engine.run import run
from circuitboard.methods.direct_logit_attribution import attribute
from circuitboard.methods.gradient_attribution import gradient_attribution
from circuitboard.methods.part_norms import norm_scales, part_norms
from circuitboard.methods.pattern_entropy import layer_entropies, pattern_entropy
from circuitboard.spec.address import Address
from circuitboard.spec.intervention import (
    Add,
    AnyIntervention,
    Freeze,
    InterventionSet,
    Scale,
    Set,
    Zero,
)
from circuitboard.spec.metric import Metric

PROMPT = tiny.prompt()
METRIC = Metric("logit difference", 7, 11)
STACKS: tuple[list[AnyIntervention], ...] = (
    [],
    [Zero("L1H1"), Scale("L0.attn", 0.5), Freeze("L1H0.pattern")],
)


def held(name: str, stack: list[AnyIntervention]):
    engine = Engine(tiny.model(name))
    tokens, lengths = engine.encode(PROMPT)
    return engine, engine.run(tokens, lengths, InterventionSet.of(stack))[0]


def last(engine: Engine, made, place: str) -> np.ndarray:
    value = engine.read(made, [Address.parse(place)])[place]
    return value[0, -1].float().numpy()


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_norms_are_lengths_of_what_is_written(name: str) -> None:
    for stack in STACKS:
        engine, made = held(name, stack)
        model, found = engine.model, part_norms(engine, made)
        l1 = np.linalg.norm
        for layer in range(model.facts.n_layers):
            assert found.attn[layer] == pytest.approx(
                l1(last(engine, made, f"L{layer}.attn")), rel=1e-4
            )
            if model.has_part("mlp"):
                assert found.mlps[layer] == pytest.approx(
                    l1(last(engine, made, f"L{layer}.mlp")), rel=1e-4
                )
            before = l1(last(engine, made, f"L{layer}.resid_pre"))
            assert found.stream[2 * layer] == pytest.approx(before, rel=1e-4)
            if model.has_part("resid_mid") and not model.facts.parallel:
                middle = l1(last(engine, made, f"L{layer}.resid_mid"))
                assert found.stream[2 * layer + 1] == pytest.approx(middle, rel=1e-4)
                shares = found.shares(model.facts.parallel)
                if model.has_part("mlp"):
                    assert shares.mlps[layer] == pytest.approx(found.mlps[layer] / middle, rel=1e-4)
            if not model.has_point(f"blocks.{layer}.ln1_post.hook_scale"):
                own = l1(last(engine, made, f"L{layer}H1"))
                assert found.heads[layer, 1] == pytest.approx(own, rel=1e-4, abs=1e-6)
        assert found.embed == pytest.approx(l1(last(engine, made, "embed")), rel=1e-4)
        assert math.isnan(found.pos_embed) != model.has_part("pos_embed")


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_scales_are_what_the_norms_divide_by(name: str) -> None:
    for stack in (
        [],
        [Scale("L1.ln1.scale", 1.5)] if tiny.model(name).has_part("ln1.scale") else [],
    ):
        engine, made = held(name, stack)
        model, found = engine.model, norm_scales(engine, made)
        places = [f"L{i}.{n}.scale" for i in range(model.facts.n_layers) for n in ("ln1", "ln2")]
        for place, value in zip([*places, "ln_final.scale"], found, strict=True):
            if model.has(Address.parse(place)):
                assert value == pytest.approx(float(last(engine, made, place)), rel=1e-4), place
            else:
                assert math.isnan(value), place


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_the_embedding_is_split_and_the_sum_stays(name: str) -> None:
    engine, made = held(name, [Scale("pos_embed", 2.0)] if name == "gpt2" else [])
    found = attribute(engine, made, METRIC)
    model = engine.model
    logits = engine.last_logits(made)[0].double()
    if model.facts.softcap:
        logits = torch.atanh(logits / model.facts.softcap) * model.facts.softcap
    wanted = float(logits[7] - logits[11])
    assert found.total == pytest.approx(wanted, abs=2e-3 * max(1.0, abs(wanted)))
    assert math.isnan(found.pos_embed) != model.has_part("pos_embed")
    if name == "gpt2":  # by hand: centre, divide, gain, unembed
        scale = float(norm_scales(engine, made)[-1])
        gain, rows = model.final_gain(), model.unembed_rows([7, 11])
        for place, value in (("embed", found.embed), ("pos_embed", found.pos_embed)):
            vector = torch.tensor(last(engine, made, place))
            direct = ((vector - vector.mean()) / scale * gain) @ (rows[0] - rows[1])
            assert value == pytest.approx(float(direct), abs=1e-4)


def metric_with(engine: Engine, made, *more: AnyIntervention) -> float:
    stack = InterventionSet((*made.interventions.items, *more))
    after, _ = engine.run(made.tokens, made.lengths, stack, hold=False)
    return float(evaluate(METRIC, engine.last_logits(after).double())[0])


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_the_gradient_is_that_of_scaling_a_part(name: str) -> None:
    """The slope of the metric as a part is scaled by 1 - t, at t = 0, by central differences."""
    for stack in STACKS:
        engine, made = held(name, stack)
        model, found = engine.model, gradient_attribution(engine, made, METRIC)
        places = {"L0H0": found.heads[0, 0], "L1H1": found.heads[1, 1], "L1.attn": found.attn[1]}
        places["embed"] = found.embed
        if model.has_part("mlp"):
            places["L0.mlp"] = found.mlps[0]
        if model.has_part("pos_embed"):
            places["pos_embed"] = found.pos_embed
        step = 0.02 if name != "opt" else 0.002  # ReLUs have kinks close by
        for place, value in places.items():
            up, down = (metric_with(engine, made, Scale(place, 1 - t)) for t in (step, -step))
            slope = (up - down) / (2 * step)
            assert value == pytest.approx(slope, rel=0.03, abs=0.02), (place, stack)
        assert math.isnan(found.pos_embed) != model.has_part("pos_embed")


def test_the_gradient_of_a_head_that_is_set_is_about_what_was_set() -> None:
    engine, made = held("gpt2", [Set("L1H2", 0.3), Add("L2H0", 0.2, 1.0)])
    found = gradient_attribution(engine, made, METRIC)
    for place, value in (("L1H2", found.heads[1, 2]), ("L2H0", found.heads[2, 0])):
        up, down = (metric_with(engine, made, Scale(place, 1 - t)) for t in (0.01, -0.01))
        assert value == pytest.approx((up - down) / 0.02, rel=0.03, abs=0.01), place


def test_the_gradient_is_the_effect_where_the_metric_is_linear() -> None:
    """Without norms, the last layer's heads reach the logits along straight lines alone."""
    engine, made = held("attn_only", [])
    found = gradient_attribution(engine, made, METRIC)
    base = metric_with(engine, made)
    for head in range(engine.model.facts.n_heads):
        effect = metric_with(engine, made, Zero(f"L1H{head}")) - base
        assert found.heads[1, head] == pytest.approx(effect, abs=1e-4)
    direct = attribute(engine, made, METRIC)
    np.testing.assert_allclose(found.heads[1], -direct.heads[1], atol=1e-4)


def test_entropy_in_nats() -> None:
    rows = torch.tensor([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25]])
    wanted = [0.0, math.log(2), math.log(4)]
    assert pattern_entropy(rows).tolist() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "attn_only"])
def test_entropies_are_those_of_the_patterns_and_leave_nothing_held(name: str) -> None:
    engine, made = held(name, [Zero("L0H1")])
    found = layer_entropies(engine, made, 1)
    assert not any("pattern" in place for place in made.values)
    pattern = run(engine.model, PROMPT, Zero("L0H1"))["L1H1.pattern"][0].astype(np.float64)
    safe = np.where(pattern > 0, pattern, 1.0)
    np.testing.assert_allclose(found[1], -(pattern * np.log(safe)).sum(-1), atol=1e-5)
    assert found[:, 0] == pytest.approx(0.0, abs=1e-6)
