"""What all methods share: options, the pairs of a task, and the circuit at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

import circuitboard
from circuitboard.circuits.methods.neurons_apart import neurons_apart
from circuitboard.circuits.methods.space import Space
from circuitboard.engine.run import metric_of_task
from circuitboard.engine.sweep import Watch
from circuitboard.methods.contrast import Contrast, Direction
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Circuit, Granularity, Provenance, Scored, Scores
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.metric import Metric
from circuitboard.spec.task import Task


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every method can be told.

    Attributes:
        granularity: ``qkv``: edges into a head's query, key and value apart; ``node``: together.
        positions: score each token position apart; all pairs must be of one length.
        seed: of the methods with chance in them.
        neurons: how many of every MLP are nodes of their own, the MLP's address standing for the
            rest; or which, by their addresses.
    """

    granularity: Granularity = "qkv"
    positions: bool = False
    seed: int = 0
    neurons: int | tuple[str, ...] = 0


@dataclass
class Job:
    """One search.

    Attributes:
        method: its name, as the circuit keeps it.
    """

    model: Model
    task: Task
    method: str
    options: Options
    watch: Watch
    space: Space = field(init=False)
    _began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        width = self._width() if self.options.positions else 0
        neurons = self.options.neurons
        if isinstance(neurons, int):
            neurons = self._most(neurons) if neurons else ()
        self.space = Space.of(self.model, self.options.granularity, width, neurons)

    def _most(self, count: int) -> tuple[str, ...]:
        """The neurons that seem to matter most on these pairs."""
        direction: Direction = getattr(self.options, "direction", "noising")
        return neurons_apart(self.contrast(direction), count, self.watch)

    def _width(self) -> int:
        widths = {len(self.model.tokenize(prompt)) for prompt in self.task.clean}
        if len(widths) > 1:
            raise CircuitError(
                f"The pairs of {self.task.name!r} have {min(widths)} to {max(widths)} tokens: "
                "their positions do not correspond.",
                "Leave positions out, or take pairs of one length.",
            )
        return widths.pop()

    def refuse_positions(self, why: str) -> None:
        """Raises CircuitError where positions are asked for."""
        if self.options.positions:
            raise CircuitError(f"{self.method} scores no positions: {why}.", "Leave positions out.")

    @property
    def metric(self) -> Metric:
        """The task's."""
        return metric_of_task(self.model, self.task)

    def contrast(self, direction: Direction = "noising") -> Contrast:
        """The pairs of the task, ready to be patched."""
        return contrast_of(self.model, self.task, direction)

    def done(self, matrix: NDArray[np.floating], kept: NDArray[np.bool_] | None = None) -> Circuit:
        """The circuit of scores over the space's edges, NaN elsewhere; of all, or those kept."""
        scores = self.space.scores(matrix)
        names, values = scores.edges, scores.values.tolist()
        chosen = [True] * len(names) if kept is None else _flat(kept, self.space).tolist()
        edges = tuple(
            Scored(name, value) for name, value, on in zip(names, values, chosen, strict=True) if on
        )
        return Circuit(
            self.model.facts.name,
            self.task.name,
            self.method,
            edges,
            self.options.granularity,
            scores,
            self._made(),
            self.space.neurons,
        )

    def _made(self) -> Provenance:
        return Provenance(
            settings=msgspec.to_builtins(self.options),
            versions=versions(),
            seconds=round(time.perf_counter() - self._began, 3),
            pairs=len(self.task),
            metric=self.task.metric,
            task=self.task.digest,
        )


def contrast_of(model: Model, task: Task, direction: Direction = "noising") -> Contrast:
    """The pairs of a task, ready to be patched and judged by its metric."""
    foils = task.foils if all(task.foils) else None
    question = task.metric, task.targets, foils
    return Contrast.of(model, (task.clean, task.corrupt), question, direction)


def versions() -> dict[str, str]:
    """What computed."""
    found = {name: version(name) for name in ("torch", "transformers", "transformer-lens")}
    return {"circuitboard": circuitboard.__version__, **found}


def _flat(values: NDArray[Any], space: Space) -> NDArray[Any]:
    """In the order of :attr:`circuitboard.spec.circuit.Scores.edges`."""
    return values.swapaxes(0, 1)[space.exists.swapaxes(0, 1)]


def named(space: Space) -> tuple[str, ...]:
    """Addresses of a space's edges, in the order of its circuits."""
    shape: Scores = space.scores(np.where(space.exists, 0.0, np.nan))
    return shape.edges


def unflat(values: NDArray[np.floating], space: Space) -> NDArray[np.float64]:
    """Values in the order of :func:`named` as a matrix, NaN where no edge is."""
    turned = np.full(space.exists.swapaxes(0, 1).shape, np.nan)
    turned[space.exists.swapaxes(0, 1)] = values
    return turned.swapaxes(0, 1)
