"""How the metric would answer to each cell of an attention pattern.

Each attention weight is moved alone, the others of its row held: rows need not go on adding up to
one. A cell is written as NumPy would index the pattern, ``L1H3.pattern[7,3]``: what the token at 7
takes from the token at 3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.gradient import gradients, record, values_at
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import OwnMetric
from circuitboard.engine.run import Texts
from circuitboard.engine.sweep import Watch
from circuitboard.methods.audit import Estimates, Floats
from circuitboard.methods.contrast import Contrast, Direction
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Position
from circuitboard.spec.errors import AddressError, InterventionError
from circuitboard.spec.intervention import InterventionSet, Set
from circuitboard.spec.metric import Metric, MetricKind
from circuitboard.spec.prompts import Prompts

_CELL = re.compile(r"\s*(L\d+H\d+)(?:\.pattern)?\[\s*(\d+)\s*,\s*(\d+)\s*\]\s*")


@dataclass(frozen=True)
class PatternAttribution(Estimates):
    """What changing each cell of one head's pattern is estimated to do, in the metric's unit.

    ``exact()`` and ``audit()`` set one cell alone, and run the model.

    Attributes:
        scores: [p, s]. Against zero A . g, the estimate of what taking the weight away takes from
            the metric; against another prompt (A' - A) . g, that of the change of the metric when
            the weight becomes what it is there.
        gradient: g, [p, s], the derivative of the metric by each weight.
        pattern: A, [p, s]; ``other``: A', None against zero.
    """

    scores: Floats
    gradient: Floats
    pattern: Floats
    other: Floats | None
    _head: Address = field(repr=False)
    _contrast: Contrast = field(repr=False)

    @property
    def addresses(self) -> Sequence[str]:
        """The cells, such as ``L1H3.pattern[7,3]``, in the order of ``scores.ravel()``."""
        return cells_of(self._head, len(self.scores))

    @property
    def flat(self) -> Floats:
        """``scores`` as a line."""
        return self.scores.ravel()

    def _canonical(self, address: str) -> str:
        found = _CELL.fullmatch(address)
        return address if found is None else f"{found[1]}.pattern[{found[2]},{found[3]}]"

    def _exact(self, addresses: Sequence[str], watch: Watch | None) -> Floats:
        items = [set_cell(cell, self.pattern, self.other) for cell in addresses]
        found = self._contrast.measured([InterventionSet((item,)) for item in items], watch)
        return -found if self.other is None else found


def cells_of(head: Address, width: int) -> list[str]:
    """The cells of a head's pattern over so many tokens, row by row."""
    place = head.place.partition(".")[0]
    return [f"{place}.pattern[{p},{s}]" for p in range(width) for s in range(width)]


def set_cell(cell: str, pattern: Floats, other: Floats | None = None) -> Set:
    """Sets one cell to zero, or to what it is in another pattern; the rest of its row is held.

    Args:
        cell: such as ``"L1H3.pattern[7,3]"``.
        pattern, other: [p, s].

    Raises:
        AddressError: it is no cell of that pattern.
    """
    found = _CELL.fullmatch(cell)
    p, s = (-1, -1) if found is None else (int(found[2]), int(found[3]))
    if found is None or max(p, s) >= len(pattern):
        raise AddressError(
            f"{cell} is no cell of a pattern over {len(pattern)} tokens.",
            "Write for example L1H3.pattern[7,3], the destination first.",
        )
    row = pattern[p].copy()
    row[s] = 0.0 if other is None else other[p, s]
    return Set(f"{found[1]}.pattern@{Position(p)}", row)  # pyright: ignore[reportArgumentType]


def moved(slope: Floats, pattern: Floats, other: Floats | None) -> Floats:
    """The estimate for each cell, [p, s]: see :class:`PatternAttribution`."""
    return slope * (pattern if other is None else other - pattern)


def pattern_attribution(
    model: Model,
    prompt: Prompts,
    head: str,
    contrast: Prompts | None = None,
    metric: MetricKind | OwnMetric | None = None,
    *,
    target: Texts | None = None,
    foil: Texts | None = None,
    direction: Direction = "noising",
) -> PatternAttribution:
    """Gradient times change of every attention weight of a head, each of which can be measured.

    One forward and one backward pass, and a forward pass of the contrast prompt.

    Args:
        prompt: one text.
        head: such as ``"L5H1"`` (``"L5H1.pattern"`` means the same).
        contrast: another text of that length, whose weights are put in; None for zeros.
        target, foil, metric: as for :func:`circuitboard.sweep`.
        direction: with a contrast, ``noising`` runs the prompt and puts weights of the contrast
            in, ``denoising`` the other way round.

    Raises:
        AddressError: it is no head of the model; InterventionError: several prompts are given, or
            prompts of unequal length; TargetError for a KL divergence.
    """
    place = _head_of(model, head)
    pair = (prompt, prompt if contrast is None else contrast)
    with model.lock:
        way = "noising" if contrast is None else direction
        found = Contrast.of(model, pair, (metric, target, foil), way)
        found.refuse_divergence()
        if len(found.onto) > 1:
            raise InterventionError("This is about one prompt's pattern.", "Give one at a time.")
        part = next(found.portions())
        tape = record(model, part.tokens, part.judge, [place.hook])
        slope = _own(tape.slopes()[place.hook], place)
        pattern = _own(tape.value(place.hook), place)
        other = None
        if contrast is not None:
            other = _own(values_at(model, part.theirs, [place.hook])[place.hook], place)
    slope = _causal(model, slope)
    return PatternAttribution(moved(slope, pattern, other), slope, pattern, other, place, found)


def gradient_of_pattern(
    model: Model,
    prompt: Prompts,
    head: str,
    metric: MetricKind | OwnMetric | None = None,
    *,
    target: Texts | None = None,
    foil: Texts | None = None,
) -> Floats:
    """The derivative of the metric by each attention weight of a head, [b, p, s], float32.

    Each weight is moved alone, the others of its row held: rows need not go on adding up to one.
    Times the pattern, it is the first-order effect of taking a weight away. Cells to the right of
    the diagonal, where a token cannot look, are zero.

    Args:
        prompt: one text or several.
        head: such as ``"L5H1"`` (``"L5H1.pattern"`` means the same).

    Raises:
        AddressError: it is no head of the model; and what :func:`circuitboard.run` raises.
    """
    place = _head_of(model, head)
    with model.lock:
        contrast = Contrast.of(model, (prompt, prompt), (metric, target, foil), "noising")
        contrast.refuse_divergence()
        width = max(contrast.widths)
        out = np.zeros((len(contrast.onto), width, width), np.float32)
        for part in contrast.portions():
            slopes = record(model, part.tokens, part.judge, [place.hook]).slopes()[place.hook]
            found = slopes[:, place.head].float().cpu().numpy()
            found = _causal(model, found)
            out[part.rows, : found.shape[1], : found.shape[2]] = found
    return out


def pattern_gradients(
    engine: Engine, run: HeldRun, metric: Metric, head: Address
) -> tuple[Floats, Floats]:
    """The same for a run of one prompt, with its interventions in place; and the pattern, [p, s].

    Args:
        metric: one of the last position.
        head: such as ``L5H1.pattern``.
    """
    found = gradients(engine, run, metric, [head.hook])
    slope, pattern = (_own(v[head.hook], head) for v in (found.slopes, found.values))
    return _causal(engine.model, slope), pattern


def _head_of(model: Model, head: str) -> Address:
    """The pattern's address. Raises AddressError."""
    where = Address.parse(head)
    if where.part not in ("head", "head.pattern"):
        raise AddressError(f"{head} is not a head.", "Write for example L5H1.")
    model.check(where)
    return Address("head.pattern", where.layer, head=where.head)


def _own(values: Tensor, head: Address) -> Floats:
    """One head's [p, s] of the first prompt, from a hook point's tensor."""
    return values[0, head.head].detach().float().cpu().numpy()


def _causal(model: Model, slope: Floats) -> Floats:
    """Without what a causal head cannot see."""
    return slope if model.facts.all_positions.startswith("attention") else np.tril(slope)
