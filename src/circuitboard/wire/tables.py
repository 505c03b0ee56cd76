"""The numbers of views as files: NumPy's NPZ, or CSV in long form."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from circuitboard.session.board import Board
from circuitboard.spec.sheets import safe
from circuitboard.wire import painters
from circuitboard.wire.codec import Buffers
from circuitboard.wire.messages import View, ViewData
from circuitboard.wire.state import model_info

Painted = Sequence[tuple[ViewData, Buffers]]
Column = tuple[str, Sequence[Any]]
Values = NDArray[Any]

#: Axes that count the prompt's tokens.
TOKEN_AXES = {"position", "destination", "source"}
#: How the names of a view's arrays end, and what the columns are called.
ENDS = {"_base": "baseline", "_now": "now"}
_NOTE = (
    "A text that a spreadsheet would take for a formula has an apostrophe in front. "
    "An empty cell is a number that does not exist."
)


@dataclass(frozen=True)
class Family:
    """One quantity of one view, at the baseline and now (or as it is, under ``value``)."""

    name: str
    axes: tuple[str, ...]
    ends: dict[str, Values]


def slug(view: View) -> str:
    """A view's name in files, without what is as usual: ``head-layer1-head0-pattern``."""
    usual = {f.name: f.default for f in msgspec.structs.fields(view)}
    parts = [str(msgspec.to_builtins(view)["kind"])]
    for name in usual:
        value = getattr(view, name)
        if isinstance(value, str):
            parts.append("".join(c if c.isalnum() else "_" for c in value))
        elif isinstance(value, bool):
            parts.append(name if value else "")
        elif value != usual[name]:
            parts.append(f"{name}{value}")
    return "-".join(filter(None, parts))


def families(data: ViewData, buffers: Buffers) -> list[Family]:
    """The arrays of a view that are data, those for drawing only left out."""
    known = painters.PAINTERS[type(data.view)].axes
    found: dict[str, dict[str, Values]] = {}
    for array in data.arrays:
        ending = next((end for end in ENDS if array.name.endswith(end)), "")
        name = array.name.removesuffix(ending)
        if name in known:
            values = np.frombuffer(buffers[array.buffer], array.dtype).reshape(array.shape)
            found.setdefault(name, {})[ENDS.get(ending, "value")] = values
    return [Family(name, known[name], ends) for name, ends in found.items()]


def _rows(data: ViewData) -> dict[str, list[dict[str, Any]]]:
    """What comes beside the arrays as lists of records; single values under ``info``."""
    info = cast("dict[str, Any]", msgspec.to_builtins(data.info) if data.info is not None else {})
    info.pop("of", None)
    table = info.pop("table", None)
    found = _records(info)
    if table is not None:
        found["table"] = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    return {name: rows for name, rows in found.items() if rows}


def _records(info: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Lists of records and of names, those inside of records under ``outer.inner``."""
    found: dict[str, list[dict[str, Any]]] = {}
    single: dict[str, Any] = {}
    for name, value in info.items():
        if isinstance(value, dict):
            inner = _records(cast("dict[str, Any]", value))
            found |= {name if key == "info" else f"{name}.{key}": inner[key] for key in inner}
        elif not isinstance(value, list):
            single[_column(name)] = value
        elif value and isinstance(value[0], dict):
            rows = cast("list[dict[str, Any]]", value)
            found[name] = [{_column(key): item for key, item in row.items()} for row in rows]
        elif value and not isinstance(value[0], list):
            found[name] = [{"name": item} for item in cast("list[Any]", value)]
    return {**found, "info": [single]} if single else found


def _known(values: Sequence[Any]) -> NDArray[Any]:
    """A column as an array that needs no pickle: NaN, or no text, for what does not exist."""
    texts = any(isinstance(value, str) for value in values)
    if all(value is None for value in values):
        return np.full(len(values), np.nan)
    if texts:
        return np.array(["" if value is None else str(value) for value in values], dtype=np.str_)
    return np.array([np.nan if value is None else value for value in values])


def _column(name: str) -> str:
    return name.removesuffix("_base") + "_baseline" if name.endswith("_base") else name


def about(board: Board) -> dict[str, Any]:
    """Where the numbers come from."""
    outcome = board.wait()
    return {
        "model": msgspec.to_builtins(model_info(board)),
        "prompt": board.prompt,
        "target": board.target,
        "foil": board.foil,
        "metric": board.metric_name,
        "baseline": outcome.baseline_value,
        "now": outcome.now_value,
        "interventions": [repr(line.item) for line in board.interventions if line.on],
        "code": board.code(),
        "note": _NOTE,
    }


def _tokens(board: Board) -> list[str]:
    return [board.model.token_text(token) for token in board.tokens]


# --- NPZ --------------------------------------------------------------------------------------


def npz(board: Board, painted: Painted) -> bytes:
    """All arrays, named ``<view>.<array>_now``, with ``<view>.<array>.axes`` beside them.

    Texts are arrays of text, never pickled objects; ``about`` is JSON.
    """
    arrays: dict[str, Values] = {
        "about": np.array(json.dumps(about(board))),
        "tokens": np.array(_tokens(board), dtype=np.str_),
        "token_ids": np.array(board.tokens, dtype=np.int64),
    }
    for data, buffers in painted:
        view = slug(data.view)
        for family in families(data, buffers):
            arrays[f"{view}.{family.name}.axes"] = np.array(family.axes, dtype=np.str_)
            for end, values in family.ends.items():
                arrays[f"{view}.{family.name}" + ("" if end == "value" else f"_{end}")] = values
        for name, records in _rows(data).items():
            for column in records[0]:
                arrays[f"{view}.{name}.{column}"] = _known([r[column] for r in records])
    out = io.BytesIO()
    np.savez_compressed(out, **cast(Any, arrays))
    return out.getvalue()


# --- CSV --------------------------------------------------------------------------------------


def csv_files(board: Board, painted: Painted) -> Iterator[tuple[str, str]]:
    """Names and texts of files, one for each quantity: a column for each axis, then the values."""
    tokens = [safe(text) for text in _tokens(board)]
    yield "about.json", json.dumps(about(board), indent=2) + "\n"
    ids: list[Column] = [("position", range(len(tokens))), ("token", tokens), ("id", board.tokens)]
    yield "tokens.csv", _csv(ids)
    for data, buffers in painted:
        view = slug(data.view)
        for family in families(data, buffers):
            yield f"{view}.{family.name}.csv", _csv(long_form(family, tokens))
        for name, records in _rows(data).items():
            columns: list[Column] = [
                (str(safe(key)), [safe(r[key]) for r in records]) for key in records[0]
            ]
            yield f"{view}.{name}.csv", _csv(columns)


def long_form(family: Family, tokens: Sequence[str]) -> list[Column]:
    """Columns: the index along each axis (and its token), then the values."""
    shape = next(iter(family.ends.values())).shape
    grids = np.indices(shape).reshape(len(shape), -1)
    columns: list[Column] = []
    for axis, index, size in zip(family.axes, grids, shape, strict=True):
        columns.append((axis, index.tolist()))
        if axis in TOKEN_AXES and size == len(tokens):
            columns.append((f"{axis}_token", [tokens[i] for i in index.tolist()]))
    for end, values in sorted(family.ends.items()):
        columns.append((end, [_number(value) for value in values.ravel()]))
    return columns


def _number(value: Any) -> str:
    """As short as it is exact (a float32 would grow digits as a float); empty for NaN."""
    text = str(value)
    return "" if text == "nan" else text


def _csv(columns: list[Column]) -> str:
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow([name for name, _ in columns])
    write.writerows(zip(*(values for _, values in columns), strict=True))
    return out.getvalue()


def write(board: Board, painted: Painted, path: Path) -> None:
    """Writes ``.npz``, ``.zip`` (of CSV files), or a folder of CSV files."""
    if path.suffix == ".npz":
        path.write_bytes(npz(board, painted))
    elif path.suffix == ".zip":
        path.write_bytes(zipped(board, painted))
    else:
        path.mkdir(parents=True, exist_ok=True)
        for name, text in csv_files(board, painted):
            (path / name).write_text(text, encoding="utf-8", newline="")


def zipped(board: Board, painted: Painted) -> bytes:
    """The CSV files in one archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in csv_files(board, painted):
            archive.writestr(name, text)
    return out.getvalue()
