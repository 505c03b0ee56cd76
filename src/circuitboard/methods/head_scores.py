"""Head scores on random repeats: previous-token, duplicate-token, induction, current, first.

Input: ``[BOS] r_1 .. r_T r_1 .. r_T`` with r random tokens. With A[q, k] a head's pattern there,
and diag(n) the entries A[q, q - n]: previous-token = mean diag(1); current = mean diag(0); first =
mean A[:, 0]; induction = mean diag(T - 1); duplicate-token = mean diag(T). A head that scores above
0.4 is called by that name (definitions and threshold: ARENA, chapter 1.2, after Elhage 2021 and
Olsson 2022). A diagonal's mean counts the queries of the first copy too, so a perfect induction
head stays a little below 1.

The scores belong to the weights: no prompt and no intervention of a board comes in. What a head
does on one prompt is in its pattern there.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.held import HeldRun
from circuitboard.engine.sweep import Watch
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import PromptError
from circuitboard.spec.intervention import InterventionSet

Floats = NDArray[np.float32]
ScoreName = Literal["previous", "duplicate", "induction", "current", "first"]

#: Above it, a head is called by a score's name.
THRESHOLD = 0.4
PERIOD = 50
SEEDS = 8


@dataclass(frozen=True)
class HeadScores:
    """Mean scores over the repeats, each [l, h], between 0 and 1; NaN where not yet computed."""

    previous: Floats
    duplicate: Floats
    induction: Floats
    current: Floats
    first: Floats

    @classmethod
    def empty(cls, model: Model) -> HeadScores:
        """All NaN."""
        shape = (model.facts.n_layers, model.facts.n_heads)
        return cls(*(np.full(shape, np.nan, np.float32) for _ in fields(cls)))

    def over(self, name: ScoreName, threshold: float = THRESHOLD) -> list[str]:
        """Addresses of the heads whose score is above a threshold, the highest first."""
        scores: Floats = getattr(self, name)
        found = [(float(scores[at]), at) for at in np.ndindex(*scores.shape)]
        found = sorted((pair for pair in found if pair[0] > threshold), reverse=True)
        return [f"L{layer}H{head}" for _, (layer, head) in found]


def head_scores(
    model: Model, *, period: int = PERIOD, seeds: int = SEEDS, watch: Watch | None = None
) -> HeadScores:
    """Scores of every head on random repeats.

    Args:
        model: from :func:`circuitboard.load`.
        period: T, the tokens of one copy; fewer where the context is too short for two copies.
        seeds: how many repeats to average over; their seeds are 0, 1, 2, ...
        watch: progress and cancelling.

    Raises:
        PromptError: the context is too short for a repeat.
    """
    engine, watch = engine_of(model), watch or Watch()
    found = HeadScores.empty(model)
    engine.refresh()
    for done in score_steps(engine, found, period, seeds):
        watch.progress(done, seeds * model.facts.n_layers)
        watch.check()
    return found


def score_steps(
    engine: Engine, found: HeadScores, period: int = PERIOD, seeds: int = SEEDS
) -> Generator[int, None, None]:
    """Fills in scores, repeat by repeat and layer by layer; yields the layers done."""
    model, epoch = engine.model, engine.epoch
    done = 0
    for seed in range(seeds):
        ids, copy = repeat(model, period, seed)
        tokens = torch.tensor([ids], device=model.device)
        with model.lock:
            run, _ = engine.run(tokens, [len(ids)], InterventionSet(), hold=False)
        for layer in range(model.facts.n_layers):
            with model.lock:
                if engine.epoch != epoch:
                    return
                pattern = _patterns(engine, run, layer)
            for name, value in pattern_scores(pattern, copy).items():
                mean: Floats = getattr(found, name)
                before = mean[layer] * seed if seed else 0.0
                mean[layer] = (before + value.cpu().numpy()) / (seed + 1)
            done += 1
            yield done


def pattern_scores(pattern: Float[Tensor, "h p p"], copy: int) -> dict[ScoreName, Tensor]:
    """The five scores [h] of patterns on one repeat, whose copies are ``copy`` tokens long."""

    def mean(back: int) -> Tensor:
        return pattern.diagonal(-back, -2, -1).mean(-1)

    return {
        "previous": mean(1),
        "duplicate": mean(copy),
        "induction": mean(copy - 1),
        "current": mean(0),
        "first": pattern[..., 0].mean(-1),
    }


def repeat(model: Model, period: int, seed: int) -> tuple[list[int], int]:
    """Token ids of one repeat, and the length of a copy.

    The tokens of a copy differ from each other where the vocabulary is large enough. A model
    without a beginning-of-sequence token gets none. Raises PromptError.
    """
    bos = model.tokenizer.bos_token_id
    start = [] if bos is None else [int(bos)]
    copy = min(period, (model.facts.n_ctx - len(start)) // 2)
    special = set(model.tokenizer.all_special_ids)
    plain = [i for i in range(model.facts.d_vocab) if i not in special]
    if copy < 2 or not plain:
        raise PromptError(
            f"A context of {model.facts.n_ctx} tokens is too short for a repeat.",
            "Head scores need room for two copies of two tokens.",
        )
    draw = random.Random(seed)
    once = draw.sample(plain, copy) if copy <= len(plain) else draw.choices(plain, k=copy)
    return [*start, *once, *once], copy


def _patterns(engine: Engine, run: HeldRun, layer: int) -> Float[Tensor, "h p p"]:
    places = [Address("head.pattern", layer, head=h) for h in range(engine.model.facts.n_heads)]
    found = engine.read(run, places)
    run.values.clear()
    return torch.stack([found[place.place][0].float() for place in places])
