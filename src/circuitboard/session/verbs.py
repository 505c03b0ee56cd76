"""What can be done to a model on a board, one method for each kind of intervention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from circuitboard.session.interventions import Places, several
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.intervention import AnyIntervention, Freeze, Scale, Set, Zero


class Verbs:
    """The verbs of a board. Each is one step of undo, however many places it is given."""

    def ablate(self, at: Places, how: str = "zero", *, on: bool = True) -> None:
        """Sets a place, or several in one step, to zero."""
        if how != "zero":
            raise InterventionError(
                f"Ablating by {how!r} is not available.", 'This version ablates by "zero" alone.'
            )
        self._add([Zero(place) for place in several(at)], on)

    def freeze(self, at: Places, *, on: bool = True) -> None:
        """Holds a place, or several, at the baseline run's value, whatever happens upstream."""
        self._add([Freeze(place) for place in several(at)], on)

    def scale(self, at: Places, factor: float, *, on: bool = True) -> None:
        """Multiplies a place, or several, by a factor."""
        self._add([Scale(place, float(factor)) for place in several(at)], on)

    def set(self, at: str, value: Any, *, on: bool = True) -> None:
        """Sets a place to a number, an array or a tensor that broadcasts to it."""
        self._add([Set(at, value)], on)

    def _add(self, items: Sequence[AnyIntervention], on: bool) -> None:
        raise NotImplementedError
