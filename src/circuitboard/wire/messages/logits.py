"""What the logits view asks for, and what it gets."""

from __future__ import annotations

from typing import Literal

from circuitboard.wire.messages.base import Message
from circuitboard.wire.messages.residual import Component, Followed, Word


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


class LogitGridView(Message, frozen=True, tag="logit_grid", tag_field="kind"):
    """The most likely next tokens at every position.

    Reply arrays (each ``_now`` and ``_base``, float32): ``ids`` and ``probs`` [p, k].
    """

    k: int = 5


class LogitGridInfo(Message, frozen=True, tag="logit_grid", tag_field="of"):
    """The texts of all ids."""

    words: list[Word]


class WaterfallView(Message, frozen=True, tag="waterfall", tag_field="kind"):
    """From the embedding to the metric at the last position.

    Reply arrays (each ``_now`` and ``_base``, float32): ``values`` [s]; ``ends`` [3]: what the
    model gives, what the sum misses, what the final norm divides by.
    """


class WaterfallInfo(Message, frozen=True, tag="waterfall", tag_field="of"):
    """The s steps in the order of the model; ``ready`` once all have been read.

    ``metric``: the board's; ``reached``: what the steps sum to. ``post_norm``: a norm follows
    attention or MLP. ``softcap`` is the logits', or None.
    """

    components: list[Component]
    metric: str
    reached: Literal["logit difference", "log-probability"]
    post_norm: bool
    softcap: float | None
    ready: bool


class TrajectoryView(Message, frozen=True, tag="trajectory", tag_field="kind"):
    """Tokens followed through the layers at one position: target, foil, the top ones, typed ones.

    Reply arrays (each ``_now`` and ``_base``, float32): ``ranks`` and ``log_probs`` [t, r].
    """

    position: int
    tokens: tuple[str, ...] = ()


class Refusal(Message, frozen=True):
    """A typed token that cannot be followed, and why."""

    text: str
    message: str
    hint: str


class TrajectoryInfo(Message, frozen=True, tag="trajectory", tag_field="of"):
    """Addresses of the r places, from the embedding upwards, and the t tokens."""

    position: int
    places: list[str]
    followed: list[Followed]
    refused: list[Refusal]
