"""Runs made before they are asked for: while a hand is still on its way to a control."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import contextmanager

from circuitboard.engine.engine import Check
from circuitboard.session.question import Encoded, Question
from circuitboard.session.worker import Worker


class Foresight(ABC):
    """Lets a board compute what its verbs would ask, and change nothing."""

    worker: Worker
    _lock: threading.RLock
    _foreseeing: bool = False
    _foreseen: Question | None = None

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
        self._foreseen = question
        self.worker.submit("foreseen", lambda check: self._prepare(question, encoded, check))

    def _stop_foreseeing(self, asked: Question) -> None:
        """Makes way for what is asked in earnest, unless it is just what was foreseen."""
        if self._foreseen is not None and self._foreseen.runs != asked.runs:
            self.worker.withdraw("foreseen")
        self._foreseen = None

    @abstractmethod
    def _prepare(self, question: Question, encoded: Encoded, check: Check) -> object:
        """Makes and holds the runs that a question needs."""
