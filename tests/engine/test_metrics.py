"""Targets for each prompt, numbers for each prompt, grids over pairs, and chunks that differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tiny
from circuitboard.engine import batch
from circuitboard.engine.engine import Engine
from circuitboard.engine.run import metric_of_task, resolve, run
from circuitboard.engine.sweep import measure, patch_grid, sweep
from circuitboard.methods.direct_logit_attribution import attribute
from circuitboard.methods.waterfall import waterfall
from circuitboard.spec.errors import InterventionError, TargetError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet, Mean, Patch, Zero
from circuitboard.spec.metric import Metric, MetricKind
from circuitboard.spec.references import register
from circuitboard.spec.task import Task

CLEAN = [tiny.prompt(9, 1), tiny.prompt(9, 2), tiny.prompt(9, 3)]
CORRUPT = [tiny.prompt(9, 11), tiny.prompt(9, 12), tiny.prompt(9, 13)]
TARGETS, FOILS = ["t7", "t8", "t9"], ["t11", "t12", "t13"]
KINDS: list[MetricKind] = ["logit difference", "log-probability", "probability"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["gpt2", "gemma2"])
def test_each_prompt_has_a_target_of_its_own(name: str, kind: MetricKind) -> None:
    m = tiny.model(name)
    together = run(m, CLEAN, Zero("L1H1"), target=TARGETS, foil=FOILS, metric=kind)
    effects = sweep(
        m, CLEAN, [Zero(h) for h in m.heads], target=TARGETS, foil=FOILS, metric=kind,
        per_prompt=True,
    )  # fmt: skip
    assert (together.metrics.shape, effects.shape) == ((3,), (len(m.heads), 3))
    assert together.metrics.dtype == effects.dtype == np.float32
    assert together.metric == pytest.approx(together.metrics.mean(), abs=1e-6)
    for row, prompt in enumerate(CLEAN):
        asked: dict[str, Any] = {"target": TARGETS[row], "foil": FOILS[row], "metric": kind}
        alone = run(m, prompt, Zero("L1H1"), **asked)
        assert together.metrics[row] == pytest.approx(alone.metric, abs=1e-5)
        column = sweep(m, prompt, [Zero(h) for h in m.heads], **asked)
        np.testing.assert_allclose(effects[:, row], column, atol=1e-4)
    mean = sweep(m, CLEAN, [Zero(h) for h in m.heads], target=TARGETS, foil=FOILS, metric=kind)
    np.testing.assert_allclose(mean, effects.mean(1), atol=1e-6)


def test_one_foil_for_all_and_metrics_by_hand() -> None:
    m = tiny.model("gpt2")
    result = run(m, CLEAN, target=TARGETS, foil="t11")
    last = result.logits[:, -1]
    ids = [m.single_token(text) for text in TARGETS]
    wanted = last[range(3), ids] - last[:, m.single_token("t11")]
    np.testing.assert_allclose(result.metrics, wanted, atol=1e-5)
    own = run(m, CLEAN, metric=lambda logits: logits[:, 7])
    np.testing.assert_allclose(own.metrics, last[:, 7], atol=1e-5)
    divergence = run(m, CLEAN, Zero("L0H0"), metric="KL divergence").metrics
    assert (divergence > 0).all()
    assert run(m, CLEAN, metric="KL divergence").metrics == pytest.approx(np.zeros(3), abs=1e-6)


SETS, OTHERS = [["t7"], ["t8", "t9", 20], ("t1", "t2")], [["t11", "t12"], [30], ["t3", "t4"]]
ALL_KINDS: list[MetricKind] = [*KINDS, "probability difference"]


def by_hand(logits: np.ndarray, kind: MetricKind, targets: list[int], foils: list[int]) -> float:
    logits = logits.astype(np.float64)
    chances = np.exp(logits) / np.exp(logits).sum()
    return {
        "logit difference": logits[targets].mean() - logits[foils].mean(),
        "probability": chances[targets].sum(),
        "log-probability": np.log(chances[targets].sum()),
        "probability difference": chances[targets].sum() - chances[foils].sum(),
    }[kind]


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("name", ["gpt2", "gemma2"])
def test_answers_that_are_sets(name: str, kind: MetricKind) -> None:
    """Runs, sweeps and grids take several answers for each prompt, and agree with the formula."""
    m = tiny.model(name)
    asked: dict[str, Any] = {"target": SETS, "foil": OTHERS, "metric": kind}
    for item in (Zero("L1H1"), Patch("L0H2->L1H0.k", CORRUPT), Zero("L2.mlp")):
        found = run(m, CLEAN, item, **asked)
        ids = [[[m.answer(t) for t in some] for some in side] for side in (SETS, OTHERS)]
        last = found.logits[:, -1]
        wanted = [by_hand(last[i], kind, ids[0][i], ids[1][i]) for i in range(3)]
        np.testing.assert_allclose(found.metrics, wanted, rtol=1e-4, atol=1e-5)
        effect = sweep(m, CLEAN, [item], per_prompt=True, **asked)[0]
        base = run(m, CLEAN, **asked).metrics
        np.testing.assert_allclose(effect, found.metrics - base, rtol=1e-3, atol=2e-4)
    each = patch_grid(m, CLEAN, CORRUPT, over="head", per_prompt=True, **asked)
    for row in range(3):
        one = {"target": [SETS[row]], "foil": [OTHERS[row]], "metric": kind}
        alone = patch_grid(m, CLEAN[row], CORRUPT[row], over="head", **one)
        np.testing.assert_allclose(each[..., row], alone, atol=1e-4)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_sets_of_one_are_single_tokens(kind: MetricKind) -> None:
    m = tiny.model("gpt2")
    single = run(m, CLEAN, target=TARGETS, foil=FOILS, metric=kind).metrics
    several = run(m, CLEAN, target=[[t] for t in TARGETS], foil=FOILS, metric=kind).metrics
    np.testing.assert_array_equal(single, several)
    twice = run(m, CLEAN, target=[[t, t] for t in TARGETS], foil=FOILS, metric=kind).metrics
    np.testing.assert_array_equal(single, twice)
    shared = run(m, CLEAN, target=[TARGETS] * 3, foil="t11", metric=kind).metrics
    spread = run(m, CLEAN, target=[TARGETS] * 3, foil=[["t11"]] * 3, metric=kind).metrics
    np.testing.assert_array_equal(shared, spread)


def test_the_metric_of_a_task_is_that_of_its_answers() -> None:
    m = tiny.model("gpt2")
    rows = list(zip(CLEAN, CORRUPT, SETS, OTHERS, strict=True))
    for kind in (*ALL_KINDS, "loss", "KL divergence"):
        task = Task.from_rows(rows, name="t", metric=kind)
        asked: dict[str, Any] = {"target": SETS, "foil": OTHERS, "metric": kind}
        assert metric_of_task(m, task) == resolve(m, SETS, OTHERS, kind, 3)
        values, begun = measure(
            m, CLEAN, [InterventionSet.of(Zero("L1H1"))], metric_of_task(m, task)
        )
        effect = sweep(m, CLEAN, [Zero("L1H1")], per_prompt=True, **asked)
        np.testing.assert_array_equal(values - begun, effect)
    task = Task.from_rows([row[:3] for row in rows], name="t", metric="probability")
    assert metric_of_task(m, task) == resolve(m, SETS, None, "probability", 3)
    with pytest.raises(TargetError, match="not in the vocabulary"):
        metric_of_task(m, Task.from_rows([("t1", "t2", "t999", "t3")], name="t"))


def test_targets_that_do_not_fit_are_told() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(TargetError, match="2 targets or foils for 3 prompts"):
        run(m, CLEAN, target=TARGETS[:2], foil=FOILS)
    with pytest.raises(TargetError, match="needs a foil"):
        sweep(m, CLEAN, [Zero("L0H0")], target=TARGETS, metric="logit difference")
    with pytest.raises(TargetError, match="A probability difference needs a foil"):
        run(m, CLEAN, target=TARGETS, metric="probability difference")
    with pytest.raises(TargetError, match="empty set"):
        run(m, CLEAN, target=[["t7"], [], ["t8"]])
    with pytest.raises(TargetError, match="no token id"):
        run(m, CLEAN, target=[["t7"], [999], ["t8"]])
    engine = Engine(m)
    tokens, lengths = engine.encode(CLEAN)
    held = engine.baseline(tokens, lengths)
    with pytest.raises(TargetError, match="one target"):
        attribute(engine, held, Metric("logit difference", 7, 11, (7, 8, 9)))
    with pytest.raises(TargetError, match="one target"):
        waterfall(run(m, CLEAN, target=SETS, foil=OTHERS))


@pytest.mark.parametrize("direction", ["denoising", "noising"])
@pytest.mark.parametrize("over", ["resid_pre", "head", "head position", "pattern"])
def test_grids_over_pairs_are_the_grids_of_each_pair(over: Any, direction: Any) -> None:
    m = tiny.model("llama")
    asked: dict[str, Any] = {"over": over, "direction": direction}
    each = patch_grid(m, CLEAN, CORRUPT, target=TARGETS, foil=FOILS, per_prompt=True, **asked)
    mean = patch_grid(m, CLEAN, CORRUPT, target=TARGETS, foil=FOILS, **asked)
    np.testing.assert_allclose(mean, each.mean(-1), atol=1e-6)
    for row in range(3):
        alone = patch_grid(
            m, CLEAN[row], CORRUPT[row], target=TARGETS[row], foil=FOILS[row], **asked
        )
        assert alone.shape == mean.shape
        np.testing.assert_allclose(each[..., row], alone, atol=1e-4)


def test_pairs_of_other_lengths_go_where_no_position_is_named() -> None:
    m = tiny.model("gpt2")
    clean, corrupt = [CLEAN[0], tiny.prompt(5, 4)], [CORRUPT[0], tiny.prompt(5, 5)]
    grid = patch_grid(m, clean, corrupt, over="head", target="t7", foil="t11", per_prompt=True)
    alone = patch_grid(m, clean[1], corrupt[1], over="head", target="t7", foil="t11")
    np.testing.assert_allclose(grid[..., 1], alone, atol=1e-4)
    with pytest.raises(InterventionError, match="6 to 10 tokens"):
        patch_grid(m, clean, corrupt, over="mlp", target="t7", foil="t11")
    with pytest.raises(InterventionError, match="2 prompts for 3"):
        patch_grid(m, CLEAN, corrupt, over="head", target="t7", foil="t11")


def many() -> list[InterventionSet]:
    """Sets that start at many places, of many kinds."""
    named = register(CORRUPT)
    items: list[AnyIntervention] = [Zero(f"L{i}H{h}") for i in range(3) for h in range(4)]
    items += [Patch(f"L1.resid_pre@{p}", CORRUPT) for p in range(1, 10)]
    items += [Mean(f"L0H{h}@-1", named) for h in range(4)]
    items += [Patch(f"L0H{h}->L2H1.k", CORRUPT) for h in range(4)]
    items += [Patch(f"L0H{h}->mlps->L2H1.q", CORRUPT) for h in range(2)]
    items += [Patch(f"L1H{h}->logits", CORRUPT) for h in range(4)]
    return [InterventionSet.of(item) for item in items]


@pytest.mark.parametrize("kind", ["logit difference", "KL divergence", "loss"])
@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_a_sweep_does_not_depend_on_its_chunks(
    name: str, kind: MetricKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    m, sets, metric = tiny.model(name), many(), Metric(kind, 7, 11)
    wanted, _ = measure(m, CLEAN, sets, metric)
    sizes = []
    real = batch.run_span

    def watched(model: Any, span: batch.Span) -> Any:
        sizes.append(len(span.tokens))
        return real(model, span)

    monkeypatch.setattr(batch, "run_span", watched)
    for tokens in (30, 64, 200, 100_000):
        monkeypatch.setattr(batch, "_room", lambda engine, base, n=tokens: n)
        found, _ = measure(m, CLEAN, sets, metric)
        np.testing.assert_allclose(found, wanted, atol=1e-4 * max(1.0, np.abs(wanted).max()))
    assert len(set(sizes)) >= 3


@pytest.mark.parametrize("error", [MemoryError, torch.OutOfMemoryError])
def test_memory_that_runs_out_inside_the_model_changes_no_number(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    m, sets, metric = tiny.fresh("gpt2"), many(), Metric("logit difference", 7, 11)
    wanted, _ = measure(m, CLEAN, sets, metric)
    module = m.bridge.blocks[2].mlp.original_component
    real, failed = module.act.forward, []

    def small(hidden: torch.Tensor) -> torch.Tensor:
        if len(hidden) > 6:
            failed.append(len(hidden))
            raise error("no memory for it")
        return real(hidden)

    monkeypatch.setattr(module.act, "forward", small)
    found, _ = measure(m, CLEAN, sets, metric)
    np.testing.assert_allclose(found, wanted, atol=1e-4 * max(1.0, np.abs(wanted).max()))
    assert failed
    assert all("forward" not in vars(block) for block in m.bridge.blocks)
