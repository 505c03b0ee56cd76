"""Runs of circuits on the pairs of a task, judged by its metric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from circuitboard.circuits.methods.job import contrast_of
from circuitboard.circuits.methods.space import Space
from circuitboard.engine.masked import MaskedRuns
from circuitboard.engine.metric import Judge
from circuitboard.engine.outside import How
from circuitboard.engine.sweep import Watch
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: What two runs of the same prompts may differ by, relative to the metric.
ROUNDING = 1e-4
#: Numbers that the values of edges that are not live may take; beyond it they are made anew.
HELD = 1 << 28


def space_of(model: Model, circuit: Circuit) -> Space:
    """The edges that a circuit's are some of. Raises CircuitError for another model's circuit."""
    if circuit.model and circuit.model != model.facts.name:
        raise CircuitError(
            f"The circuit is of {circuit.model}, the model is {model.facts.name}.",
            "Give the model that it was found in.",
        )
    width = circuit.scores.width if circuit.scores is not None else 0
    return Space.of(model, circuit.granularity, width, circuit.neurons)


def mask_of(space: Space, edges: Iterable[str]) -> Mask:
    """Which edges of a space are named: [sender, receiver], or [sender, receiver, position].

    Keys and values that heads share have one edge, whichever of these heads it is named by.
    Raises CircuitError for an edge that the space lacks.
    """
    out = np.zeros(space.exists.shape, bool)
    for name in edges:
        out[space.cell(name)] = True
    return out


class Trials:
    """What a task's metric is when only some edges are live.

    Args:
        how: what the others carry: values of each pair's corrupted prompt (``resample``), means
            over all corrupted prompts and positions (``mean``) or at each position
            (``positional mean``), or nothing (``zero``).

    Attributes:
        full, empty: the metric of each pair with all edges and with none, float64 [b].

    Raises:
        TaskError: the task does not fit the model.
        CircuitError: the metric is the same with all edges as with none.
    """

    def __init__(
        self, model: Model, task: Task, space: Space, how: How = "resample",
        watch: Watch | None = None,
    ) -> None:  # fmt: skip
        self.space = space
        self.how: How = how
        self._watch = watch or Watch()
        with model.lock:
            self._contrast = contrast_of(model, task.require(model))
            widths = set(self._contrast.widths)
            if space.width and widths != {space.width}:
                raise CircuitError(
                    f"The circuit is of {space.width} token positions, the pairs have "
                    f"{min(widths)} to {max(widths)}.",
                    "Take pairs of that length, or find a circuit without positions.",
                )
            self._over = None if how == "resample" else task.corrupt
            f = model.facts
            held = f.n_layers * (f.n_heads * f.d_head + 3 * f.d_model) * sum(self._contrast.widths)
            self._held = list(self._parts()) if held <= HELD else None
        none = np.zeros(space.exists.shape, bool)
        self.full, self.empty = self.of([~none, none])
        spread = abs(float(self.full.mean() - self.empty.mean()))
        if not spread > ROUNDING * float(np.abs([self.full, self.empty]).max()):
            raise CircuitError(
                f"The {task.metric} is the same with all edges as with none "
                f"({self.full.mean():.4g}): there is nothing for a circuit to carry.",
                "Check the pairs, task.check(model), and the metric.",
            )

    def _parts(self) -> Iterator[tuple[MaskedRuns, Judge]]:
        """The pairs in portions that fit, ready to be run."""
        model = self._contrast.model
        for part in self._contrast.portions(len(self.space.senders) * model.facts.d_model):
            self._watch.check()
            runs = MaskedRuns.of(
                model, part.onto, part.source, self.how, self._over, self.space.graph
            )
            yield runs, part.judge

    def of(self, masks: Sequence[Mask] | Iterator[Mask]) -> Values:
        """The metric of each pair under each mask over the space's edges, float64 [n, b]."""
        given = torch.tensor(np.stack(list(masks)), dtype=torch.float32)
        full = list(self.space.expand(given))
        found = [
            runs.measure(full, judge, Watch(check=self._watch.check)).double().cpu().numpy()
            for runs, judge in (self._parts() if self._held is None else self._held)
        ]
        return np.concatenate(found, axis=1)

    def faithfulness(self, values: Values) -> Values:
        """(m - m(none)) / (m(all) - m(none)), of means over pairs: values [..., b] to [...]."""
        empty = self.empty.mean()
        return (values.mean(-1) - empty) / (self.full.mean() - empty)

    def interval(self, values: Values, draws: int, seed: int) -> tuple[float, float]:
        """The middle 95 % of the faithfulness over bootstrap draws of pairs, values [b].

        Efron 1979, percentile method; pairs are drawn together with what all edges and none give.
        """
        chance = np.random.default_rng(seed)
        count = len(self.full)
        drawn = chance.integers(count, size=(max(draws, 1), count))
        ends = [one[drawn].mean(1) for one in (values, self.full, self.empty)]
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (ends[0] - ends[2]) / (ends[1] - ends[2])
        low, high = np.nanpercentile(found[np.isfinite(found)], (2.5, 97.5))
        return float(low), float(high)
