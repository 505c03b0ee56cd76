"""Rows of many runs that go through the blocks together."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from circuitboard.engine.held import HeldRun
from circuitboard.engine.sites import Task
from circuitboard.models.executor import KeysValues
from circuitboard.spec.intervention import AnyIntervention, InterventionSet


@dataclass
class Flight:
    """Runs on their way through the blocks, at positions from ``position`` on.

    Attributes:
        prompts: rows for each set of interventions.
        sets: one for each run that has joined; ``order``: where it stands among all.
        stream: [sets * prompts, p, d], what enters the next block.
    """

    position: int
    prompts: int
    values: dict[AnyIntervention, Tensor]
    stream: Tensor
    sets: list[InterventionSet] = field(default_factory=list)
    order: list[int] = field(default_factory=list)

    def tasks(self) -> list[Task]:
        """What is done to each row."""
        rows = self.prompts
        return [
            Task(wanted.items, slice(n * rows, (n + 1) * rows))
            for n, wanted in enumerate(self.sets)
        ]


def repeated(tensor: Tensor, count: int) -> Tensor:
    """``count`` times the rows of a tensor; a view where it has one row."""
    if len(tensor) == 1:
        return tensor.expand(count, *tensor.shape[1:])
    return tensor.repeat(count, *[1] * (tensor.ndim - 1))


def past_of(
    base: HeldRun, layers: range, position: int, count: int
) -> dict[int, KeysValues] | None:
    """Keys and values before a position for some blocks; block 0's say how many there are."""
    if not position:
        return None
    found = {i: base.cache[i] for i in sorted({0, *layers})}
    return {
        i: (
            repeated(keys[:, :, :position], count if i in layers else 1),
            repeated(values[:, :, :position], count if i in layers else 1),
        )
        for i, (keys, values) in found.items()
    }
