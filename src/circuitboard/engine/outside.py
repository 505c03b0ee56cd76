"""What parts write where they are no part of a circuit: values of other runs, means, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

import torch
from jaxtyping import Int
from torch import Tensor

from circuitboard.engine.gradient import values_at
from circuitboard.models.attention import output_bias
from circuitboard.models.model import Model
from circuitboard.models.norms import has_post_norm, post_normed
from circuitboard.spec.address import Address
from circuitboard.spec.errors import InterventionError

if TYPE_CHECKING:
    from circuitboard.engine.engine import Engine

How = Literal["resample", "mean", "positional mean", "zero"]
#: By layer, neurons that are nodes of their own.
Neurons = Mapping[int, Sequence[int]]


@dataclass(frozen=True)
class Outside:
    """What every sender writes outside of a circuit, and the stream that this adds up to.

    Rows and positions may be 1 where they are all alike.

    Attributes:
        how: where the values are from.
        z: for each block, the heads' z [b, p, h, e].
        mlp: for each block, what its MLP writes [b, p, d]; None without MLPs.
        before_norm: for each block, what its attention writes before a norm of its own [b, p, d];
            None where no such norm is.
        attn: for each block, what its attention adds to the stream [b, p, d].
        streams: the stream entering each block and after the last [b, p, d].
        post: by layer, the activations of its neurons that are nodes of their own [b, p, n].
    """

    how: How
    z: list[Tensor]
    mlp: list[Tensor | None]
    before_norm: list[Tensor | None]
    attn: list[Tensor]
    streams: list[Tensor]
    post: dict[int, Tensor] = field(default_factory=dict[int, Tensor])

    @property
    def constant(self) -> bool:
        """Whether a part that reads nothing but such values writes just this."""
        return self.how == "resample"

    def middle(self, layer: int) -> Tensor:
        """The stream between a block's attention and MLP [b, p, d]."""
        return self.streams[layer] + self.attn[layer]


@torch.no_grad()
def outside(
    engine: Engine,
    theirs: Int[Tensor, "b p"],
    how: How,
    reference: tuple[Tensor, Sequence[int]] | None = None,
    neurons: Neurons | None = None,
) -> Outside:
    """The values for pairs of prompts.

    Args:
        theirs: token ids of the corrupted prompts, of which ``resample`` takes the values.
        how: ``resample``; ``mean`` over all prompts and positions of the reference, as
            :class:`circuitboard.Mean` has it; ``positional mean`` over its prompts, at each
            position; ``zero``.
        reference: token ids [b, p] and lengths of the prompts that means are over; ``theirs``
            unless given.
        neurons: by layer, those that are nodes of their own.

    Raises:
        InterventionError: the kind is unknown, or prompts differ in length where positions count.
    """
    if how not in get_args(How):
        raise InterventionError(
            f"{how!r} is no way to ablate.", f"Take one of {', '.join(get_args(How))}."
        )
    model = engine.model
    tokens = theirs if reference is None else reference[0]
    if how == "resample":
        return _of_run(model, theirs, neurons or {})
    lengths = [tokens.shape[1]] * len(tokens) if reference is None else list(reference[1])
    if how == "positional mean" and {*lengths} != {theirs.shape[1]}:
        raise InterventionError(
            "A mean at each position needs prompts of one length.",
            'Take how="mean", over all positions, or prompts of equal length.',
        )
    if how == "zero":
        tokens, lengths = tokens[:1], lengths[:1]
    found = values_at(model, tokens, _points(model, neurons or {}))
    means = {name: _mean(how, t, lengths) for name, t in found.items()}
    return _added_up(model, how, means, neurons or {})


def _points(model: Model, neurons: Neurons) -> list[str]:
    points = [Address("resid_pre", 0).hook]
    points += [Address("mlp.post", layer).hook for layer in neurons]
    for layer in range(model.facts.n_layers):
        parts = ["attn", "mlp"] if model.has(Address("mlp", layer)) else ["attn"]
        points += [Address(part, layer).hook for part in parts]
        points.append(Address("head.z", layer, head=0).hook)
        if has_post_norm(model, layer):
            points.append(_unnormed(layer))
    return points


def _unnormed(layer: int) -> str:
    return f"blocks.{layer}.attn.hook_out"


def _mean(how: How, values: Tensor, lengths: Sequence[int]) -> Tensor:
    """Of values [b, p, ...], the mean [1, 1, ...], or that at each position [1, p, ...]."""
    if how == "positional mean":
        return values.float().mean(0, keepdim=True).to(values.dtype)
    rows = torch.cat([row[:n] for row, n in zip(values, lengths, strict=True)])
    return rows.float().mean(0).to(values.dtype)[None, None]


def _of_run(model: Model, tokens: Tensor, neurons: Neurons) -> Outside:
    layers = range(model.facts.n_layers)
    streams = [Address("resid_pre", layer).hook for layer in layers]
    streams.append(Address("resid_post", layers[-1]).hook)
    found = values_at(model, tokens, [*_points(model, neurons), *streams])
    z, mlp, before, attn = _parts(model, found)
    post = _activations(found, neurons)
    return Outside("resample", z, mlp, before, attn, [found[name] for name in streams], post)


def _activations(found: dict[str, Tensor], neurons: Neurons) -> dict[int, Tensor]:
    return {
        layer: found[Address("mlp.post", layer).hook][..., list(some)]
        for layer, some in neurons.items()
    }


def _parts(
    model: Model, found: dict[str, Tensor]
) -> tuple[list[Tensor], list[Tensor | None], list[Tensor | None], list[Tensor]]:
    layers = range(model.facts.n_layers)
    return (
        [found[Address("head.z", layer, head=0).hook] for layer in layers],
        [found.get(Address("mlp", layer).hook) for layer in layers],
        [found.get(_unnormed(layer)) if has_post_norm(model, layer) else None for layer in layers],
        [found[Address("attn", layer).hook] for layer in layers],
    )


def _added_up(model: Model, how: How, found: dict[str, Tensor], neurons: Neurons) -> Outside:
    """Streams of means, which no run has, or of what is left where all parts write nothing."""
    z, mlp, before, attn = _parts(model, found)
    stream = found[Address("resid_pre", 0).hook]
    if how == "zero":
        stream = torch.zeros_like(stream)
    streams = [stream]
    for layer in range(model.facts.n_layers):
        whole = before[layer]
        if how == "zero":
            rest = output_bias(model, layer).expand_as(attn[layer])
            z[layer] = torch.zeros_like(z[layer])
            one = mlp[layer]
            mlp[layer] = None if one is None else torch.zeros_like(one)
            attn[layer], before[layer] = rest, None if whole is None else rest
        whole = before[layer]
        if whole is not None:
            attn[layer] = post_normed(model, layer, whole)
        stream = stream + attn[layer]
        written_by_mlp = mlp[layer]
        stream = stream if written_by_mlp is None else stream + written_by_mlp
        streams.append(stream)
    post = _activations(found, neurons)
    if how == "zero":
        post = {layer: torch.zeros_like(values) for layer, values in post.items()}
    return Outside(how, z, mlp, before, attn, streams, post)
