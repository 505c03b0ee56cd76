"""Thumbnails of all heads, a few layers at a time; each layer's patterns are read and let go."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.held import HeldRun
from circuitboard.methods.head_pattern import shrink, without_first
from circuitboard.session.background import Sweep
from circuitboard.session.board import Board
from circuitboard.session.worker import Steps
from circuitboard.spec.address import Address
from circuitboard.wire.messages import HeadGalleryInfo, HeadGalleryView
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.head import NOTHING, coded, places, triangle
from circuitboard.wire.painters.scene import Painter, Scene

#: Pixels that a thumbnail of the gallery has across.
SMALL = 28
#: Layers that the screen asks for together.
GROUP = 4


@dataclass
class _Gallery:
    codes: NDArray[np.uint8]
    done: int = 0


def paint(view: HeadGalleryView, scene: Scene) -> HeadGalleryInfo:
    """Arrays as :class:`HeadGalleryView` names them."""
    facts = scene.model.facts
    scene.model.check(Address("head.pattern", view.first, head=0))
    layers = range(view.first, min(view.first + view.count, facts.n_layers))
    run = scene.outcome.baseline if view.base else scene.outcome.now
    side = min(SMALL, run.tokens.shape[1])

    def begin() -> Sweep[_Gallery]:
        shape = (len(layers), facts.n_heads, side * (side + 1) // 2)
        found = _Gallery(np.full(shape, NOTHING, np.uint8))
        steps = _steps(scene, run, layers, view.skip_first, found)
        name = f"patterns {view.first} {'baseline' if view.base else 'now'}"
        label = f"Patterns of layers {layers[0]} to {layers[-1]}"
        return Sweep(name, label, len(layers), found, steps)

    key = ("patterns", scene.engine.epoch, run.key, layers, view.skip_first)
    found = scene.backlog.get(view, key, begin)
    scene.parcel.add("thumbs", found.codes)
    return HeadGalleryInfo(thumb=side, done=found.done)


def _steps(scene: Scene, run: HeldRun, layers: range, skip_first: bool, found: _Gallery) -> Steps:
    for i, layer in enumerate(layers):
        with scene.model.lock:
            if scene.engine.epoch != run.epoch:
                return
            held = set(run.values)
            read = scene.read(run, *places(scene.model, layer, "head.pattern"))
            for place in set(run.values) - held:
                del run.values[place]
        patterns = np.stack([pattern[0].float().cpu().numpy() for pattern in read])
        if skip_first:
            patterns = np.nan_to_num(without_first(patterns))
        found.codes[i] = triangle(coded(shrink(patterns, SMALL), 0.0, 1.0))
        found.done = i + 1
        yield i + 1


def record(board: Board) -> list[HeadGalleryView]:
    """Every layer, in the groups in which the screen asks for them."""
    groups = range(0, board.model.facts.n_layers, GROUP)
    views = wanted.nearest(wanted.MOST, groups, (False, True), (False, True))
    return [
        HeadGalleryView(first=first, count=GROUP, base=base, skip_first=skip)
        for first, base, skip in views
    ]


PAINTER = Painter(paint, record=record)
