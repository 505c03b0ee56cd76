"""Directions in the residual stream that a board knows by name: to look along, to steer by."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from circuitboard.engine.result import RunResult
from circuitboard.methods import steering
from circuitboard.methods.directions import check_width
from circuitboard.models.model import Model
from circuitboard.session.interventions import Places, several
from circuitboard.session.question import Question
from circuitboard.spec import tensors
from circuitboard.spec.errors import InterventionError, TargetError
from circuitboard.spec.intervention import Add, AnyIntervention

How = Literal["contrast", "tokens", "output", "write", "neuron"]


class NamedDirections(Mapping[str, str]):
    """A board's directions: tensor names by their own, in the order in which they were made.

    ``del board.directions["Mary-John"]`` forgets one; what steers by it goes on, without the name.
    """

    def __init__(self, known: dict[str, str], change: Callable[[dict[str, str]], None]) -> None:
        self._known = known
        self._change = change

    def __getitem__(self, name: str) -> str:
        try:
            return self._known[name]
        except KeyError:
            raise InterventionError(f"There is no direction {name!r}.", self._hint()) from None

    def _hint(self) -> str:
        if not self._known:
            return "Make one: board.direction(name, vector), or board.make_direction(...)."
        return f"There are {', '.join(map(repr, self._known))}."

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __delitem__(self, name: str) -> None:
        self[name]
        self._change({own: tensor for own, tensor in self._known.items() if own != name})

    def rename(self, name: str, new: str) -> None:
        """Gives a direction another name. Raises InterventionError where that is taken."""
        self[name]
        if not new.strip() or (new != name and new in self._known):
            raise InterventionError(
                f"{new!r} cannot be a direction's name here.", "Take one that is not in use."
            )
        self._change({new if own == name else own: t for own, t in self._known.items()})

    def __repr__(self) -> str:
        return f"NamedDirections({list(self._known)})"


class Directions(ABC):
    """The named directions of a board, and steering by them."""

    model: Model
    revision: int
    _lock: threading.RLock
    _question: Question
    _directions: dict[str, str]
    #: Whether the change under way goes into the step of undo before it.
    _joins = False
    _last_step: tuple[str, int] = ("", -1)

    def direction(self, name: str, vector: Any, *, unit: bool = False) -> None:
        """Registers a vector [d] under a name: to project on, and to steer by.

        ``unit`` divides it by its length. Given again, the name means the new vector; what was
        done with the old one stays. Raises InterventionError for what is not as wide as the
        residual stream, is zero, or is not made of numbers.
        """
        tensor = tensors.register(vector)
        values = tensors.lookup(tensor)
        check_width(self.model, name, values.size)
        if unit or values.ndim != 1:
            length = float((values.astype(float) ** 2).sum()) ** 0.5
            if unit and length == 0:
                raise InterventionError(f"The direction {name!r} is zero.", "Give another vector.")
            tensor = tensors.register(values.flatten() / (length if unit else 1))
        self._keep({**self._directions, name: tensor})

    @property
    def directions(self) -> NamedDirections:
        """Registered directions: the tensor name of each, by its own name; ``del`` forgets one."""
        return NamedDirections(dict(self._directions), self._keep)

    def _keep(self, directions: dict[str, str]) -> None:
        self._directions = directions
        self._tell("state")
        self._tell("directions")

    def make_direction(
        self,
        how: How,
        at: str = "",
        *,
        tokens: Sequence[str] = (),
        rank: int = 0,
        name: str = "",
        unit: bool = False,
    ) -> str:
        """Registers a direction made from the board; its name.

        Args:
            how: ``"tokens"``: what the logit of the first of ``tokens`` reads, minus that of the
                second (the board's target and foil where none are given). ``"contrast"``: the
                residual at ``at`` of the prompt minus that of the contrast prompt. ``"output"``:
                what the part ``at`` adds in the baseline run. ``"write"``: the singular direction
                ``rank`` of the head ``at``. ``"neuron"``: what the neuron ``at`` writes.
            name: of the direction; one that says what it is unless given.
            unit: divide by the length.

        Raises:
            AddressError, InterventionError, TargetError: what the functions in
            ``circuitboard.methods.steering`` raise; InterventionError without a contrast prompt.
        """
        model = self.model
        at = at.strip()
        if how == "tokens":
            given = [t for t in tokens if t.strip()] or [self._question.target, self._question.foil]
            pair = [t for t in given if t.strip()][:2]
            if not pair:
                raise TargetError("There is no token to make a direction of.", "Give a target.")
            vector = steering.token_direction(model, *pair, unit=unit)
            made = "-".join(text.strip() for text in pair)
        elif how == "contrast":
            other = self.need_contrast()
            mine = self._question.prompt
            vector = steering.contrast_direction(model, mine, other, at, unit=unit)
            made = f"contrast {at}"
        elif how == "output":
            vector = steering.output_direction(self.baseline, at, unit=unit)
            made = f"output of {at}"
        else:
            vector = steering.write_direction(model, at, rank=rank, unit=unit)
            made = f"{at} writes" + (f" ({rank})" if rank else "")
        chosen = name.strip() or self._free(made, tensors.register(vector))
        self.direction(chosen, vector)
        return chosen

    def _free(self, name: str, tensor: str) -> str:
        """The name, with a number behind it where it means another vector already."""
        found, count = name, 1
        while self._directions.get(found, tensor) != tensor:
            count += 1
            found = f"{name} {count}"
        return found

    def steer(
        self,
        at: Places,
        direction: str,
        coefficient: float,
        *,
        on: bool = True,
        step: str = "",
    ) -> None:
        """Adds ``coefficient`` times a named direction to a place, or several.

        The same direction at the same place is one line: its coefficient changes. Changes in a
        row with the same ``step`` are one step of undo, as a slider that is dragged.
        Raises AddressError, and InterventionError where there is no such direction or the place
        is not as wide.
        """
        tensor = self.directions[direction]
        with self._lock:
            self._joins = bool(step) and self._last_step == (step, self.revision)
            try:
                self._add([Add(place, tensor, float(coefficient)) for place in several(at)], on)
            finally:
                self._joins = False
            self._last_step = (step, self.revision)

    @property
    @abstractmethod
    def baseline(self) -> RunResult:
        """The run of the same prompt with nothing done to it."""

    @abstractmethod
    def need_contrast(self) -> str: ...

    @abstractmethod
    def _add(self, items: Sequence[AnyIntervention], on: bool) -> None: ...

    @abstractmethod
    def _tell(self, event: str) -> None: ...
