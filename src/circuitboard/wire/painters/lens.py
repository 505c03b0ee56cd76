"""The logit lens, the tokens at every position, and tokens followed through the layers."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from circuitboard.engine.held import HeldRun
from circuitboard.methods.logit_lens import Known, Lens, fill, new_lens
from circuitboard.methods.stream import stream_places
from circuitboard.models.model import Model
from circuitboard.session.background import Sweep
from circuitboard.session.board import Board
from circuitboard.spec.address import Address
from circuitboard.spec.errors import TargetError
from circuitboard.wire.messages import (
    Followed,
    LensInfo,
    LensView,
    LogitGridInfo,
    LogitGridView,
    Refusal,
    TrajectoryInfo,
    TrajectoryView,
    View,
    Word,
)
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import QUICK, Painter, Scene, position_of

Role = Literal["", "target", "foil", "typed"]
TOP = 3


@dataclass(frozen=True)
class Ask:
    """Which cells of a lens are wanted."""

    places: tuple[Address, ...]
    positions: tuple[int, ...]
    tokens: tuple[int, ...]
    k: int


def lens_of(view: View, scene: Scene, ask: Ask) -> dict[str, Lens]:
    """The lens of both runs, filled in at once where that is quick, else in the background."""
    found: dict[str, Lens] = {}
    baseline = scene.outcome.baseline
    for end, run in (("base", baseline), ("now", scene.outcome.now)):
        known = Known(baseline, found["base"]) if end == "now" else None
        found[end] = _one(view, scene, (end, run), ask, known)
    return found


def _one(
    view: View, scene: Scene, which: tuple[str, HeldRun], ask: Ask, known: Known | None
) -> Lens:
    end, run = which
    engine, facts = scene.engine, scene.model.facts
    cells = len(ask.places) * len(ask.positions)

    def begin() -> Sweep[Lens]:
        lens = new_lens(engine, ask.places, ask.positions, ask.tokens, ask.k)
        steps = fill(engine, run, lens, known=known)
        name = f"lens {end} {view!r}"
        return Sweep(name, f"Logit lens ({_words(end)})", cells, lens, steps)

    work = cells * facts.d_model * facts.d_vocab
    key = ("lens", engine.epoch, run.key, ask)
    return scene.backlog.get(view, key, begin, quick=work < QUICK)


def _words(end: str) -> str:
    return "baseline" if end == "base" else "now"


def roles_of(scene: Scene) -> dict[int, Role]:
    """The tokens that the metric compares."""
    metric = scene.outcome.metric
    roles: dict[int, Role] = {}
    if metric is not None:
        roles[metric.target] = "target"
        if metric.foil is not None:
            roles.setdefault(metric.foil, "foil")
    return roles


def words_of(model: Model, lenses: Iterable[Lens]) -> list[Word]:
    """The texts of all tokens that some lenses name."""
    ids = np.unique(np.concatenate([lens.ids.ravel() for lens in lenses]))
    return [Word(id=int(i), text=model.token_text(int(i))) for i in ids if i >= 0]


def _followed(model: Model, roles: dict[int, Role]) -> list[Followed]:
    return [Followed(id=i, text=model.token_text(i), role=role) for i, role in roles.items()]


def lens_needs(view: LensView, model: Model) -> list[Address]:
    """The middle of each block, where it is shown."""
    return [p for p in stream_places(model, middle=view.middle) if p.part == "resid_mid"]


def paint_lens(view: LensView, scene: Scene) -> LensInfo:
    """Arrays as :class:`LensView` names them."""
    roles = roles_of(scene)
    length = scene.outcome.now.lengths[0]
    places = tuple(stream_places(scene.model, middle=view.middle))
    found = lens_of(view, scene, Ask(places, tuple(range(length)), tuple(roles), 5))
    for end, lens in found.items():
        scene.parcel.add(f"ids_{end}", lens.ids)
        scene.parcel.add(f"probs_{end}", lens.probabilities)
        scene.parcel.add(f"logits_{end}", lens.logits)
        scene.parcel.add(f"log_probs_{end}", lens.log_probs)
        scene.parcel.add(f"ranks_{end}", lens.ranks)
    return LensInfo(
        places=[place.place for place in places],
        words=words_of(scene.model, found.values()),
        followed=_followed(scene.model, roles),
    )


def paint_grid(view: LogitGridView, scene: Scene) -> LogitGridInfo:
    """Arrays as :class:`LogitGridView` names them: the last row of the lens."""
    length = scene.outcome.now.lengths[0]
    end_place = stream_places(scene.model)[-1]
    k = max(1, min(view.k, 20))
    found = lens_of(view, scene, Ask((end_place,), tuple(range(length)), (), k))
    for end, lens in found.items():
        scene.parcel.add(f"ids_{end}", lens.ids[0])
        scene.parcel.add(f"probs_{end}", lens.probabilities[0])
    return LogitGridInfo(words=words_of(scene.model, found.values()))


def paint_trajectory(view: TrajectoryView, scene: Scene) -> TrajectoryInfo:
    """Arrays as :class:`TrajectoryView` names them."""
    position = position_of(scene, view.position)
    roles = roles_of(scene)
    typed, refused = _typed(scene.model, view.tokens)
    for token in typed:
        roles.setdefault(token, "typed")
    for _, run in scene.ends:
        top = scene.engine.logits_at(run, position)[0].topk(min(TOP, scene.model.facts.d_vocab))
        for token in top.indices.tolist():
            roles.setdefault(token, "")
    places = tuple(stream_places(scene.model))
    found = lens_of(view, scene, Ask(places, (position,), tuple(roles), 1))
    for end, lens in found.items():
        scene.parcel.add(f"ranks_{end}", lens.ranks[:, :, 0])
        scene.parcel.add(f"log_probs_{end}", lens.log_probs[:, :, 0])
    return TrajectoryInfo(
        position=position,
        places=[place.place for place in places],
        followed=_followed(scene.model, roles),
        refused=refused,
    )


def _typed(model: Model, texts: Sequence[str]) -> tuple[list[int], list[Refusal]]:
    found: list[int] = []
    refused: list[Refusal] = []
    for text in texts:
        try:
            found.append(model.single_token(text))
        except TargetError as error:
            refused.append(Refusal(text=text, message=error.message, hint=error.hint))
    return found, refused


def record_trajectory(board: Board) -> list[TrajectoryView]:
    """Every position."""
    return [TrajectoryView(position=i) for i in wanted.positions(board)]


_CELL = ("place", "position", "rank")
_FOLLOWED = ("followed", "place", "position")
LENS = Painter(
    paint_lens,
    lens_needs,
    lambda _board: [LensView(), LensView(middle=True)],
    {"ids": _CELL, "probs": _CELL, **dict.fromkeys(("logits", "log_probs", "ranks"), _FOLLOWED)},
)
LOGIT_GRID = Painter(
    paint_grid,
    record=lambda _board: [LogitGridView()],
    axes=dict.fromkeys(("ids", "probs"), ("position", "rank")),
)
TRAJECTORY = Painter(
    paint_trajectory,
    record=record_trajectory,
    axes=dict.fromkeys(("ranks", "log_probs"), ("followed", "place")),
)
