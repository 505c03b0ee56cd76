"""The ordered list of interventions: what people see, switch and edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast, overload

from circuitboard.spec.intervention import Add, AnyIntervention, InterventionSet, Scale, Set


@dataclass(frozen=True)
class Entry:
    """One line of the list. ``on`` False: kept, but not applied."""

    id: int
    item: AnyIntervention
    on: bool = True

    def __repr__(self) -> str:
        return f"{self.item!r}" if self.on else f"{self.item!r} (off)"


Entries = tuple[Entry, ...]
Places = str | Sequence[str]


def several(at: Places) -> list[str]:
    """One address or several, as a list."""
    return [at] if isinstance(at, str) else list(at)


def active(entries: Entries) -> InterventionSet:
    """The interventions that are switched on, in order."""
    return InterventionSet(tuple(entry.item for entry in entries if entry.on))


def with_item(entries: Entries, item: AnyIntervention, new_id: int, on: bool) -> Entries:
    """Adds an intervention; one of the same kind at the same address is replaced in its place.

    Vectors that are added are told apart: another one at the same address is another line.
    """
    for i, entry in enumerate(entries):
        if type(entry.item) is type(item) and _replaces(item, entry.item):
            return (*entries[:i], Entry(entry.id, item, on), *entries[i + 1 :])
    return (*entries, Entry(new_id, item, on))


def _replaces(new: AnyIntervention, old: AnyIntervention) -> bool:
    if new.at != old.at or isinstance(new, Scale | Set):
        return new.at == old.at
    if isinstance(new, Add) and isinstance(old, Add):
        both = isinstance(new.value, str) and isinstance(old.value, str)
        return new.value == old.value or not both
    return new == old


def without(entries: Entries, at: str) -> Entries:
    """Drops all that was done at an address or to a part of it; at all positions unless it says."""
    place, _, position = at.partition("@")

    def hit(entry: Entry) -> bool:
        if entry.item.edge is not None:
            return entry.item.at == at
        own = entry.item.address
        inside = own.place == place or own.place.startswith(f"{place}.")
        return inside and (not position or str(own.position) == position)

    return tuple(entry for entry in entries if not hit(entry))


class Line:
    """One intervention of a board, to read and to switch: ``board.interventions[0].on = False``."""

    def __init__(self, entry: Entry, switch: Callable[[int, bool], object]) -> None:
        self._entry = entry
        self._switch = switch

    @property
    def item(self) -> AnyIntervention:
        """The intervention itself."""
        return self._entry.item

    @property
    def on(self) -> bool:
        """Whether it is applied; assign to switch it."""
        return self._entry.on

    @on.setter
    def on(self, value: bool) -> None:
        self._switch(self._entry.id, value)
        self._entry = replace(self._entry, on=value)

    def __repr__(self) -> str:
        return repr(self._entry)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Line):
            return self._entry == other._entry
        return self.on and self.item == other

    __hash__ = None  # type: ignore[assignment]


class InterventionList(Sequence[Line]):
    """A board's interventions, in order: switch one by ``.on``, delete by ``del``."""

    def __init__(
        self,
        entries: Entries,
        switch: Callable[[int, bool], object],
        remove: Callable[[Iterable[int]], object],
    ) -> None:
        self._entries = entries
        self._switch = switch
        self._remove = remove

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> list[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | list[Line]:
        if isinstance(index, slice):
            return [Line(entry, self._switch) for entry in self._entries[index]]
        return Line(self._entries[index], self._switch)

    def __delitem__(self, index: int | slice) -> None:
        gone = self._entries[index] if isinstance(index, slice) else (self._entries[index],)
        self._remove([entry.id for entry in gone])
        self._entries = tuple(entry for entry in self._entries if entry not in gone)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(cast(Sequence[object], other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self._entries))}]"
