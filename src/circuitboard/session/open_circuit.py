"""A circuit as a board holds it: cut to size, pruned by hand, and what it is compared with."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import structs

from circuitboard.session.interventions import Places, several
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.comparison import Comparison, compare
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task
from circuitboard.spec.wiring import ends


@dataclass(frozen=True)
class OpenCircuit:
    """A circuit on a board; undo covers all of it.

    Attributes:
        whole: as it was given.
        cut: as large as it was asked to be.
        pruned: edges of ``cut`` that were taken out by hand.
        task: what it is measured on; None for the board's own two prompts.
        other: the circuit that it is compared with.
        beside: how the two were compared when ``other`` was given; None for by address.
    """

    whole: Circuit
    cut: Circuit
    pruned: frozenset[str] = frozenset()
    task: Task | None = None
    other: Circuit | None = None
    beside: Comparison | None = None

    @property
    def kept(self) -> Circuit:
        """What was not taken out by hand."""
        kept = tuple(one for one in self.cut.kept if one.edge not in self.pruned)
        return structs.replace(self.cut, kept=kept)

    @property
    def foreign(self) -> bool:
        """Whether the other circuit's addresses are not the board's model's."""
        return self.beside is not None and self.beside.by != "address"

    def compared(self) -> Comparison | None:
        """What is kept beside the other circuit; roles are those it was compared with."""
        given = self.beside
        if self.other is None:
            return None
        if given is None or given.by == "address":
            found = compare(self.kept, self.other, "address")
        else:
            found = compare(self.kept, self.other, given.match)
        if given is None:
            return found
        known = {(match.mine, match.theirs): match for match in given.matches}
        matches = tuple(known.get((one.mine, one.theirs), one) for one in found.matches)
        told = {"by": given.by, "roles": given.roles, "links": given.links}
        return structs.replace(found, matches=matches, **told)

    def edges_of(self, at: Places) -> set[str]:
        """The edges that are named, and all into and out of parts that are.

        Raises CircuitError for what the circuit does not have.
        """
        found: set[str] = set()
        for place in several(at):
            if "->" in place:
                edges = {edge for edge in self.cut.edges if edge == place}
            else:
                edges = {edge for edge in self.cut.edges if place in ends(edge)}
            if not edges:
                raise CircuitError(
                    f"The circuit has no edge {place}."
                    if "->" in place
                    else f"The circuit has no edges of {place}.",
                    "board.circuit.edges lists them, board.circuit.nodes their parts.",
                )
            found |= edges
        return found

    def code(self) -> Iterator[str]:
        """Python that opens it again, equal in all that it holds."""
        task = f", cb.Task.from_json({self.task.to_json()!r})" if self.task else ""
        yield f"board.open_circuit({_python(self.whole)}{task})"
        if self.cut != self.whole:
            yield f"board.cut_circuit({len(self.cut)})"
        pruned = [edge for edge in self.cut.edges if edge in self.pruned]
        if pruned:
            yield f"board.prune_edges({pruned!r})"
        if self.beside is not None:
            yield f"board.compare(cb.Comparison.from_json({_packed(self.beside.to_json())}))"
        elif self.other is not None:
            yield f"board.compare({_python(self.other)})"


def _python(circuit: Circuit) -> str:
    """A circuit as Python: by its edges where that is all there is to it, else in full."""
    edges = {one.edge: one.score for one in circuit.kept}
    names = {"model": circuit.model, "task": circuit.task, "method": circuit.method}
    if Circuit.of(edges, **names) == circuit:
        told = ", ".join(f"{name}={value!r}" for name, value in names.items())
        return f"cb.Circuit.of({edges!r}, {told})"
    return f"cb.Circuit.from_json({_packed(circuit.to_json())})"


def _packed(text: str) -> str:
    """An expression for a long text, compressed."""
    packed = base64.b85encode(zlib.compress(text.encode(), 9)).decode()
    return f"zlib.decompress(base64.b85decode({packed!r}))"
