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

#: Seconds between two pushes of progress: a host drops floods.
PACE = 0.1
#: Tabs whose views are remembered.
SCREENS = 4


class Screen:
    """Connects a board with whatever shows it."""

    def __init__(self, board: Board, send: Send) -> None:
        self.board = board
        self._send = send
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
            case m.Show(views=views, screen=screen):
                self._show(screen, views)
            case m.Act():
                self._act(request)
            case m.Ask(prompt=prompt, target=target, foil=foil):
                self.board.ask(prompt, target, foil)
            case m.Select(addresses=addresses, position=position):
                self.board.select(addresses, position)
            case m.Code():
                return self.board.code()
            case m.Cancel(job=job):
                self.board.worker.cancel(job)
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
                board.remove([] if act.entry is None else [act.entry])
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
        self.board.needs = tuple(a for v in shown for a in painters.needs(v, self.board.model))
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
            self._push_state()
        elif event == "outcome":
            self._push_state()
            self.backlog.forget_unfinished()
            self._paint_all(lambda: None)
        elif event == "jobs":
            self._push_jobs()

    def _paint_all(self, check: Check) -> None:
        outcome = self.board.outcome
        if outcome is None:
            return
        for view in self.shown():
            check()
            if self.board.revision != outcome.revision:
                return
            self._paint(view, outcome)

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
        for view in self.shown():
            if view == viewer:
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

    def _push_state(self) -> None:
        with self._sending:  # numbered in the order of sending, whatever thread it comes from
            self._send(codec.encode(state_of(self.board, next(self._seq))), [])

    def _push(self, message: m.Push, buffers: codec.Buffers | None = None) -> None:
        with self._sending:
            self._send(codec.encode(message), buffers or [])


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
_LOOKS: dict[str, Literal["zero", "freeze", "scale", "set"]] = {
    "zero": "zero",
    "mean": "zero",
    "resample": "zero",
    "freeze": "freeze",
    "scale": "scale",
    "patch": "set",
    "add": "set",
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
    current = outcome is not None and outcome.revision == board.revision
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
        can_undo=board.can_undo,
        can_redo=board.can_redo,
        selection=board.selection,
        position=board.position,
        busy=not current and board.problem is None,
        plan=outcome.plan if outcome is not None else "",
        problem=None if board.problem is None else problem_of(board.problem),
    )
