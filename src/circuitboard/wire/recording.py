"""Records a board: all that a screen would have been sent, for a page without a kernel."""

from __future__ import annotations

import base64
import hashlib
import itertools
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from circuitboard import __version__
from circuitboard.session.background import Backlog
from circuitboard.session.board import Board
from circuitboard.session.question import Outcome
from circuitboard.spec.errors import CancelledError
from circuitboard.wire import painters
from circuitboard.wire.codec import Buffers
from circuitboard.wire.messages import Array, Recording, View, ViewData
from circuitboard.wire.state import problem_of, state_of

#: Bytes that a recording holds unless told otherwise.
BUDGET = 24_000_000
#: Seconds between two looks at a sweep.
POLL = 0.004
#: How often a sweep that was dropped for another is begun again.
TRIES = 3
LEVEL = 6
#: Seconds that a recording takes, unless told otherwise.
PATIENCE = 30.0

Told = Callable[[int, int], None]


@dataclass
class Recorder:
    """Paints views of a board as it is now, for keeps.

    Attributes:
        backlog: where sweeps are kept; that of the board's screen where it has one.
        wait: whether sweeps are waited for; else views are taken as far as they have got.
        budget: bytes of what is recorded; what does not fit is left out, the least wanted first.
        told: called with how many views are done, of how many.
        patience: seconds after which only views that are shown are still recorded; the others are
            left out, the least wanted first.
    """

    board: Board
    backlog: Backlog | None = None
    wait: bool = True
    budget: float = BUDGET
    told: Told | None = None
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        self._until = float("inf")
        self._sweeps = self.backlog or Backlog(self.board.worker, lambda _viewer: None)

    def record(self, shown: Sequence[View] = ()) -> Recording:
        """The board with every view worth having, those in ``shown`` first.

        Raises CircuitboardError where the board's own run failed.
        """
        self._until = time.monotonic() + self.patience
        outcome = self.outcome()
        state = msgspec.structs.replace(state_of(self.board, 1), live=False, busy=False)
        views = list(dict.fromkeys([*shown, *wanted(self.board)]))
        packer = _Packer()
        found: list[ViewData] = []
        for i, view in enumerate(views):
            late = time.monotonic() > self._until
            if packer.size > self.budget or (late and view not in shown):
                break
            data, buffers = self.paint(view, outcome)
            if data.problem is None or view in shown:
                found.append(packer.pack(data, buffers))
            if self.told is not None:
                self.told(i + 1, len(views))
        return Recording(
            format=1,
            made_with=f"circuitboard {__version__}",
            state=state,
            code=self.board.code(),
            shown=list(shown),
            views=found,
            buffers=packer.packed,
            left_out=len(views) - len(found),
        )

    def outcome(self) -> Outcome:
        """What the board's model answered; the user's own views have drawn it."""
        outcome = self.board.wait()
        if self.wait and not self.board.worker.inside:
            self.board.own.finish()
        return outcome

    def numbers(self, view: View, outcome: Outcome) -> tuple[ViewData, Buffers]:
        """As :meth:`paint`, with exact values where what is drawn is coded."""
        data, buffers = self.paint(view, outcome)
        exact = painters.PAINTERS[type(view)].data
        if exact is None or data.problem is not None:
            return data, buffers
        with self.board.model.lock:
            scene = painters.Scene(self.board, outcome, self._sweeps)
            exact(view, scene)
        arrays = scene.parcel.arrays
        return msgspec.structs.replace(data, arrays=arrays), scene.parcel.buffers

    def paint(self, view: View, outcome: Outcome) -> tuple[ViewData, Buffers]:
        """Data of one view, complete unless its sweep is cancelled or not waited for."""
        backlog = self._sweeps
        painted = self._paint(view, outcome)
        if not self.wait or self.board.worker.inside:
            if self.backlog is None:
                backlog.stop_unseen(set())
            return painted
        for _ in range(TRIES):
            if not backlog.unfinished(view):
                break
            while backlog.unfinished(view) and self.board.jobs():
                if time.monotonic() > self._until:
                    break
                time.sleep(POLL)
            painted = self._paint(view, outcome)
        return painted

    def _paint(self, view: View, outcome: Outcome) -> tuple[ViewData, Buffers]:
        try:
            with self.board.model.lock:
                return painters.paint(view, painters.Scene(self.board, outcome, self._sweeps))
        except CancelledError:
            raise
        except Exception as error:
            problem = problem_of(error)
            return ViewData(view=view, revision=outcome.revision, problem=problem), []


def wanted(board: Board) -> list[View]:
    """All views worth recording, one of each kind in turn, the most wanted of each kind first."""
    lists = [painter.record(board) for painter in painters.PAINTERS.values()]
    return [view for row in itertools.zip_longest(*lists) for view in row if view is not None]


def current(board: Board) -> list[View]:
    """What the panels show for the board's selection: one view of each kind."""
    lists = [painter.record(board) for painter in painters.PAINTERS.values()]
    return [views[0] for views in lists if views]


@dataclass
class _Packer:
    """Compresses arrays, equal ones once."""

    packed: list[str] = field(default_factory=list[str])
    size: int = 0
    _places: dict[bytes, int] = field(default_factory=dict[bytes, int])

    def pack(self, data: ViewData, buffers: Buffers) -> ViewData:
        """The same data, its arrays counted among all."""
        arrays = [self._array(array, buffers[array.buffer]) for array in data.arrays]
        packed = msgspec.structs.replace(data, arrays=arrays)
        self.size += len(msgspec.json.encode(packed))
        return packed

    def _array(self, array: Array, content: bytes) -> Array:
        name = hashlib.sha256(content).digest()
        if name not in self._places:
            squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
            text = base64.b64encode(squeeze.compress(content) + squeeze.flush()).decode()
            self._places[name] = len(self.packed)
            self.packed.append(text)
            self.size += len(text)
        return msgspec.structs.replace(array, buffer=self._places[name])


def to_text(recording: Recording) -> str:
    """JSON that cannot end the script element that it stands in, whatever the tokens say."""
    text = msgspec.json.encode(recording).decode()
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def unpack(recording: Recording, index: int) -> bytes:
    """The bytes of one buffer."""
    return zlib.decompress(base64.b64decode(recording.buffers[index]), -zlib.MAX_WBITS)
