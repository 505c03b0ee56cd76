"""Which weights a view of the weights panel is about: those now, those loaded, or both."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal

from circuitboard.models import originals
from circuitboard.models.seen import Lens
from circuitboard.session.ledger import ledger_of
from circuitboard.wire.messages import WeightSide
from circuitboard.wire.painters.scene import Scene

One = Literal["now", "loaded"]


def ends_of(side: WeightSide) -> tuple[One, ...]:
    """What a side takes: of a difference both, now first."""
    return ("now", "loaded") if side == "difference" else (side,)


def lens_of(scene: Scene, side: One) -> Lens | None:
    """How weights are seen there. Raises ModelError where the first ones are not known."""
    if side == "now":
        return None
    ledger = ledger_of(scene.model)
    # nobody else has written: no files need be read
    return ledger.before if scene.engine.epoch == ledger.own else originals.first_lens(scene.model)


def weights_of(scene: Scene, side: One) -> Hashable:
    """Changes when the weights of a side do: a board's own edits leave those loaded alone."""
    epoch = scene.engine.epoch
    return (side, epoch if side == "now" else epoch - ledger_of(scene.model).own)
