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
from contextlib import AbstractContextManager, nullcontext, suppress
from importlib import import_module
from typing import Any, Literal, assert_never

from circuitboard.engine.engine import Check
from circuitboard.session.background import Backlog
from circuitboard.session.board import Board
from circuitboard.session.question import Outcome
from circuitboard.spec.errors import CancelledError, CircuitboardError
from circuitboard.wire import codec, painters
from circuitboard.wire import messages as m
from circuitboard.wire.export import answer
from circuitboard.wire.state import problem_of, state_of

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
            case m.Foresee():
                with suppress(CircuitboardError), self.board.foreseeing():
                    self._act(request)
            case m.Act():
                self._act(request)
            case m.Paint():
                pairs = [(row, column) for row, column in request.cells]
                cells = dict(zip(pairs, request.weights, strict=True))
                self.board.edit_pattern(request.head, cells, normalise=request.normalise)
            case m.Look(view=view):
                key = f"look {type(view).__name__}"  # a newer look of a kind replaces an older one
                self.board.worker.submit(key, lambda check: self._look(view, check))
            case m.Ask(prompt=prompt, target=target, foil=foil, contrast=contrast):
                self.board.ask(prompt, target, foil, contrast)
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
            case m.Steer():
                step = request.step
                self.board.steer(request.at, request.direction, request.coefficient, step=step)
            case m.MakeDirection():
                return self._make_direction(request)
            case m.KeepDirection(name=name, new=""):
                del self.board.directions[name]
            case m.KeepDirection(name=name, new=new):
                self.board.directions.rename(name, new)
            case m.Save():
                threading.Thread(target=self._save, args=(request,), daemon=True).start()
            case m.EditCircuit():
                self._edit_circuit(request)
            case m.EditWeights():
                self._edit_weights(request)
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
            case "patch":
                board.patch(act.at)
            case "scale":
                board.scale(act.at, 1.0 if act.factor is None else act.factor)
            case "release":
                board.release(act.at)
            case "swap":
                board.swap()
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

    def _make_direction(self, asked: m.MakeDirection) -> str:
        return self.board.make_direction(
            asked.how,
            asked.at,
            tokens=asked.tokens,
            rank=asked.rank,
            name=asked.name,
            unit=asked.unit,
        )

    def _edit_circuit(self, edit: m.EditCircuit) -> None:
        board = self.board
        match edit.verb:
            case "prune":
                board.prune_edges(edit.at)
            case "restore":
                board.restore_edges(edit.at or None)
            case "cut":
                board.cut_circuit(edit.size, step=edit.step)
            case "separate":
                board.compare(None)
            case "close":
                board.circuit = None

    def _edit_weights(self, edit: m.EditWeights) -> None:
        if edit.restore:
            self.board.restore_weights()
        elif edit.neuron:
            self.board.zero_neuron(edit.neuron, back=edit.back)
        else:
            self.board.scale_direction(edit.place, edit.index, edit.factor, fold=edit.fold)

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
        self._push(*answer(self.board, self.backlog, request))

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
        elif event == "circuit":
            self._push_state()
            self.board.worker.submit("circuit view", lambda _check: self._repaint(m.CircuitView()))
        elif event == "directions":
            self.board.worker.submit("views", self._paint_all)
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
