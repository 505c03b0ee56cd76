"""``circuitboard.evaluate``: how good a circuit is, in one line.

Faithfulness f(C) = (m(C) - m(none)) / (m(all) - m(none)), the curve over sizes, CPR and CMD are
those of Mueller 2025, "MIB: A Mechanistic Interpretability Benchmark", section 3; completeness and
minimality those of Wang 2022, "Interpretability in the Wild", section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from msgspec import structs

from circuitboard.circuits.completeness import Sieve
from circuitboard.circuits.evaluation import (
    Chance,
    Curve,
    Evaluation,
    Faithfulness,
    Point,
    Stability,
    Truth,
)
from circuitboard.circuits.recovery import alike, recovery
from circuitboard.circuits.trials import Mask, Trials, mask_of, space_of
from circuitboard.engine.outside import How
from circuitboard.engine.sweep import Watch
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task
from circuitboard.spec.wiring import connected

T = TypeVar("T")

#: Shares of all edges that the curve is taken at (Mueller 2025).
FRACTIONS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def evaluate(
    model: Model,
    circuit: Circuit,
    task: Task,
    *,
    how: How = "resample",
    others: Sequence[How] = ("mean", "zero"),
    fractions: Sequence[float] = FRACTIONS,
    random: int = 20,
    subsets: int = 10,
    greedy: int = 3,
    minimality: Literal["nodes", "edges", "none"] = "nodes",
    held_out: Task | None = None,
    known: Collection[str] | None = None,
    draws: int = 1000,
    seed: int = 0,
    watch: Watch | None = None,
) -> Evaluation:
    """Measures a circuit: runs of the model in which only its edges are live.

    Each number is left out by 0 or an empty sequence. Runs go in portions that fit; one costs about
    what a forward pass of the pairs does, a small circuit's much less.

    Args:
        circuit: from :func:`circuitboard.discover` or ``Circuit.of(edges)``.
        task: pairs, and the metric that all is measured by.
        how: what edges outside of the circuit carry: values of the corrupted prompt
            (``resample``), means over the corrupted prompts (``mean``, ``positional mean``), or
            nothing (``zero``).
        others: the same circuit's faithfulness by these too.
        fractions: sizes of the curve, where the circuit has scores of all edges.
        random: how many random circuits of as many edges.
        subsets, greedy: for completeness, how many random sets of nodes, and rounds of the search
            for one that sets model and circuit apart.
        minimality: what is left out one by one; ``edges`` takes a run for each.
        held_out: pairs that the circuit was not found on: ``task.split()``.
        known: edges of the true circuit, for AUROC.
        draws: bootstrap draws of pairs for intervals.
        seed: of random circuits, sets and draws.

    Raises:
        CircuitError: the circuit is of another model; the metric does not tell all edges from none.
        TaskError: the task does not fit the model.
    """
    asked = _Asked(
        how, tuple(others), tuple(fractions), random, (subsets, greedy), minimality, draws, seed
    )
    return _Work(model, circuit, task, asked, _Steps(watch or Watch(), 6 + len(others))).evaluation(
        held_out, known
    )


class _Asked(NamedTuple):
    """What :func:`evaluate` was told."""

    how: How
    others: tuple[How, ...]
    fractions: tuple[float, ...]
    random: int
    sets: tuple[int, int]
    minimality: Literal["nodes", "edges", "none"]
    draws: int
    seed: int


class _Steps:
    """Progress in steps of a long job."""

    def __init__(self, watch: Watch, total: int) -> None:
        self.watch, self._total, self._done = watch, total, 0

    def done(self, result: T) -> T:
        """One step is over; hands on what came of it."""
        self._done += 1
        self.watch.progress(self._done, self._total)
        self.watch.check()
        return result


class _Work:
    """One evaluation on its way."""

    def __init__(
        self, model: Model, circuit: Circuit, task: Task, asked: _Asked, steps: _Steps
    ) -> None:
        self._model, self._circuit, self._task = model, circuit, task
        self._asked, self._steps = asked, steps
        self._space = space_of(model, circuit)
        self._mask = mask_of(self._space, circuit.edges)

    def evaluation(self, held_out: Task | None, known: Collection[str] | None) -> Evaluation:
        asked, mask, steps = self._asked, self._mask, self._steps
        circuit, model = self._circuit, self._model
        at = steps.done(self._at(self._task, asked.how))
        faith = [at.faithfulness(mask)]
        wanted = asked.fractions if circuit.scores is not None else ()
        curve = steps.done(at.curve(circuit, wanted) if wanted else None)
        chance = at.chance(mask, asked.random, faith[0].value) if asked.random else None
        steps.done(None)
        sieve = Sieve(at.trials, mask, asked.seed)
        subsets, greedy = asked.sets
        left = [sieve.complement(), *sieve.random(subsets), *sieve.greedy(greedy)]
        left = steps.done(sorted(left, key=lambda one: -one.gap))
        over = asked.minimality
        missed = steps.done([] if over == "none" else sieve.minimality(over))
        faith += [
            steps.done(self._at(self._task, other).faithfulness(mask)) for other in asked.others
        ]
        held = None if held_out is None else self._at(held_out, asked.how).faithfulness(mask)
        steps.done(None)
        return Evaluation(
            model=model.facts.name,
            task=self._task.name,
            method=circuit.method,
            metric=self._task.metric,
            edges=int(mask.sum()),
            total=int(self._space.exists.sum()),
            live=len(connected(circuit.edges, self._space.shared)),
            faithfulness=tuple(faith),
            curve=curve,
            completeness=tuple(left),
            minimality=tuple(missed),
            chance=chance,
            held_out=held,
            truth=None if known is None else _truth(model, circuit, known),
            seed=asked.seed,
        )

    def _at(self, task: Task, how: How) -> _At:
        trials = Trials(self._model, task, self._space, how, self._steps.watch)
        return _At(trials, task, self._asked.draws, self._asked.seed)


@dataclass(frozen=True)
class _At:
    """One task under one kind of ablation."""

    trials: Trials
    task: Task
    draws: int
    seed: int

    def faithfulness(self, mask: Mask) -> Faithfulness:
        values = self.trials.of([mask])[0]
        return Faithfulness(
            self.trials.how,
            self.task.name,
            len(self.task),
            float(self.trials.full.mean()),
            float(self.trials.empty.mean()),
            float(values.mean()),
            float(self.trials.faithfulness(values)),
            *self._interval(values),
        )

    def _interval(self, values: np.ndarray) -> tuple[float | None, float | None]:
        if not self.draws:
            return None, None
        return self.trials.interval(values, self.draws, self.seed)

    def curve(self, circuit: Circuit, fractions: Sequence[float]) -> Curve:
        """Faithfulness at each share of all edges."""
        cut = [circuit.fraction(share) for share in sorted(fractions)]
        values = self.trials.of([one.mask() for one in cut])
        found = self.trials.faithfulness(values).tolist()
        points = tuple(
            Point(share, len(one), value, *self._interval(row))
            for share, one, value, row in zip(sorted(fractions), cut, found, values, strict=True)
        )
        return Curve(points, *areas([(point.fraction, point.value) for point in points]))

    def chance(self, mask: Mask, draws: int, value: float) -> Chance:
        """Circuits of as many edges, drawn at random from all."""
        drawn = np.random.default_rng(self.seed)
        places = np.flatnonzero(self.trials.space.exists)
        masks = []
        for _ in range(draws):
            one = np.zeros(mask.size, bool)
            one[drawn.choice(places, int(mask.sum()), replace=False)] = True
            masks.append(one.reshape(mask.shape))
        found = self.trials.faithfulness(self.trials.of(masks))
        below = float((found < value).mean())
        return Chance(draws, float(found.mean()), float(found.std()), below)


def areas(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """CPR and CMD of (share of edges, faithfulness), by trapezoids, in order of size."""
    shares, values = (np.array(column, np.float64) for column in zip(*points, strict=True))
    steps, away = np.diff(shares), np.abs(1 - values)
    cpr, cmd = (float((steps * (y[1:] + y[:-1]) / 2).sum()) for y in (values, away))
    return cpr, cmd


def _truth(model: Model, circuit: Circuit, known: Collection[str]) -> Truth:
    areas_under = recovery(model, circuit, known)
    found = {name: None if np.isnan(area) else area for name, area in areas_under.items()}
    called = alike(circuit, known)[1]
    mine = {called(edge.partition("@")[0]) for edge in circuit.edges}
    true = {called(edge) for edge in known}
    both = len(mine & true)
    return Truth(
        found["edges"],
        found["nodes"],
        both / len(mine) if mine else 0.0,
        both / len(true) if true else 0.0,
    )


def stability(
    discover: Callable[[Task], Circuit],
    task: Task,
    n: int = 10,
    *,
    seed: int = 0,
    watch: Watch | None = None,
) -> Stability:
    """How alike circuits are that are found on bootstrap draws of a task's pairs.

    Args:
        discover: finds a circuit on a task: ``lambda task: cb.discover(model, task, size=200)``.
        n: how often; each time as many pairs are drawn as the task has, some of them twice.

    Raises CircuitError for fewer than two draws, and what ``discover`` raises.
    """
    if n < 2:
        raise CircuitError(f"{n} circuits cannot be compared.", "Take n=10.")
    watch, chance = watch or Watch(), np.random.default_rng(seed)
    found: list[Circuit] = []
    for done in range(n):
        watch.check()
        drawn = chance.integers(len(task), size=len(task)).tolist()
        pairs = tuple(task.pairs[i] for i in drawn)
        found.append(discover(structs.replace(task, pairs=pairs)))
        watch.progress(done + 1, n)
    alike = [one.jaccard(other) for one, other in combinations(found, 2)]
    edges = sorted({edge for one in found for edge in one.edges})
    sets = [set(one.edges) for one in found]
    shares = [(edge, sum(edge in one for one in sets) / n) for edge in edges]
    shares.sort(key=lambda pair: -pair[1])
    return Stability(n, float(np.mean(alike)), min(alike), max(alike), tuple(shares))
