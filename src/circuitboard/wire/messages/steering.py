"""What the steering view asks for and gets, and what a screen asks for to steer."""

from __future__ import annotations

from typing import Literal

import msgspec

from circuitboard.wire.messages.base import Message


class Steer(Message, frozen=True, tag="steer", tag_field="op"):
    """Adds a named direction to a place; changes in a row with one ``step`` are one undo."""

    id: int
    at: str
    direction: str
    coefficient: float
    step: str = ""


class MakeDirection(Message, frozen=True, tag="make-direction", tag_field="op"):
    """Make a direction, as ``Board.make_direction`` does; the reply's ``text`` is its name."""

    id: int
    how: Literal["contrast", "tokens", "output", "write", "neuron"]
    at: str = ""
    tokens: list[str] = msgspec.field(default_factory=list[str])
    rank: int = 0
    name: str = ""
    unit: bool = False


class KeepDirection(Message, frozen=True, tag="keep-direction", tag_field="op"):
    """Renames a direction, or forgets it where the new name is empty."""

    id: int
    name: str
    new: str = ""


class SteeringView(Message, frozen=True, tag="steering", tag_field="kind"):
    """One direction at one place, and the effect over its coefficient.

    ``at`` and ``direction`` empty: those of the last line that steers (one that is on, if any),
    else a place in the middle and the newest direction. ``reach`` 0: as far as makes
    the vector as long as the stream there.

    Reply arrays (float32): ``coefficients`` [n]; ``metric``, ``target``, ``foil`` [n], the latter
    two probabilities, NaN until known; ``here`` [3], the same three in the run now; ``norms`` and
    ``projection``, each ``_now`` and ``_base`` [p]: length of the stream at the place, and its dot
    product with the direction at unit length.
    """

    at: str = ""
    direction: str = ""
    reach: float = 0.0


class SteeringLine(Message, frozen=True):
    """A line of the list that steers."""

    entry: int
    at: str
    direction: str
    coefficient: float
    on: bool


class SteeringDirection(Message, frozen=True):
    """A named direction: its length, and its cosine with what target minus foil reads, if any."""

    name: str
    length: float
    cosine: float | None


class SteeringInfo(Message, frozen=True, tag="steering", tag_field="of"):
    """What is steered; ``direction`` is empty where there is none to steer by.

    ``coefficient`` is what the board adds now (0 for nothing), ``stream`` the median length of the
    stream at the positions that are steered.
    """

    at: str
    direction: str
    reach: float
    coefficient: float
    stream: float
    lines: list[SteeringLine]
    directions: list[SteeringDirection]
