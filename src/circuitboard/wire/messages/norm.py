"""What the norm view asks for, and what it gets."""

from __future__ import annotations

from circuitboard.wire.messages.base import Message


class NormView(Message, frozen=True, tag="norm", tag_field="kind"):
    """One norm, such as ``L3.ln1.scale``.

    Reply arrays (float32): ``scale``, ``mean``, ``before``, ``after``, each with ``_now`` and
    ``_base`` [p]: what is divided by, the mean over d_model, lengths of what enters and leaves;
    ``dims`` [k], the dimensions that stand out; ``relative_now`` and ``relative_base`` [k, p],
    their values / rms; ``share_now`` and ``share_base`` [k, p], their shares of the squared
    length; ``gain`` [d]; ``live_now``, ``live_base``, ``frozen_now``, ``frozen_base`` [c]: effect
    of ablating each upstream part with the scale recomputed, and with it held at its value without
    the ablation (NaN until known).
    """

    address: str


class NormInfo(Message, frozen=True, tag="norm", tag_field="of"):
    """``parts``: addresses of the c upstream parts, in the order of writing; ``metric``: whether
    there is one that their effects are measured on."""

    address: str
    parts: list[str]
    metric: bool


class NormDirectionsView(Message, frozen=True, tag="norm-directions", tag_field="kind"):
    """Which directions the gain amplifies: those that upstream parts write at a position.

    Reply arrays (float32): ``ratio_now`` and ``ratio_base`` [c], length after the gain over length
    before it (NaN for a part that writes nothing).
    """

    address: str
    position: int = -1


class NormDirectionsInfo(Message, frozen=True, tag="norm-directions", tag_field="of"):
    """``even``: the ratio of a direction spread evenly over all dimensions; ``target``: that of
    the target's minus the foil's unembedding, None without a metric."""

    position: int
    parts: list[str]
    even: float
    target: float | None
