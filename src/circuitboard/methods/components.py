"""What every part adds to the residual stream at one position: vectors that sum to the stream.

The parts are the token embedding, the position embedding where it is learned, each head (z times
its rows of W_O; where a norm follows attention, as in Gemma, with that norm's gain and divided by
its scale of this run), the rest of each attention layer (b_O, and what was set there or in the
middle of the block), each MLP, and what interventions on the stream itself changed.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun, Written
from circuitboard.engine.written import block_writes
from circuitboard.methods.stream import stream_at
from circuitboard.spec.address import Address

PartKind = Literal["embed", "pos_embed", "head", "rest", "mlp", "change"]


@dataclass(frozen=True)
class Part:
    """One summand of the stream. ``at`` is its address; of ``rest``, that of the attention layer;
    of ``change``, that of the place on the stream that interventions changed.
    """

    kind: PartKind
    at: str
    layer: int | None = None


@dataclass
class Components:
    """The summands of the stream at one position of one prompt, in the order of the model.

    Attributes:
        position: counted from the first token.
        parts: what they are; ``vectors``: [d] each, float32.
        layers: how many layers have been read so far.
    """

    position: int
    prompt: int = 0
    parts: list[Part] = field(default_factory=list[Part])
    vectors: list[Tensor] = field(default_factory=list[Tensor])
    layers: int = 0

    def add(self, kind: PartKind, place: Address, vector: Float[Tensor, "d"]) -> None:
        """Adds one summand."""
        self.parts.append(Part(kind, place.place, place.layer))
        self.vectors.append(vector.float())

    def upto(self, place: Address) -> int:
        """How many of the summands have been added when the stream passes a place."""
        if place.part in ("embed", "pos_embed"):
            return sum(part.at == place.part for part in self.parts)
        assert place.layer is not None
        before = {
            "resid_pre": (),
            "resid_mid": ("head", "rest"),
            "resid_post": ("head", "rest", "mlp", "change"),
        }[place.part]
        start = Address("resid_pre", place.layer).place
        return sum(
            part.layer is None
            or part.layer < place.layer
            or (part.layer == place.layer and (part.kind in before or part.at == start))
            for part in self.parts
        )


def gather(engine: Engine, run: HeldRun, into: Components) -> Generator[int, None, None]:
    """Collects the summands from the embedding upwards; yields how many layers are done."""
    for layer in range(engine.model.facts.n_layers):
        if engine.epoch != run.epoch:
            return
        with engine.model.lock:
            if layer == 0:
                _embeddings(engine, run, into)
            _block(engine, run, layer, into)
        into.layers = layer + 1
        yield layer + 1


def _embeddings(engine: Engine, run: HeldRun, into: Components) -> None:
    row, position = into.prompt, into.position
    start = run.stream(0)[row, position].float()
    place = Address("pos_embed")
    if not engine.model.has_part(place.part):
        into.add("embed", Address("embed"), start)
        return
    added = engine.read(run, [place])[place.place]
    where = added[row if len(added) > 1 else 0, position].float()
    into.add("embed", Address("embed"), start - where)
    into.add("pos_embed", place, where)


def _block(engine: Engine, run: HeldRun, layer: int, into: Components) -> None:
    row, position = into.prompt, into.position
    before = run.stream(layer)[row, position].float()
    first = Address("resid_pre", layer)
    entering = stream_at(engine, run, first)[row, position].float()
    if _touched(run, first):
        into.add("change", first, entering - before)
    found = block_writes(engine, run, layer, position)
    heads = head_outputs(engine, found.written, layer, row)
    for head, value in found.replaced.items():
        heads[head] = value[row, position].float()
    for head in range(len(heads)):
        into.add("head", Address("head", layer, head=head), heads[head])
    attn, mlp = found.written.attn, found.written.mlp
    written = torch.zeros_like(entering)
    if attn is not None:
        written = written + attn[row].float()
        into.add("rest", Address("attn", layer), attn[row].float() - heads.sum(0))
    if mlp is not None:
        written = written + mlp[row].float()
        into.add("mlp", Address("mlp", layer), mlp[row].float())
    last = Address("resid_post", layer)
    if _touched(run, last):
        leaving = run.stream(layer + 1)[row, position].float()
        into.add("change", last, leaving - entering - written)


def head_outputs(
    engine: Engine, written: Written, layer: int, prompt: int = 0
) -> Float[Tensor, "h d"]:
    """What each head of a layer adds to the stream, without b_O."""
    weights = engine.model.output_weights(layer).detach()
    heads = torch.einsum("he,hed->hd", written.z[prompt].float(), weights.float())
    gain = engine.model.post_gain(layer, "ln1_post")
    if gain is not None:
        heads = heads * gain
    scale = written.attn_scale
    return heads if scale is None else heads / scale[prompt].float()


def _touched(run: HeldRun, place: Address) -> bool:
    return any(i.edge is None and i.address.place == place.place for i in run.interventions)
