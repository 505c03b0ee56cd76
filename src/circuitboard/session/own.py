"""Views that users write themselves: functions of the run, shown as panels, run beside the model.

Each has a thread of its own, so that a slow one holds up neither the model nor the others. It runs
only while somebody looks at it, and again when something that it depends on has changed.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import contextlib
import hashlib
import inspect
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from circuitboard.session.drawing import ArrayKind, Drawing, draw, draw_array
from circuitboard.session.worker import Check, Worker
from circuitboard.spec.address import Address
from circuitboard.spec.errors import CancelledError, CircuitboardError, InterventionError

if TYPE_CHECKING:
    from circuitboard.session.board import Board
    from circuitboard.session.question import Outcome

#: What a function may ask for by the name of a parameter, beside the result itself.
OFFERED = ("baseline", "selection", "position", "board")
#: Seconds that a board which is saved waits for them.
PATIENCE = 60.0


@dataclass
class OwnView:
    """One user's view and what it shows now.

    Attributes:
        id: its name in layouts and messages.
        needs: places that it reads: noted while the model runs, and all that it depends on.
        asks: parameters of the function, after the result.
        drawing: what it shows; None until it has run once.
        revision: the board's revision that the drawing belongs to.
        running: whether it is at work; ``seconds``: how long it took last.
        wanted: the state that it was last set to work on; ``drawn``: what the drawing depends on.
    """

    id: str
    title: str
    function: Callable[..., Any] | None
    needs: tuple[Address, ...] = ()
    asks: tuple[str, ...] = ()
    drawing: Drawing | None = None
    revision: int = -1
    running: bool = False
    seconds: float = 0.0
    wanted: tuple[object, ...] | None = None
    drawn: tuple[object, ...] | None = None
    worker: Worker = field(default_factory=lambda: Worker(lambda _jobs: None))


class OwnViews:
    """The user's views of one board."""

    def __init__(self, board: Board, tell: Callable[[str], None]) -> None:
        self._board = board
        self._tell = tell
        self._lock = threading.RLock()
        self._views: dict[str, OwnView] = {}
        self._watched: frozenset[str] = frozenset()
        board.subscribe(self._on_event)

    def _on_event(self, event: str) -> None:
        if event in ("state", "outcome"):
            self.refresh()

    def __iter__(self) -> Iterator[OwnView]:
        return iter(list(self._views.values()))

    def get(self, name: str) -> OwnView | None:
        """The view of an id."""
        return self._views.get(name)

    @property
    def needs(self) -> tuple[Address, ...]:
        """Places that the views looked at read."""
        return tuple(a for v in self._views.values() if v.id in self._watched for a in v.needs)

    def add(
        self, function: Callable[..., Any], title: str | None, needs: Sequence[str | Address]
    ) -> OwnView:
        """Takes a function as a view; one of the same title is replaced.

        Raises AddressError for a place that the model lacks, InterventionError for a parameter
        that cannot be filled.
        """
        places = tuple(self._board.model.check(Address.parse(a)) for a in needs)
        named = title or function.__name__.replace("_", " ").strip().capitalize()
        return self._put(OwnView(_id(named), named, function, places, _asks(function)))

    def show(
        self, values: Any, kind: ArrayKind | None, title: str, labels: Sequence[Any] | None
    ) -> OwnView:
        """Takes numbers as a view. Raises DrawingError where they cannot be drawn."""
        drawing = draw_array(values, kind, len(self._board.tokens), labels)
        view = OwnView(_id(title), title, None, drawing=drawing, revision=self._board.revision)
        return self._put(view)

    def _put(self, view: OwnView) -> OwnView:
        with self._lock:
            older = self._views.get(view.id)
            self._views[view.id] = view
        if older is not None:
            older.worker.close(wait=False)
        self._tell("state")
        self._tell(f"own {view.id}")
        self.refresh()
        return view

    def remove(self, title: str) -> None:
        """Takes a view away. Raises InterventionError where there is none of that title."""
        with self._lock:
            view = self._views.pop(_id(title), None)
        if view is None:
            have = ", ".join(repr(v.title) for v in self._views.values()) or "none"
            raise InterventionError(f"There is no view {title!r}.", f"There are: {have}.")
        view.worker.close(wait=False)
        self._tell("state")

    def watch(self, names: Iterable[str]) -> None:
        """Says which views are looked at: only these run."""
        self._watched = frozenset(names)
        self.refresh()

    def refresh(self) -> None:
        """Runs each view that is looked at and whose result, selection or position has changed."""
        outcome = self._board.outcome
        if outcome is None:
            return
        for view in list(self._views.values()):
            if view.id not in self._watched or view.function is None:
                continue
            asked = tuple(_asked(self._board, name) for name in view.asks)
            if view.wanted != (outcome.revision, asked):
                view.wanted = (outcome.revision, asked)
                view.worker.submit("run", _job(self, view, outcome, asked))

    def finish(self, seconds: float = PATIENCE) -> None:
        """Runs every view that is behind, looked at or not; waits until each has drawn, so long."""
        watched, self._watched = self._watched, frozenset(self._views)
        try:
            self.refresh()
        finally:
            self._watched = watched
        end = time.monotonic() + seconds
        for view in self:
            if view.function is None or view.worker.inside:
                continue
            with contextlib.suppress(TimeoutError, CancelledError):
                last = view.worker.submit("finish", lambda _check: None)
                last.result(max(0.0, end - time.monotonic()))

    def run(self, view: OwnView, outcome: Outcome, asked: tuple[object, ...]) -> None:
        """Runs one view on one outcome, unless what it needs is as it was, and tells the board."""
        try:
            signature = _signature(self._board, view, outcome)
        except CircuitboardError:
            view.wanted = None  # the model changed meanwhile: the next outcome comes
            return
        if signature is None or view.drawn != (signature, asked):
            view.running = True
            self._tell(f"own {view.id}")
            began = time.monotonic()
            drawing = self._drawn(view, outcome)
            view.seconds, view.running = time.monotonic() - began, False
            view.drawing, view.drawn = drawing, (signature, asked)
        view.revision = outcome.revision
        self._tell(f"own {view.id}")

    def _drawn(self, view: OwnView, outcome: Outcome) -> Drawing:
        assert view.function is not None
        board = self._board
        offered: dict[str, Callable[[], Any]] = {
            "baseline": lambda: board.result_of(outcome, baseline=True),
            "selection": lambda: board.selection,
            "position": lambda: board.position,
            "board": lambda: board,
        }
        try:
            value = view.function(
                board.result_of(outcome), **{name: offered[name]() for name in view.asks}
            )
            return draw(value, len(board.tokens))
        except CancelledError:
            raise
        except Exception as error:
            return Drawing("error", _told(error, view.function))


def _job(
    views: OwnViews, view: OwnView, outcome: Outcome, asked: tuple[object, ...]
) -> Callable[[Check], None]:
    return lambda _check: views.run(view, outcome, asked)


def _asked(board: Board, name: str) -> object:
    """What a view depends on beside the run, as something that can be compared."""
    if name == "selection":
        return tuple(board.selection)
    return board.position if name == "position" else None


def _signature(board: Board, view: OwnView, outcome: Outcome) -> str | None:
    """The values that a view names as its needs, hashed; None where it names none."""
    if not view.needs or "board" in view.asks:
        return None
    digest = hashlib.sha256(repr((outcome.question.prompt, outcome.metric)).encode())
    results = [board.result_of(outcome)]
    if "baseline" in view.asks:
        results.append(board.result_of(outcome, baseline=True))
    for result in results:
        for address in view.needs:
            digest.update(result[address].tobytes())
    return digest.hexdigest()


def _id(title: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return words or hashlib.sha256(title.encode()).hexdigest()[:8]


def _asks(function: Callable[..., Any]) -> tuple[str, ...]:
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters:
        raise InterventionError(
            "A view is a function of the run's result.", "Give it a parameter: def view(result)."
        )
    later = parameters[1:]
    for parameter in later:
        if parameter.name not in OFFERED and parameter.default is parameter.empty:
            raise InterventionError(
                f"A view cannot be given {parameter.name!r}.",
                f"After the result it may ask for {', '.join(OFFERED)}.",
            )
    return tuple(p.name for p in later if p.name in OFFERED)


def _told(error: Exception, function: Callable[..., Any]) -> str:
    """The traceback from the user's function on."""
    home = inspect.getsourcefile(function) if inspect.isfunction(function) else None
    frames = traceback.extract_tb(error.__traceback__)
    first = next((i for i, frame in enumerate(frames) if frame.filename == home), 0)
    lines = traceback.format_list(frames[first:]) + traceback.format_exception_only(error)
    return "".join(lines)
