"""Interventions: what is done to a place in the model. Small, frozen, hashable, JSON in and out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from circuitboard.spec import references, tensors
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.errors import AddressError, InterventionError, PromptError
from circuitboard.spec.prompts import Prompt, prompts_of


class Source(msgspec.Struct, frozen=True):
    """A run that values are taken from: prompts, and what is done to the model in it."""

    prompts: tuple[Prompt, ...]
    interventions: tuple[AnyIntervention, ...] = ()

    @classmethod
    def of(cls, given: Any) -> Source:
        """Takes a text, several, token ids, a run's result, or a source."""
        if isinstance(given, Source):
            return given
        if hasattr(given, "prompts") and hasattr(given, "interventions"):
            return cls(tuple(given.prompts), tuple(given.interventions))
        try:
            return cls(prompts_of(given))
        except PromptError as error:
            raise InterventionError(
                f"A {type(given).__name__} is not a source.", "Give a prompt, several, or a result."
            ) from error

    def __repr__(self) -> str:
        texts = self.prompts[0] if len(self.prompts) == 1 else list(self.prompts)
        if not self.interventions:
            return repr(texts)
        return f"Source({self.prompts!r}, {self.interventions!r})"


def _path(text: str) -> Edge:
    """An edge that can be changed on its own. Raises AddressError."""
    edge = Edge.parse(text)
    if edge.neurons:
        raise AddressError(
            f"The path {edge} of one neuron is not changed on its own.",
            f"Change the neuron ({edge.neurons[0]}), or find a circuit of neurons: "
            "cb.discover(model, task, neurons=5).",
        )
    return edge


class Intervention(msgspec.Struct, frozen=True, tag_field="kind", tag=str.lower):
    """Base of all interventions. ``at`` is an address or an edge, kept as it prints.

    At an edge, the receiver alone sees the changed sender.
    """

    at: str

    def __post_init__(self) -> None:
        parse = _path if "->" in self.at else Address.parse
        msgspec.structs.force_setattr(self, "at", str(parse(self.at)))

    @property
    def edge(self) -> Edge | None:
        """``at`` as an edge, or None where it is a place."""
        return Edge.parse(self.at) if "->" in self.at else None

    @property
    def address(self) -> Address:
        """The place that is changed; of an edge, its sender."""
        edge = self.edge
        return Address.parse(self.at) if edge is None else edge.sender

    @property
    def kind(self) -> str:
        """The lower-case name of the class."""
        return type(self).__name__.lower()

    def _rest(self) -> str:
        return ""

    def __repr__(self) -> str:
        return f'{type(self).__name__}("{self.at}"{self._rest()})'


class Zero(Intervention, frozen=True):
    """Sets the place to zero."""


class Freeze(Intervention, frozen=True):
    """Holds the place at its value in the baseline run, or in another one, whatever happens."""

    source: Source | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.source is not None:
            msgspec.structs.force_setattr(self, "source", Source.of(self.source))

    def _rest(self) -> str:
        return "" if self.source is None else f", {self.source!r}"


class Patch(Intervention, frozen=True):
    """Puts in the value that the place has in another run, position by position.

    Positions correspond one to one where the prompts are equally long; otherwise the address names
    positions (best from the end), which are counted in each prompt on its own.
    """

    source: Source

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "source", Source.of(self.source))

    def _rest(self) -> str:
        return f", {self.source!r}"


class Mean(Intervention, frozen=True):
    """Puts in the mean over all tokens of reference prompts.

    ``reference`` names registered prompts; None means those that the run is given, or that a
    bundled model has.
    """

    reference: str | None = None

    def _rest(self) -> str:
        return "" if self.reference is None else f', "{self.reference}"'


class Resample(Intervention, frozen=True):
    """Puts in the value from a reference prompt drawn at random, aligned at the last token."""

    seed: int = 0
    reference: str | None = None

    def _rest(self) -> str:
        named = "" if self.reference is None else f', "{self.reference}"'
        return f", {self.seed}{named}"


class Scale(Intervention, frozen=True):
    """Multiplies the place by ``factor``."""

    factor: float = 1.0

    def _rest(self) -> str:
        return f", {self.factor:g}"


class Add(Intervention, frozen=True):
    """Adds ``coefficient`` times ``value``: a number, or the name of a registered tensor."""

    value: float | str = 0.0
    coefficient: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "value", _named(self.value))

    def _rest(self) -> str:
        return f"{_shown(self.value)}, {self.coefficient:g}"


class Set(Intervention, frozen=True):
    """Sets the place to ``value``: a number, or the name of a registered tensor.

    An array or tensor given as ``value`` is registered, and its name is kept. It must broadcast to
    the place, [b, p, ...] (see :func:`circuitboard.engine.sites`).
    """

    value: float | str = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "value", _named(self.value))

    def _rest(self) -> str:
        return _shown(self.value)


def _named(value: Any) -> float | str:
    """A number or a name as it is; anything else registered, and its name."""
    plain = isinstance(value, int | float | str) and not isinstance(value, bool)
    return value if plain else tensors.register(value)


def _shown(value: float | str) -> str:
    return f', "{value}"' if isinstance(value, str) else f", {value:g}"


AnyIntervention = Zero | Mean | Resample | Freeze | Patch | Scale | Add | Set


class InterventionSet(msgspec.Struct, frozen=True):
    """An ordered set of interventions; at one place they apply in this order."""

    items: tuple[AnyIntervention, ...] = ()

    @classmethod
    def of(
        cls, items: InterventionSet | AnyIntervention | Iterable[AnyIntervention] | None
    ) -> InterventionSet:
        """Takes what people write: nothing, one intervention, or several."""
        if items is None:
            return cls()
        if isinstance(items, InterventionSet):
            return items
        if isinstance(items, Intervention):
            return cls((items,))
        return cls(tuple(items))

    def refer(self, prompts: Iterable[str] | None) -> InterventionSet:
        """The same, with reference prompts for the means and resamplings that name none."""
        if prompts is None:
            return self
        name = references.register(prompts)
        return InterventionSet(
            tuple(
                msgspec.structs.replace(item, reference=name)
                if isinstance(item, Mean | Resample) and item.reference is None
                else item
                for item in self.items
            )
        )

    def __iter__(self) -> Iterator[AnyIntervention]:  # type: ignore[override]
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def to_json(self) -> str:
        """One line of JSON. Tensors are named, not contained."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> InterventionSet:
        """Reads what :meth:`to_json` wrote."""
        return msgspec.json.decode(text, type=cls)
