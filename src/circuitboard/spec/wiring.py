"""How edges hang together: the order of parts, and what lies between embedding and logits."""

from __future__ import annotations

from collections.abc import Iterable

from circuitboard.spec.address import Address, Edge

_INPUTS = {"head.q": 0, "head.k": 1, "head.v": 2, "head": 3, "mlp": 4, "neuron": 5}


def ends(edge: str) -> tuple[str, str]:
    """The parts that an edge joins: of an input of a head, the head."""
    parsed = Edge.parse(edge)
    return parsed.sender.place, owner(parsed.receiver)


def owner(receiver: Address) -> str:
    """The part that reads by this input."""
    if receiver.head is None:
        return receiver.place
    return f"L{receiver.layer}H{receiver.head}"


def place(node: str) -> tuple[int, int, int]:
    """Sorts parts in the order of a model: embedding, heads, MLP, neurons of each layer, logits."""
    address = Address.parse(node)
    if address.layer is None:
        return (-1 if address.part == "embed" else 1 << 30), 0, 0
    if address.neuron is not None:
        return address.layer, 2, address.neuron
    return address.layer, int(address.head is None), address.head or 0


def order(edge: str) -> tuple[int, ...]:
    """Sorts edges receiver by receiver, then by sender, then by position."""
    parsed = Edge.parse(edge)
    into = parsed.receiver
    layer = 1 << 30 if into.layer is None else into.layer
    where = -1 if parsed.position is None else parsed.position.start or 0
    which = into.neuron if into.head is None else into.head
    return layer, _INPUTS.get(into.part, 6), which or 0, *place(parsed.sender.place), where


def connected(edges: Iterable[str], shared: int = 1) -> set[str]:
    """The edges on some path from the embedding to the logits.

    Args:
        shared: how many heads share each key and value; an edge into one of those, named by the
            first head, leads on to all of them.
    """
    known = {edge: Edge.parse(edge) for edge in edges}
    forward = sorted(known, key=lambda edge: place(ends(edge)[1]))
    reached = {"embed"}
    alive: set[str] = set()
    for edge in forward:
        if known[edge].sender.place in reached:
            alive.add(edge)
            reached.update(_reads(known[edge].receiver, shared))
    useful = {"logits"}
    found: set[str] = set()
    for edge in reversed(forward):
        if edge in alive and useful & _reads(known[edge].receiver, shared):
            found.add(edge)
            useful.add(known[edge].sender.place)
    return found


def _reads(receiver: Address, shared: int) -> set[str]:
    """The parts that an input leads into."""
    if receiver.part not in ("head.k", "head.v") or receiver.head is None:
        return {owner(receiver)}
    first = receiver.head - receiver.head % shared
    return {f"L{receiver.layer}H{head}" for head in range(first, first + shared)}
