"""Explaining a circuit: what each part looks at, reads, writes and is needed for, with numbers.

No language model has a part in it: roles follow from rules (:mod:`.roles`) over measured evidence,
and each sentence of the account carries its number, the number's error over the prompts, and the
Python that gives it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

import msgspec
import numpy as np
from numpy.typing import NDArray

from circuitboard.circuits.evaluation import Evaluation
from circuitboard.circuits.explain import roles
from circuitboard.circuits.explain.account import Subject, account
from circuitboard.circuits.explain.attention import looks, relations
from circuitboard.circuits.explain.effects import metric_values, patched
from circuitboard.circuits.explain.findings import (
    Copied,
    Explanation,
    Group,
    Link,
    Measured,
    Outside,
    Part,
    Shape,
)
from circuitboard.circuits.explain.neurons import neuron_evidence
from circuitboard.circuits.methods.job import contrast_of
from circuitboard.circuits.methods.left_out import left_out
from circuitboard.circuits.running import circuit_metric, circuit_metrics, without_part
from circuitboard.circuits.trials import space_of
from circuitboard.engine.result import RunResult
from circuitboard.engine.run import run
from circuitboard.engine.sweep import Watch
from circuitboard.methods.copying import copying_scores
from circuitboard.methods.head_scores import HeadScores, head_scores
from circuitboard.methods.part_writing import part_writing
from circuitboard.methods.token_circuits import ov_circuit
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task

Floats = NDArray[np.float32]

#: Tokens of the task that a head's OV circuit is read over, at most, and entries kept.
TOKENS, ENTRIES = 64, 6
_LIBRARIES = ("circuitboard", "torch", "transformers", "transformer-lens", "numpy")


def explain(
    model: Model,
    circuit: Circuit,
    task: Task,
    *,
    evaluation: Evaluation | None = None,
    watch: Watch | None = None,
) -> Explanation:
    """Gathers evidence for every part of a circuit, groups parts by role, and gives an account.

    Args:
        model: from :func:`circuitboard.load`.
        circuit: from :func:`circuitboard.discover`, or :meth:`Circuit.of`.
        task: the pairs that everything is measured on; a few dozen are enough for small errors.
        evaluation: what :func:`circuitboard.evaluate` gave, for the report.
        watch: progress and cancelling.

    Returns:
        Evidence, groups and sentences; ``print`` it, or ``.save("report.html")``.

    Raises:
        CircuitError: the circuit is empty, or of another model; TaskError: the task does not fit.
    """
    if not circuit.kept:
        raise CircuitError("The circuit has no edges.", "Take a larger one: circuit.top(20).")
    task.require(model)
    watch = watch or Watch()
    work = _Work(model, circuit, task, watch)
    parts = {place: work.part(place) for place in work.places}
    groups = work.groups(parts)
    outside = work.outside()
    rest = work.together([each.address for each in outside])
    kept = Measured.of(circuit_metric(model, circuit, task, share=True))
    subject = Subject(work.clean, work.corrupt, kept, rest, bool(circuit.neurons))
    return Explanation(
        model=model.source,
        shape=Shape(model.facts.n_layers, model.facts.n_heads, bool(model.mlps)),
        task=task,
        circuit=circuit,
        clean=work.clean,
        corrupt=work.corrupt,
        kept=kept,
        parts=tuple(parts.values()),
        edges=work.edges,
        groups=groups,
        account=account(subject, groups, parts, work.edges, outside),
        outside=outside,
        rest=rest,
        evaluation=evaluation,
        versions=versions(),
    )


def versions() -> dict[str, str]:
    """Versions of the libraries that compute."""
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from its sources
            continue
    return found


def writing_on(
    model: Model, task: Task, *, corrupt: bool = False, neurons: Iterable[str] = ()
) -> dict[str, Floats]:
    """What each part writes towards a task's answers on each prompt, in logits [b].

    Direct logit attribution, whatever the task's metric is: the mean over the targets' logits minus
    the mean over the foils' (:mod:`circuitboard.methods.part_writing`).

    Args:
        neurons: parts of their own; their MLP is then the rest.
    """
    prompts = task.corrupt if corrupt else task.clean
    return _writing(model, task, run(model, prompts), neurons)


def _writing(
    model: Model, task: Task, result: RunResult, neurons: Iterable[str]
) -> dict[str, Floats]:
    targets, foils = (
        [[model.answer(a) for a in answers] for answers in side]
        for side in (task.targets, task.foils)
    )
    return part_writing(result, targets, foils, neurons)


class _Work:
    """The evidence about one circuit, gathered once."""

    def __init__(self, model: Model, circuit: Circuit, task: Task, watch: Watch) -> None:
        self._model, self._circuit, self._task, self._watch = model, circuit, task, watch
        self.places = [node for node in circuit.nodes if node != "logits"]
        self.clean = Measured.of(metric_values(model, task))
        self.corrupt = Measured.of(metric_values(model, task, corrupt=True))
        self._span = self.clean.value - self.corrupt.value
        self._result, self._other = run(model, task.clean), run(model, task.corrupt)
        self._related = relations(model, task, self._result)
        self._writing, self._there = (
            _writing(model, task, result, circuit.neurons) for result in (self._result, self._other)
        )
        self._scores: HeadScores = head_scores(model, seeds=2, watch=Watch(check=watch.check))
        self._copying = copying_scores(model, watch=Watch(check=watch.check))
        self._alone = self._effects([[place] for place in self.places])
        effects = self._effects([[edge] for edge in circuit.edges])
        links = [
            Link(edge, circuit.score(edge), effect)
            for edge, effect in zip(circuit.edges, effects, strict=True)
        ]
        self.edges = tuple(sorted(links, key=lambda link: -abs(link.effect.value)))
        self._inside = self._left_out()
        self._tokens = self._answers()

    def _effects(self, groups: list[list[str]]) -> list[Measured]:
        if self._circuit.neurons:
            space, contrast = (
                space_of(self._model, self._circuit),
                contrast_of(self._model, self._task),
            )
            return [Measured.of(row) for row in left_out(space, contrast, groups, self._watch)]
        stream = [["L0.resid_pre" if p == "embed" else p for p in group] for group in groups]
        return [Measured.of(row) for row in patched(self._model, self._task, stream, self._watch)]

    def together(self, places: list[str]) -> Measured:
        """The change of the metric with several parts patched at once."""
        return self._effects([places])[0] if places else Measured(0.0)

    def _left_out(self) -> dict[str, Measured]:
        """For each part, the change of the circuit's metric without it."""
        smaller = [without_part(self._circuit, place) for place in self.places]
        values = circuit_metrics(self._model, [self._circuit, *smaller], self._task, self._watch)
        changes = values[1:] - values[0]
        return {place: Measured.of(c) for place, c in zip(self.places, changes, strict=True)}

    def _answers(self) -> list[int]:
        """Token ids of the task's answers, those of many prompts first."""
        counts: dict[int, int] = {}
        for answers in (*self._task.targets, *self._task.foils):
            for answer in answers:
                token = self._model.answer(answer)
                counts[token] = counts.get(token, 0) + 1
        return sorted(counts, key=lambda token: (-counts[token], token))[:TOKENS]

    def part(self, place: str) -> Part:
        """The evidence about one part."""
        self._watch.check()
        base = Part(
            place,
            "mlp",
            roles.MLPS,
            "reads and writes at one position",
            writes=Measured.of(self._writing[place]),
            carries=Measured.of(self._writing[place] - self._there[place]),
            alone=self._alone[self.places.index(place)],
            inside=self._inside[place],
        )
        if place == "embed":
            return msgspec.structs.replace(base, kind="embed", role=roles.EMBED, why="")
        address = Address.parse(place)
        if address.neuron is not None:
            return self._neuron(base)
        return self._mlp(base) if address.part == "mlp" else self._head(base)

    def _mlp(self, base: Part) -> Part:
        apart = [n for n in self._circuit.neurons if n.startswith(f"{base.address}.")]
        if not apart:
            return base
        why = f"without {len(apart)} {'neuron' if len(apart) == 1 else 'neurons'}"
        return msgspec.structs.replace(base, role=roles.RESTS, why=why)

    def _neuron(self, base: Part) -> Part:
        found = neuron_evidence(self._model, base.address, self._result, self._other)
        return msgspec.structs.replace(
            base, kind="neuron", role=roles.NEURONS, why="a neuron", neuron=found
        )

    def _head(self, base: Part) -> Part:
        place = base.address
        seen = looks(self._result[f"{place}.pattern"], self._related)
        role, why = roles.head_role(roles.Seen(base.carries, self._span, seen))
        layer, head = (int(number) for number in place[1:].split("H"))
        names = ("previous", "duplicate", "induction", "first")
        copying = float(self._copying[layer, head])
        return msgspec.structs.replace(
            base,
            kind="head",
            role=role,
            why=why,
            looks=seen,
            classes={name: float(getattr(self._scores, name)[layer, head]) for name in names},
            copying=None if np.isnan(copying) else copying,
            copies=self._copies(place),
        )

    def _copies(self, head: str) -> tuple[Copied, ...]:
        if not self._tokens:
            return ()
        found = ov_circuit(self._model, head, self._tokens, k=ENTRIES // 2)
        ends_ = [*found.high, *found.low]
        return tuple(
            Copied(pair.row_text, pair.column_text, pair.value)
            for pair in sorted(ends_, key=lambda pair: -abs(pair.value))
        )

    def groups(self, parts: dict[str, Part]) -> tuple[Group, ...]:
        """Parts by role, in the order in which the model comes to them."""
        by_role: dict[str, list[str]] = {}
        for place, part in parts.items():
            by_role.setdefault(part.role, []).append(place)
        effects = self._effects(list(by_role.values()))
        return tuple(
            Group(role, tuple(places), effect)
            for (role, places), effect in zip(by_role.items(), effects, strict=True)
        )

    def outside(self) -> tuple[Outside, ...]:
        """Parts that are not in the circuit, the largest effects first."""
        model = self._model
        every = [*model.heads, *model.mlps, *self._circuit.neurons]
        left = [place for place in every if place not in self.places]
        if not left:
            return ()
        effects = self._effects([[place] for place in left])
        rows = [Outside(place, effect) for place, effect in zip(left, effects, strict=True)]
        return tuple(sorted(rows, key=lambda row: -abs(row.alone.value)))
