"""The cells of a patching grid: which places it has, in rows and columns, and its scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.sweep import Over, checked_grid
from circuitboard.models.model import Model

Floats = NDArray[np.float32]
Columns = Literal["position", "head", "neuron"]


@dataclass(frozen=True)
class Cells:
    """Places of a grid, row by row.

    Attributes:
        places: an address for each cell, as :func:`circuitboard.patch_grid` has them.
        rows: names of the rows: a layer (``L3``) or a head (``L3H7``).
        columns: what the columns count.
    """

    places: tuple[str, ...]
    rows: tuple[str, ...]
    columns: Columns

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.places) // max(1, len(self.rows))


def cells(model: Model, over: Over, width: int, layer: int | None = None) -> Cells:
    """The cells of a grid for prompts of ``width`` tokens.

    ``layer`` is the one layer of a grid over ``"head position"``; None is all of them.
    Raises AddressError where the model has no such places.
    """
    places, form = checked_grid(model, over, [width])
    layers = [f"L{i}" for i in range(model.facts.n_layers)]
    if len(form) == 3:
        count = form[1] * form[2]
        chosen = places if layer is None else places[layer * count : (layer + 1) * count]
        rows = [place.partition("@")[0] for place in chosen[:: form[2]]]
        return Cells(tuple(chosen), tuple(rows), "position")
    columns: Columns = "position" if "@" in places[0] else "head"
    return Cells(tuple(places), tuple(layers), columns)


def neuron_cells(layer: int, neurons: list[int]) -> Cells:
    """One row of some neurons of a layer."""
    return Cells(tuple(f"L{layer}.mlp.n{n}" for n in neurons), (f"L{layer}",), "neuron")


def normalised(values: Floats, run: float, source: float) -> Floats:
    """How far patching moves the metric on its way from one run to the other, float32.

    (m_patched - m_run) / (m_source - m_run), with ``run`` the metric of the run that is patched
    and ``source`` that of the run that the values come from: 0 where nothing changes, 1 where the
    metric becomes that of the other prompt. For denoising this is
    (m_patched - m_corrupt) / (m_clean - m_corrupt) (Wang et al. 2022; Heimersheim and Nanda 2024,
    "How to use and interpret activation patching"). NaN where both runs have the same metric.
    """
    if source == run:
        return np.full_like(values, np.nan)
    return ((values - np.float32(run)) / np.float32(source - run)).astype(np.float32)
