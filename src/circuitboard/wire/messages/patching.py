"""What the patching panel asks for, and what it gets beside arrays."""

from __future__ import annotations

from typing import Literal

from circuitboard.wire.messages.base import Message

PatchOver = Literal[
    "resid_pre", "attn", "mlp", "head", "head position", "q", "k", "v", "pattern", "neuron"
]


class PatchingView(Message, frozen=True, tag="patching", tag_field="kind"):
    """Activation patching between the prompt and the contrast prompt, swept in the background.

    ``direction``: ``noising`` runs the prompt and patches from the contrast prompt, ``denoising``
    the other way round. ``layer`` is the layer of ``neuron``, and of ``head position``, where -1
    means all of them. What is done to the model on the board does not come in.

    Reply array (float32): ``patched`` [row, column], the metric with that place alone patched; NaN:
    not computed yet.
    """

    over: PatchOver = "resid_pre"
    direction: Literal["noising", "denoising"] = "noising"
    layer: int = -1


class PatchingInfo(Message, frozen=True, tag="patching", tag_field="of"):
    """The places of a patching grid, and the two runs that it lies between.

    ``places`` has an address for each cell, row by row; ``rows`` names the rows; ``columns`` says
    what the columns count. ``run`` is the metric of the run that is patched, ``source`` of the run
    that the values come from. ``whole`` is how many neurons the layer has, where only those of the
    largest estimate (attribution patching) are patched.
    """

    over: PatchOver
    direction: Literal["noising", "denoising"]
    places: list[str]
    rows: list[str]
    columns: Literal["position", "head", "neuron"]
    run: float
    source: float
    done: int
    whole: int = 0
