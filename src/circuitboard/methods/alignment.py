"""Which tokens of two prompts correspond, and how a patch names the position of both."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Cells of the table in which the middle of two prompts is compared, at most.
MOST_CELLS = 1 << 18


@dataclass(frozen=True)
class Pair:
    """One column of an alignment.

    Attributes:
        mine, theirs: positions in the two prompts, counted from the first; None where a prompt has
            no token here.
        same: whether the tokens are equal.
        at: the position as an address names it in both prompts: from the first token or, where
            only that fits, from the last; empty where no address names both.
    """

    mine: int | None
    theirs: int | None
    same: bool
    at: str


def align(mine: Sequence[int], theirs: Sequence[int]) -> list[Pair]:
    """Pairs up the tokens of two prompts, in their order.

    Prompts of equal length correspond one to one, whatever their tokens. Otherwise what they begin
    and end with in common corresponds, and between these a longest common subsequence; in what is
    left between two equal tokens, the last tokens correspond to each other, as names that are
    longer in one prompt end at the same place.
    """
    return list(_align(tuple(mine), tuple(theirs)))


@functools.lru_cache(maxsize=32)
def _align(mine: tuple[int, ...], theirs: tuple[int, ...]) -> tuple[Pair, ...]:
    n, m = len(mine), len(theirs)
    if n == m:
        return tuple(_pair(mine, theirs, i, i) for i in range(n))
    fixed = [(-1, -1), *_common(mine, theirs), (n, m)]
    found: list[Pair] = []
    for (i, j), (stop, end) in itertools.pairwise(fixed):
        if i >= 0:
            found.append(_pair(mine, theirs, i, j))
        found += (_pair(mine, theirs, a, b) for a, b in _between(i + 1, stop, j + 1, end))
    return tuple(found)


def _pair(mine: Sequence[int], theirs: Sequence[int], i: int | None, j: int | None) -> Pair:
    if i is None or j is None:
        return Pair(i, j, False, "")
    back = i - len(mine)
    at = str(i) if i == j else str(back) if back == j - len(theirs) else ""
    return Pair(i, j, mine[i] == theirs[j], at)


def _between(i: int, stop: int, j: int, end: int) -> Iterator[tuple[int | None, int | None]]:
    """What lies between two equal tokens: the last ones correspond, the first are left alone."""
    extra = (stop - i) - (end - j)
    for a in range(i, i + max(0, extra)):
        yield a, None
    for b in range(j, j + max(0, -extra)):
        yield None, b
    yield from zip(range(i + max(0, extra), stop), range(j + max(0, -extra), end), strict=True)


def _common(mine: Sequence[int], theirs: Sequence[int]) -> list[tuple[int, int]]:
    """Equal tokens that correspond: both ends, then a longest common subsequence between."""
    short = min(len(mine), len(theirs))
    first = next((k for k in range(short) if mine[k] != theirs[k]), short)
    rest = range(1, short - first + 1)
    last = next((k - 1 for k in rest if mine[-k] != theirs[-k]), short - first)
    middle = _longest(mine[first : len(mine) - last], theirs[first : len(theirs) - last])
    return [
        *((k, k) for k in range(first)),
        *((first + i, first + j) for i, j in middle),
        *((len(mine) - k, len(theirs) - k) for k in range(last, 0, -1)),
    ]


def _longest(mine: Sequence[int], theirs: Sequence[int]) -> list[tuple[int, int]]:
    """A longest common subsequence, as pairs of positions; none where that would take long."""
    n, m = len(mine), len(theirs)
    if n * m > MOST_CELLS:
        return []
    best = [[0] * (m + 1) for _ in range(n + 1)]
    for i in reversed(range(n)):
        for j in reversed(range(m)):
            same = mine[i] == theirs[j]
            best[i][j] = best[i + 1][j + 1] + 1 if same else max(best[i + 1][j], best[i][j + 1])
    i, j, found = 0, 0, list[tuple[int, int]]()
    while i < n and j < m:
        if mine[i] == theirs[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return found
