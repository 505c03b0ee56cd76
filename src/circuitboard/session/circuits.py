"""A circuit on a board: cut to size, pruned by hand, measured, and compared with another."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from circuitboard.circuits.evaluation import Faithfulness
from circuitboard.circuits.trials import Trials, mask_of, space_of
from circuitboard.engine.engine import Engine
from circuitboard.models.model import Model
from circuitboard.session.background import Backlog, Sweep
from circuitboard.session.interventions import Places
from circuitboard.session.open_circuit import OpenCircuit
from circuitboard.session.question import Encoded, Question
from circuitboard.session.worker import Steps
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.comparison import Comparison
from circuitboard.spec.errors import CancelledError, CircuitboardError, CircuitError, TargetError
from circuitboard.spec.metric import MetricKind
from circuitboard.spec.task import Pair, Task

Floats = NDArray[np.float32]

#: Runs that are measured: all edges, none, the circuit, what is kept of it, the other circuit.
RUNS = 5
#: Values of different sets of edges that are kept.
KEEP = 256


class Measured:
    """The metric of a task under sets of edges, each run once."""

    def __init__(self, model: Model, task: Task, circuit: Circuit) -> None:
        self.trials = Trials(model, task, space_of(model, circuit))
        self.full, self.empty = float(self.trials.full.mean()), float(self.trials.empty.mean())
        self._values: dict[tuple[str, ...], float] = {}

    def value(self, circuit: Circuit) -> float:
        """The mean over pairs with only a circuit's edges live."""
        edges = circuit.edges
        if edges not in self._values:
            mask = mask_of(self.trials.space, edges)
            self._values[edges] = float(self.trials.of([mask]).mean())
            if len(self._values) > KEEP:
                self._values.pop(next(iter(self._values)))
        return self._values[edges]

    def share(self, value: float) -> float:
        """Faithfulness of what gives that value."""
        return (value - self.empty) / (self.full - self.empty)


@dataclass
class Numbers:
    """What is measured of an open circuit, filled in run by run.

    Attributes:
        metric: of the five :data:`RUNS`, NaN until known.
        problem: why it cannot be measured.
    """

    metric: Floats = field(default_factory=lambda: np.full(RUNS, np.nan, np.float32))
    problem: CircuitboardError | None = None

    @property
    def faithfulness(self) -> Floats:
        """Of the circuit, of what is kept of it, and of the other one [3]."""
        full, empty = self.metric[:2]
        return (self.metric[2:] - empty) / (full - empty)


class Circuits(ABC):
    """The circuit that is open on a board.

    It is measured on the untouched model: the board's interventions play no part. What is done to
    it, opening and closing included, is a step of undo.
    """

    model: Model
    engine: Engine
    _lock: Any
    _question: Question
    _encoded: Encoded
    _joins: bool
    _last_cut: tuple[str, Question | None] = ("", None)
    _measured_circuit: tuple[Hashable, Measured] | None = None

    @property
    def circuit(self) -> Circuit | None:
        """The circuit that is open, without what was pruned; assign to open one, None closes it."""
        opened = self.opened
        return None if opened is None else opened.kept

    @circuit.setter
    def circuit(self, circuit: Circuit | None) -> None:
        if circuit is None:
            self._hold(None)
        else:
            self.open_circuit(circuit)

    @property
    def opened(self) -> OpenCircuit | None:
        """The circuit with all that was done to it on the board."""
        return self._question.circuit

    def open_circuit(self, circuit: Circuit, task: Task | None = None) -> None:
        """Shows a circuit as wires on the map, and what it carries in the Circuit panel.

        Args:
            circuit: such as :func:`circuitboard.discover` finds.
            task: what it is measured on; the board's prompt and contrast prompt unless given.

        Raises:
            CircuitError: it is of another model; TaskError: the task does not fit the model.
        """
        mask_of(space_of(self.model, circuit), circuit.edges)
        if task is not None:
            task.require(self.model)
        self._hold(OpenCircuit(circuit, circuit, task=task))

    def compare(
        self,
        other: Circuit | Comparison | None,
        match: Mapping[str, str] | Literal["address"] | None = None,
    ) -> None:
        """Sets a second circuit beside the one that is open; None takes it away.

        One of this model, or of a model of the same shape, is drawn and measured in this model too.

        Args:
            other: a circuit; or what ``circuit.compare`` or ``explanation.compare`` found between
                the one that is open and another, with its roles.
            match: which parts correspond, as for :meth:`circuitboard.Circuit.compare`.

        Raises CircuitError where none is open, or where edges of the two mean different things.
        """
        opened = self._need_circuit()
        if other is None:
            self._hold(replace(opened, other=None, beside=None))
            return
        beside = other if isinstance(other, Comparison) else opened.kept.compare(other, match)
        space = space_of(self.model, beside.first)
        if beside.by == "address":
            mask_of(space, beside.other.edges)
        given = isinstance(other, Comparison) or beside.by != "address"
        self._hold(replace(opened, other=beside.other, beside=beside if given else None))

    @property
    def comparison(self) -> Comparison | None:
        """The circuit without what was pruned, beside the second one; None without one."""
        return None if self.opened is None else self.opened.compared()

    def cut_circuit(self, size: int | None, *, step: str = "") -> None:
        """Takes the edges with the largest scores by size, of all; None for those as opened.

        What was pruned stays pruned. Cuts in a row with the same ``step`` are one step of undo, as
        a slider that is dragged. Raises CircuitError where no circuit is open.
        """
        with self._lock:
            opened = self._need_circuit()
            cut = opened.whole if size is None else opened.whole.top(size)
            last, after = self._last_cut
            self._joins = bool(step) and last == step and after is self._question
            try:
                self._hold(replace(opened, cut=cut))
            finally:
                self._joins = False
            self._last_cut = (step, self._question)

    def prune_edges(self, at: Places) -> None:
        """Takes edges out of the circuit, or all into and out of a part: ``"L2H1"``.

        Raises CircuitError for what the circuit does not have.
        """
        opened = self._need_circuit()
        self._hold(replace(opened, pruned=opened.pruned | opened.edges_of(at)))

    def restore_edges(self, at: Places | None = None) -> None:
        """Brings back what :meth:`prune_edges` took out; all of it unless told what."""
        opened = self._need_circuit()
        back = opened.pruned if at is None else opened.edges_of(at)
        self._hold(replace(opened, pruned=opened.pruned - back))

    def circuit_task(self) -> Task:
        """What the circuit is measured on: a task, or the board's two prompts as one.

        Raises InterventionError without a contrast prompt, TargetError without a target.
        """
        if self.opened is not None and self.opened.task is not None:
            return self.opened.task
        metric = self._encoded.metric
        if metric is None:
            raise TargetError(
                "The board has no target to measure at.", 'Name one: board.target = " Mary".'
            )
        foils = () if metric.foil is None else (metric.foil,)
        pair = Pair(self._question.prompt, self.need_contrast(), (metric.target,), foils)
        kind: MetricKind = metric.kind
        return Task("the board's prompts", (pair,), kind)

    def circuit_faithfulness(self) -> Faithfulness:
        """How much is left of the metric with only the circuit's edges live.

        As ``cb.circuit_metric(model, board.circuit, board.circuit_task())`` has it. Raises what
        that raises, and CircuitError where no circuit is open.
        """
        opened, task = self._need_circuit(), self.circuit_task()
        with self.model.lock:
            found = self.measured(opened, task)
            value = found.value(opened.kept)
        ends = found.full, found.empty, value
        return Faithfulness("resample", task.name, len(task), *ends, found.share(value))

    def measured(self, opened: OpenCircuit, task: Task) -> Measured:
        """All edges and none, kept for as long as the weights and the task are the same.

        For holders of the model's lock.
        """
        self.engine.refresh()
        width = opened.whole.scores.width if opened.whole.scores else 0
        whole = opened.whole
        key = self.engine.epoch, task.digest, whole.granularity, width, whole.neurons
        if self._measured_circuit is None or self._measured_circuit[0] != key:
            self._measured_circuit = (key, Measured(self.model, task, opened.whole))
        return self._measured_circuit[1]

    def _need_circuit(self) -> OpenCircuit:
        opened = self.opened
        if opened is None:
            raise CircuitError(
                "No circuit is open on the board.",
                "Open one: board.circuit = cb.discover(board.model, board.circuit_task()).",
            )
        return opened

    def _hold(self, opened: OpenCircuit | None) -> None:
        self._change(circuit=opened)

    @abstractmethod
    def need_contrast(self) -> str: ...

    @abstractmethod
    def _change(self, **parts: Any) -> None: ...


def circuit_numbers(
    backlog: Backlog, viewer: Hashable, board: Circuits, opened: OpenCircuit, quick: bool
) -> Numbers:
    """The metric of an open circuit's five runs, on what the board measures it on.

    Args:
        quick: that takes no more than a moment.
    """
    try:
        task = board.circuit_task()
    except CircuitboardError as error:
        return Numbers(problem=error)
    kept = opened.kept
    others = [] if opened.other is None or opened.foreign else [opened.other]
    circuits = [opened.cut, kept, *others]

    def begin() -> Sweep[Numbers]:
        found = Numbers()
        steps = _steps(board, found, task, opened, circuits)
        label = f"The circuit of {len(kept)} edges"
        return Sweep("circuit", label, 1 + len(circuits), found, steps, first=True)

    sets = tuple(circuit.edges for circuit in circuits)
    graph = opened.whole.granularity, opened.whole.neurons
    key = ("circuit", board.engine.epoch, task.digest, graph, sets)
    return backlog.get(viewer, key, begin, quick=quick)


def _steps(
    board: Circuits, found: Numbers, task: Task, opened: OpenCircuit, circuits: list[Circuit]
) -> Steps:
    try:
        with board.model.lock:
            measured = board.measured(opened, task)
            found.metric[:2] = measured.full, measured.empty
        yield 1
        for i, circuit in enumerate(circuits):
            with board.model.lock:
                found.metric[2 + i] = measured.value(circuit)
            yield 2 + i
    except CancelledError:
        raise
    except CircuitboardError as error:
        found.problem = error
