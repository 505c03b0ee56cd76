"""Editing the model's weights while the board looks on, and bringing them back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

from circuitboard.engine.engine import Engine
from circuitboard.methods.singular import WeightPlace
from circuitboard.methods.weight_edits import (
    ScaleDirection,
    WeightEdit,
    matrix_of,
    neuron_edit,
    same_target,
)
from circuitboard.models import originals
from circuitboard.models.model import Model
from circuitboard.models.originals import WeightChange
from circuitboard.session.ledger import Ledger, ledger_of
from circuitboard.session.question import Question
from circuitboard.spec.address import Address


class Weights(ABC):
    """The weights of a board's model. What a board does to them is one step of undo each.

    Edits by other code are noticed too, and only :meth:`restore_weights` takes them back. What the
    weights were at first is read from the model's files, as they were loaded; a model that was
    given as an object is copied when its first board opens, up to 256 MiB of weights. Beyond that
    call :meth:`keep_weights` before editing.
    """

    model: Model
    engine: Engine
    _epoch: int
    _lock: Any
    _question: Question
    _past: list[Question]
    _future: list[Question]

    @abstractmethod
    def _ask(self) -> None: ...

    @abstractmethod
    def _change(self, **parts: Any) -> None: ...

    def keep_weights(self) -> int:
        """Copies the weights as they are now to the CPU, where there are no files of them.

        Once for each model: later calls keep the first copy. Returns the bytes that it takes; 0 for
        a model loaded by name or from a folder, whose files are read again when needed.
        """
        return originals.keep(self.model)

    def weights_changed(self) -> list[WeightChange]:
        """Weights whose bits are not what they were at first: how many numbers, and by how much.

        Raises ModelError where the first weights are not known: :meth:`keep_weights`.
        """
        return originals.changes(self.model)

    def restore_weights(self) -> list[str]:
        """Brings the first weights back, bit for bit; returns the names of those that had changed.

        Undo makes the board's own edits again, not those of other code. Raises ModelError where
        the first weights are not known, or a weight has another shape.
        """
        with self._lock:
            names = originals.restore(self.model)
            self._ledger.forget()
            self.engine.refresh()
            self._change(edits=())
            self._look()
        return names

    def scale_direction(
        self, place: str, index: int, factor: float = 0.0, *, fold: bool = True
    ) -> None:
        """Multiplies a singular value of a part's weights in the model; 0 removes the direction.

        ``board.scale_direction("L3H7.ov", 0, 0.5)``: the directions are those of the weights before
        any edit of a board, in the order of ``cb.svd(model, "L3H7.ov")`` then. A factor replaces
        the one before; 1 takes the edit back. Which matrix is edited, and what stays:
        :class:`circuitboard.methods.weight_edits.ScaleDirection`.

        Raises:
            AddressError: no such weights; InterventionError: no such direction, or no such factor.
            ModelError: the model does not run with what is written into its weights.
        """
        name = str(WeightPlace.parse(self.model, place))
        edit = ScaleDirection(name, int(index), float(factor), fold)
        self._edit(edit, keep=edit.factor != 1)

    def zero_neuron(self, neuron: str | Address, *, back: bool = False) -> None:
        """Sets what a neuron (``"L3.mlp.n12"``) writes to zero in the model: its row of W_out.

        ``back``: gives it the row that it had. Raises AddressError: no neuron of this model;
        ModelError: the MLP has none to show.
        """
        self._edit(neuron_edit(self.model, neuron), keep=not back)

    @property
    def weight_edits(self) -> tuple[str, ...]:
        """Edits made by boards of this model, as lines of Python.

        Edits by other code are not among them, nor what such code has written over.
        """
        return tuple(str(edit) for edit in self._question.edits)

    def _edit(self, edit: WeightEdit, keep: bool) -> None:
        with self._lock:
            self._look()
            others = [old for old in self._question.edits if not same_target(old, edit)]
            matrix_of(self.model, edit)
            self._change(edits=(*others, edit) if keep else tuple(others))

    @property
    def _ledger(self) -> Ledger:
        return ledger_of(self.model)

    def _write_weights(self, question: Question) -> None:
        """Makes the weights those that a question asks for."""
        if question.edits != self._question.edits:
            self.engine.refresh()
            self._ledger.set(question.edits)
            self._ledger.own += self.engine.refresh()

    def _travel_weights(self, away: list[Question]) -> None:
        """Before undo or redo: what others did to the weights meanwhile is none of its business."""
        if away and away[-1].edits != self._question.edits:
            self._look()
        if away:
            self._write_weights(away[-1])

    def _look(self) -> None:
        with self._lock:
            if self._outdated() or self._ledger.edits != self._question.edits:
                self._adopt()
                self._ask()

    def _adopt(self) -> None:
        """Takes edits over that another board made, and lets go of those written over.

        Such a change cannot be undone from here: the board's history is as if it had always been.
        """
        self._ledger.settle()
        edits = self._ledger.edits
        if edits == self._question.edits:
            return
        self._question = replace(self._question, edits=edits)
        for history in (self._past, self._future):
            kept = [replace(question, edits=edits) for question in history]
            after = [*kept, self._question][1:]
            history[:] = [one for one, later in zip(kept, after, strict=True) if one != later]

    def _outdated(self) -> bool:
        """Whether weights or hooks were changed since the board last asked, whoever noticed."""
        self.engine.refresh()
        return self._epoch != self.engine.epoch
