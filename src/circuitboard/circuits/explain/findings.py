"""What an explanation holds: numbers with their errors, and how to get each again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from circuitboard.circuits.evaluation import Evaluation
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.comparison import Comparison
from circuitboard.spec.task import Task
from circuitboard.spec.task_rows import decoded, text_of
from circuitboard.spec.wiring import ends

#: A mean is weak where it is less than so many standard errors from zero.
ERRORS = 2.0


class Measured(msgspec.Struct, frozen=True):
    """A mean over prompts and its standard error; no error from a single prompt."""

    value: float
    error: float | None = None
    prompts: int = 1

    @classmethod
    def of(cls, values: Any) -> Measured:
        """From one value for each prompt; values that are NaN do not count."""
        known = np.asarray(values, np.float64).ravel()
        known = known[~np.isnan(known)]
        if not len(known):
            return cls(0.0, None, 0)
        error = None if len(known) < 2 else float(known.std(ddof=1) / math.sqrt(len(known)))
        return cls(float(known.mean()), error, len(known))

    @property
    def weak(self) -> bool:
        """Whether it could well be zero, or nothing tells: fewer than two prompts."""
        return self.error is None or abs(self.value) <= ERRORS * self.error

    def __str__(self) -> str:
        error = "" if self.error is None else f" ± {self.error:.2f}"
        return f"{_signed(self.value, '.2f')}{error}"


def percent(share: float) -> str:
    """A share with its sign."""
    return _signed(share, ".0%")


def _signed(value: float, form: str) -> str:
    """A number with its sign, the true minus sign."""
    return f"{value:+{form}}".replace("-", "\u2212")


class Look(msgspec.Struct, frozen=True):
    """Where a head looks: from the last token (``end``) or from any, to what, with what weight."""

    query: str
    key: str
    attention: Measured


class Link(msgspec.Struct, frozen=True):
    """An edge of the circuit: its score, and the exact change of the metric when patched alone."""

    edge: str
    score: float
    effect: Measured


class Copied(msgspec.Struct, frozen=True):
    """An entry of a head's OV circuit over the task's own tokens. Texts are untrusted."""

    source: str
    token: str
    value: float


class Said(msgspec.Struct, frozen=True):
    """A token and how strongly it is meant. Texts are untrusted."""

    token: str
    value: float


class Fires(msgspec.Struct, frozen=True):
    """A token of the clean prompts, the tokens around it, and a neuron's activation there.

    ``prompt`` and ``position`` count from 0. Texts are untrusted.
    """

    prompt: int
    position: int
    before: tuple[str, ...]
    token: str
    after: tuple[str, ...]
    value: float


class Neuron(msgspec.Struct, frozen=True):
    """What only neurons have as evidence.

    Attributes:
        promotes, suppresses: the tokens whose logits a unit of its activation raises and lowers
            most (:func:`circuitboard.neuron_words`); reads: those whose embeddings excite it most.
        fires: the tokens of the clean prompts at which it is furthest from zero.
        clean, corrupt: its activation at the last position on both sides.
    """

    promotes: tuple[Said, ...]
    suppresses: tuple[Said, ...]
    reads: tuple[Said, ...]
    fires: tuple[Fires, ...]
    clean: Measured
    corrupt: Measured


class Part(msgspec.Struct, frozen=True):
    """One part of the circuit and the evidence about it.

    Attributes:
        address: such as ``L2H1``; kind: ``head``, ``mlp``, ``neuron`` or ``embed``. Where neurons
            of a layer are nodes of their own, its ``mlp`` is the rest.
        role: its group; why: the rule that put it there, in words.
        looks: where it attends on the task, the strongest first.
        classes: head scores on random repeats; copying: its copying score. None for no head.
        writes: direct logit attribution on the task's answers, on the clean prompts.
        carries: that minus the same on the corrupted prompts: over all parts it sums to the
            difference of the logits.
        copies: what its OV circuit does with the task's tokens, the furthest from zero first.
        alone: the change of the metric with its output taken from the corrupted prompts.
        inside: the change of the circuit's own metric when all its edges are removed from it.
        neuron: what a neuron writes, reads and fires at.
    """

    address: str
    kind: str
    role: str
    why: str
    writes: Measured
    carries: Measured
    alone: Measured
    inside: Measured | None = None
    looks: tuple[Look, ...] = ()
    classes: dict[str, float] | None = None
    copying: float | None = None
    copies: tuple[Copied, ...] = ()
    neuron: Neuron | None = None


class Group(msgspec.Struct, frozen=True):
    """Parts with one role; ``together``: the change of the metric with all of them patched."""

    role: str
    parts: tuple[str, ...]
    together: Measured


class Claim(msgspec.Struct, frozen=True):
    """One sentence, the number that it rests on, and the Python that gives it again.

    ``code`` is an expression of ``cb``, ``model``, ``task`` and ``circuit``; its mean over prompts
    is the number. ``weak``: the number does not carry the sentence, which says so.
    """

    group: str
    text: str
    number: Measured
    code: str
    weak: bool = False


class Outside(msgspec.Struct, frozen=True):
    """A part that is not in the circuit, and the change of the metric when it is patched alone."""

    address: str
    alone: Measured


class Shape(msgspec.Struct, frozen=True):
    """What a model's map is drawn by."""

    n_layers: int
    n_heads: int
    mlps: bool


class Explanation(msgspec.Struct, frozen=True):
    """A circuit explained: evidence for each part, roles, and an account in sentences.

    Attributes:
        model: what :func:`circuitboard.load` takes; shape: how its map is drawn.
        task: the pairs that all numbers are of.
        clean, corrupt: the metric on both sides.
        kept: the share of their difference that the circuit alone keeps (faithfulness).
        edges: those of the circuit, the largest effects first.
        outside: parts that are not in the circuit, the largest effects first; ``rest``: all of
            them patched at once.
        evaluation: what :func:`circuitboard.evaluate` gave, where it was asked for.
        versions: of the libraries that computed.
    """

    model: str
    shape: Shape
    task: Task
    circuit: Circuit
    clean: Measured
    corrupt: Measured
    kept: Measured
    parts: tuple[Part, ...]
    edges: tuple[Link, ...]
    groups: tuple[Group, ...]
    account: tuple[Claim, ...]
    outside: tuple[Outside, ...]
    rest: Measured
    evaluation: Evaluation | None = None
    versions: dict[str, str] = {}

    def part(self, address: str) -> Part:
        """The evidence about one part. Raises KeyError for one that is not in the circuit."""
        for part in self.parts:
            if part.address == address:
                return part
        raise KeyError(address)

    def reads(self, address: str) -> list[Link]:
        """Edges into a part, the largest effects first."""
        return [link for link in self.edges if ends(link.edge)[1] == address]

    def feeds(self, address: str) -> list[Link]:
        """Edges out of a part, the largest effects first."""
        return [link for link in self.edges if ends(link.edge)[0] == address]

    def compare(
        self,
        other: Explanation,
        match: Mapping[str, str] | Literal["address", "behaviour"] | None = None,
    ) -> Comparison:
        """Which parts, roles and edges two circuits share: across models, tasks and checkpoints.

        Args:
            match: how parts correspond: ``"address"`` (taken for models of one shape),
                ``"behaviour"``: by what was measured of them (taken for others, and to be asked
                for where models of one shape were trained apart), or a map of parts. See
                :mod:`circuitboard.circuits.explain.comparing`.

        Raises:
            CircuitError: the map is not one to one, or granularities differ by address.
        """
        from circuitboard.circuits.explain.comparing import compare

        return compare(self, other, match)

    def to_json(self) -> str:
        """One line of JSON; :meth:`from_json` gives an equal explanation."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Explanation:
        """Reads what :meth:`to_json` wrote. Raises TaskError."""
        return decoded(text, cls)

    def save(self, path: str | Path) -> None:
        """Writes the report as one offline page (``.html``), or everything as JSON (``.json``).

        Raises CircuitError for another ending, CircuitboardError where the front end is not built.
        """
        from circuitboard.circuits.report import write

        write(self, Path(path))

    @classmethod
    def open(cls, path: str | Path) -> Explanation:
        """Reads the JSON that :meth:`save` wrote. Raises TaskError."""
        return cls.from_json(text_of(path))

    def __str__(self) -> str:
        lines, heading = [f"{self.circuit!r}"], ""
        for claim in self.account:
            if claim.group != heading:
                heading = claim.group
                lines += ["", f"{heading[:1].upper()}{heading[1:]}" if heading else "What is left"]
            lines.append(f"  {claim.text}")
        return "\n".join(lines)

    __repr__ = __str__
