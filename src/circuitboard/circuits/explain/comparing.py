"""Circuits of different models side by side: by what was measured of their parts, and by role.

Two heads are as far apart as the numbers measured of them: their scores on random repeats (previous
token, duplicate, induction, first token), half their copying score, the attention from the end to
the target and to the foil, the share of the difference between clean and corrupted prompts that
they carry straight to the logits (held within -1 and 1), and a quarter of their relative depth; the
root of the sum of squares. Two MLPs: by the share that they carry, the share that patching them
alone takes away, and their relative depth.

The closest two correspond, then the closest two of the rest, and so on up to a distance of
``APART``. A head whose numbers are all close to zero (of a length under ``PLAIN``) is like any
other such head: it is left without a partner.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import structs

from circuitboard.circuits.explain.findings import Explanation, Part
from circuitboard.spec import comparison
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.comparison import Comparison, RoleLink, RoleRow, Wire, relative_depth
from circuitboard.spec.errors import CircuitError

#: Parts further apart do not correspond: as far as a head that looks at something with 0.5 of its
#: attention and one that does not look there.
APART = 0.5
#: A head with numbers of a smaller length has nothing to be known by.
PLAIN = 0.25

How = Mapping[str, str] | Literal["address", "behaviour"]


def compare(first: Explanation, other: Explanation, match: How | None = None) -> Comparison:
    """What :meth:`circuitboard.Explanation.compare` does."""
    layers = first.shape.n_layers, other.shape.n_layers
    one, two = first.circuit, other.circuit
    apart: dict[tuple[str, str], float] = {}
    if match is None:
        match = "address" if first.shape == other.shape else "behaviour"
    if match == "behaviour":
        found = matches(first, other)
        apart = {(mine, theirs): distance for mine, theirs, distance in found}
        given = {mine: theirs for mine, theirs, _ in found}
        made = comparison.compare(one, two, given, layers)
        made = structs.replace(made, by="behaviour")
    else:
        made = comparison.compare(one, two, match, layers)
    mine, theirs = roles_of(first), roles_of(other)
    paired = tuple(
        structs.replace(
            pair,
            apart=apart.get((pair.mine, pair.theirs)),
            roles=(mine[pair.mine], theirs[pair.theirs]),
        )
        for pair in made.matches
    )
    return structs.replace(
        made, matches=paired, roles=_rows(first, other), links=links(one, two, mine, theirs)
    )


def roles_of(found: Explanation) -> dict[str, str]:
    """The role of each part of a circuit; the logits are their own."""
    return {part.address: part.role for part in found.parts} | {"logits": "the logits"}


# --- parts that correspond ------------------------------------------------------------------------


def matches(first: Explanation, other: Explanation) -> list[tuple[str, str, float]]:
    """Parts of both circuits that behave alike, and how far apart they are, the closest first.

    The same whichever circuit comes first.
    """
    pairs: list[tuple[float, str, str]] = []
    for kind in ("head", "mlp"):
        sides = [_known(found, kind) for found in (first, other)]
        pairs += [
            (math.dist(x, y), mine, theirs)
            for mine, x in sides[0].items()
            for theirs, y in sides[1].items()
        ]
    taken: tuple[set[str], set[str]] = set(), set()
    out: list[tuple[str, str, float]] = []
    for distance, mine, theirs in sorted(pairs):
        if distance <= APART and mine not in taken[0] and theirs not in taken[1]:
            taken[0].add(mine)
            taken[1].add(theirs)
            out.append((mine, theirs, distance))
    return out


def _known(found: Explanation, kind: str) -> dict[str, list[float]]:
    """The numbers of all parts of a kind that something is known of."""
    numbers = {part.address: _numbers(found, part) for part in found.parts if part.kind == kind}
    return {
        address: [*own, depth]
        for address, (own, depth) in numbers.items()
        if kind == "mlp" or math.hypot(*own) >= PLAIN
    }


def _numbers(found: Explanation, part: Part) -> tuple[list[float], float]:
    """What was measured of a part, and what its depth counts."""
    depth = relative_depth(part.address, found.shape.n_layers) or 0.0
    carries = _share(found, part.carries.value)
    if part.kind == "mlp":
        return [carries, _share(found, part.alone.value)], depth
    seen = {(look.query, look.key): look.attention.value for look in part.looks}
    at_end = [seen.get(("end", key), 0.0) for key in ("the target", "the foil")]
    own = [*(part.classes or {}).values(), (part.copying or 0.0) / 2, *at_end, carries]
    return own, depth / 4


def _share(found: Explanation, value: float) -> float:
    """A part of the difference between clean and corrupted, held within -1 and 1."""
    span = found.clean.value - found.corrupt.value
    return max(-1.0, min(1.0, value / span)) if span else 0.0


# --- roles ----------------------------------------------------------------------------------------


def _rows(first: Explanation, other: Explanation) -> tuple[RoleRow, ...]:
    """The parts of both by role: the first circuit's roles in its order, then the other's."""
    sides = [{group.role: group for group in found.groups} for found in (first, other)]
    rows = []
    for role in dict.fromkeys([*sides[0], *sides[1]]):
        groups = [side.get(role) for side in sides]
        parts = [group.parts if group else () for group in groups]
        effects = [
            None if group is None else _effect(found, group.together.value)
            for found, group in zip((first, other), groups, strict=True)
        ]
        depths = [
            _mean(relative_depth(name, found.shape.n_layers) for name in names)
            for found, names in zip((first, other), parts, strict=True)
        ]
        rows.append(
            RoleRow(role, parts[0], parts[1], (effects[0], effects[1]), (depths[0], depths[1]))
        )
    return tuple(rows)


def _effect(found: Explanation, value: float) -> float | None:
    span = found.clean.value - found.corrupt.value
    return value / span if span else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def links(
    first: Circuit, other: Circuit, mine: Mapping[str, str], theirs: Mapping[str, str]
) -> tuple[RoleLink, ...]:
    """Edges between roles, and how many each circuit has, in the order of the first circuit."""
    merged = "node" in (first.granularity, other.granularity)
    counts: dict[tuple[str, str, str], list[int]] = {}
    for side, (circuit, roles) in enumerate(((first, mine), (other, theirs))):
        for wire in comparison.wires(circuit, merged):
            counts.setdefault(_kind(wire, roles), [0, 0])[side] += 1
    return tuple(RoleLink(*kind, *count) for kind, count in counts.items())


def _kind(wire: Wire, roles: Mapping[str, str]) -> tuple[str, str, str]:
    try:
        return roles[wire.sender], roles[wire.reader], wire.way
    except KeyError as error:
        raise CircuitError(
            f"The explanation says nothing of {error.args[0]}.", "Explain the circuit again."
        ) from None
