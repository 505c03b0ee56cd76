"""Which edits boards have made to a model's weights, so that each can be taken back exactly.

For every matrix that was edited the bits before the first edit are kept. A matrix is always written
anew from them, with all of its edits: so directions are those of the weights before any edit, an
edit replaces an older one of the same direction, and without edits the bits are the old ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from circuitboard.methods.weight_edits import (
    Matrix,
    RankOne,
    ScaleDirection,
    WeightEdit,
    edited,
    matrix_of,
    rank_one,
    unit,
)
from circuitboard.models.model import Model
from circuitboard.models.originals import owner_of
from circuitboard.models.seen import seeing
from circuitboard.spec.errors import ModelError

Edits = tuple[WeightEdit, ...]


@dataclass
class _Held:
    """A matrix as it was before the edits, and the digest of what was written into it since."""

    matrix: Matrix
    before: Tensor
    wrote: bytes
    edits: Edits = ()
    changes: dict[ScaleDirection, RankOne] = field(default_factory=dict[ScaleDirection, RankOne])


class Ledger:
    """The edits of one model: :func:`ledger_of`. All boards of the model share it.

    Attributes:
        edits: what is in the weights now.
        own: how many of the engine's epochs began with such an edit.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.edits: Edits = ()
        self.own = 0
        self._held: dict[str, _Held] = {}

    def set(self, wanted: Edits) -> None:
        """Writes what differs from the edits there are. On an error nothing has changed.

        Raises:
            AddressError, InterventionError: no such weights, direction or factor.
            ModelError: the model does not run with what is written into its weights.
        """
        with self.model.lock, torch.no_grad():
            groups: dict[str, list[WeightEdit]] = {name: [] for name in self._held}
            matrices = {name: held.matrix for name, held in self._held.items()}
            for edit in wanted:
                matrix = matrix_of(self.model, edit)
                matrices.setdefault(matrix.name, matrix)
                groups.setdefault(matrix.name, []).append(edit)
            ready = [self._ready(matrices[name], edits) for name, edits in groups.items()]
            for held, value in ready:
                self._write(held, value)
            self.edits = wanted

    def _ready(self, matrix: Matrix, edits: Sequence[WeightEdit]) -> tuple[_Held, Tensor]:
        """A matrix and what it is to hold."""
        held = self._held.get(matrix.name)
        if held is None:
            before = matrix.find().detach().clone()
            held = _Held(matrix, before, _digest(before))
        changes = dict(held.changes)
        with seeing(self.before):
            for edit in edits:
                if isinstance(edit, ScaleDirection) and unit(edit) not in changes:
                    changes[unit(edit)] = rank_one(self.model, edit)
        value = edited(held.before, edits, changes)
        return _Held(matrix, held.before, held.wrote, tuple(edits), changes), value

    def _write(self, held: _Held, value: Tensor) -> None:
        name, digest = held.matrix.name, _digest(value)
        if digest != held.wrote:
            weight = held.matrix.find()
            weight.copy_(value)
            if not torch.equal(held.matrix.find(), weight):
                raise ModelError(
                    f"{self.model.facts.name} does not run with what is written into {name}.",
                    "Edit its modules: model.bridge.original_model.",
                )
        held.wrote = digest
        if held.edits:
            self._held[name] = held
        else:
            self._held.pop(name, None)

    def settle(self) -> None:
        """Lets go of edits in matrices that other code has written into since.

        They stay in the weights, and are the other code's from now on.
        """
        with self.model.lock:
            for name, held in list(self._held.items()):
                if _digest(held.matrix.find()) != held.wrote:
                    gone = self._held.pop(name).edits
                    self.edits = tuple(edit for edit in self.edits if edit not in gone)

    def forget(self) -> None:
        """All weights have been put back by other means."""
        self._held.clear()
        self.edits = ()

    def first(self) -> dict[str, Tensor]:
        """Every edited weight, by name, on the CPU, as it was before the edits."""
        found: dict[str, Tensor] = {}
        with self.model.lock, torch.no_grad():
            for held in self._held.values():
                view = held.matrix.find()
                name, weight = owner_of(self.model, view)
                copy = found.setdefault(name, weight.detach().to("cpu", copy=True))
                start = view.storage_offset() - weight.storage_offset()
                copy.as_strided(view.size(), view.stride(), start).copy_(held.before)
        return found

    def before(self, weight: Tensor) -> Tensor:
        """A lens: an edited matrix as it was before the edits; all else as it is."""
        with seeing(None):
            for held in self._held.values():
                found = held.matrix.find()
                if _same(weight, found):
                    return held.before
                if _same(weight, found.T):
                    return held.before.T
        return weight


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two views show the same numbers in memory."""
    return (one.data_ptr(), one.shape, one.stride()) == (
        other.data_ptr(),
        other.shape,
        other.stride(),
    )


def _digest(matrix: Tensor) -> bytes:
    plain = matrix.detach().cpu().contiguous().view(torch.uint8)
    return hashlib.blake2b(plain.numpy().tobytes(), digest_size=16).digest()


def ledger_of(model: Model) -> Ledger:
    """The one ledger of a model."""
    return model.attached.setdefault("weight edits", Ledger(model))
