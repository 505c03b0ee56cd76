"""What the circuit view asks for and gets, and what is done to the circuit on screen."""

from __future__ import annotations

from typing import Literal

import msgspec

from circuitboard.wire.messages.base import Message


class EditCircuit(Message, frozen=True, tag="edit-circuit", tag_field="op"):
    """Changes the circuit that is open on the board.

    ``prune`` and ``restore`` need ``at``: edges, or parts for all of their edges; ``restore``
    without it brings all back. ``cut`` takes the ``size`` edges with the largest scores, those as
    opened where it is None; cuts in a row with one ``step`` are one undo. ``separate`` takes the
    second circuit away, ``close`` both.
    """

    id: int
    verb: Literal["prune", "restore", "cut", "separate", "close"]
    at: list[str] = msgspec.field(default_factory=list[str])
    size: int | None = None
    step: str = ""


class CircuitView(Message, frozen=True, tag="circuit", tag_field="kind"):
    """The circuit that is open on the board; its second one, if there is one.

    Reply arrays (float32), none where no circuit is open: for each of :attr:`CircuitInfo.edges`
    ``score`` [e], ``kept`` [e], 1 for what the circuit has and nobody pruned, and ``other`` [e], 1
    for what the second circuit has. ``metric`` [5] with all edges live, with none, with the
    circuit's, with what is kept of them, with the second circuit's; ``faithfulness`` [3] of the
    last three. Both NaN until known, and where there is nothing to measure.
    """


class CircuitMatch(Message, frozen=True):
    """Two parts that correspond; ``apart``: how far apart what was measured of them is."""

    mine: str
    theirs: str
    apart: float | None = None


class CircuitRole(Message, frozen=True):
    """Parts of one role in both circuits, and what patching them takes away, as shares."""

    role: str
    first: list[str]
    other: list[str]
    first_effect: float | None = None
    other_effect: float | None = None


class CircuitInfo(Message, frozen=True, tag="circuit", tag_field="of"):
    """The circuit, without its numbers.

    Attributes:
        edges: the circuit's own, ``cut`` many, and then those that only the second one has.
        method, task: how it was found, and on what.
        kept, cut, whole, total: how many edges are left, are there without pruning, were there
            when it was opened, and are there to choose from.
        scored: whether those have scores, so that any size can be cut.
        measured, pairs, metric: what the numbers are measured on and by.
        other: the second circuit's method; empty without one. ``other_size``: its edges;
            ``other_task``: what it was found on.
        other_model: the second circuit's model, where it is another.
        by: how parts of the two correspond: ``address``, ``parts`` or ``behaviour``; addresses of
            the second circuit are this model's for ``address`` alone.
        both, jaccard: edges of both, and those over the edges of either.
        neurons: those that are nodes of their own; the address of their MLP is the rest of it.
        elsewhere: edges that the second circuit alone has, where they are not this model's.
        parts: heads and MLPs of both, of the first alone, of the second alone; empty without one.
        matches: parts of both that correspond, where that is not by address.
        roles: parts by role, where both were explained.
        problem, hint: why there are no numbers; empty where there are.
    """

    edges: list[str] = msgspec.field(default_factory=list[str])
    method: str = ""
    task: str = ""
    kept: int = 0
    cut: int = 0
    whole: int = 0
    total: int = 0
    scored: bool = False
    measured: str = ""
    pairs: int = 0
    metric: str = ""
    other: str = ""
    other_task: str = ""
    other_size: int = 0
    other_model: str = ""
    by: str = ""
    both: int = 0
    jaccard: float = 0.0
    neurons: list[str] = msgspec.field(default_factory=list[str])
    elsewhere: list[str] = msgspec.field(default_factory=list[str])
    parts: list[int] = msgspec.field(default_factory=list[int])
    matches: list[CircuitMatch] = msgspec.field(default_factory=list[CircuitMatch])
    roles: list[CircuitRole] = msgspec.field(default_factory=list[CircuitRole])
    problem: str = ""
    hint: str = ""
