"""Zeroing and putting in values in many rows of a batch at once.

A sweep does one small thing in each row: here all rows that do the same kind of thing at one hook
point, at places and positions of their own, are written by one indexed assignment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from circuitboard.spec.address import Address
from circuitboard.spec.intervention import AnyIntervention, Freeze, Mean, Patch, Resample, Zero

if TYPE_CHECKING:
    from circuitboard.engine.sites import Frame, Step

#: Parts whose hook point's tensor is [b, p, h, e], [b, p, n], or [b, p, d] as a whole.
HEADS = ("head", "head.q", "head.k", "head.v", "head.z")
WHOLE = ("resid_pre", "resid_post", "ln1", "ln2", "attn", "mlp", "mlp.pre", "mlp.post")


@dataclass(frozen=True)
class Spot:
    """One place in some rows of a batch.

    Attributes:
        address: a place of :data:`HEADS`, :data:`WHOLE`, or a neuron.
        first: the first of its rows, one for each prompt.
        positions: for each prompt, those meant, counted from the first that is run; None for all.
        value: [b, p, ...] at the positions run, or None to zero it.
    """

    address: Address
    first: int
    positions: list[list[int]] | None
    value: Tensor | None
    prompts: int


@dataclass
class _Pile:
    """Indices of the rows, positions and heads or neurons that are written together."""

    rows: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    units: list[int] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)


def spots_of(
    steps: Sequence[Step], frame: Frame, values: dict[AnyIntervention, Tensor]
) -> tuple[list[Spot], list[Step]]:
    """Steps at one hook point as spots, and the steps that cannot be: those act one by one.

    A row with several steps here is left out, since their order counts.
    """
    busy = Counter(step.rows.start for step in steps)
    fit = [busy[step.rows.start] == 1 and _fits(step) for step in steps]
    if sum(fit) < 2 or None in busy:
        return [], list(steps)
    spots = [_spot(step, frame, values) for step, ok in zip(steps, fit, strict=True) if ok]
    return spots, [step for step, ok in zip(steps, fit, strict=True) if not ok]


def _fits(step: Step) -> bool:
    """Whether a step zeroes, or puts a value in, at a place that an index can name."""
    kinds = isinstance(step.items[0], Zero | Freeze | Patch | Mean | Resample)
    place = step.address.part in (*HEADS, *WHOLE, "neuron")
    one = len(step.items) == 1 and step.rows.start is not None
    return kinds and place and one and not step.derived


def _spot(step: Step, frame: Frame, values: dict[AnyIntervention, Tensor]) -> Spot:
    item, meant = step.items[0], step.items[0].address.position
    value = None if isinstance(item, Zero) else values[item][:, frame.offset :]
    at = None
    if meant is not None:
        found = [meant.indices(length) for length in frame.lengths]
        at = [[p - frame.offset for p in row if p >= frame.offset] for row in found]
    return Spot(step.address, step.rows.start, at, value, len(frame.lengths))


def writer(spots: Sequence[Spot], n_heads: int) -> Callable[[Tensor], None]:
    """A function that writes all spots into a hook point's tensor, in place."""
    piles: dict[tuple[bool, bool, bool], _Pile] = {}
    for spot in spots:
        whole, zero = spot.positions is None, spot.value is None
        unit = spot.address.neuron if spot.address.part == "neuron" else spot.address.head
        pile = piles.setdefault((whole, zero, unit is not None), _Pile())
        for row in range(spot.prompts):
            at = [0] if spot.positions is None else spot.positions[row]
            pile.rows += [spot.first + row] * len(at)
            pile.positions += at
            if unit is not None:
                pile.units += [unit] * len(at)
            if spot.value is not None:
                pile.values.append(_of_row(spot.value[row], at, whole))
    shared = any(spot.address.part in ("head.k", "head.v") for spot in spots)

    def write(out: Tensor) -> None:
        for (whole, zero, has_unit), pile in piles.items():
            if not pile.rows:
                continue  # all of it lies before the positions that are run
            scale = out.shape[2] if shared else n_heads
            index: list[slice | Tensor] = [torch.tensor(pile.rows, device=out.device)]
            index.append(slice(None) if whole else torch.tensor(pile.positions, device=out.device))
            if has_unit:
                units = [u * scale // n_heads for u in pile.units] if shared else pile.units
                index.append(torch.tensor(units, device=out.device))
            out[tuple(index)] = 0.0 if zero else torch.cat(pile.values).to(out)

    return write


def _of_row(value: Tensor, positions: list[int], whole: bool) -> Tensor:
    """One prompt's values [p, ...] at some positions; [1, p, ...] where all are meant."""
    if whole:
        return value[None]
    if positions and positions == list(range(positions[0], positions[-1] + 1)):
        return value[positions[0] : positions[-1] + 1]
    return value[positions]
