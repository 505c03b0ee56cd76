"""Pairs of different lengths together give what they give in groups of one length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.circuits.methods.job import Job
from circuitboard.circuits.methods.learned_mask import LearnedMaskOptions
from circuitboard.circuits.methods.masked_loss import MaskedLoss
from circuitboard.circuits.methods.node_attribution import NodeOptions, node_scores
from circuitboard.circuits.trials import Trials, space_of
from circuitboard.engine.masked import MaskedRuns
from circuitboard.engine.sweep import Watch
from circuitboard.spec.errors import CircuitError, InterventionError, TaskError

#: Tokens of each pair, in an order that mixes them; LN, RMS with rotary and GQA, parallel, ...
LENGTHS = (8, 5, 8, 3, 5)
NAMES = ("gpt2", "llama", "gemma2", "neox", "opt", "attn_only")
PAIRS = tuple(
    cb.Pair(
        tiny.prompt(length, 20 + n),
        tiny.prompt(length, 40 + n),
        (f"t{n + 3}", f"t{n + 9}") if n % 2 else (f"t{n + 3}",),
        (f"t{n + 30}",),
    )
    for n, length in enumerate(LENGTHS)
)


def mixed(metric: Any = "logit difference") -> cb.Task:
    return cb.Task("mixed", PAIRS, metric)


def groups(metric: Any = "logit difference") -> list[tuple[list[int], cb.Task]]:
    """The pairs of each length, and which of all they are."""
    rows = [[n for n, one in enumerate(LENGTHS) if one == length] for length in sorted({*LENGTHS})]
    return [(some, cb.Task("alike", tuple(PAIRS[n] for n in some), metric)) for some in rows]


def close(together: Any, apart: Any, room: float = 1e-5) -> None:
    """Agreement to a part of the largest number."""
    together, apart = np.asarray(together), np.asarray(apart)
    np.testing.assert_array_equal(np.isnan(together), np.isnan(apart))
    largest = float(np.nanmax(np.abs(apart)))
    assert largest > 1e-3
    np.testing.assert_allclose(together, apart, atol=room * max(1.0, largest), rtol=0)


def scores(model: cb.Model, task: cb.Task, method: str, **options: Any) -> np.ndarray:
    found = cb.discover(model, task, method, **options).scores
    assert found is not None
    return found.matrix.astype(np.float64)


def weighted(parts: list[tuple[list[int], Any]]) -> Any:
    """The mean over pairs from the means of groups."""
    return sum(len(rows) * value for rows, value in parts) / len(PAIRS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "method", ["eap", "eap-ig", "eap-ig-activations", "eap-ig-senders", "clean-corrupted"]
)
def test_estimates(name: str, method: str) -> None:
    m = tiny.model(name)
    parts = [(rows, scores(m, task, method)) for rows, task in groups()]
    close(scores(m, mixed(), method), weighted(parts))


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
@pytest.mark.parametrize("metric", ["log-probability", "loss", "KL divergence"])
def test_estimates_by_other_metrics(name: str, metric: str) -> None:
    m = tiny.model(name)
    parts = [(rows, scores(m, task, "eap-ig", steps=2)) for rows, task in groups(metric)]
    close(scores(m, mixed(metric), "eap-ig", steps=2), weighted(parts))


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_exact_patching(name: str, direction: str) -> None:
    m = tiny.model(name)
    asked = {"direction": direction}
    parts = [(rows, scores(m, task, "edge-patching", **asked)) for rows, task in groups()]
    close(scores(m, mixed(), "edge-patching", **asked), weighted(parts))


@pytest.mark.parametrize("name", NAMES)
def test_nodes(name: str) -> None:
    m = tiny.model(name)

    def of(task: cb.Task) -> np.ndarray:
        return node_scores(Job(m, task, "node-attribution", NodeOptions(), Watch()), NodeOptions())

    close(of(mixed()), weighted([(rows, of(task)) for rows, task in groups()]))


def drawn(exists: np.ndarray, count: int = 4) -> Any:
    """Masks that each edge is in by even chance."""
    return (np.random.default_rng(0).random((count, *exists.shape)) < 0.5) & exists


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["resample", "mean", "zero"])
def test_masked_runs(name: str, how: Any) -> None:
    """Means are over the tokens of all corrupted prompts, padding left out."""
    m = tiny.model(name)
    trials = Trials(m, mixed(), space_of(m, cb.Circuit.of([])), how)
    masks = drawn(trials.space.exists)
    values = trials.of(masks)
    everyone = mixed().corrupt
    for rows, task in groups():
        runs = MaskedRuns.of(m, task.clean, task.corrupt, how, everyone)
        logits = runs.logits(torch.tensor(masks, dtype=torch.float32)).double().numpy()
        for i, (row, pair) in enumerate(zip(rows, task, strict=True)):
            targets, foils = ([m.answer(a) for a in some] for some in (pair.targets, pair.foils))
            alone = logits[:, i, targets].mean(1) - logits[:, i, foils].mean(1)
            close(values[:, row], alone, 2e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
@pytest.mark.parametrize("objective", ["KL divergence", "metric"])
def test_losses_of_masks_and_their_gradients(name: str, objective: Any) -> None:
    m = tiny.model(name)
    options = LearnedMaskOptions(objective=objective)

    def of(task: cb.Task) -> tuple[np.ndarray, np.ndarray]:
        job = Job(m, task, "learned-mask", options, Watch())
        loss = MaskedLoss(job, objective)
        soft = torch.full(job.space.exists.shape, 0.7, requires_grad=True)
        (portion,) = loss.portions
        loss.step(soft, portion).backward()
        assert soft.grad is not None
        return loss.of(drawn(job.space.exists)), soft.grad.double().numpy()

    parts = [(rows, of(task)) for rows, task in groups()]
    for i, whole in enumerate(of(mixed())):
        close(whole, weighted([(rows, found[i]) for rows, found in parts]), 2e-5)


@pytest.mark.parametrize("method", ["acdc", "learned-mask"])
def test_searches_under_masks_take_them(method: str) -> None:
    m = tiny.model("llama")
    options: dict[str, Any] = {} if method == "acdc" else {"steps": 4}
    circuit = cb.discover(m, mixed(), method, **options)
    found = cb.evaluate(m, circuit, mixed(), random=2, subsets=2, greedy=1, fractions=())
    assert found.faithfulness[0].pairs == len(PAIRS)
    each = cb.circuit_metric(m, circuit, mixed())
    assert found.faithfulness[0].circuit == pytest.approx(float(each.mean()), abs=1e-5)
    for rows, task in groups():
        close(each[rows], cb.circuit_metric(m, circuit, task))


def test_what_needs_one_length_says_so() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(CircuitError, match=r"4 to 9 tokens: their positions do not correspond"):
        cb.discover(m, mixed(), "eap", positions=True)
    with pytest.raises(InterventionError, match="mean at each position needs prompts of one"):
        Trials(m, mixed(), space_of(m, cb.Circuit.of([])), "positional mean")
    uneven = cb.Pair(tiny.prompt(7, 1), tiny.prompt(5, 1), ("t3",), ("t4",))
    task = cb.Task("uneven", (*PAIRS, uneven))
    with pytest.raises(TaskError, match=r"Pair 5 .* 8 and 6 tokens.*which tokens correspond"):
        cb.discover(m, task, "eap")
