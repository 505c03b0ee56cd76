"""Direct logit attribution with other answers for each prompt, on the mean logits of sets of them.

The definition is that of :mod:`circuitboard.methods.direct_logit_attribution`: a part's output at
the last position, centred where the final norm centres, divided by that norm's scale in this run,
dot the difference of unembedding directions. Here the direction is each prompt's own: the mean of
its targets' directions minus the mean of its foils'.
"""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.result import RunResult
from circuitboard.methods.direct_logit_attribution import final_scale
from circuitboard.models.mlp import mlp_weights
from circuitboard.models.model import Model
from circuitboard.spec.address import Address

Floats = NDArray[np.float32]
Ids = Sequence[Sequence[int]]


def answer_directions(model: Model, targets: Ids, foils: Ids) -> Float[Tensor, "b d"]:
    """How the final norm's output must point for the answers, that norm's gain folded in.

    A prompt without foils reads its targets alone.
    """
    sides = [_means(model, targets), _means(model, foils)]
    direction = sides[0] - sides[1]
    gain = model.final_gain()
    if gain is not None:
        direction = direction * gain.to(direction)
    if model.facts.norm == "LN" and model.has_part("ln_final"):
        direction = direction - direction.mean(-1, keepdim=True)
    return direction


def _means(model: Model, sets: Ids) -> Tensor:
    known = sorted({token for ids in sets for token in ids})
    rows = model.unembed_rows(known or [0]).to(model.device).float()
    where = {token: i for i, token in enumerate(known)}
    none = torch.zeros_like(rows[0])
    return torch.stack(
        [rows[[where[token] for token in ids]].mean(0) if ids else none for ids in sets]
    )


def part_writing(
    result: RunResult, targets: Ids, foils: Ids, neurons: Iterable[str] = ()
) -> dict[str, Floats]:
    """What each part writes towards the answers of each prompt, in logits: [b] by address.

    ``embed`` is the stream that enters the first block, positions included.

    Args:
        result: a run of b prompts; targets, foils: token ids for each prompt.
        neurons: parts of their own, such as ``L3.mlp.n17``; ``L3.mlp`` is then the rest.
    """
    engine, run = result.engine, result.held
    model = engine.model
    with model.lock:
        read = answer_directions(model, targets, foils)
        rows = torch.arange(len(run.lengths), device=run.tokens.device)
        last = torch.tensor([n - 1 for n in run.lengths], device=run.tokens.device)
        read = read / final_scale(engine, run, (rows, last)).to(read.device)[:, None]
        start = run.entering[0].to(read.device)[rows, last].float()
        found = {"embed": (start * read).sum(1)}
        for layer, part in enumerate(run.written):
            gain = model.post_gain(layer, "ln1_post")
            towards = read if gain is None else read * gain.to(read)
            if part.attn_scale is not None:
                towards = towards / part.attn_scale.to(read)[:, None]
            weights = model.output_weights(layer).detach().to(read.device).float()
            heads = torch.einsum("bhe,hed,bd->bh", part.z.to(read.device).float(), weights, towards)
            found |= {f"L{layer}H{h}": heads[:, h] for h in range(model.facts.n_heads)}
            if part.mlp is not None:
                found[f"L{layer}.mlp"] = (part.mlp.to(read.device).float() * read).sum(1)
        places = [Address.parse(neuron) for neuron in neurons]
        active = engine.read(run, places) if places else {}
        for neuron in places:
            layer, number = neuron.layer or 0, neuron.neuron or 0
            post = active[neuron.place].to(read.device)[rows, last].float()
            outward = mlp_weights(model, layer).w_out[number].to(read.device).float()
            found[neuron.place] = post * (read @ outward)
            found[f"L{layer}.mlp"] = found[f"L{layer}.mlp"] - found[neuron.place]
    return {place: values.cpu().numpy() for place, values in found.items()}
