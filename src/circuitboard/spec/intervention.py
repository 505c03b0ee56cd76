"""Interventions: what is done to a place in the model. Small, frozen, hashable, JSON in and out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from circuitboard.spec import tensors
from circuitboard.spec.address import Address


class Intervention(msgspec.Struct, frozen=True, tag_field="kind", tag=str.lower):
    """Base of all interventions. ``at`` is an address, kept as it prints."""

    at: str

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "at", str(Address.parse(self.at)))

    @property
    def address(self) -> Address:
        """``at``, parsed."""
        return Address.parse(self.at)

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
    """Holds the place at its value in the baseline run, whatever happens upstream."""


class Scale(Intervention, frozen=True):
    """Multiplies the place by ``factor``."""

    factor: float = 1.0

    def _rest(self) -> str:
        return f", {self.factor:g}"


class Set(Intervention, frozen=True):
    """Sets the place to ``value``: a number, or the name of a registered tensor.

    An array or tensor given as ``value`` is registered, and its name is kept. It must broadcast to
    the place, [b, p, ...] (see :func:`circuitboard.engine.sites`).
    """

    value: float | str = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        value: Any = self.value
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            msgspec.structs.force_setattr(self, "value", tensors.register(value))

    def _rest(self) -> str:
        return f', "{self.value}"' if isinstance(self.value, str) else f", {self.value:g}"


AnyIntervention = Zero | Freeze | Scale | Set


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
