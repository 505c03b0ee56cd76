"""ACDC: edges taken out one after the other for good, unless the model gets worse by it."""

from __future__ import annotations

import random
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from circuitboard.circuits.methods.job import Job
from circuitboard.circuits.methods.masked_loss import MaskedLoss, MaskOptions
from circuitboard.engine.sweep import Watch
from circuitboard.models.model import Model
from circuitboard.spec import wiring
from circuitboard.spec.address import Address
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task

#: Removals that are tried ahead at most, in the hope that all of them stand.
AHEAD = 16


class AcdcOptions(MaskOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of ACDC.

    Attributes:
        threshold: tau: an edge stays where its removal makes the loss grow by so much or more, in
            the objective's unit (nats for the KL divergence).
        absolute: an edge also stays where its removal makes the loss shrink by so much.
        order: in which the senders of a receiver are tried: the latest first (``reverse``), the
            earliest first (``forward``), or ``random`` by the seed. The result depends on it.
    """

    threshold: float = 0.01
    absolute: bool = False
    order: Literal["reverse", "forward", "random"] = "reverse"


def acdc(model: Model, task: Task, *, options: AcdcOptions, watch: Watch) -> Circuit:
    """Goes from the logits backwards, and takes out each edge whose removal costs under tau.

    Conmy 2023, "Towards Automated Circuit Discovery for Mechanistic Interpretability", algorithm 1:
    receivers in reverse topological order; a removed edge carries the corrupted value; parts whose
    output nobody reads any more lose all their inputs untried. The circuit is what is left; scores
    are by how much the loss grew when an edge was tried, 0 for edges never tried. Several removals
    are tried in one batch, each after the ones before it; what comes after a removal that did not
    stand is tried again, so that the result is that of one at a time.
    """
    if not options.threshold == options.threshold:
        raise CircuitError("The threshold is not a number.", "Take 0.01.")
    job = Job(model, task, "acdc", options, watch)
    search = _Search(job, options)
    for column in reversed(range(len(job.space.receivers))):
        search.column(column)
    return job.done(np.where(job.space.exists, search.gains, np.nan), search.kept)


class _Search:
    """The edges that are left, and what removals cost."""

    def __init__(self, job: Job, options: AcdcOptions) -> None:
        self._job, self._options = job, options
        self._loss = MaskedLoss(job, options.objective)
        self._rows = {name: i for i, name in enumerate(job.space.senders)}
        self._dice = random.Random(options.seed)
        self._ahead = 1
        self.kept = job.space.exists.copy()
        self.gains = np.zeros(self.kept.shape)
        self._now = float(self._loss.of(self.kept[None])[0])
        self._done, self._total = 0, int(self.kept.sum())

    def column(self, column: int) -> None:
        """Tries all edges into one receiver."""
        cells = [tuple(int(i) for i in cell) for cell in np.argwhere(self.kept[:, column])]
        if not self._read(column):
            self.kept[:, column] = False
            self._count(len(cells))
            return
        if self._options.order == "random":
            self._dice.shuffle(cells)
        elif self._options.order == "reverse":
            cells.reverse()
        while cells:
            cells = cells[self._try(column, cells[: self._ahead]) :]

    def _read(self, column: int) -> bool:
        """Whether anybody still reads what this receiver's part writes."""
        space = self._job.space
        receiver = Address.parse(space.receivers[column])
        if receiver.part == "logits":
            return True
        shared = space.shared if receiver.part in ("head.k", "head.v") else 1
        owners = [wiring.owner(receiver)]
        if receiver.head is not None:
            heads = range(receiver.head, receiver.head + shared)
            owners = [f"L{receiver.layer}H{head}" for head in heads]
        return any(self.kept[self._rows[owner]].any() for owner in owners)

    def _try(self, column: int, cells: list[tuple[int, ...]]) -> int:
        """Takes edges out, each after the ones before it; returns how many are settled."""
        masks: list[NDArray[np.bool_]] = []
        mask = self.kept.copy()
        for row, *place in cells:
            mask[(row, column, *place)] = False
            masks.append(mask.copy())
        for n, loss in enumerate(self._loss.of(np.stack(masks)).tolist()):
            row, *place = cells[n]
            where = (row, column, *place)
            self.gains[where] = gain = loss - self._now
            self._count(1)
            if (abs(gain) if self._options.absolute else gain) >= self._options.threshold:
                self._ahead = max(1, n)
                return n + 1
            self.kept[where] = False
            self._now = loss
        self._ahead = min(2 * self._ahead, AHEAD)
        return len(cells)

    def _count(self, n: int) -> None:
        self._done += n
        self._job.watch.progress(self._done, self._total)
