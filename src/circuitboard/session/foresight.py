"""Runs made before they are asked for: while a hand is still on its way to a control."""

from __future__ import annotations

import threading
from abc import ABC
from collections.abc import Generator
from contextlib import contextmanager

from circuitboard.engine.engine import Check, Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.plan import HELD, Plan
from circuitboard.models.model import Model
from circuitboard.session.interventions import active
from circuitboard.session.question import Encoded, Question
from circuitboard.session.worker import Worker
from circuitboard.spec.address import Address


class Foresight(ABC):
    """Lets a board compute what its verbs would ask, and change nothing."""

    model: Model
    engine: Engine
    worker: Worker
    reference: tuple[str, ...] | None
    #: Places that the visible views read: noted while the model runs.
    needs: tuple[Address, ...] = ()
    _lock: threading.RLock
    _foreseeing: bool = False
    _foreseen: Question | None = None
    #: The newest run made beforehand: what it depends on, and what was computed.
    _ahead: tuple[object, str] = (None, "")

    @contextmanager
    def foreseeing(self) -> Generator[None]:
        """Verbs used until the block ends change nothing: the run that they would need is made.

        ``with board.foreseeing(): board.ablate("L2H1")`` returns at once. The run is held with
        the others, so the verb itself, if it follows, has nothing to compute. A newer one takes
        the place of an older one, and whatever is asked for in earnest goes before both. Nobody
        is told, not even of errors within the run; a verb that cannot be done raises as ever.
        """
        with self._lock:
            before, self._foreseeing = self._foreseeing, True
            try:
                yield
            finally:
                self._foreseeing = before

    def _foresee(self, question: Question, encoded: Encoded) -> None:
        def look(check: Check) -> None:
            way = self._prepare(question, encoded, check)[2]
            if way.reason != HELD:
                self._ahead = question.runs, f"{way.reason}, beforehand"

        self._foreseen = question
        self.worker.submit("foreseen", look)

    def _stop_foreseeing(self, asked: Question) -> None:
        """Makes way for what is asked in earnest, unless it is just what was foreseen."""
        if self._foreseen is not None and self._foreseen.runs != asked.runs:
            self.worker.withdraw("foreseen")
        self._foreseen = None

    def _told(self, question: Question, way: Plan) -> str:
        """What was computed for a question, in words."""
        made, reason = self._ahead
        return reason if way.reason == HELD and made == question.runs else way.reason

    def _prepare(
        self, question: Question, encoded: Encoded, check: Check
    ) -> tuple[HeldRun, HeldRun, Plan]:
        """Makes and holds the runs that a question needs: baseline and now, and how it was made."""
        tokens, lengths = encoded.tokens, encoded.lengths
        wanted = active(question.entries).refer(self.reference)
        with self.model.lock:
            baseline = self.engine.baseline(tokens, lengths, check)
            now, way = self.engine.run(tokens, lengths, wanted, check, keep=self.needs)
            self.engine.last_logits(now)
        return baseline, now, way
