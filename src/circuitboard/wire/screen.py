"""One board's conversation with its screens: answers every request, pushes what follows.

Requests are answered at once, errors included; the model runs elsewhere. What a change brings is
pushed to all screens: the state first, then the data of each view that some screen shows.
"""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, Literal, assert_never

import msgspec

from circuitboard.engine.engine import Check
from circuitboard.session.background import Backlog
from circuitboard.session.board import Board
from circuitboard.session.interventions import Entry
from circuitboard.session.question import Outcome
from circuitboard.spec.errors import CancelledError, CircuitboardError
from circuitboard.spec.intervention import Scale, Set
from circuitboard.wire import codec, painters
from circuitboard.wire import messages as m

Send = Callable[[dict[str, Any], codec.Buffers], None]
Together = Callable[[], AbstractContextManager[None]]

#: Seconds between two pushes of progress: a host drops floods.
PACE = 0.1
#: Seconds after which a screen is told that the model is still at work.
BUSY_AFTER = 0.25
#: Tabs whose views are remembered.
SCREENS = 4


class Screen:
    """Connects a board with whatever shows it."""

    def __init__(self, board: Board, send: Send, together: Together = nullcontext) -> None:
        self.board = board
        self._send = send
        self._together = together
        self._late: threading.Timer | None = None
        self._sending = threading.Lock()
        self._seq = itertools.count(1)
        self._views: OrderedDict[str, list[m.View]] = OrderedDict()
        #: Sweeps that this screen shows; saving shares them.
        self.backlog = Backlog(board.worker, self._step)
        self._paced: dict[Hashable, float] = {}
        self._behind: set[Hashable] = set()
        board.subscribe(self._on_event)

    # --- requests -----------------------------------------------------------------------------

    def receive(self, content: Any) -> None:
        """Handles one message from the screen; sends exactly one reply, whatever happens."""
        number = content.get("id", 0) if isinstance(content, dict) else 0
        text: str | None = None
        problem: m.Problem | None = None
        try:
            text = self._handle(codec.decode(content))
        except Exception as error:
            problem = problem_of(error)
        self._push(m.Reply(id=number, problem=problem, text=text))

    def _handle(self, request: m.Request) -> str | None:
        match request:
            case m.Hello(views=views, screen=screen):
                self._push_state()
                self._show(screen, views)
                return self.board.layout
            case m.Show(views=views, screen=screen):
                self._show(screen, views)
            case m.Act():
                self._act(request)
            case m.Paint():
                pairs = [(row, column) for row, column in request.cells]
                cells = dict(zip(pairs, request.weights, strict=True))
                self.board.edit_pattern(request.head, cells, normalise=request.normalise)
            case m.Look(view=view):
                key = f"look {type(view).__name__}"  # a newer look of a kind replaces an older one
                self.board.worker.submit(key, lambda check: self._look(view, check))
            case m.Ask(prompt=prompt, target=target, foil=foil):
                self.board.ask(prompt, target, foil)
            case m.Select(addresses=addresses, position=position):
                self.board.select(addresses, position)
            case m.Code():
                return self.board.code()
            case m.Remember(layout=layout):
                self.board.keep_layout(layout)
            case m.Cancel(job=job):
                self.board.worker.cancel(job)
            case m.Library(name=name):
                return library(name)
            case m.Save():
                threading.Thread(target=self._save, args=(request,), daemon=True).start()
            case _:
                assert_never(request)
        return None

    def _act(self, act: m.Act) -> None:
        board = self.board
        match act.verb:
            case "ablate":
                board.ablate(act.at)
            case "freeze":
                board.freeze(act.at)
            case "scale":
                board.scale(act.at, 1.0 if act.factor is None else act.factor)
            case "release":
                board.release(act.at)
            case "toggle":
                lines = {e.id: e for e in board.question.entries}
                if act.entry in lines:
                    board.switch(act.entry, not lines[act.entry].on)
            case "remove":
                board.remove([*act.entries, *([] if act.entry is None else [act.entry])])
            case "clear":
                board.clear()
            case "undo":
                board.undo()
            case "redo":
                board.redo()

    def _show(self, screen: str, views: list[m.View]) -> None:
        self._views[screen] = views
        self._views.move_to_end(screen)
        while len(self._views) > SCREENS:
            self._views.popitem(last=False)
        shown = self.shown()
        self.backlog.stop_unseen(set(shown))
        self._push_jobs()
        self.board.own.watch(v.id for v in shown if isinstance(v, m.OwnView))
        needs = [a for v in shown for a in painters.needs(v, self.board.model)]
        self.board.needs = (*needs, *self.board.own.needs)
        self.board.worker.submit("views", self._paint_all)

    def _save(self, request: m.Save) -> None:
        """Takes its time; the model works meanwhile, and for it where a sweep is not complete."""
        from circuitboard.wire.export import answer

        self._push(*answer(self, request))

    def shown(self) -> list[m.View]:
        """The views that some tab shows."""
        return list(dict.fromkeys(view for views in self._views.values() for view in views))

    # --- pushes -------------------------------------------------------------------------------

    def _on_event(self, event: str) -> None:
        if event == "state":
            if self.board.busy:
                self._push_state_later()
            else:
                self._push_state()
        elif event == "outcome":
            self.backlog.forget_unfinished()
            with self._together():
                self._push_state()
                self._paint_all(lambda: None)
        elif event == "jobs":
            self._push_jobs()
        elif event.startswith("own "):
            self._repaint(m.OwnView(id=event.removeprefix("own ")))
        elif event == "layout":
            self._push(m.Remembered(layout=self.board.layout))

    def _paint_all(self, check: Check) -> None:
        outcome = self.board.outcome
        if outcome is None:
            return
        for view in self.shown():
            check()
            if self.board.revision != outcome.revision:
                return
            self._paint(view, outcome)

    def _look(self, view: m.View, check: Check) -> None:
        check()
        if self.board.outcome is not None:
            self._paint(view, self.board.outcome)

    def _paint(self, view: m.View, outcome: Outcome) -> None:
        try:
            with self.board.model.lock:
                scene = painters.Scene(self.board, outcome, self.backlog)
                data, buffers = painters.paint(view, scene)
        except CancelledError:
            raise
        except Exception as error:
            data, buffers = (
                m.ViewData(view=view, revision=outcome.revision, problem=problem_of(error)),
                [],
            )
        self._push(data, buffers)

    def _step(self, viewer: Hashable) -> None:
        """Paints a view anew while a sweep fills it in, at a steady pace."""
        self._behind.add(viewer)
        outcome = self.board.outcome
        if outcome is None or not self._due(viewer):
            return
        self._behind.discard(viewer)
        self._repaint(viewer)

    def _repaint(self, viewer: Hashable) -> None:
        outcome = self.board.outcome
        for view in self.shown():
            if view == viewer and outcome is not None:
                self._paint(view, outcome)

    def _due(self, what: Hashable) -> bool:
        now = time.monotonic()
        if now - self._paced.get(what, 0.0) < PACE:
            return False
        self._paced[what] = now
        return True

    def _push_jobs(self) -> None:
        jobs = self.board.jobs()
        if jobs and not self._due("jobs"):
            return
        if not jobs:
            for viewer in list(self._behind):
                self._paced.pop(viewer, None)
                self._step(viewer)
        rows = [m.Job(id=j.id, label=j.label, done=j.done, total=j.total) for j in jobs]
        self._push(m.Progress(jobs=rows))

    def _push_state_later(self) -> None:
        """Says what was asked for, unless the answer to it comes at once."""
        with self._sending:
            if self._late is None:
                self._late = threading.Timer(BUSY_AFTER, self._push_state)
                self._late.daemon = True
                self._late.start()

    def _push_state(self) -> None:
        with self._sending:
            if self._late is not None:
                self._late.cancel()
                self._late = None
            # numbered in the order of sending, whatever thread it comes from
            self._send(codec.encode(state_of(self.board, next(self._seq))), [])

    def _push(self, message: m.Push, buffers: codec.Buffers | None = None) -> None:
        with self._sending:
            self._send(codec.encode(message), buffers or [])


def library(name: Literal["plotly"]) -> str:
    """The source of a drawing library, from the Python package that carries it."""
    try:
        get_plotlyjs = import_module("plotly.offline").get_plotlyjs
    except ImportError as error:
        raise CircuitboardError(
            f"The package {name} is not installed in this kernel.",
            f"Install it: pip install {name}.",
        ) from error
    return str(get_plotlyjs())


def problem_of(error: Exception) -> m.Problem:
    """An error as the screen shows it."""
    if isinstance(error, CircuitboardError):
        return m.Problem(kind=error.kind, message=error.message, hint=error.hint)
    if isinstance(error, msgspec.ValidationError):
        return m.Problem(
            kind="message", message=f"The board sent something odd: {error}.", hint="Reload it."
        )
    return m.Problem(
        kind="internal",
        message=f"{type(error).__name__}: {error}",
        hint="This is a defect of Circuitboard or of a hook on the model; nothing was changed.",
    )


#: How each kind of intervention is drawn on the part.
_LOOKS: dict[str, Literal["zero", "freeze", "patch", "scale", "add", "set"]] = {
    "zero": "zero",
    "mean": "zero",
    "resample": "zero",
    "freeze": "freeze",
    "scale": "scale",
    "patch": "patch",
    "add": "add",
    "set": "set",
}


def _entry(entry: Entry) -> m.Entry:
    item = entry.item
    texts = {
        "zero": f"ablate {item.at}",
        "mean": f"ablate {item.at} (mean)",
        "resample": f"ablate {item.at} (resample)",
        "freeze": f"freeze {item.at}",
        "patch": f"patch {item.at}",
        "add": f"add to {item.at}",
    }
    text = texts.get(item.kind, "")
    if isinstance(item, Scale):
        text = f"scale {item.at} × {item.factor:g}"
    elif isinstance(item, Set):
        shown = "an array" if isinstance(item.value, str) else f"{item.value:g}"
        text = f"set {item.at} to {shown}"
    return m.Entry(id=entry.id, at=item.at, kind=_LOOKS[item.kind], text=text, on=entry.on)


def model_info(board: Board) -> m.ModelInfo:
    """The facts that the screen draws by."""
    f = board.model.facts
    return m.ModelInfo(
        name=f.name,
        n_layers=f.n_layers,
        n_heads=f.n_heads,
        n_kv_heads=f.n_kv_heads,
        d_model=f.d_model,
        d_head=f.d_head,
        d_mlp=f.d_mlp,
        d_vocab=f.d_vocab,
        n_ctx=f.n_ctx,
        norm=f.norm,
        positional=f.positional,
        parallel=f.parallel,
        attn_only=f.attn_only,
        gated=f.gated,
        pos_embed=board.model.has_part("pos_embed"),
        self_check=board.model.self_check,
    )


def state_of(board: Board, seq: int) -> m.State:
    """The whole state of a board, without arrays."""
    outcome, question = board.outcome, board.question
    ids = board.tokens
    metric = m.Metric(
        name=board.metric_name,
        target=question.target,
        foil=question.foil,
        position=len(ids) - 1,
        baseline=outcome.baseline_value if outcome is not None else None,
        now=outcome.now_value if outcome is not None else None,
    )
    tokens = [
        m.Token(index=i, id=token, text=board.model.token_text(token))
        for i, token in enumerate(ids)
    ]
    return m.State(
        seq=seq,
        revision=outcome.revision if outcome is not None else 0,
        model=model_info(board),
        prompt=question.prompt,
        tokens=tokens,
        metric=metric,
        entries=[_entry(entry) for entry in question.entries],
        own=[m.OwnPanel(id=view.id, title=view.title) for view in board.own],
        can_undo=board.can_undo,
        can_redo=board.can_redo,
        selection=board.selection,
        position=board.position,
        busy=board.busy,
        plan=outcome.plan if outcome is not None else "",
        problem=None if board.problem is None else problem_of(board.problem),
        directions=list(board.directions),
    )
