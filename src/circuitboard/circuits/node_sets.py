"""Circuits given by their nodes."""

from __future__ import annotations

from collections.abc import Iterable

from circuitboard.circuits.recovery import every_edge
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.wiring import ends


def circuit_of_nodes(model: Model, nodes: Iterable[str], *, task: str = "") -> Circuit:
    """The circuit of all edges among some heads, MLPs and neurons, the embedding and the logits.

    A node that is left out writes what it writes elsewhere, for all that read it. Heads that share
    keys and values (GQA) share the edges into these: one of them in the circuit brings these in.
    Where neurons of a layer are named (``L3.mlp.n17``), its MLP (``L3.mlp``) stands for the rest.

    Raises AddressError for a part that the model lacks.
    """
    places = [model.check(Address.parse(node)).at(None) for node in nodes]
    neurons = [str(place) for place in places if place.neuron is not None]
    kept = {*map(str, places), "embed", "logits"}
    size = model.facts.n_heads // model.facts.n_kv_heads
    return Circuit.of(
        [edge for edge in every_edge(model, neurons) if _among(edge, kept, size)],
        model=model.facts.name,
        task=task,
        method="nodes by hand",
        neurons=neurons,
    )


def _among(edge: str, kept: set[str], size: int) -> bool:
    sender, reader = ends(edge)
    if sender not in kept:
        return False
    head = Address.parse(reader)
    if head.head is None or not edge.endswith((".k", ".v")):
        return reader in kept
    return any(f"L{head.layer}H{h}" in kept for h in range(head.head, head.head + size))
