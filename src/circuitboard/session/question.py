"""What a board asks of the model, and what the model answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import Tensor

from circuitboard.engine.held import HeldRun
from circuitboard.methods.weight_edits import WeightEdit
from circuitboard.session.interventions import Entries, active
from circuitboard.session.open_circuit import OpenCircuit
from circuitboard.spec.metric import Metric


@dataclass(frozen=True)
class Question:
    """What is asked of the model, and of its circuit: the part of the state that undo restores.

    Runs of the model do not depend on ``circuit``, the one that is open.
    """

    prompt: str
    target: str
    foil: str
    entries: Entries = ()
    contrast: str = ""
    edits: tuple[WeightEdit, ...] = ()
    circuit: OpenCircuit | None = None

    @property
    def runs(self) -> tuple[object, ...]:
        """All that the runs of the model depend on, beside the model."""
        return self.prompt, active(self.entries), self.edits

    def runs_as(self, other: Question) -> bool:
        """Whether the model answers both alike."""
        return replace(other, circuit=self.circuit) == self


class Encoded(NamedTuple):
    """A question as the model takes it: token ids [1, p], their lengths, and the metric.

    ``contrast`` are the token ids of the contrast prompt, none where there is none.
    """

    tokens: Tensor
    lengths: list[int]
    metric: Metric | None
    contrast: list[int]


@dataclass(frozen=True)
class Outcome:
    """What the model answered to one question.

    ``contrast_value`` is the metric of the contrast prompt, with nothing done to the model.
    """

    revision: int
    question: Question
    baseline: HeldRun
    now: HeldRun
    metric: Metric | None
    baseline_value: float | None
    now_value: float | None
    plan: str
    contrast_value: float | None = None
