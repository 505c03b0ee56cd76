"""What the logits view asks for, and what it gets."""

from __future__ import annotations

from typing import Literal

from circuitboard.wire.messages.base import Message


class LogitsView(Message, frozen=True, tag="logits", tag_field="kind"):
    """The most likely next tokens at one position. Reply: :class:`LogitsInfo`, no arrays."""

    position: int = -1
    k: int = 12


class LogitRow(Message, frozen=True):
    """One vocabulary entry at the position shown. ``text`` is untrusted."""

    id: int
    text: str
    role: Literal["", "target", "foil"]
    logit_now: float
    logit_base: float
    prob_now: float
    prob_base: float
    rank_now: int
    rank_base: int


class LogitsInfo(Message, frozen=True, tag="logits", tag_field="of"):
    """Rows sorted by the probability now: top k now, top k at baseline, target and foil."""

    position: int
    rows: list[LogitRow]
