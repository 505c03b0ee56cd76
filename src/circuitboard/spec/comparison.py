"""Two circuits side by side: which parts and edges they share.

By ``address``: a part or an edge is shared where both circuits have it under the same name. That is
for circuits of one model, and of models of one shape whose parts correspond, such as checkpoints
of one training run.

By ``parts``: a one-to-one map says which part of the first circuit corresponds to which of the
other; the embedding and the logits always do. A part is shared where both circuits have it and its
partner; an edge where the other circuit has the edge from its sender's partner to its reader's, by
the same input (query, key, value). By ``behaviour`` the map was found from what was measured of the
parts (:mod:`circuitboard.circuits.explain.comparing`). Positions play no part in it. An edge into a
key or value that heads share counts for each of these heads that writes something in the circuit.

Relative depth is layer / (layers - 1): 0 in the first block, 1 in the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from circuitboard.spec import wiring
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.comparison_text import lines_of
from circuitboard.spec.errors import AddressError, CircuitError
from circuitboard.spec.task_rows import decoded, text_of

By = Literal["address", "parts", "behaviour"]
ENDS = ("embed", "logits")


class Match(msgspec.Struct, frozen=True):
    """Two parts that correspond, both in their circuits.

    Attributes:
        mine, theirs: their addresses in the first model and in the other.
        depths: their relative depths; None where the number of layers is not known.
        apart: how far apart what was measured of them is; None where the map was given.
        roles: what each does, where both circuits were explained.
    """

    mine: str
    theirs: str
    depths: tuple[float, float] | None = None
    apart: float | None = None
    roles: tuple[str, str] | None = None


class RoleRow(msgspec.Struct, frozen=True):
    """The parts of both circuits with one role.

    Attributes:
        first, other: their addresses.
        effects: the change of each metric with all of them patched, as a share of the difference
            between clean and corrupted prompts; None where there are none.
        depths: their mean relative depths; None where there are none.
    """

    role: str
    first: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    effects: tuple[float | None, float | None] = (None, None)
    depths: tuple[float | None, float | None] = (None, None)


class RoleLink(msgspec.Struct, frozen=True):
    """Edges from parts of one role to parts of another, by one input (``q``, ``k``, ``v``, "").

    ``first``, ``other``: how many each circuit has.
    """

    sender: str
    reader: str
    way: str
    first: int = 0
    other: int = 0


class Overlap(NamedTuple):
    """How many there are of both, of the first alone, of the other alone."""

    both: int
    first: int
    other: int

    @property
    def jaccard(self) -> float:
        """Those of both over those of either; 1 where there are none at all."""
        return self.both / sum(self) if sum(self) else 1.0


class Comparison(msgspec.Struct, frozen=True):
    """What :meth:`circuitboard.Circuit.compare` finds.

    Attributes:
        first, other: the circuits.
        by: how parts correspond.
        matches: heads and MLPs of both, in the order of the first.
        both: edges of both, as (the first's, the other's).
        only_first, only_other: edges of one alone.
        roles, links: where both were explained: parts by role, and edges between roles.
    """

    first: Circuit
    other: Circuit
    by: By
    matches: tuple[Match, ...] = ()
    both: tuple[tuple[str, str], ...] = ()
    only_first: tuple[str, ...] = ()
    only_other: tuple[str, ...] = ()
    roles: tuple[RoleRow, ...] = ()
    links: tuple[RoleLink, ...] = ()

    @property
    def edges(self) -> Overlap:
        """Of all edges."""
        return Overlap(len(self.both), len(self.only_first), len(self.only_other))

    @property
    def shared(self) -> frozenset[str]:
        """Edges of both, as the first circuit writes them."""
        names = {mine for mine, _ in self.both}
        if self.by == "address":
            return frozenset(names)
        mine = wires_by_edge(self.first, _merged(self.first, self.other))
        return frozenset(e for e, some in mine.items() if any(str(wire) in names for wire in some))

    @property
    def parts(self) -> Overlap:
        """Of heads and MLPs."""
        both = len(self.matches)
        return Overlap(both, *(len(_inner(one)) - both for one in (self.first, self.other)))

    @property
    def wired(self) -> Overlap:
        """Of edges among parts that correspond, embedding and logits among them.

        It tells parts that are wired otherwise from parts that are missing.
        """
        mine, theirs = ({*ENDS, *names} for names in _columns(self.matches))
        sides = ((self.only_first, mine), (self.only_other, theirs))
        alone = [sum(set(wiring.ends(e)) <= names for e in edges) for edges, names in sides]
        return Overlap(len(self.both), *alone)

    @property
    def linked(self) -> Overlap:
        """Of kinds of edges between roles, however many of each."""
        kinds = [(link.first > 0, link.other > 0) for link in self.links]
        return Overlap(
            *(kinds.count(kind) for kind in ((True, True), (True, False), (False, True)))
        )

    @property
    def shift(self) -> float | None:
        """The mean distance in relative depth of parts that correspond; None where not known."""
        depths = [match.depths for match in self.matches]
        known = [abs(one - other) for one, other in (pair for pair in depths if pair)]
        return sum(known) / len(known) if known else None

    @property
    def match(self) -> dict[str, str]:
        """The map of the parts of both circuits: ``circuit.compare(other, match=...)`` takes it."""
        return {match.mine: match.theirs for match in self.matches}

    def to_json(self) -> str:
        """One line of JSON; :meth:`from_json` gives an equal comparison."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Comparison:
        """Reads what :meth:`to_json` wrote. Raises TaskError."""
        return decoded(text, cls)

    def save(self, path: str | Path) -> None:
        """Writes :meth:`to_json` to a file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def open(cls, path: str | Path) -> Comparison:
        """Reads what :meth:`save` wrote. Raises TaskError."""
        return cls.from_json(text_of(path))

    def __str__(self) -> str:
        return "\n".join(lines_of(self))

    __repr__ = __str__


class Wire(NamedTuple):
    """An edge between two parts, without its position. ``way``: ``q``, ``k``, ``v``, or ""."""

    sender: str
    reader: str
    way: str

    def __str__(self) -> str:
        return f"{self.sender}->{self.reader}{self.way and '.'}{self.way}"


def compare(
    first: Circuit,
    other: Circuit,
    match: Mapping[str, str] | Literal["address"] | None = None,
    layers: tuple[int | None, int | None] | None = None,
) -> Comparison:
    """What :meth:`circuitboard.Circuit.compare` does; ``layers``: how many both models have."""
    found = layers or (depth_of(first), depth_of(other))
    if match is None or isinstance(match, str):
        if match not in (None, "address"):
            raise CircuitError(
                f"Circuits are not compared by {match!r}.",
                'Give match="address", or a map of parts: {"L2H1": "L5H3"}.',
            )
        first.check_alike(other, unnamed=match == "address")
        return _by_address(first, other, found)
    pairs = checked(match)
    _check_known(first, pairs)
    _check_known(other, pairs.values())
    return _by_parts(first, other, pairs, found)


def _check_known(circuit: Circuit, names: Iterable[str]) -> None:
    """Raises CircuitError for a part that a circuit's model lacks, where its scores tell them."""
    known = () if circuit.scores is None else circuit.scores.senders
    for name in names:
        if known and name not in known:
            raise CircuitError(
                f"{name} is no part of {circuit.model or 'the model'}, where the map has it.",
                'Parts of the first circuit come first: match={"L2H1": "L5H3"}.',
            )


def _by_address(
    first: Circuit, other: Circuit, layers: tuple[int | None, int | None]
) -> Comparison:
    theirs, nodes = set(other.edges), set(_inner(other))
    shared = [edge for edge in first.edges if edge in theirs]
    both = set(shared)
    return Comparison(
        first,
        other,
        "address",
        tuple(Match(n, n, _depths(n, n, layers)) for n in _inner(first) if n in nodes),
        tuple((edge, edge) for edge in shared),
        tuple(edge for edge in first.edges if edge not in both),
        tuple(edge for edge in other.edges if edge not in both),
    )


def _by_parts(
    first: Circuit,
    other: Circuit,
    match: Mapping[str, str],
    layers: tuple[int | None, int | None],
) -> Comparison:
    merged = _merged(first, other)
    mine, theirs = (dict.fromkeys(wires(one, merged)) for one in (first, other))
    partner = {**match, **dict(zip(ENDS, ENDS, strict=True))}
    both: dict[Wire, Wire] = {}
    for wire in mine:
        sender, reader = partner.get(wire.sender), partner.get(wire.reader)
        if sender is not None and reader is not None:
            there = Wire(sender, reader, wire.way)
            if there in theirs:
                both[wire] = there
    nodes, found = set(_inner(other)), set(both.values())
    shared = [(n, match[n]) for n in _inner(first) if match.get(n) in nodes]
    return Comparison(
        first,
        other,
        "parts",
        tuple(Match(a, b, _depths(a, b, layers)) for a, b in shared),
        tuple((str(a), str(b)) for a, b in both.items()),
        tuple(str(wire) for wire in mine if wire not in both),
        tuple(str(wire) for wire in theirs if wire not in found),
    )


def _merged(first: Circuit, other: Circuit) -> bool:
    return "node" in (first.granularity, other.granularity)


def checked(match: Mapping[str, str]) -> dict[str, str]:
    """A map of parts, as they are written. Raises CircuitError where it is none."""
    found: dict[str, str] = {}
    for one, other in match.items():
        mine, theirs = _part(one), _part(other)
        if mine.part != theirs.part:
            raise CircuitError(
                f"{one} and {other} are parts of different kinds.",
                "Match heads with heads, and MLPs with MLPs.",
            )
        found[str(mine)] = str(theirs)
    twice = next((name for name in found.values() if list(found.values()).count(name) > 1), None)
    if twice is not None:
        raise CircuitError(
            f"Several parts are matched with {twice}.", "Match each part with one at most."
        )
    return {one: other for one, other in found.items() if one not in ENDS}


def _part(name: str) -> Address:
    try:
        found = Address.parse(name)
    except AddressError as error:
        raise CircuitError(error.message, error.hint) from None
    if found.part not in ("head", "mlp", "neuron", *ENDS) or found.position is not None:
        raise CircuitError(
            f"{name} is no part of a circuit.", "Match heads (L2H1) and MLPs (L2.mlp)."
        )
    return found


def wires(circuit: Circuit, merged: bool) -> list[Wire]:
    """The edges of a circuit between parts, each once; ``merged``: whatever input they go into."""
    return list(
        dict.fromkeys(wire for some in wires_by_edge(circuit, merged).values() for wire in some)
    )


def wires_by_edge(circuit: Circuit, merged: bool) -> dict[str, list[Wire]]:
    """What each edge is between parts; several where heads share an input."""
    shared = circuit.scores.shared if circuit.scores else 1
    parsed = {edge: Edge.parse(edge) for edge in circuit.edges}
    writing = {edge.sender.place for edge in parsed.values()}
    found: dict[str, list[Wire]] = {}
    for name, edge in parsed.items():
        into = edge.receiver
        way = "" if merged or into.head is None else into.part.removeprefix("head").lstrip(".")
        readers = _readers(into, shared, writing.__contains__)
        found[name] = [Wire(edge.sender.place, reader, way) for reader in readers]
    return found


def _readers(into: Address, shared: int, writes: Callable[[str], bool]) -> list[str]:
    """The parts that read by an input: those of the heads that share it which write something."""
    if into.head is None or into.part not in ("head.k", "head.v"):
        return [wiring.owner(into)]
    first = into.head - into.head % shared
    heads = [f"L{into.layer}H{head}" for head in range(first, first + shared)]
    return [head for head in heads if writes(head)] or [wiring.owner(into)]


def depth_of(circuit: Circuit) -> int | None:
    """How many layers the circuit's model has; None where its scores do not tell."""
    if circuit.scores is None:
        return None
    layers = (Address.parse(sender).layer for sender in circuit.scores.senders)
    return 1 + max((layer for layer in layers if layer is not None), default=0)


def relative_depth(part: str, layers: int) -> float | None:
    """layer / (layers - 1), 0 where there is one layer alone; None for embedding and logits."""
    layer = Address.parse(part).layer
    return None if layer is None else layer / max(layers - 1, 1)


def _depths(
    mine: str, theirs: str, layers: tuple[int | None, int | None]
) -> tuple[float, float] | None:
    if layers[0] is None or layers[1] is None:
        return None
    one, other = relative_depth(mine, layers[0]), relative_depth(theirs, layers[1])
    return None if one is None or other is None else (one, other)


def _inner(circuit: Circuit) -> list[str]:
    """Its heads and MLPs."""
    return [node for node in circuit.nodes if node not in ENDS]


def _columns(matches: Iterable[Match]) -> tuple[list[str], list[str]]:
    pairs = list(matches)
    return [match.mine for match in pairs], [match.theirs for match in pairs]
