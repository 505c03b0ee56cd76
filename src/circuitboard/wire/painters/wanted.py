"""What is worth having in a saved board: which heads and tokens come first, and in what order."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from circuitboard.methods.direct_logit_attribution import attribute
from circuitboard.methods.stream import stream_places
from circuitboard.session.board import Board
from circuitboard.spec.address import Address

#: Heads whose every value, tokens and evidence are kept: those selected, then the strongest.
STRONG = 4
#: Views of one kind that are kept where positions, places or sides are combined.
MOST = 300
_STREAM = re.compile(r"L\d+\.resid_(pre|mid|post)")


def nearest(limit: int, *axes: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Combinations of one of each axis: those that differ least from the first of all first."""
    counted = itertools.product(*(list(enumerate(axis)) for axis in axes))
    ranked = sorted(counted, key=lambda row: sum(index > 0 for index, _ in row))
    return (tuple(value for _, value in row) for row in ranked[:limit])


def tokens(board: Board) -> list[int]:
    """Every position, counted from the first; that looked at first, then from the last."""
    length = len(board.tokens)
    here = board.position % length
    return [here, *(i for i in reversed(range(length)) if i != here)]


def positions(board: Board) -> list[int]:
    """As :func:`tokens`, the last one called -1, as most views ask for it."""
    last = len(board.tokens) - 1
    return [-1 if i == last else i for i in tokens(board)]


def heads(board: Board) -> list[tuple[int, int]]:
    """Every head: those selected, the last one first, then by direct logit attribution."""
    outcome, facts = board.outcome, board.model.facts
    weights = np.zeros((facts.n_layers, facts.n_heads), np.float32)
    if outcome is not None and outcome.metric is not None:
        weights = np.abs(attribute(board.engine, outcome.now, outcome.metric).heads)
    order = np.argsort(-weights, axis=None, kind="stable").tolist()
    chosen = [Address.parse(a) for a in reversed(board.selection) if "->" not in a]
    first = [(a.layer or 0, a.head) for a in chosen if a.head is not None]
    return list(dict.fromkeys([*first, *((i // facts.n_heads, i % facts.n_heads) for i in order)]))


def selected(board: Board, pattern: str) -> list[re.Match[str]]:
    """The addresses selected that begin like this, the last one first."""
    found = (re.match(pattern, address) for address in reversed(board.selection))
    return [match for match in found if match is not None]


def _selected_place(board: Board) -> str:
    """The place on the stream that the selection means, as the screen sees it."""
    for address in reversed(board.selection):
        place = address.split("@")[0]
        if _STREAM.fullmatch(place):
            return place
        if place in ("embed", "pos_embed"):
            return "L0.resid_pre"
    return f"L{board.model.facts.n_layers - 1}.resid_post"


def stream_places_of(board: Board) -> list[str]:
    """Every place on the stream, that selected first."""
    places = [place.place for place in stream_places(board.model, middle=True)]
    return list(dict.fromkeys([_selected_place(board), *places]))


def has_metric(board: Board) -> bool:
    """Whether there is a target to measure at."""
    return board.outcome is not None and board.outcome.metric is not None
