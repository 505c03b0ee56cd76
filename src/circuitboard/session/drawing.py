"""What a user's function returned, as something that a screen can show: no markup, no pickles."""

# the plotting and table libraries are known by their habits alone, and none is needed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from circuitboard.spec.errors import CircuitboardError

Kind = Literal["text", "markdown", "image", "plotly", "table", "array", "error"]
ArrayKind = Literal["pattern", "heatmap", "tokens", "bars"]

#: Rows of a table that are sent.
ROWS = 1000
#: Cells of an array that are sent; a larger one is an error, not a frozen browser.
CELLS = 4_000_000
#: Bytes of a vector picture beyond which it is sent as pixels.
VECTOR = 1_000_000


class DrawingError(CircuitboardError):
    """Something was returned that cannot be drawn."""

    kind = "drawing"


@dataclass(frozen=True)
class Table:
    """Rows of texts; ``numeric`` says which columns hold numbers; ``total`` rows before the cut."""

    columns: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    total: int


@dataclass(frozen=True)
class Drawing:
    """One picture. Which fields are filled follows from ``kind``.

    Attributes:
        text: text, Markdown source, a plot's JSON, or a traceback.
        data: the bytes of an image, of type ``mime``.
        array: float32 [rows, columns]; ``array_kind`` says which drawing shows it.
        labels: names of an array's columns, or of its rows and columns.
    """

    kind: Kind
    text: str = ""
    data: bytes = b""
    mime: str = ""
    table: Table | None = None
    array: NDArray[np.float32] | None = None
    array_kind: ArrayKind = "heatmap"
    labels: tuple[tuple[str, ...], ...] = ()


def draw(value: Any, n_tokens: int) -> Drawing:
    """A drawing of whatever a function returned.

    Takes text, numbers, ``None``, a matplotlib, plotly or altair figure, a NumPy array or torch
    tensor of one or two dimensions, a pandas or polars table, Markdown (IPython's), or anything
    with a picture or Markdown of its own (``_repr_png_``, ``_repr_svg_``, ``_repr_markdown_``).

    Raises:
        DrawingError: it is none of these, or too large.
    """
    home = type(value).__module__.partition(".")[0]
    if value is None:
        return Drawing("text", "The function returned nothing.")
    if isinstance(value, Drawing):
        return value
    if isinstance(value, str | int | float | bool | np.generic):
        return Drawing("text", str(value))
    if home == "matplotlib" or hasattr(value, "savefig"):
        return _matplotlib(value)
    if home == "plotly" and hasattr(value, "to_json"):
        return Drawing("plotly", str(value.to_json()))
    if home == "altair":
        return _altair(value)
    if home in ("pandas", "polars"):
        return Drawing("table", table=_table(value))
    if isinstance(value, np.ndarray) or hasattr(value, "detach"):
        return draw_array(value, None, n_tokens)
    return _by_itself(value)


def draw_array(
    values: Any, kind: ArrayKind | None, n_tokens: int, labels: Sequence[Any] | None = None
) -> Drawing:
    """A drawing of numbers: as ``kind`` says, or as their shape suggests.

    ``pattern`` [p, p] (destination, source), ``heatmap`` [rows, columns], ``tokens`` [p] or [k, p]
    (one number for each token of the prompt), ``bars`` [n].

    Raises DrawingError where the shape does not fit the kind, or is too large.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().float().numpy()
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        said = str(error).rstrip(".")
        raise DrawingError(f"This is not an array of numbers: {said}.", "Give numbers.") from error
    array = array.squeeze() if array.ndim > 2 else array
    if array.ndim == 0:
        return Drawing("text", f"{float(array):g}")
    if array.ndim > 2:
        raise DrawingError(
            f"An array of shape {array.shape} has too many dimensions to be drawn.",
            "Choose one slice, or take a mean, so that one or two are left.",
        )
    if array.size > CELLS or array.size == 0:
        raise DrawingError(
            f"An array of {array.size:,} numbers cannot be drawn.", f"Give 1 to {CELLS:,}."
        )
    square = array.ndim == 2 and array.shape == (n_tokens, n_tokens)
    along = array.shape[-1] == n_tokens
    guess: ArrayKind = "heatmap" if array.ndim == 2 else "tokens" if along else "bars"
    chosen = kind or ("pattern" if square and _causal(array) else guess)
    if (chosen == "pattern" and not square) or (chosen == "tokens" and not along):
        raise DrawingError(
            f"Shape {array.shape} does not fit a prompt of {n_tokens} tokens.",
            'Choose kind="heatmap" or kind="bars".',
        )
    if chosen == "bars" and array.ndim == 2:
        raise DrawingError("Bars show one dimension.", 'Choose kind="heatmap".')
    named = _labels(labels, array.shape)
    return Drawing("array", array=np.atleast_2d(array), array_kind=chosen, labels=named)


def _labels(labels: Sequence[Any] | None, shape: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    if labels is None or len(labels) == 0:
        return ()
    nested = len(labels) == 2 and not isinstance(labels[0], str) and len(shape) == 2
    groups = [tuple(str(x) for x in group) for group in (labels if nested else [labels])]
    sizes = list(shape) if nested else [shape[-1]]
    if [len(g) for g in groups] != sizes:
        raise DrawingError(
            f"Labels of length {[len(g) for g in groups]} do not fit an array of shape {shape}.",
            "Give one name for each column, or (row names, column names).",
        )
    return tuple(groups)


def _causal(array: NDArray[np.float32]) -> bool:
    return bool(np.all(np.nan_to_num(array[np.triu_indices(len(array), 1)]) == 0))


def _matplotlib(value: Any) -> Drawing:
    figure = value if hasattr(value, "savefig") else getattr(value, "figure", None)
    if figure is None:
        raise DrawingError(f"A {type(value).__name__} is not a figure.", "Return the figure.")
    vector, pixels = io.BytesIO(), io.BytesIO()
    figure.savefig(vector, format="svg", bbox_inches="tight")
    data, mime = vector.getvalue(), "image/svg+xml"
    if len(data) > VECTOR:
        figure.savefig(pixels, format="png", dpi=160, bbox_inches="tight")
        data, mime = pixels.getvalue(), "image/png"
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)  # else the notebook shows it under the next cell
    return Drawing("image", data=data, mime=mime)


def _altair(chart: Any) -> Drawing:
    try:
        import vl_convert  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise DrawingError(
            "Altair charts are drawn here by the package vl-convert-python, which is missing.",
            "Install it: pip install vl-convert-python.",
        ) from error
    text = vl_convert.vegalite_to_svg(chart.to_dict())
    return Drawing("image", data=text.encode(), mime="image/svg+xml")


def _table(value: Any) -> Table:
    if hasattr(value, "to_frame") and not hasattr(value, "columns"):
        value = value.to_frame()
    total, head = len(value), value.head(ROWS)
    if hasattr(head, "iter_rows"):
        columns = [str(c) for c in head.columns]
        rows = [list(row) for row in head.iter_rows()]
    else:
        head = head.reset_index() if not _plain_index(head) else head
        columns = [str(c) for c in head.columns]
        rows = [list(row) for row in head.itertuples(index=False, name=None)]
    numeric = [all(_number(row[i]) for row in rows) for i in range(len(columns))]
    return Table(columns, [[_cell(x) for x in row] for row in rows], numeric, total)


def _plain_index(frame: Any) -> bool:
    return type(frame.index).__name__ == "RangeIndex" and frame.index.name is None


def _number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{float(value):.6g}"
    return str(value)


def _by_itself(value: Any) -> Drawing:
    for name, mime in (("_repr_svg_", "image/svg+xml"), ("_repr_png_", "image/png")):
        data = getattr(value, name, lambda: None)()
        if data:
            return Drawing(
                "image", data=data.encode() if isinstance(data, str) else data, mime=mime
            )
    markdown = getattr(value, "_repr_markdown_", lambda: None)()
    if markdown:
        return Drawing("markdown", str(markdown))
    raise DrawingError(
        f"A {type(value).__name__} cannot be shown.",
        "Return a figure, an array, a table, or text.",
    )
