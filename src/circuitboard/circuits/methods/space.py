"""The edges that a method chooses from, and how they stand for those of the engine's graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.edge_graph import Graph
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.circuit import Granularity, Scores
from circuitboard.spec.errors import CircuitError


@dataclass(frozen=True)
class Space:
    """Edges at one granularity, each at all positions or one.

    Attributes:
        graph: the engine's: q, k and v apart.
        width: positions that have edges of their own; 0 where an edge is at all of them.
        receivers: the columns here.
        parts: for each column of the graph, the columns here that it belongs to: heads' own where
            they are merged; a key that heads share belongs to all of them.
        shared: how many heads share each key and value.
    """

    graph: Graph
    width: int
    receivers: tuple[str, ...]
    parts: tuple[tuple[int, ...], ...]
    shared: int

    @classmethod
    def of(
        cls,
        model: Model,
        granularity: Granularity,
        width: int = 0,
        neurons: Iterable[str] = (),
    ) -> Space:
        """The edges of a model, with some neurons as nodes of their own."""
        graph, f = Graph.of(model, neurons), model.facts
        shared = f.n_heads // f.n_kv_heads
        if granularity == "qkv":
            names = tuple(str(receiver) for receiver in graph.receivers)
            return cls(graph, width, names, tuple((i,) for i in range(len(names))), shared)
        owners = [_owners(receiver, shared) for receiver in graph.receivers]
        names = tuple(dict.fromkeys(name for group in owners for name in group))
        column = {name: i for i, name in enumerate(names)}
        parts = tuple(tuple(column[name] for name in group) for group in owners)
        return cls(graph, width, names, parts, shared)

    @property
    def senders(self) -> tuple[str, ...]:
        """The rows."""
        return tuple(str(sender) for sender in self.graph.senders)

    @property
    def neurons(self) -> tuple[str, ...]:
        """The rows that are neurons."""
        return tuple(str(sender) for sender in self.graph.senders if sender.neuron is not None)

    @cached_property
    def exists(self) -> NDArray[np.bool_]:
        """Where there is an edge: [sender, receiver], or [sender, receiver, position]."""
        plain = np.zeros((len(self.graph.senders), len(self.receivers)), bool)
        for column, parts in enumerate(self.parts):
            plain[:, list(parts)] |= self.graph.exists[:, [column]]
        return np.repeat(plain[..., None], self.width, 2) if self.width else plain

    def cell(self, name: str) -> tuple[int, ...]:
        """Where in the space an edge stands: row, column, and its position where those count.

        Keys and values that heads share have one edge, whichever of these heads it is named by.
        Raises CircuitError for an edge that the space lacks.
        """
        rows, columns = self._names
        edge = Edge.parse(name)
        receiver = edge.receiver
        place = receiver.place
        if receiver.part in ("head.k", "head.v") and receiver.head is not None:
            first = receiver.head - receiver.head % self.shared
            place = f"L{receiver.layer}H{first}{receiver.part.removeprefix('head')}"
        at: tuple[int, ...] = (rows.get(edge.sender.place, -1), columns.get(place, -1))
        if self.width and edge.position is not None:
            at = (*at, *edge.position.indices(self.width))
        there = min(at) >= 0 and len(at) == self.exists.ndim
        if not there or not self.exists[at] or bool(edge.position) != bool(self.width):
            raise CircuitError(f"{name} is no edge of this model's.", "See circuitboard.discover.")
        return at

    @cached_property
    def _names(self) -> tuple[dict[str, int], dict[str, int]]:
        """Where in rows and columns each end stands."""
        rows, columns = (
            {name: i for i, name in enumerate(names)} for names in (self.senders, self.receivers)
        )
        return rows, columns

    def merge(self, matrix: NDArray[np.floating]) -> NDArray[np.float32]:
        """Scores of the graph's edges added up to scores of these; NaN where no edge is."""
        out = np.zeros((len(matrix), len(self.receivers), *matrix.shape[2:]))
        for column, parts in enumerate(self.parts):
            for part in parts:
                out[:, part] += np.nan_to_num(matrix[:, column])
        out[~self.exists] = np.nan
        return out.astype(np.float32)

    def expand(self, masks: Tensor) -> Tensor:
        """Masks over these edges [..., sender, receiver(, position)] as masks over the graph's.

        An input that belongs to several heads is live as far as any of them has it:
        1 - prod(1 - mask). Autograd follows.
        """
        axis = masks.ndim - (2 if self.width else 1)
        if all(len(parts) == 1 for parts in self.parts):
            index = torch.tensor([part for (part,) in self.parts], device=masks.device)
            return masks.index_select(axis, index)
        columns = []
        for parts in self.parts:
            some = masks.index_select(axis, torch.tensor(parts, device=masks.device))
            columns.append(1 - (1 - some).prod(axis))
        return torch.stack(columns, axis)

    def scores(self, matrix: NDArray[np.floating]) -> Scores:
        """A matrix over these edges, NaN elsewhere, as the scores of a circuit."""
        return Scores.of(self.senders, self.receivers, matrix, self.shared)


def _owners(receiver: Address, shared: int) -> list[str]:
    """The heads that read by an input; other receivers as they are."""
    if receiver.head is None:
        return [receiver.place]
    count = 1 if receiver.part == "head.q" else shared
    return [f"L{receiver.layer}H{head}" for head in range(receiver.head, receiver.head + count)]
