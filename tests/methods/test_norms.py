"""Norms: their parts against formulae, and what passes through a scale against plain runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.engine.engine import Engine
from circuitboard.methods import norms
from circuitboard.models.norms import gain
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError
from circuitboard.spec.intervention import InterventionSet

PROMPT = tiny.prompt()
NORMED = [name for name in tiny.ARCHITECTURES if name != "attn_only"]
PLACES = ["L1.ln1.scale", "L1.ln2.scale", "ln_final.scale"]
ASKED = {"target": "t7", "foil": "t11"}


def metric(m: cb.Model, items: list[object]) -> float:
    return cb.run(m, PROMPT, items, **ASKED).metric  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "neox", "native"])
@pytest.mark.parametrize("place", PLACES)
def test_what_passes_through_the_scale_is_exact(name: str, place: str) -> None:
    m = tiny.model(name)
    found = cb.scale_effects(m, PROMPT, place, **ASKED)
    base = metric(m, [])
    for i, part in enumerate(found.parts):
        live = metric(m, [cb.Zero(part)]) - base
        frozen = metric(m, [cb.Freeze(place), cb.Zero(part)]) - base
        assert found.live[i] == pytest.approx(live, abs=2e-5)
        assert found.frozen[i] == pytest.approx(frozen, abs=2e-5)
    np.testing.assert_allclose(found.through, found.live - found.frozen)
    assert np.abs(found.through).max() > 1e-5


@pytest.mark.parametrize("place", PLACES)
def test_on_top_of_what_is_done_the_scale_is_held_where_it_is(place: str) -> None:
    m = tiny.model("gpt2")
    done = [cb.Scale("L0H1", 0.2), cb.Zero("L0.mlp@-1")]
    found = cb.scale_effects(m, PROMPT, place, **ASKED, interventions=done)
    begun = metric(m, done)
    hold = cb.Freeze(place, cb.run(m, PROMPT, done))
    assert metric(m, [*done, hold]) == pytest.approx(begun, abs=1e-5)
    for i, part in enumerate(found.parts):
        live = metric(m, [*done, cb.Zero(part)]) - begun
        frozen = metric(m, [*done, hold, cb.Zero(part)]) - begun
        assert found.live[i] == pytest.approx(live, abs=2e-5)
        assert found.frozen[i] == pytest.approx(frozen, abs=2e-5)


def test_nothing_passes_through_a_scale_that_is_frozen() -> None:
    m = tiny.model("llama")
    held = [cb.Freeze("L1.ln1.scale")]
    found = cb.scale_effects(m, PROMPT, "L1.ln1", **ASKED, interventions=held)
    np.testing.assert_allclose(found.through, 0, atol=2e-5)


def test_upstream_is_what_writes_before() -> None:
    m = tiny.model("gpt2")
    heads = [f"L0H{h}" for h in range(4)]
    first = ["embed", "pos_embed", *heads, "L0.mlp"]
    assert norms.upstream(m, Address.parse("L1.ln1.scale")) == first
    second = [*first, *(f"L1H{h}" for h in range(4))]
    assert norms.upstream(m, Address.parse("L1.ln2.scale")) == second
    parallel = norms.upstream(tiny.model("neox"), Address.parse("L1.ln2.scale"))
    assert parallel == ["embed", *heads, "L0.mlp"]
    last = norms.upstream(m, Address.parse("ln_final.scale"))
    assert last[-1] == "L2.mlp"


@pytest.mark.parametrize("name", NORMED)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("done", [[], [cb.Zero("L0H0"), cb.Scale("L1.mlp", 3.0)]])
def test_values_are_the_models_own(name: str, place: str, done: list[cb.Zero]) -> None:
    m = tiny.model(name)
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    run, _ = engine.run(tokens, lengths, InterventionSet.of(done))
    found = norms.norm_values(engine, run, Address.parse(place))
    result = cb.run(m, PROMPT, done)
    np.testing.assert_allclose(found.scale, result[place][0], rtol=1e-4)
    after = np.linalg.norm(result[place.removesuffix(".scale")][0], axis=-1)
    np.testing.assert_allclose(found.after, after, rtol=1e-4)
    x = found.stream.numpy()
    np.testing.assert_allclose(found.mean, x.mean(-1), atol=1e-6)
    np.testing.assert_allclose(found.before, np.linalg.norm(x, axis=-1), rtol=1e-5)
    inner = x - x.mean(-1, keepdims=True) if m.facts.norm == "LN" else x
    np.testing.assert_allclose(found.scale, np.sqrt((inner**2).mean(-1)), atol=4e-3)


def test_a_frozen_final_scale_is_read_as_it_is() -> None:
    m = tiny.model("gpt2")
    engine = Engine(m)
    done = InterventionSet.of([cb.Freeze("ln_final.scale"), cb.Zero("L2.mlp")])
    run, _ = engine.run(*engine.encode(PROMPT), done)
    found = norms.norm_values(engine, run, Address.parse("ln_final.scale"))
    np.testing.assert_allclose(found.scale, cb.run(m, PROMPT)["ln_final.scale"][0], rtol=1e-5)


def test_outliers_stand_out() -> None:
    stream = torch.full((3, 6), 0.5)
    stream[1, 4], stream[2, 2] = -9.0, 3.0
    zeros = np.zeros(3, np.float32)
    values = norms.NormValues(stream, zeros, zeros, zeros, zeros)
    empty = replace(values, stream=torch.zeros(3, 6))
    dims, [(relative, share), (nothing, _)] = norms.outliers([values, empty], k=2)
    assert not nothing.any()
    assert dims == [4, 2]
    rms = np.sqrt((5 * 0.25 + 81) / 6)
    assert relative[0, 1] == pytest.approx(-9 / rms)
    assert share[0, 1] == pytest.approx(81 / (81 + 5 * 0.25))
    assert share[1, 2] == pytest.approx(9 / (9 + 5 * 0.25))


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
@pytest.mark.parametrize("place", PLACES)
def test_amplified_directions(name: str, place: str) -> None:
    m = tiny.model(name)
    engine = Engine(m)
    run, _ = engine.run(*engine.encode(PROMPT), InterventionSet())
    norm = Address.parse(place)
    position = 4
    found = norms.amplified(m, norm, norms.writes(engine, run, norm, position))
    result = cb.run(m, PROMPT)
    factors = gain(m, norm).numpy()
    for ratio, part in zip(found, norms.upstream(m, norm), strict=True):
        written = result[part][0, position]
        after = m.post_gain(int(part[1]), "ln1_post") if "H" in part else None
        written = written if after is None else written * after.numpy()
        inner = written - written.mean() if m.facts.norm == "LN" else written
        expected = np.linalg.norm(inner * factors) / np.linalg.norm(inner)
        assert float(ratio) == pytest.approx(expected, rel=1e-4)
    even = torch.ones(m.facts.d_model) * torch.tensor([1.0, -1.0]).repeat(m.facts.d_model // 2)
    spread = float(norms.amplified(m, norm, even[None])[0])
    assert spread == pytest.approx(float(np.sqrt((factors**2).mean())), rel=1e-5)


def test_addresses_of_norms() -> None:
    m = tiny.model("gpt2")
    wanted = Address.parse("L1.ln2.scale")
    assert norms.norm_of(m, "L1.ln2") == norms.norm_of(m, "L1.ln2.scale@3") == wanted
    assert norms.entering(m, wanted) == Address("resid_mid", 1)
    assert norms.entering(m, replace(wanted, part="ln1.scale")) == Address("resid_pre", 1)
    with pytest.raises(AddressError, match="not a norm"):
        norms.norm_of(m, "L1H2")
    with pytest.raises(AddressError, match="has no"):
        norms.norm_of(tiny.model("attn_only"), "L0.ln1.scale")
