"""Steering: one direction at one place, what the coefficient does, and where the stream goes."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from circuitboard.methods.direct_logit_attribution import metric_reader
from circuitboard.methods.steering import ENDS, Ends, reach_of
from circuitboard.models.model import Model
from circuitboard.session.board import Board
from circuitboard.session.steered import Course, Line, course_of, lines_of, steering_effects
from circuitboard.spec import tensors
from circuitboard.spec.address import Address
from circuitboard.spec.errors import InterventionError
from circuitboard.wire.messages import (
    SteeringDirection,
    SteeringInfo,
    SteeringLine,
    SteeringView,
)
from circuitboard.wire.painters.scene import Floats, Painter, Scene


def needs(view: SteeringView, _model: Model) -> list[Address]:
    """The place itself, where the view names one."""
    return [Address.parse(view.at).at(None)] if view.at else []


def default_place(model: Model) -> str:
    """After the block before the middle, at the last token."""
    return f"L{(model.facts.n_layers - 1) // 2}.resid_post@-1"


def _asked(view: SteeringView, scene: Scene, lines: list[Line]) -> tuple[str, str]:
    """The place and the direction that a view means."""
    names = list(scene.board.directions)
    lines = sorted(lines, key=lambda line: line.on)  # the last one that is on comes last
    at = view.at or (lines[-1].at if lines else default_place(scene.model))
    here = [line.direction for line in lines if line.at == at]
    newest = here[-1] if here else names[-1] if names else ""
    known = view.direction if view.direction in names else newest
    return str(scene.model.check(Address.parse(at))), known


def paint(view: SteeringView, scene: Scene) -> SteeringInfo:
    """Arrays as :class:`SteeringView` names them."""
    entries, directions = scene.outcome.question.entries, scene.board.directions
    lines = lines_of(entries, directions)
    at, name = _asked(view, scene, lines)
    place = Address.parse(at)
    streams = {end: scene.read(run, place)[0][0].float() for end, run in scene.ends}
    if streams["base"].ndim != 2 or streams["base"].shape[-1] != scene.model.facts.d_model:
        raise InterventionError(
            f"{place.place} is not as wide as the residual stream.",
            "Steer at the stream, or at the output of attention, an MLP or a head.",
        )
    length = scene.outcome.baseline.lengths[0]
    streams = {end: stream[:length] for end, stream in streams.items()}
    steered = _steered(place, length)
    norms = {end: stream.norm(dim=-1) for end, stream in streams.items()}
    vector = tensors.lookup(directions[name]) if name else None
    own = float(np.linalg.norm(vector)) if vector is not None else 1.0
    middle = float(np.median(norms["base"].cpu().numpy()[steered]))
    reach = view.reach or reach_of(norms["base"].cpu().numpy()[steered], own)
    mine = [line for line in lines if line.at == at and line.direction == name]
    for end, stream in streams.items():
        scene.parcel.add(f"norms_{end}", norms[end].cpu().numpy())
        if vector is not None:
            towards = torch.tensor(vector, device=stream.device) / own
            scene.parcel.add(f"projection_{end}", (stream @ towards).cpu().numpy())
    if name:
        course = course_of(entries, at, directions[name], reach, scene.board.reference)
        _curve(view, scene, course)
    return SteeringInfo(
        at=at,
        direction=name,
        reach=reach,
        coefficient=mine[-1].coefficient if mine and mine[-1].on else 0.0,
        stream=middle,
        lines=[
            SteeringLine(
                entry=line.entry,
                at=line.at,
                direction=line.direction,
                coefficient=line.coefficient,
                on=line.on,
            )
            for line in lines
        ],
        directions=_described(scene),
    )


def _steered(place: Address, length: int) -> list[int]:
    if place.position is None:
        return list(range(length))
    found = list(place.position.indices(length))
    if not found:
        raise InterventionError(
            f"There is no token at @{place.position}.", "Choose another position."
        )
    return found


def _curve(view: SteeringView, scene: Scene, course: Course) -> None:
    metric, run = scene.outcome.metric, scene.outcome.baseline
    here = np.full(ENDS, np.nan, np.float32)
    scene.parcel.add("coefficients", np.array(course.coefficients, np.float32))
    if metric is None:
        found = np.full((len(course.coefficients), ENDS), np.nan, np.float32)
    else:
        found = steering_effects(scene.backlog, view, scene.engine, metric, run, course)
        now = scene.outcome.now
        ends = Ends(scene.model, metric, now.tokens, now.lengths).run(scene.engine, now)
        here = ends[0].cpu().numpy()
    scene.parcel.add("here", here)
    for column, name in enumerate(("metric", "target", "foil")):
        scene.parcel.add(name, np.ascontiguousarray(found[:, column]))


def _described(scene: Scene) -> list[SteeringDirection]:
    metric = scene.outcome.metric
    towards: Floats | None = None
    if metric is not None:
        reader: Tensor = metric_reader(scene.engine, metric).direction
        towards = reader.float().cpu().numpy()
    found: list[SteeringDirection] = []
    for name, tensor in scene.board.directions.items():
        vector = tensors.lookup(tensor).flatten()
        length = float(np.linalg.norm(vector))
        cosine = None
        if towards is not None and length > 0:
            cosine = float(vector @ towards) / (length * float(np.linalg.norm(towards)))
        found.append(SteeringDirection(name=name, length=length, cosine=cosine))
    return found


def record(board: Board) -> list[SteeringView]:
    """What the panel shows, then each line that steers."""
    lines = lines_of(board.question.entries, board.directions)
    return [SteeringView(), *(SteeringView(at=o.at, direction=o.direction) for o in lines)]


_OVER = ("coefficient",)
PAINTER = Painter(
    paint,
    needs,
    record,
    {
        **dict.fromkeys(("coefficients", "metric", "target", "foil"), _OVER),
        **dict.fromkeys(("norms", "projection"), ("position",)),
    },
)
