"""What the weights panel asks for, what it gets, and how it edits weights.

``side`` is what is shown: the weights ``now``, ``loaded`` (as they were at first), or the
``difference`` between the two. ``fold``: with the norms' gains, and LayerNorm's centring.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from circuitboard.wire.messages.base import Message
from circuitboard.wire.messages.mlp import Words

#: Which weights are shown.
WeightSide = Literal["now", "loaded", "difference"]


class EditWeights(Message, frozen=True, tag="edit-weights", tag_field="op"):
    """Edits the model's weights: one of three things.

    With ``place`` (``L3H7.ov``): its singular direction ``index`` times ``factor``, 1 takes it
    back. With ``neuron``: its row of W_out to zero, or with ``back`` what it was. With
    ``restore``: every weight as it was at first.
    """

    id: int
    place: str = ""
    index: int = 0
    factor: float = 1.0
    fold: bool = True
    neuron: str = ""
    back: bool = False
    restore: bool = False


class WeightMatrixView(Message, frozen=True, tag="weight-matrix", tag_field="kind"):
    """A head's OV or QK circuit over the tokens of a text, each once; the prompt's where empty.

    Reply array (float32): ``cells`` [n, n], rows the token attended to (OV) or the query (QK),
    columns the logit or the key, at ``offset`` tokens before the query where positions are rotary.
    """

    layer: int
    head: int
    circuit: Literal["ov", "qk"] = "ov"
    fold: bool = True
    offset: int = 0
    text: str = ""
    side: WeightSide = "now"


class WeightMatrixInfo(Message, frozen=True, tag="weight-matrix", tag_field="of"):
    """``tokens``: texts of the rows and columns (untrusted); ``notes``: what the numbers hold and
    leave out; ``rotary``: whether they depend on the distance; ``group``: heads that share this
    one's keys and values, it among them."""

    tokens: list[str]
    ids: list[int]
    notes: list[str]
    rotary: bool
    group: list[str]


class TokenPair(Message, frozen=True):
    """One entry of a matrix over the vocabulary. Texts are untrusted."""

    row: str
    column: str
    value: float


class WeightPairsView(Message, frozen=True, tag="weight-pairs", tag_field="kind"):
    """The largest and smallest entries of a circuit over the whole vocabulary.

    Reply arrays (float32), of OV: ``eigenvalues`` [e, 2], real and imaginary parts, and of a
    difference ``eigenvalues_loaded``: those of both sides, for eigenvalues of a difference say
    nothing of either. Absent until known.
    """

    layer: int
    head: int
    circuit: Literal["ov", "qk"] = "ov"
    fold: bool = True
    offset: int = 0
    side: WeightSide = "now"


class WeightPairsInfo(Message, frozen=True, tag="weight-pairs", tag_field="of"):
    """``done`` of ``total`` rows are searched; ``copying`` is the copying score of OV; of a
    difference it is that of now, and ``copying_loaded`` the other one."""

    high: list[TokenPair]
    low: list[TokenPair]
    done: int
    total: int
    copying: float | None
    copying_loaded: float | None = None


class WeightSvdView(Message, frozen=True, tag="weight-svd", tag_field="kind"):
    """Singular directions of ``L3H7.ov``, ``L3H7.qk``, ``L3.mlp.in``, ``.gate`` or ``.out``.

    ``now``: they are those of the weights before any edit of a board, with what each is multiplied
    by. ``difference``: of the matrix of the differences. ``rows`` of them are in words. Reply
    arrays (float32): ``values`` and ``factors`` [k]: singular values, and what each is multiplied
    by. Absent until known.
    """

    place: str
    fold: bool = True
    rows: int = 10
    side: WeightSide = "now"


class WeightDirection(Message, frozen=True):
    """The two ends of one direction, in tokens or neurons."""

    left: Words
    right: Words


class WeightSvdInfo(Message, frozen=True, tag="weight-svd", tag_field="of"):
    """``sides``: what the ends are: ``reads``, ``writes``, ``query``, ``key`` or ``neurons``."""

    place: str
    sides: list[str]
    directions: list[WeightDirection]
    matrix: str


class WeightCompositionView(Message, frozen=True, tag="weight-composition", tag_field="kind"):
    """Composition of one head with all others.

    Reply arrays (float32): ``scores`` [3, l, h] by Q, K and V, less the random score, NaN in the
    head's own layer and until known: in earlier layers what it reads of each head, in later ones
    what each head reads of it.
    """

    layer: int
    head: int
    fold: bool = True
    side: WeightSide = "now"


class WeightCompositionInfo(Message, frozen=True, tag="weight-composition", tag_field="of"):
    """``random``: what random heads of this shape score, subtracted; None until known. It cancels
    in a difference."""

    random: float | None


class WeightOverviewView(Message, frozen=True, tag="weight-overview", tag_field="kind"):
    """Composition of all pairs of heads.

    Reply array (float32), where there are not too many heads: ``scores`` [l * h, l * h], earlier
    head by later head, less the random score, NaN where not later and until known.
    """

    mode: Literal["Q", "K", "V"] = "K"
    fold: bool = True
    side: WeightSide = "now"


class WeightEdge(Message, frozen=True):
    """A pair of heads and its score, less the random one."""

    earlier: str
    later: str
    score: float


class WeightOverviewInfo(Message, frozen=True, tag="weight-overview", tag_field="of"):
    """``edges``: the pairs with the highest scores so far; the largest changes of a difference."""

    edges: list[WeightEdge]
    random: float | None
    done: int
    total: int


class WeightPathView(Message, frozen=True, tag="weight-path", tag_field="kind"):
    """Virtual weights along a path of parts: ``L0H1->L1H2.k``.

    From ``embed`` to the input it ends at, or through a last head's OV to the logits.
    """

    path: str
    fold: bool = True
    side: WeightSide = "now"


class WeightNeuronView(Message, frozen=True, tag="weight-neuron", tag_field="kind"):
    """What a neuron's weights write to and read from the vocabulary."""

    layer: int
    neuron: int
    side: WeightSide = "now"


class WeightNeuronInfo(Message, frozen=True, tag="weight-neuron", tag_field="of"):
    """``multiplies``: of a gated MLP, what its activation is multiplied by."""

    writes: Words
    reads: Words
    multiplies: Words | None


class WeightPathDirection(Message, frozen=True):
    """A singular value of a path, and its ends: None where an end is neither tokens nor neurons."""

    value: float
    start: Words | None
    end: Words | None


class WeightPathInfo(Message, frozen=True, tag="weight-path", tag_field="of"):
    """``relative``: the norm of the parts' product over what chance gives; with ``difference``,
    ``norm`` is that of the difference, ``relative`` that of now, and ``relative_loaded`` the other.

    ``high`` and ``low`` are entries over tokens: ``axes`` says what rows and columns are; none
    where the path ends in neurons, whose ``directions`` are given.
    """

    path: str
    norm: float
    relative: float
    axes: list[str]
    high: list[TokenPair]
    low: list[TokenPair]
    directions: list[WeightPathDirection]
    done: int
    total: int
    relative_loaded: float | None = None


class WeightEditsView(Message, frozen=True, tag="weight-edits", tag_field="kind"):
    """Which weights are not what they were at first, whoever changed them."""


class ChangedWeight(Message, frozen=True):
    """How one weight differs from what it was: see ``WeightChange``."""

    name: str
    elements: int
    size: int
    largest: float
    norm: float
    relative: float


class WeightEditsInfo(Message, frozen=True, tag="weight-edits", tag_field="of"):
    """``lines``: edits of boards, as Python; ``unknown``: why the first weights are not known.

    ``done`` of ``total`` weights are compared.
    """

    weights: list[ChangedWeight]
    lines: list[str]
    done: int
    total: int
    unknown: str = ""
    hint: str = ""
    neurons: list[str] = msgspec.field(default_factory=list[str])
