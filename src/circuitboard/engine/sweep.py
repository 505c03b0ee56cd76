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
from circuitboard.engine.run import Texts, resolve
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet, Patch, Source
from circuitboard.spec.metric import Metric, MetricKind
from circuitboard.spec.prompts import Prompt, Prompts, prompts_of

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
    prompts: Prompts,
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
    prompt: Prompts,
    interventions: Iterable[AnyIntervention | InterventionSet | Sequence[AnyIntervention]],
    *,
    target: Texts | None = None,
    foil: Texts | None = None,
    metric: MetricKind | OwnMetric | None = None,
    reference: Sequence[str] | None = None,
    per_prompt: bool = False,
    watch: Watch | None = None,
) -> Floats:
    """How much each intervention, alone, changes the metric: float32 [n], the mean over prompts.

    Args:
        model: from :func:`circuitboard.load`.
        prompt: one text or several; token ids do too.
        interventions: each item is an intervention, or several that act together.
        target, foil: tokens that the metric compares, as for :func:`circuitboard.run`.
        metric: a name, or a function of the logits at the last positions, [b, v] -> [b]; the
            logit difference (with a foil) or log-probability unless given.
        reference: prompts for means and resampling; a bundled model has its own.
        per_prompt: give [n, b] instead, a number for each prompt.
        watch: progress and cancelling.

    Raises:
        What :func:`circuitboard.run` raises; TargetError where the metric lacks its target.
    """
    sets = [InterventionSet.of(item).refer(reference) for item in interventions]
    prompts = prompts_of(prompt)
    judged = resolve(model, target, foil, metric, len(prompts))
    values, begun = measure(model, prompts, sets, judged, watch)
    return values - begun if per_prompt else (values - begun).mean(1)


def patch_grid(
    model: Model,
    clean: Prompts,
    corrupt: Prompts,
    metric: MetricKind | OwnMetric | None = None,
    *,
    over: Over = "resid_pre",
    target: Texts | None = None,
    foil: Texts | None = None,
    direction: Literal["denoising", "noising"] = "denoising",
    per_prompt: bool = False,
    watch: Watch | None = None,
) -> Floats:
    """The metric with one place at a time patched from another prompt (activation patching).

    ``denoising`` runs the corrupted prompt and patches values of the clean one in; ``noising`` the
    other way round (Heimersheim and Nanda 2024, "How to use and interpret activation patching").

    Args:
        clean, corrupt: a pair of prompts, or as many of both; each pair of equal length in tokens,
            and all pairs where ``over`` has positions.
        over: what is patched. ``resid_pre``, ``resid_mid``, ``resid_post``, ``attn``, ``mlp``:
            layer x position [l, p]; ``head``, ``q``, ``k``, ``v``, ``z``, ``pattern``: [l, h];
            ``head position``: [l, h, p]; ``neuron``: [l, n].
        target, foil, metric: as for :func:`sweep`.
        per_prompt: keep the prompts as a last dimension, b, instead of their mean.

    Returns:
        The metric of each patched run, float32, the mean over prompts.

    Raises:
        InterventionError: the prompts differ in length; AddressError: the model lacks the places.
    """
    pair = prompts_of(corrupt), prompts_of(clean)
    onto, source = pair if direction == "denoising" else pair[::-1]
    places, form = checked_grid(model, over, check_lengths(model, onto, source))
    origin = Source(source)
    sets = [InterventionSet((Patch(place, origin),)) for place in places]
    judged = resolve(model, target, foil, metric, len(onto))
    values, _ = measure(model, onto, sets, judged, watch)
    return values.reshape(*form, -1) if per_prompt else values.mean(1).reshape(form)


def check_lengths(model: Model, first: Sequence[Prompt], second: Sequence[Prompt]) -> list[int]:
    """Tokens of each pair of prompts. Raises InterventionError where they differ."""
    if len(first) != len(second):
        raise InterventionError(
            f"There are {len(first)} prompts for {len(second)}.", "Give them in pairs."
        )
    counts = [[len(model.tokenize(prompt)) for prompt in prompts] for prompts in (first, second)]
    for one, other in zip(*counts, strict=True):
        if one != other:
            raise InterventionError(
                f"The prompts have {one} and {other} tokens.",
                "Patching all places needs prompts of equal length, token by token.",
            )
    return counts[0]


def checked_grid(
    model: Model, over: Over, widths: Sequence[int]
) -> tuple[list[str], tuple[int, ...]]:
    """The addresses of a grid for prompts of so many tokens, in order, and its shape.

    Raises InterventionError where positions differ; AddressError where the model lacks a place.
    """
    places, form = grid_places(model, over, max(widths))
    if len(set(widths)) > 1 and any("@" in place for place in places):
        raise InterventionError(
            f"The prompts have {min(widths)} to {max(widths)} tokens.",
            f"A grid of {over} has positions: give it pairs of one length.",
        )
    for place in places:
        model.check(Address.parse(place))
    return places, form


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
