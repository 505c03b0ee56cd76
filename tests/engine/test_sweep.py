"""Sweeps: side by side equals one by one, whatever the chunks; grids; metrics; memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tiny
from circuitboard.engine import batch
from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.metric import evaluate
from circuitboard.engine.run import run
from circuitboard.engine.sweep import Watch, measure, patch_grid, sweep
from circuitboard.models.model import Model
from circuitboard.spec import references
from circuitboard.spec.errors import AddressError, CancelledError, InterventionError, TargetError
from circuitboard.spec.intervention import (
    Add,
    AnyIntervention,
    Freeze,
    InterventionSet,
    Mean,
    Patch,
    Resample,
    Scale,
    Set,
    Zero,
)
from circuitboard.spec.metric import Metric, MetricKind

CLEAN, OTHER = tiny.prompt(9, 1), tiny.prompt(9, 2)
DIFFERENCE = Metric("logit difference", 7, 11)


def mixed(m: Model) -> list[list[AnyIntervention]]:
    """Sets of every kind, at places all over a model."""
    named = references.register([tiny.prompt(9 + i, 5 + i) for i in range(4)])
    sets: list[list[AnyIntervention]] = [[Zero(head)] for head in m.heads]
    sets += [[Patch(f"L1.resid_pre@{p}", OTHER)] for p in range(3, 8)]
    sets += [[Scale("L0.attn", 0.5), Zero("L1H1.v@3")], [Freeze("L1H0.pattern"), Zero("L0H0")]]
    sets += [[Mean("L1H0", named)], [Resample("L0H1", 3, named)], [Add("L1.resid_post", 0.3)]]
    sets += [[Set("L1H1", 0.2)], [Zero("embed@4")], [Scale("ln_final", 0.5)], []]
    edges = ["L0H1->L1H0.q", "L0H0->L1H0.k", "L0H1->L1H1.v", "L0H1->logits", "embed->L1H0"]
    if m.has_part("mlp"):
        sets += [[Zero("L1.mlp.n3")], [Scale("L0.mlp@2:5", 2.0)]]
        edges += ["L0H1->L1.mlp", "L0.mlp->L1.mlp"]
    return sets + [[Patch(edge, OTHER)] for edge in edges]


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_side_by_side_equals_one_by_one(name: str) -> None:
    m = tiny.model(name)
    sets = [
        InterventionSet.of(items)
        for items in mixed(m)
        if all(m.has_part(i.address.part) for i in items)
    ]
    values, begun = measure(m, CLEAN, sets, DIFFERENCE)
    engine = Engine(m)
    tokens, lengths = engine.encode(CLEAN)
    for wanted, value in zip(sets, values[:, 0], strict=True):
        alone = engine.last_logits(engine.run(tokens, lengths, wanted)[0])[0]
        scale = max(1.0, float(alone.abs().max()))
        assert value == pytest.approx(float(alone[7] - alone[11]), abs=1e-4 * scale), wanted
    assert begun[0] == pytest.approx(values[sets.index(InterventionSet())][0], abs=1e-5)


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    m = tiny.model("llama")
    sets = [
        InterventionSet.of(items)
        for items in mixed(m)
        if m.has_part(items[0].address.part if items else "mlp")
    ]
    whole, _ = measure(m, CLEAN, sets, DIFFERENCE)
    monkeypatch.setattr(batch, "_room", lambda engine, base: 25)
    parts, _ = measure(m, CLEAN, sets, DIFFERENCE)
    np.testing.assert_allclose(parts, whole, atol=1e-4)


def test_several_prompts_and_a_start_with_interventions() -> None:
    m = tiny.model("gpt2")
    prompts = [tiny.prompt(9, 1), tiny.prompt(6, 4)]
    start = InterventionSet.of([Scale("L0H0", 0.2), Patch("L0H1->L2H0.k", [OTHER, prompts[1]])])
    sets = [InterventionSet((*start.items, Zero(head))) for head in m.heads]
    values, begun = measure(m, prompts, sets, DIFFERENCE, start=start)
    for wanted, row in zip([*sets, start], [*values, begun], strict=True):
        result = run(m, prompts, wanted)
        for i, length in enumerate((10, 7)):
            logits = result.logits[i, length - 1]
            scale = max(1.0, float(np.abs(logits).max()))
            assert row[i] == pytest.approx(logits[7] - logits[11], abs=1e-4 * scale)


def test_memory_that_runs_out_halves_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    m = tiny.model("gpt2")
    sets = [InterventionSet.of(Zero(head)) for head in m.heads]
    wanted, _ = measure(m, CLEAN, sets, DIFFERENCE)
    real, tried = batch.run_span, []

    def small(model: Model, span: batch.Span) -> object:
        tried.append(len(span.tokens))
        if len(span.tokens) > 2:
            raise torch.OutOfMemoryError("too much")
        return real(model, span)

    monkeypatch.setattr(batch, "run_span", small)
    values, _ = measure(m, CLEAN, sets, DIFFERENCE)
    np.testing.assert_allclose(values, wanted, atol=1e-5)
    assert max(tried) > 2


@pytest.mark.parametrize("kind", ["probability", "log-probability", "loss", "KL divergence"])
def test_metrics_equal_their_definitions(kind: str) -> None:
    m = tiny.model("gemma2")
    prompts = [CLEAN, tiny.prompt(6, 4)]
    stack = [Zero("L1H1"), Patch("L0H0@-1", OTHER)]
    value = measure(m, prompts, [InterventionSet.of(stack)], Metric(kind, 7))[0][0]  # type: ignore[arg-type]
    base, now = run(m, prompts), run(m, prompts, stack)
    for i, length in enumerate((10, 7)):
        p, q = (torch.tensor(r.logits[i, :length]).log_softmax(-1) for r in (now, base))
        ids = torch.tensor(now.tokens[i, :length])
        wanted = {
            "probability": p[-1, 7].exp(),
            "log-probability": p[-1, 7],
            "loss": -p[:-1].gather(1, ids[1:, None]).mean(),
            "KL divergence": (q[-1].exp() * (q[-1] - p[-1])).sum(),
        }[kind]
        assert value[i] == pytest.approx(float(wanted), abs=1e-4)


def test_a_metric_of_ones_own() -> None:
    m = tiny.model("gpt2")
    own = sweep(m, CLEAN, [Zero("L1H1")], metric=lambda logits: logits[:, 7] - logits[:, 11])
    named = sweep(m, CLEAN, [Zero("L1H1")], target="t7", foil="t11")
    np.testing.assert_allclose(own, named, atol=1e-5)
    with pytest.raises(TargetError, match="needs a target"):
        sweep(m, CLEAN, [Zero("L1H1")])


def test_grids_against_patching_by_plain_hooks() -> None:
    m = tiny.model("gpt2")
    engine = engine_of(m)
    clean, _ = engine.encode(CLEAN)
    other, _ = engine.encode(OTHER)
    grid = patch_grid(m, CLEAN, OTHER, over="resid_pre", target="t7", foil="t11")
    heads = patch_grid(m, CLEAN, OTHER, over="head", target="t7", foil="t11")
    noised = patch_grid(m, CLEAN, OTHER, over="mlp", target="t7", foil="t11", direction="noising")
    assert (grid.shape, heads.shape, noised.shape) == ((3, 10), (3, 4), (3, 10))

    def patched(onto: torch.Tensor, source: torch.Tensor, name: str, index: tuple) -> float:
        cache = m.bridge.run_with_cache(source)[1]

        def hook(t: torch.Tensor, hook: object) -> torch.Tensor:
            out = t.clone()
            out[index] = cache[name][index]
            return out

        with torch.no_grad():
            logits = m.bridge.run_with_hooks(onto, fwd_hooks=[(name, hook)])[0, -1]
        return float(logits[7] - logits[11])

    every = slice(None)
    for layer, position in ((0, 3), (1, 9), (2, 5)):
        at = f"blocks.{layer}.hook_resid_pre"
        value = patched(other, clean, at, (every, position))
        assert grid[layer, position] == pytest.approx(value, abs=1e-4)
        value = patched(clean, other, f"blocks.{layer}.hook_mlp_out", (every, position))
        assert noised[layer, position] == pytest.approx(value, abs=1e-4)
        value = patched(other, clean, f"blocks.{layer}.attn.hook_z", (every, every, layer))
        assert heads[layer, layer] == pytest.approx(value, abs=1e-4)
    last = patch_grid(m, CLEAN, OTHER, over="resid_post", target="t7", foil="t11")[2, -1]
    assert last == pytest.approx(run(m, CLEAN, target="t7", foil="t11").metric, abs=1e-4)


@pytest.mark.parametrize("over", ["q", "k", "v", "z", "pattern", "head position", "neuron", "attn"])
def test_patching_a_run_with_itself_changes_nothing(over: str) -> None:
    m = tiny.model("llama")
    grid = patch_grid(m, CLEAN, CLEAN, over=over, target="t7", foil="t11")  # type: ignore[arg-type]
    assert grid == pytest.approx(run(m, CLEAN, target="t7", foil="t11").metric, abs=1e-4)


def test_progress_and_cancel() -> None:
    m = tiny.model("gpt2")
    seen: list[tuple[int, int]] = []
    sweep(m, CLEAN, [Zero(h) for h in m.heads], target="t7", foil="t11",
          watch=Watch(lambda done, total: seen.append((done, total))))  # fmt: skip
    assert seen == [(i + 1, 12) for i in range(12)]

    def stop() -> None:
        raise CancelledError("enough")

    with pytest.raises(CancelledError):
        sweep(m, CLEAN, [Zero("L0H0")], target="t7", foil="t11", watch=Watch(check=stop))


def test_borrowed_values_are_what_they_say() -> None:
    m = tiny.model("gpt2")
    prompts = [tiny.prompt(9 + i, 20 + i) for i in range(3)]
    named = references.register(prompts)
    mean = run(m, CLEAN, Mean("L1.mlp", named))["L1.mlp"][0]
    rows = [run(m, p)["L1.mlp"][0] for p in prompts]
    np.testing.assert_allclose(
        mean, np.broadcast_to(np.concatenate(rows).mean(0), mean.shape), atol=1e-5
    )
    drawn = run(m, CLEAN, Resample("L1.mlp", 1, named))["L1.mlp"][0]
    assert min(float(np.abs(drawn - row[-len(drawn) :]).max()) for row in rows) < 1e-5
    again = run(m, CLEAN, Resample("L1.mlp", 1, named))["L1.mlp"][0]
    np.testing.assert_array_equal(drawn, again)
    source = run(m, OTHER, Zero("L0H0"))
    patched = run(m, CLEAN, Patch("L1H2", source))
    np.testing.assert_allclose(patched["L1H2"], source["L1H2"], atol=1e-5)
    frozen = run(m, CLEAN, [Zero("L0H1"), Freeze("L2H0.q", OTHER)])
    np.testing.assert_allclose(frozen["L2H0.q"], run(m, OTHER)["L2H0.q"], atol=1e-5)
    added = run(m, CLEAN, Add("L1.resid_pre@3", np.ones(32), 0.5))["L1.resid_pre"]
    np.testing.assert_allclose(added[0, 3], run(m, CLEAN)["L1.resid_pre"][0, 3] + 0.5, atol=1e-6)


def test_prompts_of_other_lengths_align_where_positions_are_named() -> None:
    m, short = tiny.model("gpt2"), tiny.prompt(6, 9)
    got = run(m, CLEAN, Patch("L1.mlp@-2:", short))["L1.mlp"]
    np.testing.assert_allclose(got[0, -2:], run(m, short)["L1.mlp"][0, -2:], atol=1e-5)
    with pytest.raises(InterventionError, match=r"has 7 tokens, the prompt 10.*@-1"):
        run(m, CLEAN, Patch("L1.mlp", short))
    with pytest.raises(InterventionError, match="2 prompts for 1"):
        run(m, CLEAN, Patch("L1.mlp", [short, CLEAN]))
    with pytest.raises(InterventionError, match="equal length"):
        patch_grid(m, CLEAN, short, target="t7", foil="t11")


def test_no_reference_no_silent_zero() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(InterventionError, match=r"has none.*reference="):
        run(m, CLEAN, Mean("L1H1"))
    with pytest.raises(InterventionError, match="no mean"):
        run(m, CLEAN, Mean("L1H1.pattern", references.register([CLEAN])))
    with pytest.raises(InterventionError, match="No reference prompt is as long"):
        run(m, CLEAN, Resample("L1H1", 0, references.register([tiny.prompt(4, 1)])))
    with pytest.raises(AddressError):
        run(tiny.model("neox"), CLEAN, Zero("L1.resid_mid"))


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "native"])
@pytest.mark.parametrize("tail", ["ln_final.scale", "ln_final", "ln_final.scale@-1"])
@pytest.mark.parametrize("kind", ["logit difference", "log-probability"])
def test_what_is_done_after_the_last_block_counts_in_a_sweep(
    name: str, tail: str, kind: MetricKind
) -> None:
    m = tiny.model(name)
    sets = [[Zero("L0H0")], [Freeze(tail), Zero("L0H0")], [Scale(tail, 2.0), Zero("L1H1@-1")]]
    found, _ = measure(m, CLEAN, [InterventionSet.of(s) for s in sets], Metric(kind, 7, 11))
    for value, done in zip(found[:, 0], sets, strict=True):
        logits = torch.tensor(run(m, CLEAN, done).logits[:, -1])
        assert value == pytest.approx(float(evaluate(Metric(kind, 7, 11), logits)), abs=1e-4)
    assert len({round(float(v), 5) for v in found[:, 0]}) == 3


def test_after_the_last_block_prompts_of_unequal_length_run_alone() -> None:
    m = tiny.model("gpt2")
    prompts = [CLEAN, tiny.prompt(5, 3)]
    done = [Freeze("ln_final.scale"), Zero("L0H0")]
    found, _ = measure(m, prompts, [InterventionSet.of(done)], DIFFERENCE)
    for value, prompt in zip(found[0], prompts, strict=True):
        plain = run(m, prompt, done, target="t7", foil="t11").metric
        assert value == pytest.approx(plain, abs=1e-5)


@pytest.mark.parametrize("first", [True, False])
def test_an_edge_into_the_logits_is_its_own_runs_alone(first: bool) -> None:
    m = tiny.model("gpt2")
    prompts = [CLEAN, tiny.prompt(9, 3)]
    sets = [[Patch("L0H1->logits", [OTHER, CLEAN])], [Scale("ln_final", 0.5)]]
    sets = sets if first else sets[::-1]
    found, _ = measure(m, prompts, [InterventionSet.of(s) for s in sets], DIFFERENCE)
    for row, done in zip(found, sets, strict=True):
        logits = run(m, prompts, done).logits[:, -1]
        np.testing.assert_allclose(row, logits[:, 7] - logits[:, 11], atol=1e-4)
