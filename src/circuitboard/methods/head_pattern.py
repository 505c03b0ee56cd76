"""What can be said of one attention pattern: its tokens' summaries, itself without the first token,
made smaller, and edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitboard.spec.errors import InterventionError

Floats = NDArray[np.float32]


def without_first(pattern: Floats) -> Floats:
    """A pattern [..., p, s] with the first source hidden (NaN) and the rest scaled to sum to 1.

    Attention that has nothing to look at rests on the first token (Xiao 2023, "Efficient Streaming
    Language Models with Attention Sinks"); what is left is a distribution over all other sources.
    Rows with no weight elsewhere, such as the first, are NaN.
    """
    out = np.array(pattern, np.float32)
    out[..., 0] = 0.0
    total = out.sum(-1, keepdims=True)
    out = np.divide(out, total, out=np.full_like(out, np.nan), where=total > 0)
    out[..., 0] = np.nan
    return out


@dataclass(frozen=True)
class Summaries:
    """Each token of a pattern, as destination and as source. NaN where there is nothing to say.

    Attributes:
        entropy: [p], of what a destination looks at, in nats.
        strongest: [p], the source that it looks at most; -1 where there is none.
        weight: [p], how much it looks there.
        received: [p], what a source is given by all destinations together.
        mean_received: [p], the same divided by the number of destinations that can see it.
    """

    entropy: Floats
    strongest: NDArray[np.int64]
    weight: Floats
    received: Floats
    mean_received: Floats


def summarise(pattern: Floats) -> Summaries:
    """Summaries of one causal pattern [p, s], rows are destinations; NaN counts as hidden."""
    known = ~np.isnan(pattern)
    plain = np.where(known, pattern, 0.0).astype(np.float64)
    logs = np.log(plain, out=np.zeros_like(plain), where=plain > 0)
    some = plain.any(axis=1)
    strongest = np.where(some, plain.argmax(axis=1), -1)
    rows = np.arange(len(plain))
    received = plain.sum(axis=0)
    seen = known.any(axis=0)
    nothing = np.float32(np.nan)
    # Hidden rows lie above a source or hold nothing: those that can see it come after.
    viewers = len(plain) - rows
    return Summaries(
        entropy=np.where(some, -(plain * logs).sum(axis=1), nothing).astype(np.float32),
        strongest=strongest,
        weight=np.where(some, plain[rows, strongest], nothing).astype(np.float32),
        received=np.where(seen, received, nothing).astype(np.float32),
        mean_received=np.where(seen, received / viewers, nothing).astype(np.float32),
    )


def shrink(grid: Floats, side: int) -> Floats:
    """Square matrices [..., p, p] made at most ``side`` wide; a cell is the largest it covers."""
    size = grid.shape[-1]
    if size <= side:
        return grid
    starts = np.arange(side) * size // side
    narrow = np.maximum.reduceat(grid, starts, axis=-1)
    return np.maximum.reduceat(narrow, starts, axis=-2)


def edited(
    pattern: Floats, cells: Mapping[tuple[int, int], float], *, normalise: bool = False
) -> Floats:
    """A pattern [p, s] with some cells (destination, source) set to new weights.

    With ``normalise``, each edited row sums to 1 again: its other cells share what the edited ones
    leave, in proportion; edited cells that ask for more than 1, or that have no others to take
    from, are scaled themselves.

    Raises InterventionError for a cell outside the triangle, or a weight below 0.
    """
    out = np.array(pattern, np.float32)
    size = len(out)
    for (row, column), weight in cells.items():
        if not 0 <= column <= row < size:
            raise InterventionError(
                f"Token {row} cannot look at token {column} of {size}.",
                "Cells are (destination, source), the source no later than the destination.",
            )
        if not (np.isfinite(weight) and weight >= 0):
            raise InterventionError(
                f"{weight} is no attention weight.", "Weights are numbers from 0 up, mostly to 1."
            )
        out[row, column] = weight
    if normalise:
        for row in {row for row, _ in cells}:
            _normalise(out[row], [column for r, column in cells if r == row])
    return out


def _normalise(row: Floats, mine: list[int]) -> None:
    """Makes one row sum to 1, in place."""
    asked = float(row[mine].sum())
    rest = float(row.sum()) - asked
    if asked < 1.0 and rest > 1e-9:
        kept = row[mine].copy()
        row *= (1.0 - asked) / rest
        row[mine] = kept
    elif asked > 0.0:
        kept = row[mine] / asked
        row[:] = 0.0
        row[mine] = kept
