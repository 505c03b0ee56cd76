"""Rows and columns of patching grids, and the share of the way between two runs."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

import tiny
from circuitboard.engine.sweep import Over, grid_places
from circuitboard.methods.patch_cells import cells, neuron_cells, normalised
from circuitboard.spec.errors import AddressError


@pytest.mark.parametrize("over", get_args(Over))
def test_cells_are_the_places_of_patch_grid(over: Over) -> None:
    m = tiny.model("gpt2")
    places, form = grid_places(m, over, 5)
    found = cells(m, over, 5)
    assert list(found.places) == places
    assert found.shape == (int(np.prod(form[:-1])), form[-1])
    for row, name in enumerate(found.rows):
        assert found.places[row * found.shape[1]].startswith(name)


def test_one_layer_of_heads_by_position() -> None:
    found = cells(tiny.model("llama"), "head position", 4, layer=1)
    assert found.rows == ("L1H0", "L1H1", "L1H2", "L1H3")
    assert found.places[:5] == ("L1H0@0", "L1H0@1", "L1H0@2", "L1H0@3", "L1H1@0")
    assert neuron_cells(2, [5, 3]).places == ("L2.mlp.n5", "L2.mlp.n3")


def test_a_model_without_such_places_says_so() -> None:
    with pytest.raises(AddressError):
        cells(tiny.model("attn_only"), "mlp", 4)


def test_the_share_of_the_way() -> None:
    values = np.array([[2.0, 5.0, -1.0, 3.5]], np.float32)
    np.testing.assert_allclose(normalised(values, 2.0, 5.0), [[0, 1, -1, 0.5]])
    np.testing.assert_allclose(normalised(values, 5.0, 2.0), [[1, 0, 2, 0.5]])
    assert np.isnan(normalised(values, 2.0, 2.0)).all()
