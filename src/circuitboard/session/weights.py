"""Editing the model's weights while the board looks on, and bringing them back."""

from __future__ import annotations

from abc import ABC, abstractmethod

from circuitboard.engine.engine import Engine
from circuitboard.methods import weight_edits
from circuitboard.models import originals
from circuitboard.models.model import Model
from circuitboard.models.originals import WeightChange
from circuitboard.spec.address import Address


class Weights(ABC):
    """The weights of a board's model. Edits are outside undo: :meth:`restore_weights` reverts all.

    Edits by other code are noticed too. What the weights were at first is read from the model's
    files, as they were loaded; a model that was given as an object is copied when its first board
    opens, up to 256 MiB of weights. Beyond that call :meth:`keep_weights` before editing.
    """

    model: Model
    engine: Engine
    _epoch: int

    @abstractmethod
    def _ask(self) -> None: ...

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

        Raises ModelError where the first weights are not known, or a weight has another shape.
        """
        names = originals.restore(self.model)
        self._edits.clear()
        self._look()
        return names

    def scale_direction(
        self, place: str, index: int, factor: float = 0.0, *, fold: bool = True
    ) -> None:
        """Multiplies a singular value of a part's weights in the model; 0 removes the direction.

        ``board.scale_direction("L3H7.ov", 0, 0.5)``: places and order are those of
        ``cb.svd(model, "L3H7.ov")``; see :func:`circuitboard.methods.weight_edits.scale_direction`.

        Raises:
            AddressError: no such weights; InterventionError: no such direction, or no such factor.
            ModelError: the model does not run with what is written into its weights.
        """
        weight_edits.scale_direction(self.model, place, index, factor, fold=fold)
        more = "" if fold else ", fold=False"
        self._edits.append(f"board.scale_direction({place!r}, {index}, {float(factor)!r}{more})")
        self._look()

    def zero_neuron(self, neuron: str | Address) -> None:
        """Sets what a neuron (``"L3.mlp.n12"``) writes to zero in the model: its row of W_out.

        Raises AddressError: no neuron of this model; ModelError: the MLP has none to show.
        """
        weight_edits.zero_neuron(self.model, neuron)
        self._edits.append(f"board.zero_neuron({str(neuron)!r})")
        self._look()

    @property
    def weight_edits(self) -> tuple[str, ...]:
        """Edits made by boards of this model since the last restoring, as lines of Python.

        Edits by other code are not among them.
        """
        return tuple(self._edits)

    @property
    def _edits(self) -> list[str]:
        return self.model.attached.setdefault("weight edits", [])

    def _look(self) -> None:
        if self._outdated():
            self._ask()

    def _outdated(self) -> bool:
        """Whether weights or hooks were changed since the board last asked, whoever noticed."""
        self.engine.refresh()
        return self._epoch != self.engine.epoch
