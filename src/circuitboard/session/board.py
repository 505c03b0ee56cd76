"""The board: one model, one prompt, an ordered list of interventions, and what follows from them.

Every method returns at once; the model runs on the worker's thread. ``board.result`` waits for it.
"""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from circuitboard.engine.engine import Check, engine_of
from circuitboard.engine.metric import evaluate
from circuitboard.engine.result import RunResult
from circuitboard.engine.run import metric_of
from circuitboard.engine.sites import check_places, check_value
from circuitboard.models import originals
from circuitboard.models.load import default_prompt, load
from circuitboard.models.model import Model
from circuitboard.session import watcher
from circuitboard.session.asked import Asked
from circuitboard.session.circuits import Circuits
from circuitboard.session.code import python_for
from circuitboard.session.directions import Directions
from circuitboard.session.exports import Exports
from circuitboard.session.foresight import Foresight
from circuitboard.session.interventions import (
    Entry,
    InterventionList,
    Places,
    several,
    with_item,
    without,
)
from circuitboard.session.memory import Memory
from circuitboard.session.own import OwnViews
from circuitboard.session.paths import Paths
from circuitboard.session.question import Encoded, Outcome, Question
from circuitboard.session.showing import Showing
from circuitboard.session.verbs import Verbs
from circuitboard.session.weights import Weights
from circuitboard.session.worker import JobInfo, Worker
from circuitboard.spec.address import Address
from circuitboard.spec.errors import CancelledError, CircuitboardError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet
from circuitboard.spec.metric import MetricKind

Listener = Callable[[str], None]


class Board(
    Asked, Paths, Verbs, Showing, Directions, Memory, Exports, Weights, Circuits, Foresight
):
    """A live board.

    Args:
        model: from :func:`circuitboard.load`, or anything that it takes.
        prompt: the text; a bundled model has one of its own.
        target, foil: the tokens that the metric compares at the last position.
        metric: ``"logit difference"`` (the default with a foil), ``"log-probability"`` (without),
            or ``"probability"``.
        contrast: a second prompt, kept as ``board.contrast`` for patching from; a bundled model has
            one of its own.
        reference: prompts for means and resampling; a bundled model has its own.

    Raises:
        PromptError, TargetError, ModelError: each says what to do.
    """

    current: ClassVar[Board | None] = None

    def __init__(
        self,
        model: Any,
        prompt: str | None = None,
        target: str = "",
        foil: str = "",
        metric: MetricKind | None = None,
        *,
        contrast: str | None = None,
        reference: Sequence[str] | None = None,
    ) -> None:
        self.model: Model = load(model)
        self.engine = engine_of(self.model)
        originals.keep(self.model, unasked=True)
        if prompt is None:
            given = default_prompt(self.model)
            prompt = given["prompt"]
            target, foil = target or given["target"], foil or given["foil"]
            contrast = given.get("contrast") if contrast is None else contrast
        self.reference = None if reference is None else tuple(reference)
        self._kind: MetricKind | None = metric
        self._lock = threading.RLock()
        self._ids = itertools.count(1)
        self._listeners: list[Listener] = []
        self._past: list[Question] = []
        self._future: list[Question] = []
        self._selection: tuple[str, ...] = ()
        self._position = -1
        self._directions = {}
        self._question = Question(prompt, target, foil, (), contrast or "", self._ledger.edits)
        self._encoded = self._encode(self._question)
        self.revision = 0
        self.outcome: Outcome | None = None
        self.problem: CircuitboardError | None = None
        self.worker = Worker(lambda _jobs: self._tell("jobs"))
        self.own = OwnViews(self, self._tell)
        Board.current = self
        watcher.watch(self)
        self._ask()

    # --- doing --------------------------------------------------------------------------------

    def _add(self, items: Sequence[AnyIntervention], on: bool) -> None:
        with self._lock:
            tokens, lengths = self._encoded.tokens, self._encoded.lengths
            entries = self._question.entries
            for item in items:
                check_places(self.model, item)
                check_value(self.model, item, tokens.shape[1], lengths)
                entries = with_item(entries, item, next(self._ids), on)
            self._change(entries=entries)

    def release(self, at: Places) -> None:
        """Undoes all that was done at an address, or several, or to a part of one."""
        with self._lock:
            entries = self._question.entries
            for place in several(at):
                if "->" not in place:
                    self.model.check(Address.parse(place))
                entries = without(entries, place)
            self._change(entries=entries)

    def clear(self) -> None:
        """Releases everything."""
        self._change(entries=())

    def switch(self, entry: int, on: bool) -> None:
        """Switches one line of the list, by its id."""
        with self._lock:
            lines = (replace(e, on=on) if e.id == entry else e for e in self._question.entries)
            self._change(entries=tuple(lines))

    def remove(self, entries: Iterable[int]) -> None:
        """Drops lines of the list, by their ids."""
        gone = set(entries)
        with self._lock:
            kept = tuple(e for e in self._question.entries if e.id not in gone)
            self._change(entries=kept)

    def ask(
        self,
        prompt: str | None = None,
        target: str | None = None,
        foil: str | None = None,
        contrast: str | None = None,
    ) -> None:
        """Sets the prompts and the tokens compared; what is None stays.

        Raises PromptError or TargetError, and then nothing has changed.
        """
        given = {"prompt": prompt, "target": target, "foil": foil, "contrast": contrast}
        self._change(**{key: text for key, text in given.items() if text is not None})

    def undo(self) -> None:
        """Takes back the last change of prompts, tokens, interventions, weights or circuit."""
        self._travel(self._past, self._future)

    def redo(self) -> None:
        """Does again what was undone."""
        self._travel(self._future, self._past)

    def _travel(self, away: list[Question], back: list[Question]) -> None:
        with self._lock:
            if self._foreseeing:
                return  # where undo leads has been run before
            self._travel_weights(away)
            if away:
                back.append(self._question)
                before, self._question = self._question, away.pop()
                if not before.runs_as(self._question):
                    self._encoded = self._encode(self._question)
                    self._ask()
                if before.circuit != self._question.circuit:
                    self._tell("circuit")

    def _change(self, **parts: Any) -> None:
        with self._lock:
            question = replace(self._question, **parts)
            if question == self._question:
                return
            encoded, same = self._encoded, question.runs_as(self._question)
            if not same:
                encoded = self._encode(question)
                for entry in question.entries:
                    check_value(self.model, entry.item, encoded.tokens.shape[1], encoded.lengths)
            if self._foreseeing:
                if not same:
                    self._foresee(question, encoded)
                return
            if not same:
                self._write_weights(question)
            if not self._joins:
                self._past.append(self._question)
            self._future.clear()
            self._question, self._encoded = question, encoded
            if same:
                self._tell("circuit")
            else:
                self._ask()

    def _encode(self, question: Question) -> Encoded:
        tokens, lengths = self.engine.encode(question.prompt)
        other = question.contrast
        theirs = self.engine.encode(other)[0][0].tolist() if other else []
        metric = metric_of(self.model, question.target, question.foil, self._kind)
        return Encoded(tokens, lengths, metric, theirs)

    # --- reading ------------------------------------------------------------------------------

    @property
    def question(self) -> Question:
        """Prompt, target, foil and entries as they are now."""
        return self._question

    @property
    def tokens(self) -> list[int]:
        """Token ids of the prompt."""
        return self._encoded.tokens[0].tolist()

    @property
    def metric_name(self) -> str:
        """What the board watches, in words; empty without a target."""
        metric = self._encoded.metric
        return "" if metric is None else metric.kind

    @property
    def interventions(self) -> InterventionList:
        """The ordered list: switch (``[0].on = False``), ``del``, or assign anew."""
        return InterventionList(self._question.entries, self.switch, self.remove)

    @interventions.setter
    def interventions(self, items: InterventionSet | Iterable[AnyIntervention]) -> None:
        wanted = list(InterventionSet.of(items))
        for item in wanted:
            check_places(self.model, item)
        self._change(entries=tuple(Entry(next(self._ids), item) for item in wanted))

    @property
    def can_undo(self) -> bool:
        """Whether :meth:`undo` would change anything."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether :meth:`redo` would change anything."""
        return bool(self._future)

    @property
    def result(self) -> RunResult:
        """The run as it is now. Waits for it; raises what went wrong in it."""
        return self.result_of(self.wait())

    @property
    def baseline(self) -> RunResult:
        """The run of the same prompt with nothing done to it."""
        return self.result_of(self.wait(), baseline=True)

    def result_of(self, outcome: Outcome, *, baseline: bool = False) -> RunResult:
        """One of the two runs of an outcome."""
        run, plan = (outcome.baseline, "baseline") if baseline else (outcome.now, outcome.plan)
        return RunResult(self.engine, run, (outcome.question.prompt,), outcome.metric, plan)

    @property
    def selection(self) -> list[str]:
        """Addresses selected on screen; assign one or several to select them."""
        return list(self._selection)

    @selection.setter
    def selection(self, addresses: str | Sequence[str]) -> None:
        self.select([addresses] if isinstance(addresses, str) else addresses)

    @property
    def position(self) -> int:
        """The token position looked at; -1 is the last. Assign to change it."""
        return self._position

    @position.setter
    def position(self, index: int) -> None:
        self.select(self._selection, index)

    def select(self, addresses: Sequence[str], position: int | None = None) -> None:
        """Selects addresses, and the position looked at unless it is None."""
        checked = tuple(str(self.model.check(Address.parse(a))) for a in addresses)
        with self._lock:
            self._selection = checked
            if position is not None:
                self._position = int(position)
        self._tell("state")

    def code(self) -> str:
        """Python that rebuilds this state."""
        q = self._question
        return python_for(self.model.source, q, self._directions)

    # --- running ------------------------------------------------------------------------------

    def wait(self) -> Outcome:
        """Waits until the model has answered the newest question. Raises what went wrong."""
        if not self.worker.inside:
            self._look()
        while True:
            with self._lock:
                future, revision = self._running, self.revision
            try:
                future.result()
            except CancelledError:
                if revision == self.revision:
                    raise
                continue
            if revision == self.revision and self.outcome is not None:
                return self.outcome

    def check_outside(self) -> None:
        """Looks for weights edited or hooks added by other code, and runs again if so."""
        self.worker.submit("watch", lambda _check: self._look())

    def _ask(self) -> None:
        with self._lock:
            self.revision += 1
            self._epoch = self.engine.epoch
            revision, question, encoded = self.revision, self._question, self._encoded
            self._stop_foreseeing(question)
            self._running = self.worker.submit(
                "run", lambda check: self._answer(revision, question, encoded, check)
            )
        self._tell("state")

    def _answer(self, revision: int, question: Question, encoded: Encoded, check: Check) -> None:
        metric = encoded.metric
        try:
            with self.model.lock:
                baseline, now, way = self._prepare(question, encoded, check)
                ends = [self.engine.last_logits(run) for run in (baseline, now)]
                for logits in ends:
                    self.model.raise_if_not_finite(logits)
                values = [
                    None if metric is None else float(evaluate(metric, end).mean()) for end in ends
                ]
                values.append(self._contrast_value(encoded, check))
        except CancelledError:
            raise
        except CircuitboardError as error:
            self.problem = error
            self._tell("state")
            raise
        self.problem = None
        self.outcome = Outcome(
            revision,
            question,
            baseline,
            now,
            metric,
            values[0],
            values[1],
            self._told(question, way),
            values[2],
        )
        self._tell("outcome")

    # --- showing ------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> None:
        """Calls ``listener(event)`` after a change: such as state, outcome, circuit or jobs."""
        self._listeners.append(listener)

    @property
    def busy(self) -> bool:
        """Whether the model still has to answer the newest question."""
        answered = self.outcome is not None and self.outcome.revision == self.revision
        return not answered and self.problem is None

    def jobs(self) -> list[JobInfo]:
        """Background work under way."""
        return self.worker.jobs()

    def _tell(self, event: str) -> None:
        for listener in list(self._listeners):
            listener(event)

    def __repr__(self) -> str:
        return f"Board({self.model.facts.name!r}, {self.prompt!r}, {self.interventions!r})"
