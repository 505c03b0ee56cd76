"""Every message between the board's Python side and its screen.

Data only, no functions. TypeScript types are generated from this file by
``circuitboard.wire.typescript``; the check fails when they are stale.

Numbers that fill a picture travel as binary buffers beside the JSON: an :class:`Array` says which
buffer holds what. Shapes use the legend h head, p position, l layer.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Measure = Literal["attribution", "norm", "effect"]
DType = Literal["float32", "uint8"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all plain records."""


# --- what the screen can show -----------------------------------------------------------------


class MapView(Message, frozen=True, tag="map", tag_field="kind"):
    """The architecture map, coloured by one measure at the metric's position.

    Reply arrays (float32): ``heads_now`` and ``heads_base`` [l, h], ``mlp_now`` and ``mlp_base``
    [l], ``embed_now`` and ``embed_base`` [1], ``resid_now`` and ``resid_base`` [2l+1] (norms of
    the residual stream before each sublayer and at the end). NaN marks a part that does not
    exist or is not computed yet. ``effect`` fills in live while its sweep runs.
    """

    measure: Measure = "attribution"


class HeadView(Message, frozen=True, tag="head", tag_field="kind"):
    """One head's attention pattern, and thumbnails of every head of its layer.

    Reply arrays: ``pattern_now`` and ``pattern_base`` [p, p] float32 (row = destination);
    ``thumbs_now`` and ``thumbs_base`` [h, p, p] uint8 (255 = 1.0); ``value_norm_now`` and
    ``value_norm_base`` [h, p] float32, the length of each head's value vector at each source.
    """

    layer: int
    head: int


class LogitsView(Message, frozen=True, tag="logits", tag_field="kind"):
    """The most likely next tokens at one position. Reply: :class:`LogitsInfo`, no arrays."""

    position: int = -1
    k: int = 12


View = MapView | HeadView | LogitsView


# --- screen to kernel -------------------------------------------------------------------------


class Hello(Message, frozen=True, tag="hello", tag_field="op"):
    """A screen opens: asks for the state, declares what it shows.

    ``screen`` names the tab, so that two tabs on one board are both served.
    """

    id: int
    views: list[View] = []
    screen: str = ""


class Show(Message, frozen=True, tag="show", tag_field="op"):
    """The set of views that are visible now; only these are computed and sent."""

    id: int
    views: list[View]
    screen: str = ""


class Act(Message, frozen=True, tag="act", tag_field="op"):
    """Do something to the model's internal state.

    ``ablate``, ``freeze``, ``scale``, ``release`` need ``at``; ``scale`` needs ``factor``;
    ``toggle`` and ``remove`` need ``entry``; ``clear``, ``undo``, ``redo`` need nothing.
    """

    id: int
    verb: Literal[
        "ablate", "freeze", "scale", "release", "toggle", "remove", "clear", "undo", "redo"
    ]
    at: list[str] = []
    factor: float | None = None
    entry: int | None = None


class Ask(Message, frozen=True, tag="ask", tag_field="op"):
    """Set the prompt and the tokens that the metric compares."""

    id: int
    prompt: str
    target: str
    foil: str


class Select(Message, frozen=True, tag="select", tag_field="op"):
    """What is selected on screen: addresses, and the position looked at."""

    id: int
    addresses: list[str]
    position: int | None = None


class Code(Message, frozen=True, tag="code", tag_field="op"):
    """Ask for the Python that rebuilds this state; the reply carries ``text``."""

    id: int


class Cancel(Message, frozen=True, tag="cancel", tag_field="op"):
    """Stop a running job (all of them when ``job`` is absent)."""

    id: int
    job: int | None = None


Request = Hello | Show | Act | Ask | Select | Code | Cancel


# --- kernel to screen -------------------------------------------------------------------------


class Problem(Message, frozen=True):
    """Something went wrong: what, and what to do next."""

    kind: str
    message: str
    hint: str = ""


class Reply(Message, frozen=True, tag="reply", tag_field="t"):
    """Answer to one request: exactly one for each, errors included."""

    id: int
    problem: Problem | None = None
    text: str | None = None


class ModelInfo(Message, frozen=True):
    """Facts about the model that the screen draws by."""

    name: str
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    d_vocab: int
    n_ctx: int
    norm: Literal["LN", "RMS", "none"]
    positional: str
    parallel: bool
    attn_only: bool
    gated: bool
    pos_embed: bool
    self_check: float


class Token(Message, frozen=True):
    """One token of the prompt. ``text`` is untrusted: show it as text, never as markup."""

    index: int
    id: int
    text: str


class Metric(Message, frozen=True):
    """The number that the board watches. None where it is not defined or not yet computed."""

    name: str
    target: str
    foil: str
    position: int
    baseline: float | None
    now: float | None


class Entry(Message, frozen=True):
    """One line of the list of interventions."""

    id: int
    at: str
    kind: Literal["zero", "freeze", "scale", "set"]
    text: str
    on: bool


class Job(Message, frozen=True):
    """A piece of work under way."""

    id: int
    label: str
    done: int
    total: int


class State(Message, frozen=True, tag="state", tag_field="t"):
    """Everything the screen shows that is not an array. ``seq`` counts these messages."""

    seq: int
    revision: int
    model: ModelInfo
    prompt: str
    tokens: list[Token]
    metric: Metric
    entries: list[Entry]
    can_undo: bool
    can_redo: bool
    selection: list[str]
    position: int
    busy: bool
    plan: str
    problem: Problem | None = None


class Progress(Message, frozen=True, tag="progress", tag_field="t"):
    """The jobs under way now (an empty list: none)."""

    jobs: list[Job]


class Array(Message, frozen=True):
    """Where one array lies: its buffer (by order of the message's buffers), kind and shape."""

    name: str
    dtype: DType
    shape: list[int]
    buffer: int


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


class LogitsInfo(Message, frozen=True):
    """Rows sorted by the probability now: top k now, top k at baseline, target and foil."""

    position: int
    rows: list[LogitRow]


class ViewData(Message, frozen=True, tag="view", tag_field="t"):
    """What one visible view draws. ``revision`` tells an old one from a new one."""

    view: View
    revision: int
    arrays: list[Array] = []
    logits: LogitsInfo | None = None
    problem: Problem | None = None


Push = Reply | State | Progress | ViewData
