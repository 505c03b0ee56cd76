"""Requests of the screen, replies, and the state of the board."""

from __future__ import annotations

from typing import Literal

import msgspec

from circuitboard.wire.messages.base import Array, Message
from circuitboard.wire.messages.circuit import EditCircuit
from circuitboard.wire.messages.own import OwnPanel
from circuitboard.wire.messages.steering import KeepDirection, MakeDirection, Steer
from circuitboard.wire.messages.views import Info, View
from circuitboard.wire.messages.weights import EditWeights

# --- screen to kernel -------------------------------------------------------------------------


class Hello(Message, frozen=True, tag="hello", tag_field="op"):
    """A screen opens: asks for the state, declares what it shows.

    The reply's ``text`` is the layout that the board remembers. ``screen`` names the tab, so that
    two tabs on one board are both served.
    """

    id: int
    views: list[View] = msgspec.field(default_factory=list[View])
    screen: str = ""


class Show(Message, frozen=True, tag="show", tag_field="op"):
    """The set of views that are visible now; only these are computed and sent."""

    id: int
    views: list[View]
    screen: str = ""


class Act(Message, frozen=True, tag="act", tag_field="op"):
    """Do something to the model's internal state.

    ``ablate``, ``freeze``, ``patch``, ``scale``, ``release`` need ``at``; ``patch`` takes values
    from the contrast prompt, at edges too; ``scale`` needs ``factor``; ``swap`` exchanges prompt
    and contrast prompt;
    ``toggle`` needs ``entry``; ``remove`` needs ``entry`` or ``entries``; ``clear``, ``undo``,
    ``redo`` need nothing.
    """

    id: int
    verb: Literal[
        "ablate", "freeze", "patch", "scale", "release", "swap", "toggle", "remove", "clear",
        "undo", "redo",
    ]  # fmt: skip
    at: list[str] = msgspec.field(default_factory=list[str])
    factor: float | None = None
    entry: int | None = None
    entries: list[int] = msgspec.field(default_factory=list[int])


class Foresee(Act, frozen=True, tag="foresee", tag_field="op"):
    """Computes the run that the same :class:`Act` would need, and changes nothing.

    Sent while the pointer is still on its way to a control.
    """


class Paint(Message, frozen=True, tag="paint", tag_field="op"):
    """Sets cells of a head's pattern: a :class:`Set` of the whole pattern, one step of undo.

    Only the cells painted travel: pairs (destination, source) in ``cells``, a weight for each. With
    ``normalise`` the other cells of their rows share what is left.
    """

    id: int
    head: str
    cells: list[list[int]]
    weights: list[float]
    normalise: bool = False


class Look(Message, frozen=True, tag="look", tag_field="op"):
    """Sends the data of one view once, such as the exact values under the pointer."""

    id: int
    view: View


class Ask(Message, frozen=True, tag="ask", tag_field="op"):
    """Set the prompts and the tokens that the metric compares; what is None stays."""

    id: int
    prompt: str
    target: str
    foil: str
    contrast: str | None = None


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


class Library(Message, frozen=True, tag="library", tag_field="op"):
    """Ask for the source of a drawing library that the kernel has; the reply carries ``text``."""

    id: int
    name: Literal["plotly"]


class Remember(Message, frozen=True, tag="remember", tag_field="op"):
    """Keep with the board how its panels are laid out: the screen's own text."""

    id: int
    layout: str


class Save(Message, frozen=True, tag="save", tag_field="op"):
    """Save the board as a page, or the data of the screen's views; a :class:`Saved` follows."""

    id: int
    what: Literal["html", "npz", "csv"]
    views: list[View] = msgspec.field(default_factory=list[View])


Request = (
    Hello
    | Show
    | Act
    | Foresee
    | Paint
    | Look
    | Ask
    | Select
    | Code
    | Cancel
    | Library
    | Remember
    | Save
    | Steer
    | MakeDirection
    | KeepDirection
    | EditCircuit
    | EditWeights
)


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


class Aligned(Message, frozen=True):
    """A token of the prompt and one of the contrast prompt that correspond, by their positions.

    -1 where one of them has none. ``at`` is the position as an address names it in both; empty
    where no address names both, so that nothing can be patched there.
    """

    mine: int
    theirs: int
    same: bool
    at: str


class Metric(Message, frozen=True):
    """The number that the board watches. None where it is not defined or not yet computed.

    ``contrast`` is that of the contrast prompt, with nothing done to the model.
    """

    name: str
    target: str
    foil: str
    position: int
    baseline: float | None
    now: float | None
    contrast: float | None = None


class Entry(Message, frozen=True):
    """One line of the list of interventions.

    ``elsewhere``: its values come from another prompt than the contrast prompt.
    """

    id: int
    at: str
    kind: Literal["zero", "freeze", "patch", "scale", "add", "set"]
    text: str
    on: bool
    elsewhere: bool = False


class Job(Message, frozen=True):
    """A piece of work under way."""

    id: int
    label: str
    done: int
    total: int


class State(Message, frozen=True, tag="state", tag_field="t"):
    """Everything the screen shows that is not an array. ``seq`` counts these messages.

    ``live`` says whether there is a model to change: a saved board has none. ``circuit`` says
    whether a circuit is open.
    """

    seq: int
    revision: int
    model: ModelInfo
    prompt: str
    tokens: list[Token]
    metric: Metric
    entries: list[Entry]
    own: list[OwnPanel]
    can_undo: bool
    can_redo: bool
    selection: list[str]
    position: int
    busy: bool
    plan: str
    live: bool = True
    problem: Problem | None = None
    directions: list[str] = msgspec.field(default_factory=list[str])
    contrast: str = ""
    contrast_tokens: list[Token] = msgspec.field(default_factory=list[Token])
    alignment: list[Aligned] = msgspec.field(default_factory=list[Aligned])
    circuit: bool = False


class Progress(Message, frozen=True, tag="progress", tag_field="t"):
    """The jobs under way now (an empty list: none)."""

    jobs: list[Job]


class ViewData(Message, frozen=True, tag="view", tag_field="t"):
    """What one visible view draws. ``revision`` tells an old one from a new one."""

    view: View
    revision: int
    arrays: list[Array] = msgspec.field(default_factory=list[Array])
    info: Info | None = None
    problem: Problem | None = None


class Remembered(Message, frozen=True, tag="remembered", tag_field="t"):
    """Python set the layout: show it. Empty: the default."""

    layout: str


class Saved(Message, frozen=True, tag="saved", tag_field="t"):
    """What became of a :class:`Save`: where the file lies; its content is the one buffer."""

    id: int
    name: str = ""
    path: str = ""
    problem: Problem | None = None


Push = Reply | State | Progress | ViewData | Remembered | Saved
