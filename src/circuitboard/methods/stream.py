"""The residual stream as a whole: its places in order, norms, cosines and projections.

A norm is the Euclidean length, with nothing removed. A cosine is taken between streams as they
are, mean over d_model included.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.models.model import Model
from circuitboard.spec.address import Address


def stream_places(model: Model, *, middle: bool = False) -> list[Address]:
    """The stream before the first block and after each one; with ``middle`` before each MLP too."""
    places = [Address("resid_pre", 0)]
    for layer in range(model.facts.n_layers):
        if middle and model.has_part("resid_mid"):
            places.append(Address("resid_mid", layer))
        places.append(Address("resid_post", layer))
    return places


def stream_at(engine: Engine, run: HeldRun, place: Address) -> Float[Tensor, "b p d"]:
    """The residual stream at a place of a run, as what follows reads it, [b, p, d].

    The middle of a block is computed by running that block again, and kept with the run.
    """
    assert place.layer is not None
    if place.part == "resid_post":
        return run.stream(place.layer + 1)
    touched = any(i.edge is None and i.address.place == place.place for i in run.interventions)
    if place.part == "resid_pre" and not touched:
        return run.stream(place.layer)
    return engine.read(run, [place])[place.place]


def is_known(run: HeldRun, place: Address) -> bool:
    """Whether :func:`stream_at` has nothing to compute."""
    return place.part != "resid_mid" or place.place in run.values


def read_steps(
    engine: Engine, run: HeldRun, places: Sequence[Address]
) -> Generator[int, None, None]:
    """Reads places of a run that are not known yet, one at a step; they are kept with the run."""
    for done, place in enumerate(places, 1):
        if engine.epoch != run.epoch:
            return
        with engine.model.lock:
            stream_at(engine, run, place)
        yield done


def norms(streams: Float[Tensor, "r p d"]) -> Float[Tensor, "r p"]:
    """Length of each residual."""
    return streams.float().norm(dim=-1)


def cosines(vectors: Float[Tensor, "n d"]) -> Float[Tensor, "n n"]:
    """Cosine of each pair of vectors; NaN with one that is zero."""
    vectors = vectors.float()
    unit = vectors / vectors.norm(dim=-1, keepdim=True)
    return (unit @ unit.T).clamp(-1, 1)


def projections(
    streams: Float[Tensor, "r p d"], vector: Float[Tensor, "d"], scale: Float[Tensor, "p"]
) -> Float[Tensor, "r p"]:
    """Each residual's dot product with a direction, divided by each position's scale."""
    return (streams.float() @ vector.to(streams.device)) / scale.to(streams.device)


def stacked(
    engine: Engine, run: HeldRun, places: Sequence[Address], prompt: int = 0
) -> Float[Tensor, "r p d"]:
    """One prompt's stream at several places; NaN where one would have to be computed first."""
    length = run.lengths[prompt]
    blank = torch.full_like(run.stream(0)[prompt, :length], float("nan"))
    return torch.stack(
        [
            stream_at(engine, run, place)[prompt, :length] if is_known(run, place) else blank
            for place in places
        ]
    )
