"""What the residual stream's view asks for, and what it gets beside arrays."""

from __future__ import annotations

from typing import Literal

from circuitboard.wire.messages.base import Message


class Word(Message, frozen=True):
    """The text of one vocabulary entry. It is untrusted."""

    id: int
    text: str


class Followed(Message, frozen=True):
    """A token that is followed through the layers. ``text`` is untrusted."""

    id: int
    text: str
    role: Literal["", "target", "foil", "typed"]


class Component(Message, frozen=True):
    """One summand of a residual, or one step to the metric; ``at`` is its address."""

    kind: Literal[
        "embed", "pos_embed", "head", "rest", "mlp", "change", "edges", "constant", "cap", "softmax"
    ]
    at: str
    layer: int | None


class LensView(Message, frozen=True, tag="lens", tag_field="kind"):
    """The logit lens: r places on the stream by p positions, with ``middle`` also before MLPs.

    Reply arrays (each ``_now`` and ``_base``, float32, NaN or -1 where not yet known): ``ids`` and
    ``probs`` [r, p, k]; ``logits``, ``log_probs`` and ``ranks`` [t, r, p] of the tokens followed.
    """

    middle: bool = False


class LensInfo(Message, frozen=True, tag="lens", tag_field="of"):
    """Addresses of the rows, from the embedding upwards, and the texts of all ids."""

    places: list[str]
    words: list[Word]
    followed: list[Followed]


class StreamView(Message, frozen=True, tag="stream", tag_field="kind"):
    """The geometry of the stream, ``values_now`` and ``values_base`` float32.

    ``norms``: [r, p] lengths. ``projection``: [r, p] along a direction. ``layers``: [r, r] cosines
    between places at the position. ``positions``: [p, p] cosines between positions at the place.
    NaN where not yet known.
    """

    what: Literal["norms", "projection", "layers", "positions"]
    place: str
    position: int
    direction: str = "metric"


class StreamInfo(Message, frozen=True, tag="stream", tag_field="of"):
    """Addresses of the r places, from the embedding upwards; what a projection is in."""

    places: list[str]
    unit: Literal["logits", "share", "length"]


class DecompositionView(Message, frozen=True, tag="decomposition", tag_field="kind"):
    """One residual taken apart, along a direction.

    Reply arrays (each ``_now`` and ``_base``, float32): ``values``, ``norms``, ``cosines`` [c];
    ``ends`` [4]: the residual along the direction, what biases add, the length of what the sum
    misses, the residual's length.
    """

    place: str
    position: int
    direction: str = "metric"


class DecompositionInfo(Message, frozen=True, tag="decomposition", tag_field="of"):
    """The c components in the order of the model; ``ready`` once all have been read."""

    place: str
    position: int
    components: list[Component]
    unit: Literal["logits", "share", "length"]
    ready: bool


class EmbeddingView(Message, frozen=True, tag="embedding", tag_field="kind"):
    """A position's embeddings, baseline. Reply arrays where positions are learned (float32):
    ``pos_norms`` [p], ``pos_cosines`` [p, p].
    """

    position: int
    k: int = 10


class Neighbour(Message, frozen=True):
    """A token with a cosine, or a probability and its logit. ``text`` is untrusted."""

    id: int
    text: str
    value: float
    logit: float


class EmbeddingInfo(Message, frozen=True, tag="embedding", tag_field="of"):
    """Tokens near in W_E, and those that the embedding alone predicts; lengths of what is added."""

    position: int
    norm: float
    nearest: list[Neighbour]
    follows: list[Neighbour]
