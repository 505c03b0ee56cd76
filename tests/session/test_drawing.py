"""What users return becomes something that a screen can show, or an error that says what to do."""

from __future__ import annotations

import json

import altair
import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import polars as pl
import pytest
import torch

from circuitboard.session import drawing
from circuitboard.session.drawing import DrawingError, draw, draw_array

P = 5


def test_text_numbers_and_nothing() -> None:
    assert draw("<b>x</b>", P).text == "<b>x</b>"
    assert draw(np.float32(0.5), P).text == "0.5"
    assert draw(3, P).kind == "text"
    assert "returned nothing" in draw(None, P).text


def test_a_figure_is_a_vector_picture_until_that_is_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figure = matplotlib.figure.Figure()
    axes = figure.subplots()
    axes.plot([1, 2, 3])
    found = draw(figure, P)
    assert (found.kind, found.mime) == ("image", "image/svg+xml")
    assert b"<svg" in found.data
    assert draw(axes, P).mime == "image/svg+xml"
    monkeypatch.setattr(drawing, "VECTOR", 100)
    assert draw(figure, P).data.startswith(b"\x89PNG")


def test_a_pyplot_figure_is_not_left_for_the_next_cell() -> None:
    figure, axes = plt.subplots()
    axes.bar([0, 1], [2, 3])
    assert draw(figure, P).kind == "image"
    assert not plt.get_fignums()


def test_plotly_and_altair() -> None:
    found = draw(go.Figure(go.Bar(y=[1, 2])), P)
    assert found.kind == "plotly"
    assert json.loads(found.text)["data"][0]["type"] == "bar"
    chart = altair.Chart(pd.DataFrame({"x": [1, 2], "y": [3, 4]})).mark_line().encode(x="x", y="y")
    assert b"<svg" in draw(chart, P).data


@pytest.mark.parametrize("library", [pd, pl])
def test_tables(library: object) -> None:
    frame = library.DataFrame({"head": ["L0H1", "L1H2"], "effect": [-1.25, 0.5]})  # type: ignore[attr-defined]
    table = draw(frame, P).table
    assert table is not None
    assert table.columns == ["head", "effect"]
    assert table.rows == [["L0H1", "-1.25"], ["L1H2", "0.5"]]
    assert table.numeric == [False, True]
    many = library.DataFrame({"n": list(range(5000))})  # type: ignore[attr-defined]
    table = draw(many, P).table
    assert table is not None
    assert (len(table.rows), table.total) == (drawing.ROWS, 5000)


def test_an_index_is_a_column() -> None:
    frame = pd.DataFrame({"effect": [1.0]}, index=pd.Index(["L0H0"], name="head"))
    table = draw(frame, P).table
    assert table is not None
    assert table.rows == [["L0H0", "1"]]
    series = draw(pd.Series([1, 2], name="n"), P).table
    assert series is not None
    assert series.columns == ["n"]


@pytest.mark.parametrize(
    ("shape", "kind"), [((3, 4), "heatmap"), ((P,), "tokens"), ((7,), "bars"), ((2, P), "heatmap")]
)
def test_the_shape_of_an_array_chooses_its_drawing(shape: tuple[int, ...], kind: str) -> None:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for given in (values, torch.tensor(values), values.tolist()):
        found = draw_array(given, None, P)
        assert found.array_kind == kind
        assert found.array is not None
        np.testing.assert_array_equal(found.array, np.atleast_2d(values))


def test_a_causal_square_is_a_pattern() -> None:
    assert draw(np.tril(np.ones((P, P))), P).array_kind == "pattern"
    assert draw(np.ones((P, P)), P).array_kind == "heatmap"
    assert draw(np.tril(np.ones((1, P, P))), P).array_kind == "pattern"


@pytest.mark.parametrize(
    ("values", "kind", "says"),
    [
        (np.ones((2, 3, 4)), None, "too many dimensions"),
        (np.ones((3, 3)), "pattern", "does not fit a prompt of 5 tokens"),
        (np.ones(4), "tokens", "does not fit"),
        (np.ones((2, 2)), "bars", "one dimension"),
        (np.zeros(0), None, "0 numbers"),
        (["a"], None, "not an array"),
    ],
)
def test_what_cannot_be_drawn_is_said(values: object, kind: object, says: str) -> None:
    with pytest.raises(DrawingError, match=says) as caught:
        draw_array(values, kind, P)  # type: ignore[arg-type]
    assert caught.value.hint


def test_labels() -> None:
    assert draw_array(np.ones(2), "bars", P, ["a", "b"]).labels == (("a", "b"),)
    rows = draw_array(np.ones((1, 2)), None, P, (["r"], ["a", "b"]))
    assert rows.labels == (("r",), ("a", "b"))
    with pytest.raises(DrawingError, match="do not fit"):
        draw_array(np.ones(2), "bars", P, ["a"])


def test_other_things() -> None:
    class Pretty:
        def _repr_markdown_(self) -> str:
            return "**bold**"

    assert draw(Pretty(), P).kind == "markdown"
    with pytest.raises(DrawingError, match="cannot be shown"):
        draw(object(), P)
