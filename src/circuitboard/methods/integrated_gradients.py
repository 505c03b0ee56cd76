"""Integrated gradients: what each token of a place brings in, adding up to the whole.

Sundararajan, Taly and Yan 2017, "Axiomatic Attribution for Deep Networks", section 3: for a path
x(t) = x' + t (x - x') from a baseline x' to x, the attribution of coordinate i is

    (x_i - x'_i) . integral over t of (d metric / d x_i)(x(t)),

and the attributions add up to F(x) - F(x') (completeness). The integral is the mean over the
midpoints of equal steps. On an activation between two runs, what they add up to is the exact
effect of patching it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from circuitboard.engine.gradient import Tape, record, values_at
from circuitboard.engine.metric import OwnMetric
from circuitboard.engine.run import Texts
from circuitboard.engine.sites import view
from circuitboard.engine.sweep import Watch
from circuitboard.methods.audit import Estimates, Floats
from circuitboard.methods.contrast import Contrast, Direction, Portion, rows_of
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Position
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.intervention import InterventionSet, Zero
from circuitboard.spec.metric import MetricKind
from circuitboard.spec.prompts import Prompts

#: Places that a straight path can lead through.
PLACES = (
    "embed", "pos_embed", "resid_pre", "resid_mid", "resid_post", "ln1", "ln2", "attn", "head",
    "head.q", "head.k", "head.v", "head.z", "head.pattern", "mlp", "mlp.pre", "mlp.post", "neuron",
)  # fmt: skip


@dataclass(frozen=True)
class IntegratedGradients(Estimates):
    """Attributions of the tokens of one place.

    Attributes:
        scores: [p], one for each token, 0 at positions that the path leaves alone.
        start, end: the metric at both ends of the path.
        steps: midpoints taken.
    """

    scores: Floats
    start: float
    end: float
    steps: int
    _place: Address = field(repr=False)
    _contrast: Contrast = field(repr=False)
    _zero: bool = field(repr=False)

    @property
    def gap(self) -> float:
        """Sum of the scores minus (end - start): the error of the sum over steps."""
        return float(self.scores.sum(dtype=np.float64)) - (self.end - self.start)

    @property
    def addresses(self) -> Sequence[str]:
        """The place at each position of the path."""
        here = _positions(self._place, len(self.scores))
        return [str(self._place.at(Position(p))) for p in here]

    @property
    def flat(self) -> Floats:
        """The scores of these positions."""
        return self.scores[list(_positions(self._place, len(self.scores)))]

    def _exact(self, addresses: Sequence[str], watch: Watch | None) -> Floats:
        """One position patched alone; against zero, what zeroing that position alone takes away."""
        if not self._zero:
            return self._contrast.patched(addresses, watch)
        sets = [InterventionSet((Zero(address),)) for address in addresses]
        return -self._contrast.measured(sets, watch)


def integrated_gradients(
    model: Model,
    prompt: Prompts,
    baseline: Prompts | None = None,
    metric: MetricKind | OwnMetric | None = None,
    *,
    at: str = "embed",
    target: Texts | None = None,
    foil: Texts | None = None,
    direction: Direction = "denoising",
    steps: int = 32,
) -> IntegratedGradients:
    """Attributions of each token, through its embedding or any other place.

    Args:
        prompt: one text.
        baseline: another text of the same length, or None for zeros at the place.
        at: ``embed`` for token saliency; or a place of the residual stream, attention, MLP or a
            head, with positions or without.
        target, foil, metric: as for :func:`circuitboard.sweep`.
        direction: with a baseline text, ``denoising`` runs the baseline while the place goes to
            what it is in the prompt; ``noising`` runs the prompt while it goes to what it is in
            the baseline. Against zeros the prompt is run, and the place goes from zero to its own.
        steps: midpoints; the error falls with their square where the metric is smooth.

    Returns:
        Scores [p] that add up to ``end - start`` but for ``gap``.

    Raises:
        InterventionError: several prompts are given, they differ in length, there are no steps, or
            no straight path leads through the place. AddressError: the model lacks it.
    """
    place = checked_place(model, at, steps)
    zero = baseline is None
    with model.lock:
        pair = (prompt, prompt if baseline is None else baseline)
        way: Direction = "noising" if zero else direction
        contrast = Contrast.of(model, pair, (metric, target, foil), way)
        sum_ = IntegratedSum(contrast, place, zero, steps)
        for _ in sum_.passes():
            pass
    return sum_.found()


def checked_place(model: Model, at: str, steps: int) -> Address:
    """The place. Raises InterventionError for no steps or no path; AddressError."""
    place = Address.parse(at)
    if place.part not in PLACES or steps < 1:
        wrong = f"{steps} steps are too few." if steps < 1 else f"There is no path through {at}."
        raise InterventionError(wrong, 'Take steps=32, and a place such as "embed" or "L3.attn".')
    return model.check(place)


class IntegratedSum:
    """The sum over the midpoints of a path, added up one pass after the other.

    Args:
        zero: the path begins at zeros and ends at the values of the prompt itself.

    Raises:
        InterventionError: there are several prompts.
    """

    def __init__(self, contrast: Contrast, place: Address, zero: bool, steps: int) -> None:
        if len(contrast.onto) > 1:
            raise InterventionError(
                "Integrated gradients are about the tokens of one prompt.", "Give one at a time."
            )
        self._contrast, self._place, self._zero, self._steps = contrast, place, zero, steps
        self._count = rows_of(contrast)
        self._ends = (np.nan, np.nan)
        self._scores = np.zeros(0, np.float32)

    @property
    def total(self) -> int:
        """What :meth:`passes` counts to."""
        return self._steps

    def passes(self, most: int | None = None) -> Generator[int, None, None]:
        """Does the work; yields how many midpoints are done. The model's lock is the caller's.

        Args:
            most: midpoints in one pass at most; as many as fit into memory unless given.
        """
        model, place = self._contrast.model, self._place
        part = next(self._contrast.portions())
        first, change = _path(model, part, place, self._zero)
        run = _Walk(model, part, place, first, change)
        self._ends = float(run.metric(0.0)), float(run.metric(1.0))
        points = [(i + 0.5) / self._steps for i in range(self._steps)]
        count = self._count if most is None else min(most, self._count)
        total = torch.zeros_like(first)
        for i in range(0, self._steps, count):
            total = total + run.slopes(points[i : i + count])
            yield min(i + count, self._steps)
        product = view(model, _slot(place), change * total / self._steps)[0]
        self._scores = product.reshape(len(product), -1).sum(1).cpu().numpy()

    def found(self) -> IntegratedGradients:
        """The attributions, once all passes are done."""
        start, end = self._ends
        return IntegratedGradients(
            self._scores, start, end, self._steps, self._place, self._contrast, self._zero
        )


@dataclass(frozen=True)
class _Walk:
    """The path: values of a whole hook point, [1, p, ...]."""

    model: Model
    part: Portion
    place: Address
    first: Tensor
    change: Tensor

    def _record(self, times: Sequence[float]) -> Tape:
        t = torch.tensor(times, dtype=self.first.dtype, device=self.first.device)
        value = self.first + t.reshape(-1, *[1] * (self.first.ndim - 1)) * self.change
        tokens = self.part.tokens.expand(len(times), -1)
        point = _point(self.place)
        return record(self.model, tokens, self.part.judge, [point], {point: value})

    def metric(self, time: float) -> Tensor:
        return self._record([time]).metric.detach()[0]

    def slopes(self, times: Sequence[float]) -> Tensor:
        """The sum of the gradients at some points of the path, [1, p, ...]."""
        return self._record(times).slopes()[_point(self.place)].float().sum(0, keepdim=True)


def _path(model: Model, part: Portion, place: Address, zero: bool) -> tuple[Tensor, Tensor]:
    """Where the path begins and by how much it leads away, at the place's hook point."""
    point = _point(place)
    middle = place.part == "resid_mid"
    before = [Address("resid_pre", place.layer).hook] if middle else []
    mine = values_at(model, part.tokens, [point, *before])
    theirs = mine if zero else values_at(model, part.theirs, [point, *before])
    first = mine[point].float()
    held = [sum(values[name].float() for name in (point, *before)) for values in (mine, theirs)]
    moved = held[0] if zero else held[1] - held[0]
    assert isinstance(moved, Tensor)
    change = torch.zeros_like(first)
    here = list(_positions(place, first.shape[2 if place.part == "head.pattern" else 1]))
    view(model, _slot(place), change)[:, here] = view(model, _slot(place), moved)[:, here]
    return (first - change if zero else first), change


def _positions(place: Address, length: int) -> range:
    return range(length) if place.position is None else place.position.indices(length)


def _slot(place: Address) -> Address:
    """The place as a slot of its hook point: a head's output through its z."""
    return replace(place, part="head.z") if place.part == "head" else place


def _point(place: Address) -> str:
    """The hook point that is changed: the middle of the stream through attention's output."""
    return Address("attn", place.layer).hook if place.part == "resid_mid" else _slot(place).hook
