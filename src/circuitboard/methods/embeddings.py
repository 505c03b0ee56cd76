"""What a token's embedding is near to, and what it says by itself."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.spec.address import Address

#: Rows of W_E that are brought to float32 at once.
ROWS = 1 << 13


@dataclass(frozen=True)
class Neighbour:
    """A token, and how near or likely it is: a cosine, or a probability and its logit."""

    token: int
    value: float
    logit: float = 0.0


def nearest(engine: Engine, token: int, k: int = 10) -> list[Neighbour]:
    """The tokens whose rows of W_E have the largest cosine with a token's, itself left out."""
    table = engine.model.embedding()
    own = table[token].float()
    own = own / own.norm().clamp_min(1e-12)
    found: list[Tensor] = []
    for rows in table.split(ROWS):
        rows = rows.float()
        found.append((rows @ own) / rows.norm(dim=-1).clamp_min(1e-12))
    cosines = torch.cat(found)
    cosines[token] = -2.0
    top = cosines.topk(max(1, min(k, len(cosines) - 1)))
    return [
        Neighbour(int(i), float(v))
        for i, v in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    ]


def direct_path(
    engine: Engine, run: HeldRun, position: int, k: int = 10, prompt: int = 0
) -> list[Neighbour]:
    """What the embedding alone predicts: final norm and unembedding applied to what it adds.

    The direct path of Elhage 2021, W_E W_U, which can only learn which token follows which; here
    with the model's final norm at the embedding's own scale. The position is not included.
    """
    place = Address("embed")
    vector = engine.read(run, [place])[place.place][prompt, position]
    logits = engine.tail(vector[None])[0]
    top = logits.topk(max(1, min(k, len(logits))))
    total = logits.logsumexp(-1)
    return [
        Neighbour(int(i), float((v - total).exp()), float(v))
        for i, v in zip(top.indices, top.values, strict=True)
    ]


def position_vectors(engine: Engine, run: HeldRun, prompt: int = 0) -> Float[Tensor, "p d"] | None:
    """The learned position embeddings of a prompt's positions, or None without any."""
    place = Address("pos_embed")
    if not engine.model.has_part(place.part):
        return None
    found = engine.read(run, [place])[place.place]
    return found[prompt if len(found) > 1 else 0, : run.lengths[prompt]].float()
