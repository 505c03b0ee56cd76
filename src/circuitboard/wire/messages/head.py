"""What the head view asks for, and what it gets.

Patterns travel as codes of one byte, lower triangles alone: code 0 is ``low``, 254 is ``high``,
255 is a cell that is hidden or masked. Exact values of one token's row and column are asked for
when somebody looks at them (:class:`HeadLineView`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from circuitboard.wire.messages.base import Message

#: What the cells of a head hold: attention, attention times the value's length, attention before
#: the softmax, or the direct logit attribution that a destination owes to a source.
HeadValue = Literal["pattern", "weighted", "scores", "attribution"]


class HeadView(Message, frozen=True, tag="head", tag_field="kind"):
    """One head's cells, and thumbnails of the patterns of every head of its layer.

    Reply arrays, with ``now`` and, where ``base`` is asked for and differs, ``base``:
    ``cells_now`` [p(p+1)/2] uint8 codes, row by row (row = destination); ``thumbs_now``
    [h, t(t+1)/2] uint8 codes from 0 to 1; ``tokens_now`` [2, p] float32: the entropy (nats) of
    what each destination looks at, and what each source receives.
    """

    layer: int
    head: int
    value: HeadValue = "pattern"
    skip_first: bool = False
    base: bool = False


class HeadRange(Message, frozen=True):
    """What the codes of one run's cells mean, and the head's direct logit attribution there.

    ``total`` is at the last position; ``rest`` is the part of it that belongs to no source.
    """

    low: float
    high: float
    total: float | None = None
    rest: float | None = None


class HeadInfo(Message, frozen=True, tag="head", tag_field="of"):
    """Beside a head's cells. ``base`` is None where it was not asked for, or equals ``now``.

    ``unchanged``: the two runs are one. ``no_scores`` and ``no_attribution`` say why there is no
    such value; empty where there is.
    """

    tokens: int
    thumb: int
    now: HeadRange
    base: HeadRange | None
    unchanged: bool
    no_scores: str
    no_attribution: str


class HeadLineView(Message, frozen=True, tag="head_line", tag_field="kind"):
    """Exact cells of one token: ``row_now``, ``row_base`` [token + 1], what it looks at, and
    ``column_now``, ``column_base`` [p - token], who looks at it; float32, NaN where masked."""

    layer: int
    head: int
    value: HeadValue
    skip_first: bool
    token: int


class HeadGalleryView(Message, frozen=True, tag="head_gallery", tag_field="kind"):
    """Thumbnails of all heads of a few layers: ``thumbs`` [l, h, t(t+1)/2] uint8 codes from 0 to 1,
    255 where not yet known. They fill in."""

    first: int
    count: int
    skip_first: bool = False
    base: bool = False


class HeadGalleryInfo(Message, frozen=True, tag="head_gallery", tag_field="of"):
    """Beside thumbnails: their width, and how many layers are there."""

    thumb: int
    done: int


class HeadTokensView(Message, frozen=True, tag="head_tokens", tag_field="kind"):
    """Each token as destination and as source, and what the head writes to the vocabulary there.

    Reply arrays, with ``now`` and ``base``: ``summary_now`` [5, p] float32: entropy, strongest
    source (-1: none), its weight, received, mean received; ``top_now`` [p] float32, the largest
    effect on a logit at each position, NaN where not yet known; and where there is a metric
    ``total_now`` [p] float32, the head's direct logit attribution at each position.
    """

    layer: int
    head: int
    position: int = -1
    k: int = 8
    skip_first: bool = False


class HeadLogit(Message, frozen=True):
    """One vocabulary entry and what the head adds to its logit. ``text`` is untrusted."""

    id: int
    text: str
    now: float
    base: float


class HeadTokensInfo(Message, frozen=True, tag="head_tokens", tag_field="of"):
    """Tokens raised and lowered most at ``position``, by the value now; for each position the one
    raised most (empty: not yet known)."""

    position: int
    promoted: list[HeadLogit]
    suppressed: list[HeadLogit]
    tops_now: list[str]
    tops_base: list[str]


class HeadEvidenceView(Message, frozen=True, tag="head_evidence", tag_field="kind"):
    """The pattern on repeated random tokens and what the head copies. Reply array: ``pattern``
    [p, p] float32, absent until the model has run."""

    layer: int
    head: int
    seed: int = 0


class EvidenceScore(Message, frozen=True):
    """A score, and the diagonal that it averages over (None: the first column)."""

    name: Literal["previous", "duplicate", "induction", "first"]
    value: float
    offset: int | None


class CopiedToken(Message, frozen=True):
    """A token put in, the one that came out first, and the rank of its own. Untrusted texts."""

    text: str
    top: str
    rank: int


class HeadEvidenceInfo(Message, frozen=True, tag="head_evidence", tag_field="of"):
    """Scores of the pattern; copying as counts of ``tried`` tokens. Texts are untrusted."""

    tokens: list[str]
    period: int
    seed: int
    scores: list[EvidenceScore]
    tried: int
    wanted: int
    top1: int
    top5: int
    bottom5: int
    examples: list[CopiedToken] = msgspec.field(default_factory=list[CopiedToken])
