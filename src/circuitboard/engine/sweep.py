"""The effect of many interventions, one at a time, on one metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.batch import Batch
from circuitboard.engine.engine import Check, engine_of
from circuitboard.engine.metric import Judge, OwnMetric
from circuitboard.engine.run import metric_of
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import InterventionError, TargetError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet, Patch, Source
from circuitboard.spec.metric import Metric, MetricKind

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]
Over = Literal[
    "resid_pre", "resid_mid", "resid_post", "attn", "mlp", "head", "head position", "neuron",
    "q", "k", "v", "z", "pattern",
]  # fmt: skip


def _ignore(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def _never() -> None:
    """The check of work that nobody cancels."""


@dataclass(frozen=True)
class Watch:
    """How a long job is followed: ``progress(done, total)``; ``check()`` raises to stop it."""

    progress: Progress = _ignore
    check: Check = _never


def measure(
    model: Model,
    prompts: str | Sequence[str],
    sets: Sequence[InterventionSet],
    metric: Metric | OwnMetric,
    watch: Watch | None = None,
    start: InterventionSet | None = None,
) -> tuple[Floats, Floats]:
    """The metric under each set, one run each, all computed in batches.

    Args:
        start: the run that all are thought to begin from; choose the one that they share most with.

    Returns:
        The metric under each set [n, b] and under ``start`` [b], float32.
    """
    engine, watch = engine_of(model), watch or Watch()
    with model.lock:
        engine.refresh()
        tokens, lengths = engine.encode(prompts)
        base, _ = engine.run(tokens, lengths, start or InterventionSet(), watch.check)
        clean = engine.last_logits(engine.baseline(tokens, lengths, watch.check))
        judge = Judge(model, metric, tokens, lengths, clean)
        batch = Batch(engine, base, judge, watch.check)
        begun = judge.run(engine, base)
        out = np.full((len(sets), len(lengths)), np.nan, np.float32)
        done = 0

        def found(i: int, values: Tensor) -> None:
            nonlocal done
            out[i] = values.float().cpu().numpy()
            done += 1
            watch.progress(done, len(sets))

        batch.run(sets, found)
    return out, begun.float().cpu().numpy()


def sweep(
    model: Model,
    prompt: str | Sequence[str],
    interventions: Iterable[AnyIntervention | InterventionSet | Sequence[AnyIntervention]],
    *,
    target: str | None = None,
    foil: str | None = None,
    metric: MetricKind | OwnMetric | None = None,
    reference: Sequence[str] | None = None,
    watch: Watch | None = None,
) -> Floats:
    """How much each intervention, alone, changes the metric: float32 [n], the mean over prompts.

    Args:
        model: from :func:`circuitboard.load`.
        prompt: one text or several.
        interventions: each item is an intervention, or several that act together.
        target, foil: tokens that the metric compares.
        metric: a name, or a function of the logits at the last positions, [b, v] -> [b]; the
            logit difference (with a foil) or log-probability unless given.
        reference: prompts for means and resampling; a bundled model has its own.
        watch: progress and cancelling.

    Raises:
        What :func:`circuitboard.run` raises; TargetError where the metric lacks its target.
    """
    sets = [InterventionSet.of(item).refer(reference) for item in interventions]
    values, begun = measure(
        model, prompt, sets, resolve(model, target, foil, metric), watch
    )  # fmt: skip
    return (values - begun).mean(1)


def resolve(
    model: Model, target: str | None, foil: str | None, metric: MetricKind | OwnMetric | None
) -> Metric | OwnMetric:
    """The metric that is meant. Raises TargetError where a target is missing."""
    if callable(metric):
        return metric
    if metric in ("loss", "KL divergence"):
        return Metric(metric)
    found = metric_of(model, target, foil, metric)
    if found is None:
        raise TargetError("The metric needs a target token.", "Give target= (and foil=).")
    return found


def patch_grid(
    model: Model,
    clean: str,
    corrupt: str,
    metric: MetricKind | OwnMetric | None = None,
    *,
    over: Over = "resid_pre",
    target: str | None = None,
    foil: str | None = None,
    direction: Literal["denoising", "noising"] = "denoising",
    watch: Watch | None = None,
) -> Floats:
    """The metric with one place at a time patched from another prompt (activation patching).

    ``denoising`` runs the corrupted prompt and patches values of the clean one in; ``noising`` the
    other way round (Heimersheim and Nanda 2024, "How to use and interpret activation patching").

    Args:
        clean, corrupt: prompts of equal length in tokens.
        over: what is patched. ``resid_pre``, ``resid_mid``, ``resid_post``, ``attn``, ``mlp``:
            layer x position [l, p]; ``head``, ``q``, ``k``, ``v``, ``z``, ``pattern``: [l, h];
            ``head position``: [l, h, p]; ``neuron``: [l, n].
        target, foil, metric: as for :func:`sweep`.

    Returns:
        The metric of each patched run, float32.

    Raises:
        InterventionError: the prompts differ in length; AddressError: the model lacks the places.
    """
    onto, source = (corrupt, clean) if direction == "denoising" else (clean, corrupt)
    places, form = grid_places(model, over, check_lengths(model, onto, source))
    for place in places:
        model.check(Address.parse(place))
    origin = Source((source,))
    sets = [InterventionSet((Patch(place, origin),)) for place in places]
    values, _ = measure(model, onto, sets, resolve(model, target, foil, metric), watch)
    return values.mean(1).reshape(form)


def check_lengths(model: Model, first: str, second: str) -> int:
    """Tokens of both prompts. Raises InterventionError where they differ."""
    counts = [len(model.tokenize(text)) for text in (first, second)]
    if counts[0] != counts[1]:
        raise InterventionError(
            f"The prompts have {counts[0]} and {counts[1]} tokens.",
            "Patching all places needs prompts of equal length, token by token.",
        )
    return counts[0]


def grid_places(model: Model, over: Over, width: int) -> tuple[list[str], tuple[int, ...]]:
    """The addresses of a grid, in order, and its shape."""
    f = model.facts
    if over in ("resid_pre", "resid_mid", "resid_post", "attn", "mlp"):
        places = [f"L{i}.{over}@{p}" for i in range(f.n_layers) for p in range(width)]
        return places, (f.n_layers, width)
    if over == "neuron":
        places = [f"L{i}.mlp.n{n}" for i in range(f.n_layers) for n in range(f.d_mlp)]
        return places, (f.n_layers, f.d_mlp)
    if over == "head position":
        places = [f"{head}@{p}" for head in model.heads for p in range(width)]
        return places, (f.n_layers, f.n_heads, width)
    end = "" if over == "head" else f".{over}"
    return [f"{head}{end}" for head in model.heads], (f.n_layers, f.n_heads)
