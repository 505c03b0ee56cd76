"""What is wrong with pairs of prompts for a model, and how many of them it gets right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from circuitboard.spec.errors import CircuitboardError, TargetError
from circuitboard.spec.metric import MetricKind

if TYPE_CHECKING:
    from circuitboard.spec.prompts import Prompt
    from circuitboard.spec.task import Answer, Pair


class Readable(Protocol):
    """What of a model is needed to read prompts and answers."""

    def tokenize(self, prompt: Prompt) -> list[int]:
        """Token ids; raises PromptError."""
        ...

    def answer(self, given: Answer) -> int:
        """The id of an answer; raises TargetError."""
        ...


class Runnable(Readable, Protocol):
    """What of a model is needed to see its answers."""

    def last_logits(self, prompts: Sequence[Prompt]) -> NDArray[np.float32]:
        """Logits after each prompt, [b, v]."""
        ...


class Complaint(NamedTuple):
    """One thing that is wrong with one pair."""

    pair: int
    message: str
    hint: str

    def __str__(self) -> str:
        return f"Pair {self.pair}: {self.message} {self.hint}"


class Checked(NamedTuple):
    """How a model does on the clean prompts of a task.

    Attributes:
        right: pairs whose answers come before their foils, by the task's metric; without foils,
            pairs whose most likely next token is an answer.
        top: pairs whose most likely next token is an answer.
        total: pairs.
        wrong: which pairs are not right.
    """

    right: int
    top: int
    total: int
    wrong: tuple[int, ...]

    @property
    def share(self) -> float:
        """Right pairs out of all."""
        return self.right / self.total

    def __str__(self) -> str:
        return (
            f"{self.right} of {self.total} right ({self.share:.0%}); an answer is the most likely "
            f"next token in {self.top}"
        )


def complaints(model: Readable, pairs: Sequence[Pair]) -> list[Complaint]:
    """All that is wrong, pair by pair."""
    return [
        Complaint(number, message, hint)
        for number, pair in enumerate(pairs)
        for message, hint in _of_pair(model, pair)
    ]


def _of_pair(model: Readable, pair: Pair) -> Iterator[tuple[str, str]]:
    widths: list[int] = []
    for side in ("clean", "corrupt"):
        try:
            widths.append(len(model.tokenize(getattr(pair, side))))
        except CircuitboardError as error:
            yield f"its {side} prompt cannot be read. {error.message}", error.hint
    if len(widths) == 2 and widths[0] != widths[1]:
        yield (
            f"its prompts have {widths[0]} and {widths[1]} tokens.",
            "Make them equally long: values are carried over position by position, and nothing "
            "says which tokens correspond. Other pairs may be of other lengths.",
        )
    ids: dict[str, set[int]] = {}
    for side in ("targets", "foils"):
        ids[side] = set()
        for answer in getattr(pair, side):
            try:
                ids[side].add(model.answer(answer))
            except TargetError as error:
                yield error.message, error.hint
    both = ids["targets"] & ids["foils"]
    if both:
        yield f"token {min(both)} is a target and a foil.", "Leave it out of one of them."
    width = min(widths, default=0)
    for name, position in pair.positions:
        if not -width <= position < width:
            yield (
                f"position {name!r} is {position}, of {width} tokens.",
                "Count from 0, the beginning-of-sequence token included, or from -1 backwards.",
            )


def check(model: Runnable, pairs: Sequence[Pair], metric: MetricKind) -> Checked:
    """Runs the clean prompts and counts."""
    logits = model.last_logits([pair.clean for pair in pairs]).astype(np.float64)
    right: list[bool] = []
    top: list[bool] = []
    for row, pair in zip(logits, pairs, strict=True):
        targets, foils = (
            [model.answer(one) for one in side] for side in (pair.targets, pair.foils)
        )
        top.append(int(row.argmax()) in targets)
        right.append(_gap(row, targets, foils, metric) > 0 if targets and foils else top[-1])
    wrong = tuple(i for i, good in enumerate(right) if not good)
    return Checked(sum(right), sum(top), len(pairs), wrong)


def _gap(row: NDArray[Any], targets: list[int], foils: list[int], metric: MetricKind) -> float:
    """How far the answers are before the foils: logits by their means, probabilities by sums."""
    if metric == "logit difference":
        return float(row[targets].mean() - row[foils].mean())
    chances = np.exp(row - row.max())
    return float(chances[targets].sum() - chances[foils].sum())
