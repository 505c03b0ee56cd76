"""How long the vectors are that parts add to the residual stream, and how long the stream is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun, Written
from circuitboard.spec.address import Address

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PartNorms:
    """Lengths at each prompt's last position, mean over prompts. NaN where there is no such part.

    A norm that follows attention or MLP (Gemma) is included, at its scale of this run.

    Attributes:
        heads: [l, h]; mlps, attn: [l], attn being all of a layer's attention; rest: [l], what
            attention writes beyond its heads (b_O); embed, pos_embed: the embeddings.
        stream: [2l + 1], the stream before attention and before the MLP of each layer, and after
            the last one.
    """

    heads: Floats
    mlps: Floats
    attn: Floats
    rest: Floats
    embed: float
    pos_embed: float
    stream: Floats

    def shares(self, parallel: bool) -> PartNorms:
        """Each length as a share of that of the stream that the part adds to.

        Attention adds to the stream that enters its layer, the MLP to that plus the attention (in a
        parallel block to the same one); the embeddings are a share of the stream that they form.
        """
        before = self.stream[:-1:2]
        middle = before if parallel else self.stream[1::2]
        return PartNorms(
            self.heads / before[:, None],
            self.mlps / middle,
            self.attn / before,
            self.rest / before,
            self.embed / float(before[0]),
            self.pos_embed / float(before[0]),
            self.stream,
        )


def part_norms(engine: Engine, run: HeldRun) -> PartNorms:
    """Lengths of what every part writes at the last position of a run."""
    model = engine.model
    f = model.facts
    heads = np.zeros((f.n_layers, f.n_heads), np.float32)
    mlps, attn, rest = (np.full(f.n_layers, np.nan, np.float32) for _ in range(3))
    for layer, part in enumerate(run.written):
        written = head_outputs(engine, layer, part)
        heads[layer] = _length(written).cpu().numpy()
        if part.attn is not None:
            attn[layer] = _length(part.attn)
            rest[layer] = _length(part.attn.float() - written.sum(1))
        if part.mlp is not None:
            mlps[layer] = _length(part.mlp)
    feet = [Address("embed"), Address("pos_embed")]
    embed, pos_embed = (
        float(_length(_foot(engine, run, a))) if model.has(a) else np.nan for a in feet
    )
    stream = np.array([float(_length(vectors)) for vectors in streams_at_end(run)], np.float32)
    return PartNorms(heads, mlps, attn, rest, embed, pos_embed, stream)


def head_outputs(engine: Engine, layer: int, part: Written) -> Float[Tensor, "b h d"]:
    """What each head of a layer adds to the stream at the last position."""
    weights = engine.model.output_weights(layer).detach().to(part.z.device)
    written = torch.einsum("bhe,hed->bhd", part.z.float(), weights.float())
    gain = engine.model.post_gain(layer, "ln1_post")
    if gain is not None:
        written = written * gain.to(written.device)
    return written if part.attn_scale is None else written / part.attn_scale[:, None, None]


def streams_at_end(run: HeldRun) -> list[Float[Tensor, "b d"]]:
    """The stream at the last position before each sublayer, and after the last: 2l + 1 of them."""
    rows, last = range(len(run.lengths)), [n - 1 for n in run.lengths]
    found: list[Tensor] = []
    for entering, written in zip(run.entering, run.written, strict=True):
        before = entering[rows, last].float()
        found += [before, before if written.attn is None else before + written.attn.float()]
    return [*found, run.final[rows, last].float()]


def norm_scales(engine: Engine, run: HeldRun) -> Floats:
    """[2l + 1]: what each norm divides by at the last position: ln1, ln2 of each layer, ln_final.

    The root of the variance (RMSNorm: of the mean square) plus epsilon; mean over prompts. NaN
    where the model has no such norm. Scales that interventions reach are read from the run itself.
    """
    model = engine.model
    rows, last = range(len(run.lengths)), [n - 1 for n in run.lengths]
    places = [Address(f"{n}.scale", i) for i in range(model.facts.n_layers) for n in ("ln1", "ln2")]
    streams = streams_at_end(run)
    if model.facts.parallel:
        streams[1:-1:2] = streams[:-1:2]
    streams[-1] = run.shifted[rows, last].float()
    touched = {i.address.at(None).place.removesuffix(".scale") for i in run.interventions}
    reached = {address.place.removesuffix(".scale") for address, _ in run.overrides}
    out: list[float] = []
    for place, stream in zip([*places, Address("ln_final.scale")], streams, strict=True):
        if not model.has(place):
            out.append(np.nan)
        elif place.place.removesuffix(".scale") in touched | reached:
            out.append(float(engine.read(run, [place])[place.place][rows, last].float().mean()))
        else:
            centred = stream - stream.mean(-1, keepdim=True) if model.facts.norm == "LN" else stream
            scale = (centred.pow(2).mean(-1) + model.norm_eps(place)).sqrt()
            out.append(float(scale.mean()))
    return np.array(out, np.float32)


def _foot(engine: Engine, run: HeldRun, place: Address) -> Tensor:
    """[b, d] of an embedding at the last position."""
    value = engine.read(run, [place])[place.place]
    if len(value) < len(run.lengths):  # positions are computed once for all prompts
        value = value.expand(len(run.lengths), *value.shape[1:])
    return value[range(len(run.lengths)), [n - 1 for n in run.lengths]]


def _length(vectors: Tensor) -> Tensor:
    """Mean over prompts (the first dimension) of the length."""
    return vectors.float().norm(dim=-1).mean(0)
