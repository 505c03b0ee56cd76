"""Attribution patching towards zero: the ablation effect of every part, estimated by one gradient.

For a part that writes a [b, p, d], the estimate of the change of the metric when it is set to zero
at all positions is the first-order term - sum over p of a . (d metric / d a): minus gradient times
activation, at the run as it is (Nanda 2023, "Attribution Patching", with zeros in place of another
prompt's activations). Gradients flow through everything that follows: attention, MLPs and norms.
It is exact where the metric is linear in the part, and can be far off where it is not; the ablation
effect is the exact number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.gradient import Gradients, gradients
from circuitboard.engine.held import HeldRun
from circuitboard.engine.sites import through_z
from circuitboard.spec.address import Address
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class GradientAttribution:
    """Estimated ablation effects, in the metric's unit, mean over prompts.

    Attributes:
        heads: [l, h]; mlps: [l], NaN without MLP; attn: [l], all of a layer's attention at once;
            embed, pos_embed: NaN where the model has no such part.
    """

    heads: Floats
    mlps: Floats
    attn: Floats
    embed: float
    pos_embed: float


def gradient_attribution(engine: Engine, run: HeldRun, metric: Metric) -> GradientAttribution:
    """One forward and one backward pass, with the run's own interventions in place."""
    model = engine.model
    f = model.facts
    wholes = {
        place.place: place.hook
        for place in (
            Address("embed"),
            Address("pos_embed"),
            *(Address(part, layer) for part in ("attn", "mlp") for layer in range(f.n_layers)),
        )
        if model.has(place)
    }
    inner = [Address("head.z", layer, head=0).hook for layer in range(f.n_layers)]
    mixed = _set_heads(run)
    outs = [_mixing(layer) for layer in sorted({a.layer or 0 for a in mixed})]
    found = gradients(engine, run, metric, [*wholes.values(), *inner, *outs])
    rows = len(run.lengths)

    def whole(place: str) -> float:
        point = wholes.get(place, "")
        if point not in found.values:
            return np.nan
        return -float(_product(found, point).sum()) / rows

    heads = np.zeros((f.n_layers, f.n_heads), np.float32)
    for layer, point in enumerate(inner):
        heads[layer] = -_product(found, point).sum((0, 1, 3)).cpu().numpy() / rows
    for place in mixed:
        slope = found.slopes[_mixing(place.layer or 0)].float()
        product = found.changed[place.place].float() * slope
        heads[place.layer or 0, place.head or 0] = -float(product.sum()) / rows
    return GradientAttribution(
        heads,
        np.array([whole(f"L{layer}.mlp") for layer in range(f.n_layers)], np.float32),
        np.array([whole(f"L{layer}.attn") for layer in range(f.n_layers)], np.float32),
        whole("embed"),
        whole("pos_embed"),
    )


def _product(found: Gradients, point: str) -> Tensor:
    return found.values[point].float() * found.slopes[point].float()


def _set_heads(run: HeldRun) -> list[Address]:
    """Heads whose output is set or added to: it is no longer their z times W_O."""
    heads = [i for i in run.interventions if i.edge is None and i.address.part == "head"]
    places = dict.fromkeys(i.address.at(None) for i in heads)
    own = {place: [i for i in heads if i.address.at(None) == place] for place in places}
    return [place for place, items in own.items() if not through_z(items)]


def _mixing(layer: int) -> str:
    return f"blocks.{layer}.attn.hook_out"
