"""What a painter is given: the board, what its model answered, and work done in the background."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.models.model import Model
from circuitboard.session.background import Backlog
from circuitboard.session.board import Board
from circuitboard.session.interventions import active
from circuitboard.session.question import Outcome
from circuitboard.spec.address import Address
from circuitboard.spec.intervention import InterventionSet
from circuitboard.wire.codec import Parcel
from circuitboard.wire.messages import Info, View

Floats = NDArray[np.float32]
T = TypeVar("T")

#: Multiplications that take no more than a moment: work of that size is done at once.
QUICK = 400_000_000


@dataclass(frozen=True)
class Scene:
    """One state of a board, to be drawn.

    Attributes:
        outcome: what the model answered: the baseline run and the run now.
        backlog: results that fill in over time; see :class:`Backlog`.
        parcel: takes the arrays of the view that is being painted.
    """

    board: Board
    outcome: Outcome
    backlog: Backlog
    parcel: Parcel = field(default_factory=Parcel)

    @property
    def model(self) -> Model:
        """The board's model."""
        return self.board.model

    @property
    def engine(self) -> Engine:
        """The board's engine."""
        return self.board.engine

    @property
    def ends(self) -> Iterator[tuple[str, HeldRun]]:
        """The two runs that every view shows, with the endings of their arrays' names."""
        yield "now", self.outcome.now
        yield "base", self.outcome.baseline

    def wanted(self, end: str) -> InterventionSet:
        """What is done to the model in one of the two runs."""
        on = active(self.outcome.question.entries) if end == "now" else InterventionSet()
        return on.refer(self.board.reference)

    def once(self, run: HeldRun, name: Hashable, compute: Callable[[], T]) -> T:
        """Something small computed from a run, kept with it: the baseline's need not come again."""
        if name not in run.derived:
            run.derived[name] = compute()
        return run.derived[name]

    def read(self, run: HeldRun, *addresses: Address | str) -> list[Tensor]:
        """Values of places in a run, [b, p, ...] each, in the order asked for."""
        parsed = [Address.parse(a) for a in addresses]
        found = self.engine.read(run, parsed)
        return [found[a.at(None).place] for a in parsed]


def position_of(scene: Scene, position: int) -> int:
    """A position that the screen asks for, counted from the first, within the prompt."""
    length = scene.outcome.now.lengths[0]
    return max(0, min(position + length if position < 0 else position, length - 1))


def _nothing(_view: View, _model: Model) -> list[Address]:
    return []


def unrecorded(_board: Board) -> list[View]:
    return []


@dataclass(frozen=True)
class Painter:
    """How one kind of view is computed.

    Attributes:
        paint: puts arrays into the scene's parcel and returns what goes beside them. Raises
            CircuitboardError where the model has no such part.
        needs: places whose values it reads in the run now: they are noted while that run is made.
        record: the views of this kind that are worth having in a saved board, the most wanted
            first; the first one is what its panel shows now.
        axes: names of each array's axes, by the array's name without ``_now`` and ``_base``: what
            the axes of saved data are called. ``position``, ``destination`` and ``source`` count
            the prompt's tokens. An array without a line here is for drawing only.
        data: puts into the scene's parcel what saved data hold, where that is not what is drawn.
    """

    paint: Callable[..., Info | None]
    needs: Callable[..., list[Address]] = _nothing
    record: Callable[[Board], Sequence[View]] = unrecorded
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    data: Callable[..., None] | None = None
