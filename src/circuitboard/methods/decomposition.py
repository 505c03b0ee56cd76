"""A residual taken apart into what each part wrote, measured along a direction.

The components sum to the residual exactly, up to rounding, which is shown: Elhage 2021, "A
Mathematical Framework for Transformer Circuits".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.result import RunResult
from circuitboard.methods.components import Components, Part, gather
from circuitboard.methods.directions import Direction, Point, Unit, check_width, find, scale_at
from circuitboard.methods.stream import stream_at
from circuitboard.spec import tensors
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError

Floats = NDArray[np.float32]
ON_STREAM = ("resid_pre", "resid_mid", "resid_post")


@dataclass(frozen=True)
class Decomposition:
    """One residual and its c components, in the order of the model.

    Attributes:
        place: its address; ``position`` is counted from the first token.
        parts: what the components are; ``names``: their addresses.
        vectors: [c, d].
        residual: [d], as it is in the run.
        projections: [c], each component along the direction, in ``unit``: ``logits``, ``share``
            (of the residual's squared length) or ``length``.
        norms: [c]. ``cosines``: [c], with the residual.
        total: the residual itself along the direction, without ``constant``.
        constant: what biases add to a whole residual, in logits; 0 for other directions.
        error: the length of the residual minus the sum of the components.
    """

    place: str
    position: int
    parts: list[Part]
    vectors: Floats
    residual: Floats
    projections: Floats
    norms: Floats
    cosines: Floats
    unit: Unit
    total: float
    constant: float
    error: float

    @property
    def names(self) -> list[str]:
        """Addresses of the components; those of the rest of attention end in ``.attn``."""
        return [part.at for part in self.parts]


def measure(
    engine: Engine, run: HeldRun, found: Components, point: Point, direction: Direction
) -> Decomposition:
    """A residual taken apart along a direction, from components that reach as far as it."""
    count = found.upto(point.place)
    vectors = torch.stack(found.vectors[:count])
    if point.place.part in ON_STREAM:
        own = stream_at(engine, run, point.place)[point.prompt, point.position].float()
    else:
        own = vectors.sum(0)
    scale = scale_at(engine, run, direction, point.prompt, [point.position])[0]
    vector = direction.vector / scale
    norms = vectors.norm(dim=-1)
    return Decomposition(
        place=point.place.place,
        position=point.position,
        parts=found.parts[:count],
        vectors=vectors.cpu().numpy(),
        residual=own.cpu().numpy(),
        projections=(vectors @ vector).cpu().numpy(),
        norms=norms.cpu().numpy(),
        cosines=((vectors @ own) / (norms * own.norm())).cpu().numpy(),
        unit=direction.unit,
        total=float(own @ vector),
        constant=direction.constant,
        error=float((own.double() - vectors.double().sum(0)).norm()),
    )


def decompose(
    result: RunResult,
    at: str,
    direction: str | object = "metric",
    *,
    prompt: int = 0,
    vectors: Mapping[str, str] | None = None,
) -> Decomposition:
    """Takes the residual at a place such as ``"L3.resid_post@-1"`` apart.

    Args:
        result: from :func:`circuitboard.run`, ``board.result`` or ``board.baseline``.
        at: ``L3.resid_pre``, ``L3.resid_mid`` or ``L3.resid_post``; the last position where none
            is named.
        direction: ``"metric"`` (the prompt's own target and foil), ``"self"``, ``"output:L2H1"``,
            ``"write:L2H1"`` (see :mod:`circuitboard.methods.directions`), or a vector [d].
        prompt: which prompt of the run.
        vectors: tensor names of further directions, for ``"vector:NAME"``.

    Raises:
        AddressError: not a place on the residual stream, or several positions.
        TargetError: the metric is asked for and the run has none.
        InterventionError: no such direction.
    """
    engine, run = result.engine, result.held
    address = engine.model.check(Address.parse(at))
    if address.part not in ON_STREAM:
        raise AddressError(
            f"{address.place} is not on the residual stream.",
            "Take L3.resid_pre, L3.resid_mid or L3.resid_post.",
        )
    length = run.lengths[prompt]
    positions = range(length - 1, length)
    if address.position is not None:
        positions = address.position.indices(length)
    if len(positions) != 1:
        raise AddressError(
            f"{address} is {len(positions)} positions of {length} tokens.",
            f"Take one, such as {address.place}@-1.",
        )
    known = dict(vectors or {})
    if not isinstance(direction, str):
        known["given"] = tensors.register(direction)
        check_width(engine.model, "given", tensors.lookup(known["given"]).size)
        direction = "vector:given"
    engine.check_fresh(run)
    point = Point(address.at(None), positions[0], prompt)
    with engine.model.lock:
        found = Components(point.position, prompt)
        for _ in gather(engine, run, found):
            pass
        along = find(engine, run, direction, point, (result.metric_kind, known))
        return measure(engine, run, found, point, along)
