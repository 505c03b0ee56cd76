"""Circuits: edges of a model that carry a behaviour, and how they were found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from circuitboard.spec import wiring
from circuitboard.spec.address import Edge
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task_rows import decoded, text_of

if TYPE_CHECKING:
    from circuitboard.spec.comparison import Comparison

#: ``qkv``: a head reads by its query, key and value apart; ``node``: by all three together.
Granularity = Literal["qkv", "node"]
Floats = NDArray[np.float32]


class Scored(msgspec.Struct, frozen=True):
    """One edge and the score that its method gave it."""

    edge: str
    score: float


class Scores(msgspec.Struct, frozen=True):
    """A score for every edge that a method could have taken, so that any size can be cut.

    Attributes:
        senders, receivers: ends of edges, in the order of the model.
        shared: how many heads share each key and value; edges into those are named by the first.
        width: token positions that are scored apart; 0 where each edge has one score.
        data: float32, little-endian, [sender, receiver], or [sender, receiver, position]; NaN
            where no edge is.
    """

    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    shared: int
    width: int
    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) != 4 * int(np.prod(self._shape)):
            raise CircuitError("The scores do not fit their edges.", "Make the circuit again.")

    @classmethod
    def of(
        cls, senders: Iterable[str], receivers: Iterable[str], matrix: Any, shared: int = 1
    ) -> Scores:
        """From an array [sender, receiver], or [sender, receiver, position]; NaN for no edge."""
        array = np.asarray(matrix, "<f4")
        width = array.shape[2] if array.ndim == 3 else 0
        return cls(tuple(senders), tuple(receivers), shared, width, array.tobytes())

    @property
    def _shape(self) -> tuple[int, ...]:
        shape = len(self.senders), len(self.receivers)
        return (*shape, self.width) if self.width else shape

    @property
    def matrix(self) -> Floats:
        """[sender, receiver], or [sender, receiver, position]; read-only."""
        return np.frombuffer(self.data, "<f4").reshape(self._shape)

    @property
    def edges(self) -> tuple[str, ...]:
        """Addresses of all edges, receiver by receiver."""
        return _table(self)[0]

    @property
    def values(self) -> Floats:
        """One score for each of ``edges``, [n]."""
        return _table(self)[1]

    def __len__(self) -> int:
        return len(self.values)


class Provenance(msgspec.Struct, frozen=True):
    """How a circuit was found.

    Attributes:
        settings: the method's options, defaults included.
        versions: of circuitboard and of the libraries that computed.
        seconds: time taken.
        pairs, metric, task: how many pairs, judged by what; the task's digest.
    """

    settings: dict[str, Any] = {}
    versions: dict[str, str] = {}
    seconds: float = 0.0
    pairs: int = 0
    metric: str = ""
    task: str = ""


class Circuit(msgspec.Struct, frozen=True):
    """Some edges of a model, each with a score.

    Attributes:
        model, task, method: their names; method ``by hand`` where nobody searched.
        kept: the edges, in the order of the model.
        granularity: whether edges into heads are apart by query, key and value.
        scores: those of all edges that there were to choose from, or None.
        made: how it was found.
        neurons: those that are nodes of their own, in the order of the model. The address of their
            MLP, ``L3.mlp``, stands for its other neurons and its bias: the rest.
    """

    model: str
    task: str
    method: str
    kept: tuple[Scored, ...]
    granularity: Granularity = "qkv"
    scores: Scores | None = None
    made: Provenance = Provenance()
    neurons: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        edges: Iterable[str] | Mapping[str, float],
        *,
        model: str = "",
        task: str = "",
        method: str = "by hand",
        neurons: Iterable[str] = (),
    ) -> Circuit:
        """A circuit from addresses of edges, with their scores where a mapping gives them.

        Args:
            neurons: nodes of their own, beside those that edges name.

        Raises AddressError for what is not an edge.
        """
        if isinstance(edges, Mapping):
            given = list(cast("Mapping[str, float]", edges).items())
        else:
            given = [(edge, 1.0) for edge in edges]
        named = {str(Edge.parse(edge)): float(score) for edge, score in given}
        order = sorted(named, key=wiring.order)
        merged = any(Edge.parse(edge).receiver.part == "head" for edge in order)
        kept = tuple(Scored(edge, named[edge]) for edge in order)
        apart = {str(end) for edge in order for end in Edge.parse(edge).neurons} | {*neurons}
        return cls(
            model,
            task,
            method,
            kept,
            "node" if merged else "qkv",
            neurons=tuple(sorted(apart, key=wiring.place)),
        )

    # --- what it holds --------------------------------------------------------------------------

    @property
    def edges(self) -> tuple[str, ...]:
        """Addresses of its edges, in the order of the model."""
        return tuple(one.edge for one in self.kept)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The parts that its edges join, in the order of the model: ``embed``, ``L0H1``, ..."""
        ends = {end for edge in self.edges for end in wiring.ends(edge)}
        return tuple(sorted(ends, key=wiring.place))

    @property
    def total(self) -> int:
        """How many edges there were to choose from."""
        return len(self.kept) if self.scores is None else len(self.scores)

    def __len__(self) -> int:
        return len(self.kept)

    def __contains__(self, edge: str) -> bool:
        return str(Edge.parse(edge)) in set(self.edges)

    def __repr__(self) -> str:
        size = f"{len(self.kept)} of {self.total} edges"
        return f"Circuit({self.task!r} in {self.model!r}: {size}, {self.method})"

    def score(self, edge: str) -> float:
        """The score of an edge, in the circuit or not. Raises CircuitError where it has none."""
        name = str(Edge.parse(edge))
        for one in self.kept:
            if one.edge == name:
                return one.score
        table = self.scores
        if table is not None and name in table.edges:
            return float(table.values[table.edges.index(name)])
        raise CircuitError(f"{name} has no score here.", f"Take one of {self.total} edges.")

    def mask(self) -> NDArray[np.bool_]:
        """Which of ``scores``' edges are kept, in the shape of ``scores.matrix``.

        Raises CircuitError without scores.
        """
        table = self._table()
        kept = set(self.edges)
        out = np.zeros(table.matrix.shape, bool)
        out[_table(table)[2]] = [edge in kept for edge in table.edges]
        return out

    # --- other sizes ----------------------------------------------------------------------------

    def top(self, n: int) -> Circuit:
        """The n edges with the largest scores by size, of all that there were."""
        names, values = self._all()
        order = np.argsort(-np.abs(values), kind="stable")[: max(n, 0)]
        return self._cut([names[int(i)] for i in np.sort(order)])

    def fraction(self, share: float) -> Circuit:
        """As :meth:`top`, for a share of all edges, rounded to the nearest whole number."""
        if not 0 <= share <= 1:
            raise CircuitError(f"{share:g} is not a share.", "Take a number between 0 and 1.")
        return self.top(round(share * self.total))

    def prune(self, threshold: float) -> Circuit:
        """All edges, of all that there were, whose score is at least so large by size."""
        names, values = self._all()
        return self._cut([n for n, v in zip(names, values, strict=True) if abs(v) >= threshold])

    def connected(self) -> Circuit:
        """Without the edges that lie on no path from the embedding to the logits."""
        shared = self.scores.shared if self.scores else 1
        alive = wiring.connected(self.edges, shared)
        return self._cut([edge for edge in self.edges if edge in alive])

    def _all(self) -> tuple[tuple[str, ...], Floats]:
        if self.scores is not None:
            return self.scores.edges, self.scores.values
        return self.edges, np.array([one.score for one in self.kept], np.float32)

    def _table(self) -> Scores:
        if self.scores is None:
            raise CircuitError(
                "This circuit has no scores of other edges.", "Find one by circuitboard.discover."
            )
        return self.scores

    def _cut(self, edges: Iterable[str]) -> Circuit:
        known = {one.edge: one for one in self.kept}
        if self.scores is not None:
            pairs = zip(self.scores.edges, self.scores.values.tolist(), strict=True)
            known = {edge: Scored(edge, value) for edge, value in pairs} | known
        return msgspec.structs.replace(self, kept=tuple(known[edge] for edge in edges))

    # --- two circuits ---------------------------------------------------------------------------

    def __and__(self, other: Circuit) -> Circuit:
        """The edges of both, with this one's scores."""
        return self._joined(other, "&", set(self.edges) & set(other.edges))

    def __or__(self, other: Circuit) -> Circuit:
        """The edges of either, with this one's scores where it has any."""
        return self._joined(other, "|", set(self.edges) | set(other.edges))

    def __sub__(self, other: Circuit) -> Circuit:
        """The edges that the other lacks."""
        return self._joined(other, "-", set(self.edges) - set(other.edges))

    def jaccard(self, other: Circuit) -> float:
        """Edges of both over edges of either; 1 for two empty circuits."""
        self.check_alike(other)
        one, two = set(self.edges), set(other.edges)
        return len(one & two) / len(one | two) if one | two else 1.0

    def compare(
        self, other: Circuit, match: Mapping[str, str] | Literal["address"] | None = None
    ) -> Comparison:
        """Which parts and edges two circuits share: see :mod:`circuitboard.spec.comparison`.

        Circuits of one model, or of models of one shape, are compared by address. For others say
        which parts correspond, or compare explanations, which find it from what was measured:
        ``cb.explain(...).compare(other)``.

        Args:
            match: a map of parts, ``{"L2H1": "L5H3"}``; or ``"address"``, where models have one
                shape and the circuits do not tell.

        Raises:
            CircuitError: the models differ and there is no map; or it is not one to one.
        """
        from circuitboard.spec.comparison import compare

        return compare(self, other, match)

    def check_alike(self, other: Circuit, *, unnamed: bool = False) -> None:
        """Raises CircuitError where addresses of the two mean different things.

        ``unnamed``: whatever their models are called.
        """
        if not unnamed and self.model and other.model and self.model != other.model:
            self._check_shapes(other)
        if self.kept and other.kept and self.granularity != other.granularity:
            raise CircuitError(
                f"One circuit has {self.granularity} edges, the other {other.granularity} edges.",
                "Find both with the same granularity.",
            )
        if self.kept and other.kept and self.neurons != other.neurons:
            raise CircuitError(
                f"One circuit has {len(self.neurons)} neurons as nodes of their own, the other "
                f"{len(other.neurons)}, or others: their MLPs stand for different rests.",
                "Find both with the same neurons: cb.discover(..., neurons=one.neurons).",
            )

    def _check_shapes(self, other: Circuit) -> None:
        mine, theirs = self.scores, other.scores
        if mine and theirs and (mine.senders, mine.shared) == (theirs.senders, theirs.shared):
            return
        raise CircuitError(
            f"One circuit is of {self.model}, the other of {other.model}, of another shape as far "
            "as they tell.",
            'Say which parts correspond: circuit.compare(other, match={"L2H1": "L5H3"}), or '
            'match="address" if the shapes are the same; or compare explanations.',
        )

    def _joined(self, other: Circuit, sign: str, edges: set[str]) -> Circuit:
        self.check_alike(other)
        known = {one.edge: one for one in other.kept} | {one.edge: one for one in self.kept}
        kept = tuple(known[edge] for edge in sorted(edges, key=wiring.order))
        method = f"({self.method} {sign} {other.method})"
        return msgspec.structs.replace(self, method=method, kept=kept)

    # --- in and out -----------------------------------------------------------------------------

    def to_json(self) -> str:
        """One line of JSON; :meth:`from_json` gives an equal circuit, bit for bit."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Circuit:
        """Reads what :meth:`to_json` wrote. Raises TaskError."""
        return decoded(text, cls)

    def save(self, path: str | Path) -> None:
        """Writes :meth:`to_json` to a file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def open(cls, path: str | Path) -> Circuit:
        """Reads what :meth:`save` wrote. Raises TaskError."""
        return cls.from_json(text_of(path))


@lru_cache(maxsize=16)
def _table(scores: Scores) -> tuple[tuple[str, ...], Floats, tuple[NDArray[np.intp], ...]]:
    """Edges receiver by receiver, their scores, and where in the matrix they stand."""
    matrix = scores.matrix
    turned = np.nonzero(~np.isnan(matrix.swapaxes(0, 1)))
    where = (turned[1], turned[0], *turned[2:])
    ends = zip(*(index.tolist() for index in where), strict=True)
    names = tuple(
        f"{scores.senders[u]}->{scores.receivers[v]}" + "".join(f"@{p}" for p in at)
        for u, v, *at in ends
    )
    return names, matrix[where], where
