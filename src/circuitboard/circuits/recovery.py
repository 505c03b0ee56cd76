"""How well a method's scores tell the edges and nodes of a known circuit from the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np

from circuitboard.engine.edge_graph import Graph
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.circuit import Circuit


def auroc(scores: Mapping[str, float], truth: Collection[str]) -> float:
    """The chance that something true has a larger score by size than something that is not.

    Ties count half (Mann and Whitney 1947); it is the area under the ROC curve over all cuts, 1/2
    for scores that tell nothing. NaN where all or none of it is true.
    """
    values = np.abs(np.array(list(scores.values()), np.float64))
    right = np.array([name in truth for name in scores], bool)
    true, false = values[right], np.sort(values[~right])
    if not len(true) or not len(false):
        return float("nan")
    below = np.searchsorted(false, true, "left") + np.searchsorted(false, true, "right")
    return float(below.mean() / (2 * len(false)))


def every_edge(model: Model, neurons: Iterable[str] = ()) -> list[str]:
    """All edges that a model has, receiver by receiver, with some neurons as nodes of their own."""
    graph = Graph.of(model, neurons)
    return [
        f"{sender}->{receiver}"
        for receiver, count in zip(graph.receivers, graph.before, strict=True)
        for sender in graph.senders[:count]
    ]


def edge_scores(
    circuit: Circuit, every: Iterable[str], called: Callable[[str], str] = str
) -> dict[str, float]:
    """The size of each edge's score: of positions, and of edges ``called`` the same, the largest.

    A method that takes edges without scoring the others gives 1 to what it took and 0 to the rest;
    edges into whole heads count for their queries, keys and values alike.
    """
    if circuit.scores is not None:
        given = zip(circuit.scores.edges, circuit.scores.values.tolist(), strict=True)
    else:
        given = ((edge, 1.0) for edge in circuit.edges)
    sizes: dict[str, float] = {}
    for edge, value in given:
        name = called(edge.partition("@")[0])
        sizes[name] = max(sizes.get(name, 0.0), abs(value))
    found = {}
    for edge in every:
        whole = edge if Edge.parse(edge).receiver.head is None else edge.rpartition(".")[0]
        found[edge] = max(sizes.get(edge, 0.0), sizes.get(whole, 0.0))
    return found


def node_scores(edges: Mapping[str, float], nodes: Iterable[str]) -> dict[str, float]:
    """Of each part that writes, the largest score of its edges, by size."""
    found = dict.fromkeys(nodes, 0.0)
    for edge, value in edges.items():
        sender = edge.partition("->")[0]
        if sender in found:
            found[sender] = max(found[sender], abs(value))
    return found


def alike(circuit: Circuit, edges: Collection[str]) -> tuple[tuple[str, ...], Callable[[str], str]]:
    """How a circuit and a known one are compared where one tells neurons apart.

    Returns:
        The neurons that are nodes: those of the circuit, in layers where the known one has some;
        and what an edge is called then: ends at other neurons are ends at their MLP.
    """
    told = {end.layer for edge in edges for end in Edge.parse(edge).neurons}
    apart = tuple(n for n in circuit.neurons if Address.parse(n).layer in told)

    def called(name: str) -> str:
        edge = Edge.parse(name)
        if not edge.neurons:
            return name
        sender, receiver = (
            Address("mlp", end.layer) if end.neuron is not None and end.place not in apart else end
            for end in (edge.sender.at(None), edge.receiver)
        )
        return str(replace(edge, sender=sender.at(edge.position), receiver=receiver))

    return apart, called


def recovery(model: Model, circuit: Circuit, edges: Collection[str]) -> dict[str, float]:
    """AUROC over all edges (``edges``), and over all heads, MLPs and neurons (``nodes``).

    A part's score is the largest of its outgoing edges; it is in the circuit when one of them is.
    True neurons that the circuit does not tell apart count as their MLP; so do neurons that it
    tells apart in a layer where the truth knows the MLP alone.
    """
    apart, called = alike(circuit, edges)
    truth = {called(edge) for edge in edges}
    scored = edge_scores(circuit, every_edge(model, apart), called)
    parts = [*model.heads, *model.mlps, *apart]
    inside = {edge.partition("->")[0] for edge in truth}
    return {
        "edges": auroc(scored, truth),
        "nodes": auroc(node_scores(scored, parts), inside),
    }
