"""Rows of files and data sets as pairs of prompts."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from circuitboard.spec.errors import PromptError, TaskError
from circuitboard.spec.prompts import Prompt, prompts_of

T = TypeVar("T")
Rows = Iterable[Any] | Any
#: What a pair is made of, in order, and by which other names it goes.
NAMES: dict[str, tuple[str, ...]] = {
    "clean": ("clean",),
    "corrupt": ("corrupt", "corrupted"),
    "targets": ("targets", "target"),
    "foils": ("foils", "foil"),
    "positions": ("positions",),
}
Values = tuple[Prompt, Prompt, tuple[str | int, ...], tuple[str | int, ...], Any]


def decoded(text: str | bytes, kind: type[T]) -> T:
    """JSON as a spec. Raises TaskError."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise TaskError(f"This is not a {kind.__name__}: {error}.", "See its to_json().") from error


def text_of(path: str | Path) -> str:
    """The text of a file. Raises TaskError."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path} cannot be read: {error}.", "Give the path of a file.") from error


def lines(path: str | Path) -> tuple[dict[str, Any], list[Any]]:
    """The head of a file of JSON lines ({} where it has none), and its other lines."""
    found: list[Any] = []
    for number, line in enumerate(text_of(path).splitlines(), 1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise TaskError(
                    f"Line {number} of {path} is not JSON: {error}.", "One object a line."
                ) from error
    first = found[0] if found else None
    if isinstance(first, dict) and "task" in first and "clean" not in first:
        return cast("dict[str, Any]", first), found[1:]
    return {}, found


def table(path: str | Path) -> list[dict[str, Any]]:
    """The rows of a file with a header; cells of answers are taken apart at ``|``."""
    rows: list[dict[str, Any]] = []
    for row in csv.DictReader(text_of(path).splitlines()):
        cells: dict[str, Any] = dict(row)
        rows.append({k: v.split("|") if v and "|" in v else v for k, v in cells.items()})
    return rows


def pairs(rows: Rows, columns: Mapping[str, str]) -> Iterator[Values]:
    """What :class:`circuitboard.spec.task.Pair` takes, row by row. Raises TaskError."""
    unknown = sorted(set(columns) - set(NAMES))
    if unknown:
        raise TaskError(f"{unknown[0]!r} is no part of a pair.", f"Parts are {', '.join(NAMES)}.")
    for number, row in enumerate(_each(rows)):
        parts = _parts(row, columns, number)
        try:
            clean, corrupt = (_prompt(parts.get(name)) for name in ("clean", "corrupt"))
        except PromptError as error:
            raise TaskError(f"Row {number}: {error.message}", error.hint) from error
        targets, foils = (_answers(parts.get(name), number) for name in ("targets", "foils"))
        named: Any = parts.get("positions") or ()
        places: dict[str, int] = dict(named)
        yield clean, corrupt, targets, foils, tuple(places.items())


def _each(rows: Any) -> Iterable[Any]:
    """Tables of pandas and polars row by row; everything else as it goes."""
    if hasattr(rows, "iter_rows"):
        return cast(Iterable[Any], rows.iter_rows(named=True))
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        return cast(Iterable[Any], rows.to_dict("records"))
    kind = type(rows).__name__
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
        raise TaskError(
            f"A {kind} is not rows.",
            "Give a list of tuples (clean, corrupt, targets, foils), of mappings, or a data set.",
        )
    return cast(Iterable[Any], rows)


def _parts(row: Any, columns: Mapping[str, str], number: int) -> Mapping[str, Any]:
    if isinstance(row, msgspec.Struct):
        return msgspec.structs.asdict(row)
    if isinstance(row, Mapping):
        given = cast(Mapping[str, Any], row)
        found = {name: _look_up(given, columns, name) for name in NAMES}
        for name in ("clean", "corrupt"):
            if found[name] is None:
                wanted = columns.get(name, name)
                raise TaskError(
                    f"Row {number} has no {wanted!r}; it has {', '.join(map(str, given))}.",
                    f'Say what it is called: columns={{"{name}": "..."}}.',
                )
        return found
    if isinstance(row, list | tuple):
        values = cast("Sequence[Any]", row)
        if 2 <= len(values) <= len(NAMES):
            return dict(zip(NAMES, values, strict=False))
    raise TaskError(
        f"Row {number} is not a pair: {row!r:.60}.",
        "Give (clean, corrupt, targets, foils), or a mapping with these names.",
    )


def _look_up(row: Mapping[str, Any], columns: Mapping[str, str], name: str) -> Any:
    for key in (columns[name],) if name in columns else NAMES[name]:
        if row.get(key) is not None:
            return row[key]
    return None


def _prompt(given: Any) -> Prompt:
    found = prompts_of(given)
    if len(found) != 1:
        raise PromptError("A side of a pair is one prompt.", "Give a text, or token ids.")
    return found[0]


def _answers(given: Any, number: int) -> tuple[str | int, ...]:
    """One answer or several. Raises TaskError."""
    if given is None or given == "":
        return ()
    if hasattr(given, "tolist"):
        given = given.tolist()
    many = [*cast("Sequence[Any]", given)] if isinstance(given, list | tuple) else [given]
    if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in many):
        raise TaskError(
            f"Row {number} has an answer that is neither text nor a token id.",
            "Give the text of one token, its id, or a list of them.",
        )
    return tuple(many)
