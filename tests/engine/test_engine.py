"""Restarts, results, attribution and fingerprints."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tiny
from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.metric import evaluate
from circuitboard.engine.run import run
from circuitboard.engine.sweep import sweep
from circuitboard.methods.direct_logit_attribution import attribute
from circuitboard.spec.address import Address
from circuitboard.spec.errors import (
    AddressError,
    CancelledError,
    InterventionError,
    ModelError,
    PromptError,
    StaleResultError,
    TargetError,
)
from circuitboard.spec.intervention import Freeze, InterventionSet, Patch, Scale, Set, Zero
from circuitboard.spec.metric import Metric

PROMPT = tiny.prompt()


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_direct_logit_attribution_sums_to_the_logit_difference(name: str) -> None:
    m = tiny.model(name)
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    for stack in ([], [Zero("L1H1"), Scale("L0.attn", 0.5)]):
        held, _ = engine.run(tokens, lengths, InterventionSet.of(stack))
        found = attribute(engine, held, Metric("logit difference", 7, 11))
        logits = engine.last_logits(held)[0].double()
        if m.facts.softcap:
            logits = torch.atanh(logits / m.facts.softcap) * m.facts.softcap
        wanted = float(logits[7] - logits[11])
        assert found.total == pytest.approx(wanted, abs=2e-3 * max(1.0, abs(wanted)))


def test_only_the_cone_is_computed_and_going_back_is_free() -> None:
    m = tiny.model("gpt2")
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    base = engine.baseline(tokens, lengths)
    run1, way = engine.run(tokens, lengths, InterventionSet.of(Zero("L2H0@6")))
    assert (way.layer, way.position, way.base) == (2, 6, base)
    assert run1.entering[1] is base.entering[1]
    _, back = engine.run(tokens, lengths, InterventionSet())
    assert back.reason.startswith("held")
    _, tail = engine.run(tokens, lengths, InterventionSet.of(Scale("ln_final.scale", 2.0)))
    assert tail.layer == m.facts.n_layers


def test_removing_an_intervention_is_a_cone_too() -> None:
    engine = Engine(tiny.model("gpt2"))
    tokens, lengths = engine.encode(PROMPT)
    both = InterventionSet.of([Zero("L0H0"), Zero("L2H1")])
    engine.run(tokens, lengths, both)
    _, way = engine.run(tokens, lengths, InterventionSet.of(Zero("L0H0")))
    assert way.layer == 2


def test_order_of_interventions_at_different_places_does_not_matter() -> None:
    items = [Zero("L1H1"), Scale("L0.mlp", 0.5), Freeze("L2H0.pattern")]
    one = run(tiny.model("llama"), PROMPT, items).logits
    other = run(tiny.model("llama"), PROMPT, items[::-1]).logits
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_order_at_one_place_does_matter() -> None:
    m = tiny.model("gpt2")
    first = run(m, PROMPT, [Set("L1.mlp", 1.0), Scale("L1.mlp", 3.0)])["L1.mlp"]
    second = run(m, PROMPT, [Scale("L1.mlp", 3.0), Set("L1.mlp", 1.0)])["L1.mlp"]
    assert (first == 3.0).all()
    assert (second == 1.0).all()


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "native"])
def test_prompts_of_different_lengths_run_as_each_would_alone(name: str) -> None:
    m = tiny.model(name)
    prompts = [tiny.prompt(9, 1), tiny.prompt(5, 2), tiny.prompt(7, 3)]
    stack = [Zero("L1H0@-1"), Scale("L0.attn@2:", 0.5), Freeze("L1H1.pattern")]
    together = run(m, prompts, stack)
    for i, prompt in enumerate(prompts):
        alone = run(m, prompt, stack).logits[0]
        np.testing.assert_allclose(together.logits[i, : len(alone)], alone, atol=2e-5)


def test_frozen_parts_hold_their_baseline_value_whatever_happens_upstream() -> None:
    m = tiny.model("llama")
    base, now = run(m, PROMPT), run(m, PROMPT, [Zero("L0.mlp"), Freeze("L2H1"), Freeze("L1H0.q")])
    np.testing.assert_allclose(now["L2H1"], base["L2H1"], atol=1e-5)
    np.testing.assert_allclose(now["L1H0.q"], base["L1H0.q"], atol=1e-5)
    assert np.abs(now["L2H2"] - base["L2H2"]).max() > 1e-3


def test_positions_of_a_result() -> None:
    result = run(tiny.model("gpt2"), PROMPT)
    whole = result["L1H2.pattern"]
    assert whole.shape == (1, 10, 10)
    np.testing.assert_allclose(whole.sum(-1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(result["L1H2.pattern@-1"], whole[:, -1:])
    np.testing.assert_array_equal(result["L1H2.pattern@2:5"], whole[:, 2:5])
    assert result.top(3)[0].probability >= result.top(3)[1].probability


def test_sweep_gives_what_single_runs_give() -> None:
    m = tiny.model("gpt2")
    effects = sweep(m, PROMPT, [Zero(h) for h in m.heads], target="t7", foil="t11")
    base = run(m, PROMPT, target="t7", foil="t11").metric
    alone = run(m, PROMPT, Zero("L1H2"), target="t7", foil="t11").metric
    assert effects[6] == pytest.approx(alone - base, abs=1e-5)


def test_weights_edited_in_place_are_noticed_and_old_results_say_so() -> None:
    m = tiny.fresh("gpt2")
    engine = engine_of(m)
    old = run(m, PROMPT)
    before = old.logits
    assert not engine.refresh()
    with torch.no_grad():
        m.bridge.blocks[1].attn.o.weight[0, 0] += 1.0
    assert engine.refresh()
    with pytest.raises(StaleResultError, match="again"):
        old["L1.mlp"]
    assert np.abs(run(m, PROMPT).logits - before).max() > 1e-3


def test_weights_edited_through_data_are_noticed_in_a_small_model() -> None:
    m = tiny.fresh("llama")
    engine = engine_of(m)
    next(iter(m.parameters()))[1].data[3, 3] += 0.01
    assert engine.refresh()


def test_hooks_of_the_user_are_seen_obeyed_and_left_in_place() -> None:
    m = tiny.fresh("gpt2")
    before = run(m, PROMPT).logits
    handle = m.bridge.blocks[1].hook_out.add_hook(lambda t, hook: t * 0.5)
    result = run(m, PROMPT, Zero("L2H0"))
    assert "your own hooks" in result.plan
    with torch.no_grad():
        tokens, _ = engine_of(m).encode(PROMPT)
        wanted = tiny.oracle(m, tokens, [Zero("L2H0")])
    np.testing.assert_allclose(result.logits, wanted, atol=1e-4)
    assert len(m.bridge.blocks[1].hook_out.fwd_hooks) == 1
    handle.hook.remove()
    m.bridge.blocks[1].hook_out.fwd_hooks.clear()
    np.testing.assert_allclose(run(m, PROMPT).logits, before, atol=1e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "opt"])
def test_looking_into_the_model_by_its_bridge_is_no_change_of_it(name: str) -> None:
    m = tiny.fresh(name)
    engine = engine_of(m)
    tokens, _ = engine.encode(PROMPT)
    with torch.no_grad():
        m.bridge.run_with_cache(tokens)
    assert not engine.refresh()
    assert not engine.hooked_by_user


def test_a_failing_pass_leaves_no_hooks_behind() -> None:
    m = tiny.fresh("gpt2")
    engine = engine_of(m)
    tokens, lengths = engine.encode(PROMPT)
    calls = iter(range(100))

    def stop() -> None:
        if next(calls) == 1:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        engine.run(tokens, lengths, InterventionSet.of(Zero("L1H0")), stop)
    assert not engine.refresh()
    assert all("forward" not in vars(block) for block in m.bridge.blocks)


def test_memory_of_held_runs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    m = tiny.model("gpt2")
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    monkeypatch.setattr(m, "held_memory", 3 * engine.baseline(tokens, lengths).bytes())
    for head in m.heads:
        engine.run(tokens, lengths, InterventionSet.of(Zero(head)))
    assert engine.shelf.bytes() <= engine.shelf.limit
    assert len(engine.shelf) >= 2


def test_errors_are_sentences_that_say_what_to_do() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(AddressError, match=r"no L9H9.*L2H3"):
        run(m, PROMPT, Zero("L9H9"))
    with pytest.raises(AddressError, match=r"no L0\.mlp\.n999.*L0\.mlp\.n127"):
        run(m, PROMPT, Zero("L0.mlp.n999"))
    with pytest.raises(AddressError, match="0 to 9"):
        run(m, PROMPT, Zero("L0H0@40"))
    with pytest.raises(PromptError, match="empty"):
        run(m, "  ")
    with pytest.raises(PromptError, match=r"81 tokens.*48"):
        run(m, tiny.prompt(80))
    with pytest.raises(TargetError, match="2 tokens"):
        run(m, PROMPT, target="t3 t4")
    with pytest.raises(TargetError, match="not in the vocabulary"):
        run(m, PROMPT, target="zebra")
    with pytest.raises(InterventionError, match=r"shape \(3,\).*\(1, 10, 8\)"):
        run(m, PROMPT, Set("L0H0.z", np.zeros(3)))
    with pytest.raises(InterventionError, match="divides by zero"):
        run(m, PROMPT, Zero("L0.ln1.scale"))


def test_nans_in_the_weights_are_named() -> None:
    m = tiny.fresh("gpt2")
    with torch.no_grad():
        m.bridge.blocks[2].mlp.out.weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match=r"h\.2\.mlp"):
        run(m, PROMPT)


def test_shapes_are_checked_while_tests_run() -> None:
    with pytest.raises(Exception, match="logits"):
        evaluate(Metric("probability", 1), torch.zeros(3))


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_what_is_kept_on_the_way_is_what_reading_gives(name: str) -> None:
    m = tiny.model(name)
    keep = [Address.parse(a) for a in ("L0H1.pattern", "L1H0.pattern", "L1H1.v", "L2.attn", "L1H0")]
    keep = [a for a in keep if m.has(a)]
    for item in (Zero("L1H1"), Scale("L1.attn@5", 0.3), Zero("L1H1.pattern@4")):
        noted, plain = Engine(m), Engine(m)
        tokens, lengths = noted.encode(PROMPT)
        noted.read(noted.baseline(tokens, lengths), keep)
        run, _ = noted.run(tokens, lengths, InterventionSet.of(item), keep=keep)
        assert {a.place for a in keep} <= set(run.values)
        other, _ = plain.run(tokens, lengths, InterventionSet.of(item))
        for place, value in plain.read(other, keep).items():
            torch.testing.assert_close(run.values[place], value, rtol=1e-4, atol=1e-5)


def test_position_embeddings_of_several_prompts_change_one_by_one() -> None:
    m = tiny.model("gpt2")
    prompts = [tiny.prompt(9, seed=1), tiny.prompt(6, seed=2)]
    item = Patch("pos_embed@-1", tiny.prompt(4, seed=3))
    both = run(m, prompts, item, target="t7", foil="t11")
    for row, text in enumerate(prompts):
        alone = run(m, text, item, target="t7", foil="t11")
        width = alone.tokens.shape[1]
        np.testing.assert_allclose(both.logits[row, :width], alone.logits[0], atol=1e-4)
        np.testing.assert_allclose(both["pos_embed"][row, :width], alone["pos_embed"][0], atol=1e-6)
