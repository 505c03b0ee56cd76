"""Pairs of prompts: the one that the model runs on, and the one whose values are put in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.metric import Judge, OwnMetric, portion
from circuitboard.engine.run import Texts, resolve
from circuitboard.engine.sweep import Watch, check_lengths, measure
from circuitboard.models.model import Model
from circuitboard.spec.errors import StaleResultError, TargetError
from circuitboard.spec.intervention import InterventionSet, Patch, Source
from circuitboard.spec.metric import Metric, MetricKind
from circuitboard.spec.prompts import Prompt, Prompts, prompts_of

Floats = NDArray[np.float32]
Direction = Literal["denoising", "noising"]

#: Numbers that the graph of one pass may hold, about.
ROOM = 1 << 28


@dataclass(frozen=True)
class Portion:
    """Some of the pairs, that go through the model together.

    Attributes:
        rows: which of all pairs.
        onto, source: their prompts.
        tokens, theirs: token ids [b, p] of both.
        judge: of what the prompts ``onto`` give.
    """

    rows: slice
    onto: tuple[Prompt, ...]
    source: tuple[Prompt, ...]
    tokens: Tensor
    theirs: Tensor
    judge: Judge


@dataclass(frozen=True)
class Contrast:
    """What an attribution is about.

    Attributes:
        onto: the prompts that are run; source: those whose values are put in.
        widths: tokens of each pair.
        epoch: the engine's, when the attribution was made.
    """

    model: Model
    onto: tuple[Prompt, ...]
    source: tuple[Prompt, ...]
    metric: Metric | OwnMetric
    widths: tuple[int, ...]
    epoch: int

    @classmethod
    def of(
        cls,
        model: Model,
        pair: tuple[Prompts, Prompts],
        question: tuple[MetricKind | OwnMetric | None, Texts | None, Texts | None],
        direction: Direction,
    ) -> Contrast:
        """From (clean, corrupt) and (metric, target, foil).

        Raises what :func:`circuitboard.patch_grid` raises.
        """
        metric, target, foil = question
        judged = resolve(model, target, foil, metric, len(prompts_of(pair[0])))
        return cls.between(model, pair, judged, direction)

    @classmethod
    def between(
        cls,
        model: Model,
        pair: tuple[Prompts, Prompts],
        judged: Metric | OwnMetric,
        direction: Direction,
    ) -> Contrast:
        """From (clean, corrupt) and a metric. Raises InterventionError for unequal lengths."""
        clean, corrupt = (prompts_of(prompts) for prompts in pair)
        onto, source = (corrupt, clean) if direction == "denoising" else (clean, corrupt)
        widths = check_lengths(model, onto, source)
        engine = engine_of(model)
        engine.refresh()
        return cls(model, onto, source, judged, tuple(widths), engine.epoch)

    @property
    def engine(self) -> Engine:
        """The model's engine."""
        return engine_of(self.model)

    def refuse_divergence(self) -> None:
        """Raises TargetError for a KL divergence, whose gradient at its own baseline is zero."""
        if isinstance(self.metric, Metric) and self.metric.kind == "KL divergence":
            raise TargetError(
                "A KL divergence has its minimum at the baseline: its gradient there is zero.",
                'Take another metric, or method="eap-ig-inputs", whose gradients are elsewhere.',
            )

    def portions(self, more: int = 0) -> Iterator[Portion]:
        """The pairs in portions that fit into memory; ``more``: further numbers for each token.

        A metric of the user's own sees all prompts at once, so that it can tell them apart.
        """
        own = not isinstance(self.metric, Metric)
        count = len(self.onto) if own else min(len(self.onto), rows_of(self, more))
        for start in range(0, len(self.onto), count):
            rows = slice(start, start + count)
            onto, source = self.onto[rows], self.source[rows]
            tokens, lengths = self.engine.encode(onto)
            judge = self._judge(tokens, lengths, rows)
            yield Portion(rows, onto, source, tokens, self.engine.encode(source)[0], judge)

    def _judge(self, tokens: Tensor, lengths: list[int], rows: slice) -> Judge:
        metric, baseline = portion(self.metric, rows), None
        if isinstance(metric, Metric) and metric.kind == "KL divergence":
            baseline = self.engine.last_logits(self.engine.baseline(tokens, lengths))
        return Judge(self.model, metric, tokens, lengths, baseline)

    def patched(self, places: Sequence[str], watch: Watch | None = None) -> Floats:
        """By how much the metric changes with each place or edge patched alone: exact, [n]."""
        origin = Source(self.source)
        sets = [InterventionSet((Patch(place, origin),)) for place in places]
        return self.measured(sets, watch)

    def measured(self, sets: Sequence[InterventionSet], watch: Watch | None = None) -> Floats:
        """By how much each set changes the metric of ``onto``, [n], the mean over prompts.

        Raises StaleResultError where the model is no longer what it was.
        """
        self.engine.refresh()
        if self.engine.epoch != self.epoch:
            raise StaleResultError(
                "The model's weights or hooks were changed after this attribution.",
                "Make it again.",
            )
        values, begun = measure(self.model, self.onto, sets, self.metric, watch)
        return (values - begun).mean(1)


def rows_of(contrast: Contrast, more: int = 0) -> int:
    """How many prompts one pass with its graph may hold, at least one."""
    f, width = contrast.model.facts, max(contrast.widths)
    block = 16 * f.d_model + 4 * f.d_mlp + 4 * f.n_heads * (width + f.d_head)
    token = f.n_layers * block + 3 * f.d_vocab + more
    return max(1, ROOM // (token * width))
