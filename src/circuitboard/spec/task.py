"""Tasks: pairs of prompts, the answers that tell them apart, and the metric between them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from circuitboard.spec import task_check, task_rows
from circuitboard.spec.errors import TaskError
from circuitboard.spec.metric import DIFFERENCES, UNTARGETED, MetricKind
from circuitboard.spec.prompts import Prompt
from circuitboard.spec.task_check import Checked, Complaint, Readable, Runnable
from circuitboard.spec.task_rows import Rows

#: An answer: the text of one token, with or without its leading space, or a token id.
Answer = str | int


class Pair(msgspec.Struct, frozen=True):
    """A prompt, the same prompt made to ask for something else, and what each side answers.

    Attributes:
        clean, corrupt: texts or token ids, of equal length in tokens.
        targets: right answers to ``clean``, each one token: logits count by their mean,
            probabilities by their sum.
        foils: what they are compared with.
        positions: names of token positions, for people: ``(("S2", 10), ("end", -1))``.
    """

    clean: Prompt
    corrupt: Prompt
    targets: tuple[Answer, ...] = ()
    foils: tuple[Answer, ...] = ()
    positions: tuple[tuple[str, int], ...] = ()


class Task(msgspec.Struct, frozen=True):
    """A behaviour, as pairs of prompts that differ in it alone.

    Attributes:
        name: what circuits and reports call it.
        pairs: the prompts with their answers.
        metric: what is measured at the last position, as ``circuitboard.spec.metric`` has it.
        about: one line for people; where the design of the pairs is from.

    Raises:
        TaskError: there are no pairs, the metric does not exist, or pairs lack the answers that it
            compares.
    """

    name: str
    pairs: tuple[Pair, ...]
    metric: MetricKind = "logit difference"
    about: str = ""

    def __post_init__(self) -> None:
        if not self.pairs:
            raise TaskError(f"The task {self.name!r} has no pairs.", "Give it one or more.")
        if self.metric not in get_args(MetricKind):
            raise TaskError(
                f"{self.metric!r} is not a metric.",
                f"Take one of {', '.join(get_args(MetricKind))}.",
            )
        for number, pair in enumerate(self.pairs):
            missing = "targets" if self.metric not in UNTARGETED and not pair.targets else ""
            if self.metric in DIFFERENCES and not pair.foils:
                missing = missing or "foils"
            if missing:
                raise TaskError(
                    f"Pair {number} of {self.name!r} has no {missing}.",
                    f"A {self.metric} needs them: give them, or another metric.",
                )

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def __repr__(self) -> str:
        return f"Task({self.name!r}, {len(self.pairs)} pairs, {self.metric})"

    @property
    def clean(self) -> tuple[Prompt, ...]:
        """The clean prompts."""
        return tuple(pair.clean for pair in self.pairs)

    @property
    def corrupt(self) -> tuple[Prompt, ...]:
        """The corrupted prompts, one for each clean one."""
        return tuple(pair.corrupt for pair in self.pairs)

    @property
    def targets(self) -> tuple[tuple[Answer, ...], ...]:
        """The right answers of each pair."""
        return tuple(pair.targets for pair in self.pairs)

    @property
    def foils(self) -> tuple[tuple[Answer, ...], ...]:
        """What the answers of each pair are compared with."""
        return tuple(pair.foils for pair in self.pairs)

    @property
    def digest(self) -> str:
        """A short hash of all that the task is; equal tasks have equal ones."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]

    # --- parts ----------------------------------------------------------------------------------

    def head(self, n: int) -> Task:
        """The first n pairs. Raises TaskError where that leaves none."""
        return msgspec.structs.replace(self, pairs=self.pairs[: max(n, 0)])

    def split(self, fraction: float = 0.5, seed: int = 0) -> tuple[Task, Task]:
        """Two tasks without a common pair: ``fraction`` of them, drawn at random, and the rest.

        Each keeps the order of the pairs. Raises TaskError where one side would be empty.
        """
        count = round(fraction * len(self.pairs))
        if not 0 < count < len(self.pairs):
            raise TaskError(
                f"{fraction:g} of {len(self.pairs)} pairs leaves one side empty.",
                "Take a fraction between 0 and 1, and a task of two pairs or more.",
            )
        first = set(random.Random(seed).sample(range(len(self.pairs)), count))
        one, other = (
            tuple(pair for i, pair in enumerate(self.pairs) if (i in first) == side)
            for side in (True, False)
        )
        return msgspec.structs.replace(self, pairs=one), msgspec.structs.replace(self, pairs=other)

    def with_metric(self, metric: MetricKind) -> Task:
        """The same pairs judged by another metric."""
        return msgspec.structs.replace(self, metric=metric)

    # --- against a model ------------------------------------------------------------------------

    def validate(self, model: Readable) -> list[Complaint]:
        """What is wrong with each pair for this model, each with a hint; empty where all is well.

        Pairs must be of equal length in tokens, answers must be one token each, no answer may be
        on both sides, positions must exist, and the prompts must fit into the model's context.
        """
        return task_check.complaints(model, self.pairs)

    def require(self, model: Readable) -> Task:
        """The task itself, where :meth:`validate` finds nothing. Raises TaskError otherwise."""
        found = self.validate(model)
        if found:
            more = f" ({len(found) - 1} more like it or other)" if len(found) > 1 else ""
            raise TaskError(
                f"Pair {found[0].pair} of {self.name!r}: {found[0].message}{more}",
                found[0].hint + " task.validate(model) lists all.",
            )
        return self

    def check(self, model: Runnable) -> Checked:
        """How many pairs the model gets right, before anybody looks for a circuit.

        Raises TaskError where :meth:`validate` finds something.
        """
        return task_check.check(model, self.require(model).pairs, self.metric)

    # --- in and out -----------------------------------------------------------------------------

    def to_json(self) -> str:
        """One line of JSON; :meth:`from_json` gives an equal task."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Task:
        """Reads what :meth:`to_json` wrote. Raises TaskError."""
        return task_rows.decoded(text, cls)

    def to_jsonl(self, path: str | Path) -> None:
        """Writes a line for the task and one for each pair."""
        head = {"task": self.name, "metric": self.metric, "about": self.about}
        lines = [json.dumps(head), *(msgspec.json.encode(pair).decode() for pair in self.pairs)]
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")

    @classmethod
    def from_jsonl(
        cls,
        path: str | Path,
        *,
        name: str | None = None,
        metric: MetricKind | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> Task:
        """Reads lines of JSON, one for each pair, the first line of :meth:`to_jsonl` among them.

        Args:
            name, metric: go before what the file says; the file's name and the logit difference
                are taken where nothing is said.
            columns: what the file calls things, as for :meth:`from_rows`.

        Raises:
            TaskError: the file cannot be read, or a line of it is not a pair.
        """
        head, rows = task_rows.lines(path)
        told = {"name": name or head.get("task") or Path(path).stem, "about": head.get("about", "")}
        kind = metric or head.get("metric") or "logit difference"
        return cls.from_rows(rows, **told, metric=kind, columns=columns)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        name: str | None = None,
        metric: MetricKind = "logit difference",
        columns: Mapping[str, str] | None = None,
    ) -> Task:
        """Reads a table with a header; several answers in a cell stand between ``|``.

        Raises what :meth:`from_jsonl` raises.
        """
        rows = task_rows.table(path)
        return cls.from_rows(rows, name=name or Path(path).stem, metric=metric, columns=columns)

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        *,
        name: str,
        metric: MetricKind = "logit difference",
        about: str = "",
        columns: Mapping[str, str] | None = None,
    ) -> Task:
        """From pairs, tuples ``(clean, corrupt, targets, foils)``, mappings, or a data set.

        A data set is what gives mappings when it is gone through (Hugging Face's ``datasets``), or
        a pandas or polars table; nothing of these libraries is needed.

        Args:
            columns: where a mapping calls something otherwise than ``clean``, ``corrupt``,
                ``targets``, ``foils``: ``{"clean": "prompt", "targets": "answer"}``.

        Raises:
            TaskError: a row is not a pair; it says which, and what is missing.
        """
        found = tuple(Pair(*values) for values in task_rows.pairs(rows, columns or {}))
        return cls(name, found, metric, about)


def task_of(given: Any) -> Task:
    """A task as it is, or read from a file whose name ends in .json, .jsonl or .csv.

    Raises TaskError.
    """
    if isinstance(given, Task):
        return given
    if isinstance(given, str | Path):
        path = Path(given)
        if path.suffix == ".jsonl":
            return Task.from_jsonl(path)
        if path.suffix == ".csv":
            return Task.from_csv(path)
        if path.suffix == ".json":
            return Task.from_json(task_rows.text_of(path))
    raise TaskError(
        f"{given!r} is not a task.",
        "Give a circuitboard.Task, or the path of a .json, .jsonl or .csv file.",
    )
