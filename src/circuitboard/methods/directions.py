"""Directions in the residual stream to measure residuals along, by name.

``metric``: what the prompt's target minus foil (or the target alone) read, through the final norm,
divided by the norm's scale of this run at the position: a dot product with it is in logits (direct
logit attribution). ``self``: the residual itself over its squared length, so that the shares of
its components sum to 1. ``output:L2H1``: what a head adds here, at unit length. ``write:L2H1``: the
direction in which a head writes most, the first right singular vector of its W_O [e, d] (the left
one where W_O is written d by e), at unit length, its sign such that what the head adds here is
positive. ``vector:NAME``: a registered vector, at unit length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.written import block_writes
from circuitboard.methods.components import head_outputs
from circuitboard.methods.direct_logit_attribution import final_scale, prompt_reader
from circuitboard.methods.stream import stream_at
from circuitboard.models.model import Model
from circuitboard.spec import tensors
from circuitboard.spec.address import Address
from circuitboard.spec.errors import InterventionError, TargetError
from circuitboard.spec.metric import Metric

Unit = Literal["logits", "share", "length"]


@dataclass(frozen=True)
class Point:
    """A residual: a place on the stream at one position, counted from the first, of one prompt."""

    place: Address
    position: int
    prompt: int = 0


@dataclass(frozen=True)
class Direction:
    """A direction.

    Attributes:
        vector: [d], to be multiplied with a residual.
        scaled: whether the product is still to be divided by the final norm's scale.
        constant: what biases add to a whole residual, in logits.
        unit: what a product with it is in.
    """

    vector: Tensor
    unit: Unit
    scaled: bool = False
    constant: float = 0.0


def find(
    engine: Engine,
    run: HeldRun,
    name: str,
    point: Point,
    known: tuple[Metric | None, Mapping[str, str]],
) -> Direction:
    """The direction of a name.

    Args:
        name: as the module says.
        point: the residual of ``self``; its position is that of ``output`` and ``write``.
        known: the metric, and registered vectors' tensor names by their own.

    Raises:
        TargetError: there is no metric.
        AddressError: the model has no such head.
        InterventionError: no such direction, or a vector of another width.
    """
    metric, vectors = known
    kind, _, rest = name.partition(":")
    if kind == "metric":
        if metric is None:
            raise TargetError("There is no target to project on.", "Give a target above.")
        read, _ = prompt_reader(engine, metric, point.prompt)
        return Direction(read.direction, "logits", scaled=True, constant=read.constant)
    if kind == "self":
        own = stream_at(engine, run, point.place)[point.prompt, point.position].float()
        return Direction(own / own.pow(2).sum().clamp_min(1e-30), "share")
    if kind in ("output", "write"):
        place = engine.model.check(Address.parse(rest))
        return Direction(_of_head(engine, run, place, point, kind), "length")
    if kind == "vector" and rest in vectors:
        return Direction(_own(engine.model, rest, vectors[rest]), "length")
    raise InterventionError(
        f"There is no direction {name!r}.",
        "Choose metric, self, output:L2H1, write:L2H1, or vector: and a registered name.",
    )


def scale_at(
    engine: Engine, run: HeldRun, direction: Direction, prompt: int, positions: list[int]
) -> Float[Tensor, "p"]:
    """What products with a direction are divided by at some positions."""
    if not direction.scaled:
        return torch.ones(len(positions), device=run.tokens.device)
    where = torch.tensor(positions, device=run.tokens.device)
    return final_scale(engine, run, (torch.full_like(where, prompt), where))


def top_writing(model: Model, layer: int, head: int) -> Float[Tensor, "d"]:
    """The first right singular vector of a head's W_O (a norm's gain after it included)."""
    weights = model.output_weights(layer)[head].detach().float()
    gain = model.post_gain(layer, "ln1_post")
    if gain is not None:
        weights = weights * gain
    # The small side first: [e, e] has the squared singular values.
    _, vectors = torch.linalg.eigh(weights @ weights.T)
    found = vectors[:, -1] @ weights
    return found / found.norm()


def _of_head(engine: Engine, run: HeldRun, place: Address, point: Point, kind: str) -> Tensor:
    assert place.layer is not None
    assert place.head is not None
    found = block_writes(engine, run, place.layer, point.position)
    if place.head in found.replaced:
        output = found.replaced[place.head][point.prompt, point.position].float()
    else:
        output = head_outputs(engine, found.written, place.layer, point.prompt)[place.head]
    if kind == "output":
        length = output.norm()
        return output / length if length > 0 else output
    key = ("top writing", place.layer, place.head)
    if key not in engine.directions:
        engine.directions[key] = top_writing(engine.model, place.layer, place.head)
    vector = engine.directions[key]
    return -vector if float(vector @ output) < 0 else vector


def _own(model: Model, name: str, tensor: str) -> Tensor:
    vector = torch.tensor(tensors.lookup(tensor), device=model.device).flatten()
    check_width(model, name, vector.numel())
    return vector / vector.norm()


def check_width(model: Model, name: str, width: int) -> None:
    """Raises InterventionError for a vector that is not as wide as the residual stream."""
    if width != model.facts.d_model:
        raise InterventionError(
            f"The direction {name!r} has {width} numbers; the residual stream has "
            f"{model.facts.d_model}.",
            "Give one number for each dimension of the stream.",
        )
