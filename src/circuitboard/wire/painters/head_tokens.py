"""Each token of a head: what it looks at and is given, and what the head writes there."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from circuitboard.engine.held import HeldRun
from circuitboard.methods.head_output import attribute_sources, vocabulary_effect
from circuitboard.methods.head_pattern import summarise, without_first
from circuitboard.models.model import Model
from circuitboard.session.background import Sweep
from circuitboard.session.board import Board
from circuitboard.session.worker import Steps
from circuitboard.spec.address import Address
from circuitboard.wire.messages import HeadLogit, HeadTokensInfo, HeadTokensView
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import Floats, Painter, Scene

#: Positions in one step of a sweep over the vocabulary.
STEP = 16


@dataclass
class _Tops:
    """The token raised most at each position: its id (-1 where not yet known), and by how much."""

    ids: list[int]
    values: Floats


def needs(view: HeadTokensView, _model: Model) -> list[Address]:
    """What the head moves and writes."""
    parts = ("head.pattern", "head.v", "head.z")
    return [Address(part, view.layer, head=view.head) for part in parts]


def paint(view: HeadTokensView, scene: Scene) -> HeadTokensInfo:
    """Arrays as :class:`HeadTokensView` names them."""
    head = Address("head", view.layer, head=view.head)
    scene.model.check(head)
    length = scene.outcome.now.lengths[0]
    position = view.position + length if view.position < 0 else view.position
    position = max(0, min(position, length - 1))
    here: dict[str, Tensor] = {}
    tops: dict[str, list[str]] = {}
    for end, run in scene.ends:
        scene.parcel.add(f"summary_{end}", _summary(view, scene, run))
        if scene.outcome.metric is not None:
            split = attribute_sources(scene.engine, run, head, scene.outcome.metric)
            scene.parcel.add(f"total_{end}", split.total)
        found = _tops(view, scene, end, run)
        scene.parcel.add(f"top_{end}", found.values)
        tops[end] = ["" if i < 0 else scene.model.token_text(i) for i in found.ids]
        here[end] = vocabulary_effect(scene.engine, run, head, slice(position, position + 1))[0]
    return HeadTokensInfo(
        position=position,
        promoted=_rows(scene, here, view.k, largest=True),
        suppressed=_rows(scene, here, view.k, largest=False),
        tops_now=tops["now"],
        tops_base=tops["base"],
    )


def _summary(view: HeadTokensView, scene: Scene, run: HeldRun) -> Floats:
    (pattern,) = scene.read(run, Address("head.pattern", view.layer, head=view.head))
    plain = pattern[0].float().cpu().numpy()
    s = summarise(without_first(plain) if view.skip_first else plain)
    rows = (s.entropy, s.strongest.astype(np.float32), s.weight, s.received, s.mean_received)
    return np.stack(rows)


def _rows(scene: Scene, here: dict[str, Tensor], k: int, *, largest: bool) -> list[HeadLogit]:
    """The k most of the run now and of the baseline, the most extreme now first."""
    now, base = here["now"], here["base"]
    k = max(1, min(k, len(now)))
    wanted = {i for end in (now, base) for i in end.topk(k, largest=largest).indices.tolist()}
    rows = [
        HeadLogit(id=i, text=scene.model.token_text(i), now=float(now[i]), base=float(base[i]))
        for i in wanted
    ]
    return sorted(rows, key=lambda row: (-row.now if largest else row.now, row.id))


def _tops(view: HeadTokensView, scene: Scene, end: str, run: HeldRun) -> _Tops:
    head = Address("head", view.layer, head=view.head)
    count = run.lengths[0]

    def begin() -> Sweep[_Tops]:
        found = _Tops([-1] * count, np.full(count, np.nan, np.float32))
        name = f"head output {end}"
        label = f"What {head} writes at each token"
        return Sweep(name, label, count, found, _steps(scene, run, head, found))

    key = ("head output", scene.engine.epoch, run.key, str(head))
    return scene.backlog.get(view, key, begin)


def _steps(scene: Scene, run: HeldRun, head: Address, found: _Tops) -> Steps:
    count = len(found.ids)
    for start in range(0, count, STEP):
        stop = min(start + STEP, count)
        with scene.model.lock:
            if scene.engine.epoch != run.epoch:
                return
            best = vocabulary_effect(scene.engine, run, head, slice(start, stop)).max(dim=-1)
        found.ids[start:stop] = best.indices.tolist()
        found.values[start:stop] = best.values.cpu().numpy()
        yield stop


def data(view: HeadTokensView, scene: Scene) -> None:
    """What is drawn, each quantity under a name of its own."""
    paint(view, scene)
    for end, run in scene.ends:
        for name, values in zip(SUMMARY, _summary(view, scene, run), strict=True):
            scene.parcel.add(f"{name}_{end}", values)


def record(board: Board) -> list[HeadTokensView]:
    """The first head at every token, and the next ones at the token looked at."""
    heads = wanted.heads(board)[: wanted.STRONG]
    views = wanted.nearest(len(heads) + len(board.tokens), heads, wanted.tokens(board))
    return [
        HeadTokensView(layer=layer, head=head, position=position)
        for (layer, head), position in views
    ]


#: The rows of ``summary``.
SUMMARY = ("entropy", "strongest", "weight", "received", "mean_received")
AXES: dict[str, tuple[str, ...]] = dict.fromkeys((*SUMMARY, "top", "total"), ("position",))
PAINTER = Painter(paint, needs, record, AXES, data)
