"""What can be done to a model on a board, one method for each kind of intervention."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from circuitboard.engine.result import RunResult
from circuitboard.methods.head_pattern import edited
from circuitboard.session.interventions import Places, several
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.intervention import (
    Add,
    AnyIntervention,
    Freeze,
    Mean,
    Patch,
    Resample,
    Scale,
    Set,
    Zero,
)


class Verbs(ABC):
    """The verbs of a board. Each is one step of undo, however many places it is given."""

    def ablate(self, at: Places, how: str = "zero", *, seed: int = 0, on: bool = True) -> None:
        """Takes a place, or several, out: ``"zero"``, ``"mean"`` or ``"resample"``.

        Mean and resampling are over the board's reference prompts (``reference=``; a bundled model
        has its own). Raises InterventionError where there are none.
        """
        places = several(at)
        if how == "zero":
            self._add([Zero(place) for place in places], on)
        elif how == "mean":
            self._add([Mean(place) for place in places], on)
        elif how == "resample":
            self._add([Resample(place, seed) for place in places], on)
        else:
            raise InterventionError(
                f"There is no ablation by {how!r}.", 'Choose "zero", "mean" or "resample".'
            )

    def freeze(self, at: Places, source: Any = None, *, on: bool = True) -> None:
        """Holds a place, or several, at their value in the baseline run, whatever happens upstream.

        ``source``: another run to hold them at: a prompt, or a result.
        """
        self._add([Freeze(place, source) for place in several(at)], on)

    def patch(self, at: Places, source: Any = None, *, on: bool = True) -> None:
        """Puts in the value from another run: of the contrast prompt, or of ``source``.

        At an edge (``"L0H1->L5H5.k"``) the receiver alone sees the sender's new value. A position
        is counted in each prompt on its own, from whichever end the address counts. Raises
        InterventionError where there is no contrast prompt, or where it has another length and
        the address names no position that both have.

        ``source``: a prompt or a result.
        """
        places = several(at)
        if source is None:
            source = self.need_contrast()
            for place in places:
                self._check_alike(place)
        self._add([Patch(place, source) for place in places], on)

    def add(self, at: Places, value: Any, coefficient: float = 1.0, *, on: bool = True) -> None:
        """Adds ``coefficient`` times a number, an array or a tensor to a place, or several."""
        self._add([Add(place, value, float(coefficient)) for place in several(at)], on)

    def scale(self, at: Places, factor: float, *, on: bool = True) -> None:
        """Multiplies a place, or several, by a factor."""
        self._add([Scale(place, float(factor)) for place in several(at)], on)

    def set(self, at: str, value: Any, *, on: bool = True) -> None:
        """Sets a place to a number, an array or a tensor that broadcasts to it."""
        self._add([Set(at, value)], on)

    def edit_pattern(
        self, head: str, cells: Mapping[tuple[int, int], float], *, normalise: bool = False
    ) -> None:
        """Sets cells (destination, source) of a head's pattern; the rest stays as it is now.

        With ``normalise`` the other cells of an edited row share what is left of 1. The whole
        pattern is then set: the same as ``board.set("L1H0.pattern", array)``. Waits for the run.
        Raises InterventionError for a cell that the head cannot see.
        """
        place = f"{head}.pattern"
        pattern = self.result[place][0]
        self.set(place, edited(pattern, cells, normalise=normalise))

    @abstractmethod
    def need_contrast(self) -> str: ...

    @abstractmethod
    def _check_alike(self, at: str) -> None: ...

    @property
    @abstractmethod
    def result(self) -> RunResult:
        """The run as it is now."""

    @abstractmethod
    def _add(self, items: Sequence[AnyIntervention], on: bool) -> None: ...
