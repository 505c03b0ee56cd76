"""Summaries, hiding, shrinking and editing of one pattern, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuitboard.methods.head_pattern import edited, shrink, summarise, without_first
from circuitboard.spec.errors import InterventionError

PATTERN = np.array([[1, 0, 0], [0.5, 0.5, 0], [0.8, 0.05, 0.15]], np.float32)


def test_summaries_of_a_pattern_on_paper() -> None:
    found = summarise(PATTERN)
    spread = -(0.8 * np.log(0.8) + 0.05 * np.log(0.05) + 0.15 * np.log(0.15))
    np.testing.assert_allclose(found.entropy, [0, np.log(2), spread], rtol=1e-5)
    assert found.strongest.tolist() == [0, 0, 0]
    np.testing.assert_allclose(found.weight, [1, 0.5, 0.8])
    np.testing.assert_allclose(found.received, [2.3, 0.55, 0.15], rtol=1e-6)
    np.testing.assert_allclose(found.mean_received, [2.3 / 3, 0.55 / 2, 0.15], rtol=1e-6)


def test_without_the_first_source_the_rest_sums_to_one() -> None:
    hidden = without_first(PATTERN)
    assert np.isnan(hidden[:, 0]).all()
    assert np.isnan(hidden[0]).all()
    np.testing.assert_allclose(hidden[2, 1:], [0.25, 0.75], rtol=1e-6)
    found = summarise(hidden)
    assert found.strongest.tolist() == [-1, 1, 2]
    assert np.isnan(found.received[0])
    assert np.isnan(found.entropy[0])
    np.testing.assert_allclose(found.received[1:], [1.25, 0.75], rtol=1e-6)
    np.testing.assert_allclose(found.mean_received[1:], [1.25 / 2, 0.75], rtol=1e-6)


@pytest.mark.parametrize(("size", "side"), [(5, 8), (48, 48), (50, 48), (513, 48)])
def test_a_small_picture_keeps_the_largest_of_what_it_covers(size: int, side: int) -> None:
    grid = np.tril(np.random.default_rng(0).random((2, size, size)).astype(np.float32))
    small = shrink(grid, side)
    assert small.shape == (2, min(size, side), min(size, side))
    assert small.max() == grid.max()
    assert not np.triu(small, 1).any()
    starts = [*(np.arange(side) * size // side), size] if size > side else range(size + 1)
    for i, j in [(0, 0), (len(starts) - 2, 1), (len(starts) - 2, len(starts) - 2)]:
        block = grid[1, starts[i] : starts[i + 1], starts[j] : starts[j + 1]]
        assert small[1, i, j] == block.max()


def test_cells_are_set_and_rows_made_to_sum_to_one() -> None:
    np.testing.assert_allclose(edited(PATTERN, {(2, 1): 0.4})[2], [0.8, 0.4, 0.15])
    row = edited(PATTERN, {(2, 1): 0.4}, normalise=True)[2]
    np.testing.assert_allclose(row, [0.8 * 0.6 / 0.95, 0.4, 0.15 * 0.6 / 0.95], rtol=1e-6)
    asked_too_much = edited(PATTERN, {(2, 1): 1.5, (2, 2): 0.5}, normalise=True)[2]
    np.testing.assert_allclose(asked_too_much, [0, 0.75, 0.25])
    np.testing.assert_array_equal(edited(PATTERN, {(2, 1): 0.4}, normalise=True)[:2], PATTERN[:2])
    np.testing.assert_array_equal(edited(PATTERN, {(0, 0): 0.0}, normalise=True)[0], [0, 0, 0])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0, 3)), max_size=8))
def test_edited_rows_always_sum_to_one_or_hold_nothing(marks: list[tuple[int, int, float]]) -> None:
    pattern = np.tril(np.ones((6, 6), np.float32))
    pattern /= pattern.sum(1, keepdims=True)
    cells = {(max(a, b), min(a, b)): weight for a, b, weight in marks}
    total = edited(pattern, cells, normalise=True).sum(1)
    assert all(abs(t - 1) < 1e-5 or t == 0 for t in total)


@pytest.mark.parametrize(
    "cells", [{(0, 1): 0.5}, {(3, 0): 0.5}, {(1, -1): 0.5}, {(1, 0): -0.1}, {(1, 0): np.nan}]
)
def test_impossible_cells_are_refused(cells: dict[tuple[int, int], float]) -> None:
    with pytest.raises(InterventionError):
        edited(PATTERN, cells)
