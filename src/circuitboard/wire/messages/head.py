"""What the head view asks for."""

from __future__ import annotations

from circuitboard.wire.messages.base import Message


class HeadView(Message, frozen=True, tag="head", tag_field="kind"):
    """One head's attention pattern, and thumbnails of every head of its layer.

    Reply arrays: ``pattern_now`` and ``pattern_base`` [p, p] float32 (row = destination);
    ``thumbs_now`` and ``thumbs_base`` [h, p, p] uint8 (255 = 1.0); ``value_norm_now`` and
    ``value_norm_base`` [h, p] float32, the length of each head's value vector at each source.
    """

    layer: int
    head: int
