"""What is known of how good a circuit is, as plain data with JSON in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from circuitboard.engine.outside import How
from circuitboard.spec.task_rows import decoded, text_of


class Faithfulness(msgspec.Struct, frozen=True):
    """How much of the model's behaviour is left with a circuit's edges alone.

    Attributes:
        how: what all other edges carry.
        task, pairs: on what prompts.
        full, empty, circuit: the metric with all edges, with none, with the circuit's; means over
            pairs, in the metric's unit.
        value: (circuit - empty) / (full - empty): 1 for as much as the model, 0 for nothing.
        low, high: the middle 95 % of it over bootstrap draws of the pairs; None without draws.
    """

    how: How
    task: str
    pairs: int
    full: float
    empty: float
    circuit: float
    value: float
    low: float | None = None
    high: float | None = None


class Point(msgspec.Struct, frozen=True):
    """One size of the curve: a share of all edges, how many that are, and their faithfulness."""

    fraction: float
    edges: int
    value: float
    low: float | None = None
    high: float | None = None


class Curve(msgspec.Struct, frozen=True):
    """Faithfulness of the edges with the largest scores, by size.

    Attributes:
        cpr: circuit performance ratio, the area under faithfulness over the share of edges by
            trapezoids: the higher the better, over 1 where a circuit does better than the model.
        cmd: circuit-model distance, the area under |1 - faithfulness|: 0 is best.
    """

    points: tuple[Point, ...]
    cpr: float
    cmd: float


class LeftOut(msgspec.Struct, frozen=True):
    """Completeness: some of a circuit taken out of the whole model, and out of the circuit.

    Attributes:
        kind: how the parts were chosen: all edges of the circuit, nodes at random, or nodes that
            were sought to set the two apart.
        nodes: what was taken out; empty for all edges.
        model, circuit: faithfulness of what is left of each.
    """

    kind: Literal["all edges", "random", "greedy"]
    nodes: tuple[str, ...]
    model: float
    circuit: float

    @property
    def gap(self) -> float:
        """|model - circuit|: a complete circuit has none."""
        return abs(self.model - self.circuit)


class Removed(msgspec.Struct, frozen=True):
    """Minimality: a part of the circuit left out, and by how much its faithfulness falls."""

    part: str
    change: float


class Chance(msgspec.Struct, frozen=True):
    """Random circuits of as many edges.

    Attributes:
        draws: how many; mean, sd: of their faithfulness.
        below: the share of them that is less faithful than the circuit.
    """

    draws: int
    mean: float
    sd: float
    below: float


class Truth(msgspec.Struct, frozen=True):
    """Against a known circuit.

    Attributes:
        edges, nodes: area under the ROC curve of scores over all edges, over all heads and MLPs;
            None where all or none are in the known circuit.
        precision, recall: of the circuit's own edges.
    """

    edges: float | None
    nodes: float | None
    precision: float
    recall: float


class Evaluation(msgspec.Struct, frozen=True):
    """What :func:`circuitboard.evaluate` finds.

    Attributes:
        model, task, method, metric: what was evaluated, on what.
        edges, total: the circuit's edges, and all.
        live: those of its edges that lie on a way from the embedding to the logits.
        faithfulness: at the circuit's own size; the first is the one that all else is by.
        curve: by size; None for a circuit without scores of other edges.
        completeness, minimality: worst first.
        chance: random circuits; None where none were drawn.
        held_out: on other prompts than the task's; None without.
        truth: None without a known circuit.
        seed: of all that was drawn.
    """

    model: str
    task: str
    method: str
    metric: str
    edges: int
    total: int
    live: int
    faithfulness: tuple[Faithfulness, ...]
    curve: Curve | None = None
    completeness: tuple[LeftOut, ...] = ()
    minimality: tuple[Removed, ...] = ()
    chance: Chance | None = None
    held_out: Faithfulness | None = None
    truth: Truth | None = None
    seed: int = 0

    @property
    def value(self) -> float:
        """The circuit's faithfulness."""
        return self.faithfulness[0].value

    def to_json(self) -> str:
        """One line of JSON; :meth:`from_json` gives an equal evaluation."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Evaluation:
        """Reads what :meth:`to_json` wrote. Raises TaskError."""
        return decoded(text, cls)

    def save(self, path: str | Path) -> None:
        """Writes :meth:`to_json` to a file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def open(cls, path: str | Path) -> Evaluation:
        """Reads what :meth:`save` wrote. Raises TaskError."""
        return cls.from_json(text_of(path))

    def __repr__(self) -> str:
        return "\n".join(_lines(self))

    __str__ = __repr__


def _lines(e: Evaluation) -> list[str]:
    lines = [
        f"{e.method} on {e.task!r} in {e.model!r}, by {e.metric}",
        f"{'edges':26}{e.edges:>10} of {e.total}, {e.live} on a way to the logits",
    ]
    for one in e.faithfulness:
        others = f" (all {one.full:.3f}, none {one.empty:.3f}, circuit {one.circuit:.3f})"
        lines.append(f"{f'faithfulness, {one.how}':26}{_number(one)}{others}")
    if e.held_out is not None:
        where = f" on {e.held_out.pairs} other pairs"
        lines.append(f"{'faithfulness, held out':26}{_number(e.held_out)}{where}")
    if e.curve is not None:
        lines.append(f"{'CPR, CMD':26}{e.curve.cpr:>10.3f}, {e.curve.cmd:.3f}")
        sizes = [f"{point.fraction:.3g}: {point.value:.2f}" for point in e.curve.points]
        lines.append(f"{'by share of edges':26}   {'  '.join(sizes)}")
    if e.chance is not None:
        c = e.chance
        told = f" +- {c.sd:.3f} of {c.draws}; {c.below:.0%} are less faithful"
        lines.append(f"{'random circuits':26}{c.mean:>10.3f}{told}")
    if e.completeness:
        worst = e.completeness[0]
        told = f" worst gap of {len(e.completeness)} ({worst.kind}; model {worst.model:.3f}, "
        lines.append(f"{'completeness':26}{worst.gap:>10.3f}{told}circuit {worst.circuit:.3f})")
    if e.minimality:
        least = e.minimality[0]
        told = f" least fall of {len(e.minimality)}, without {least.part}"
        lines.append(f"{'minimality':26}{least.change:>10.3f}{told}")
    if e.truth is not None:
        t = e.truth
        auroc = ", ".join("-" if x is None else f"{x:.3f}" for x in (t.edges, t.nodes))
        told = f"; precision {t.precision:.2f}, recall {t.recall:.2f}"
        lines.append(f"{'AUROC of edges, nodes':26}{auroc:>10}{told}")
    return lines


def _number(one: Faithfulness) -> str:
    text = f"{one.value:>10.3f}"
    return text if one.low is None else f"{text} [{one.low:.3f}, {one.high:.3f}]"


class Stability(msgspec.Struct, frozen=True):
    """How much a circuit depends on the prompts it was found on.

    Attributes:
        draws: circuits, each found on pairs drawn anew.
        jaccard: the mean, over pairs of these circuits, of edges of both over edges of either.
        low, high: the least and the largest of that.
        shares: each edge of any of them, and the share of circuits that have it, most first.
    """

    draws: int
    jaccard: float
    low: float
    high: float
    shares: tuple[tuple[str, float], ...]

    def to_json(self) -> str:
        """One line of JSON; :meth:`from_json` gives an equal one."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Stability:
        """Reads what :meth:`to_json` wrote. Raises TaskError."""
        return decoded(text, cls)

    def __repr__(self) -> str:
        always = sum(share == 1 for _, share in self.shares)
        return (
            f"Stability over {self.draws} draws of pairs: Jaccard {self.jaccard:.3f} "
            f"[{self.low:.3f}, {self.high:.3f}]; {always} of {len(self.shares)} edges in all"
        )
