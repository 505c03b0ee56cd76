"""Which edges lead into a part, out of it, and from one part to another."""

from __future__ import annotations

from circuitboard.engine.paths import Mlps, edges_of
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.errors import AddressError

#: What a head reads: each is an input of its own.
INPUTS = ("q", "k", "v")


def edges_into(model: Model, part: str, mlps: Mlps = "frozen") -> list[str]:
    """Every edge into a part: a head (into its q, k and v apart), an MLP, or ``logits``.

    ``mlps`` is that of :func:`circuitboard.path_patch`. Raises AddressError for a part that reads
    nothing of its own.
    """
    address = model.check(Address.parse(part))
    if address.part == "head":
        return [edge for name in INPUTS for edge in edges_into(model, f"{part}.{name}", mlps)]
    return edges_of(model, receiver=part, mlps=mlps)


def edges_from(model: Model, part: str, mlps: Mlps = "frozen") -> list[str]:
    """Every edge out of a part: ``embed``, a head, a layer's attention or MLP.

    Raises AddressError for a part that writes nothing of its own, such as a norm.
    """
    return edges_of(model, sender=part, mlps=mlps)


def edges_between(model: Model, sender: str, receiver: str) -> list[str]:
    """Every edge from a part to another one, each direct and through the MLPs in between.

    Into a head: its q, k and v, and all three together. Raises AddressError where there are none.
    """
    first, second = (model.check(Address.parse(part)) for part in (sender, receiver))
    ends = [f".{name}" for name in INPUTS] if second.part == "head" else []
    edges = [f"{sender}->{way}{receiver}{end}" for end in [*ends, ""] for way in ("", "mlps->")]
    parsed = [str(Edge.parse(edge)) for edge in edges]
    if model.facts.parallel and first.layer is not None and first.layer == second.layer:
        raise AddressError(
            f"{sender} does not come before {receiver}: they stand side by side.",
            "Take a receiver in a later layer.",
        )
    return parsed
