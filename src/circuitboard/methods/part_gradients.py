"""Attribution patching of every part and position of a run, with what is done to it in place.

The first-order estimate of what patching a place changes (Nanda 2023, "Attribution Patching"):

    (a of the source - a) . (d metric / d a),

summed over the place's own dimensions, with the gradient at the run as it is. The source is another
prompt's run with nothing done to it, or zeros: then it is minus gradient times activation, the
estimate of ablating the place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.gradient import Gradients, gradients, values_at
from circuitboard.engine.held import HeldRun
from circuitboard.engine.sites import through_z
from circuitboard.spec.address import Address
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PartGradients:
    """Estimates in the metric's unit, the mean over prompts, by part; NaN where there is none.

    Attributes:
        resid_pre, attn, mlp: [l, p]; head: [l, h, p]; embed, pos_embed: [p].
    """

    resid_pre: Floats
    attn: Floats
    mlp: Floats
    head: Floats
    embed: Floats
    pos_embed: Floats


def part_gradients(
    engine: Engine, run: HeldRun, metric: Metric, source: Tensor | None = None
) -> PartGradients:
    """One forward and one backward pass of the run, and a forward pass of the source.

    Args:
        metric: one of the last position.
        source: tokens [b, p] of the prompts whose values are put in; None for zeros.
    """
    work = _Work(engine, run, metric, source)
    return PartGradients(
        work.layers("resid_pre"),
        work.layers("attn"),
        work.layers("mlp"),
        work.heads(),
        work.whole(Address("embed")),
        work.whole(Address("pos_embed")),
    )


class _Work:
    def __init__(self, engine: Engine, run: HeldRun, metric: Metric, source: Tensor | None) -> None:
        self._model, self._run = engine.model, run
        layers = range(engine.model.facts.n_layers)
        parts = [Address(part, i) for part in ("resid_pre", "attn", "mlp") for i in layers]
        places = [Address("embed"), Address("pos_embed"), *parts]
        points = [place.hook for place in places if self._model.has(place)]
        points += [_z(layer) for layer in layers]
        self._set = set_heads(run)
        outs = {f"blocks.{a.layer}.attn.hook_out" for a in self._set}
        self._found: Gradients = gradients(engine, run, metric, [*points, *sorted(outs)])
        kept = [point for point in points if point in self._found.values]
        self._source = {} if source is None else values_at(self._model, source, kept)

    def whole(self, place: Address) -> Floats:
        """[p]"""
        point = place.hook if self._model.has(place) else ""
        if point not in self._found.values:
            return np.full(self._run.tokens.shape[1], np.nan, np.float32)
        return self._mean(self._product(point).sum(2))

    def layers(self, part: str) -> Floats:
        """[l, p]"""
        count = self._model.facts.n_layers
        return np.stack([self.whole(Address(part, layer)) for layer in range(count)])

    def heads(self) -> Floats:
        """[l, h, p]"""
        f = self._model.facts
        out = np.zeros((f.n_layers, f.n_heads, self._run.tokens.shape[1]), np.float32)
        for layer in range(f.n_layers):
            out[layer] = self._mean(self._product(_z(layer)).sum(3)).T
        for place in self._set:
            layer, head = place.layer or 0, place.head or 0
            slope = self._found.slopes[f"blocks.{layer}.attn.hook_out"].float()
            moved = self._written(layer, head) - self._found.changed[place.place].float()
            out[layer, head] = self._mean((moved * slope).sum(2))
        return out

    def _written(self, layer: int, head: int) -> Tensor:
        """What a head writes in the source, [b, p, d]."""
        if not self._source:
            return torch.zeros((), device=self._run.tokens.device)
        z = self._source[_z(layer)][:, :, head].float()
        return z @ self._model.output_weights(layer)[head].detach().to(z)

    def _mean(self, values: Tensor) -> Floats:
        """Over prompts, of which there is one row where the model computes it once for all."""
        return (values.sum(0) / len(self._run.lengths)).cpu().numpy()

    def _product(self, point: str) -> Tensor:
        theirs = self._source[point].float() if self._source else 0.0
        moved = theirs - self._found.values[point].float()
        return moved * self._found.slopes[point].float()


def set_heads(run: HeldRun) -> list[Address]:
    """Heads whose output is set or added to: it is no longer their z times W_O."""
    heads = [i for i in run.interventions if i.edge is None and i.address.part == "head"]
    places = dict.fromkeys(i.address.at(None) for i in heads)
    own = {place: [i for i in heads if i.address.at(None) == place] for place in places}
    return [place for place, items in own.items() if not through_z(items)]


def _z(layer: int) -> str:
    return Address("head.z", layer, head=0).hook
