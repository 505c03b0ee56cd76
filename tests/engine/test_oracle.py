"""Every kind of intervention at every kind of place, against plain TransformerLens hooks."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tiny
from circuitboard.engine.engine import Engine
from circuitboard.spec.address import HOOKS, Address, Position
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.intervention import (
    AnyIntervention,
    Freeze,
    InterventionSet,
    Scale,
    Set,
    Zero,
)

PROMPT = tiny.prompt()
#: Random stacks in all; `make soak` asks for many more.
STACKS = int(os.environ.get("CIRCUITBOARD_STACKS", "300"))
SKIP = {"logits"}


def places(name: str) -> list[Address]:
    """Every kind of place that the architecture has, in its middle layer."""
    m = tiny.model(name)
    found = []
    for part in HOOKS:
        if part in SKIP or not m.has_part(part):
            continue
        layer = None if part in ("embed", "pos_embed", "ln_final", "ln_final.scale") else 1
        head = 1 if part.startswith("head") else None
        found.append(Address(part, layer, head=head, neuron=3 if part == "neuron" else None))
    return found


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    """Agreement to 1e-4 of the largest number."""
    error = float((a - b).abs().max()) / max(float(b.abs().max()), 1e-6)
    assert error <= 1e-4


def logits(engine: Engine, items: list[AnyIntervention]) -> torch.Tensor:
    """All logits of an incremental run."""
    tokens, lengths = engine.encode(PROMPT)
    run, _ = engine.run(tokens, lengths, InterventionSet.of(items))
    return engine.read(run, [Address("logits")])["logits"]


CASES = [(name, str(place)) for name in tiny.ARCHITECTURES for place in places(name)]


@pytest.mark.parametrize(("name", "place"), CASES, ids=[f"{n}-{p}" for n, p in CASES])
def test_every_kind_at_every_place(name: str, place: str) -> None:
    m = tiny.model(name)
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    engine.baseline(tokens, lengths)
    address = Address.parse(place)
    width = tokens.shape[1]
    for position in (None, Position(4), Position(2, -1, single=False)):
        at = str(address.at(position))
        upstream = Scale("L0H0", 0.3) if not place.startswith(("embed", "pos")) else None
        for item in (Zero(at), Scale(at, 1.7), Set(at, 0.25), Freeze(at)):
            items = [item] if upstream is None else [upstream, item]
            if isinstance(item, Set) and address.part in ("head", "resid_mid"):
                continue
            if isinstance(item, Zero) and place.endswith(".scale"):
                with pytest.raises(InterventionError, match="divides by zero"):
                    logits(engine, items)
                continue
            close(logits(engine, items), tiny.oracle(m, tokens, items))
    assert width == 10


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_set_of_a_heads_output_is_what_the_stream_receives(name: str) -> None:
    m = tiny.model(name)
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    vector = torch.randn(m.facts.d_model, generator=torch.Generator().manual_seed(3))
    z = m.bridge.run_with_cache(tokens)[1]["blocks.1.attn.hook_z"][:, :, 1]
    shift = (vector - z @ m.output_weights(1)[1]).detach()
    with torch.no_grad():
        wanted = m.bridge.run_with_hooks(
            tokens, fwd_hooks=[("blocks.1.attn.hook_out", lambda t, hook: t + shift)]
        )
    close(logits(engine, [Set("L1H1", vector)]), wanted)
    run, _ = engine.run(tokens, lengths, InterventionSet.of([Set("L1H1", vector)]))
    got = engine.read(run, [Address.parse("L1H1")])["L1H1"]
    assert torch.allclose(got, vector.expand_as(got), atol=1e-5)


@pytest.mark.parametrize("name", [n for n in tiny.ARCHITECTURES if n not in ("neox", "attn_only")])
def test_resid_mid_is_the_stream_that_both_the_mlp_and_the_skip_see(name: str) -> None:
    m = tiny.model(name)
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    vector = torch.randn(m.facts.d_model, generator=torch.Generator().manual_seed(3))
    run, _ = engine.run(tokens, lengths, InterventionSet.of([Set("L1.resid_mid", vector)]))
    got = engine.read(run, [Address.parse(f"L1.{p}") for p in ("resid_mid", "mlp", "resid_post")])
    assert torch.allclose(got["L1.resid_mid"], vector.expand_as(got["L1.mlp"]), atol=1e-5)
    assert torch.allclose(got["L1.resid_post"], vector + got["L1.mlp"], atol=1e-4)
    first = got["L1.mlp"][:, :1]
    assert torch.allclose(got["L1.mlp"], first.expand_as(got["L1.mlp"]), atol=1e-4)


def stacks(name: str) -> st.SearchStrategy[list[AnyIntervention]]:
    """Random interventions anywhere in a model."""
    m = tiny.model(name)
    f = m.facts
    base = [p for p in places(name) if p.part not in ("ln_final", "ln_final.scale")]

    @st.composite
    def one(draw: st.DrawFn) -> AnyIntervention:
        kind = draw(st.sampled_from(base))
        layer = None if kind.layer is None else draw(st.integers(0, f.n_layers - 1))
        head = None if kind.head is None else draw(st.integers(0, f.n_heads - 1))
        neuron = None if kind.neuron is None else draw(st.integers(0, f.d_mlp - 1))
        position = draw(
            st.sampled_from(
                [None, Position(0), Position(-1), Position(5), Position(3, 7, single=False)]
            )
        )
        at = str(Address(kind.part, layer, head, neuron, position))
        kinds: list[AnyIntervention] = [Scale(at, 0.5), Freeze(at)]
        if not kind.part.endswith(".scale"):
            kinds += [Zero(at), Scale(at, -1.5)]
        if kind.part not in ("head", "resid_mid"):
            kinds.append(Set(at, 0.4))
        return draw(st.sampled_from(kinds))

    return st.lists(one(), max_size=4)


def ordered(items: list[AnyIntervention]) -> list[AnyIntervention]:
    """The oracle's hooks act in list order at a hook point; ours in the order of the data flow."""
    later = ("head", "resid_mid", "neuron")
    return sorted(
        items, key=lambda i: later.index(i.address.part) + 1 if i.address.part in later else 0
    )


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
@settings(
    max_examples=STACKS // (2 * len(tiny.ARCHITECTURES)),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_incremental_runs_equal_full_runs(name: str, data: st.DataObject) -> None:
    """A chain of runs, each restarted from the ones before, equals full runs with hooks."""
    m = tiny.model(name)
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    engine.baseline(tokens, lengths)
    for _ in range(2):
        items = data.draw(stacks(name))
        wanted = InterventionSet.of(items)
        run, _way = engine.run(tokens, lengths, wanted)
        got = engine.read(run, [Address("logits")])["logits"]
        close(got, tiny.oracle(m, tokens, ordered(items)))


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_the_empty_set_changes_nothing(name: str) -> None:
    m = tiny.model(name)
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    engine.run(tokens, lengths, InterventionSet.of(Zero("L1H0")))
    with torch.no_grad():
        plain = m.bridge(tokens)
    close(logits(engine, []), plain)
    run = engine.baseline(tokens, lengths)
    np.testing.assert_allclose(engine.last_logits(run)[0], plain[0, -1], atol=1e-5)
