"""Attribution patching of whole parts: what a patch or an ablation changes, by one gradient.

Sums over positions of :mod:`circuitboard.methods.part_gradients`. Gradients flow through everything
that follows: attention, MLPs and norms. It is exact where the metric is linear in the part, and can
be far off where it is not; patching, or the ablation effect, is the exact number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.methods.part_gradients import PartGradients, part_gradients
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class GradientAttribution:
    """Estimated effects, in the metric's unit, mean over prompts.

    Attributes:
        heads: [l, h]; mlps: [l], NaN without MLP; attn: [l], all of a layer's attention at once;
            embed, pos_embed: NaN where the model has no such part.
    """

    heads: Floats
    mlps: Floats
    attn: Floats
    embed: float
    pos_embed: float

    @classmethod
    def of(cls, parts: PartGradients) -> GradientAttribution:
        """Sums over positions."""
        return cls(
            parts.head.sum(-1),
            parts.mlp.sum(-1),
            parts.attn.sum(-1),
            float(parts.embed.sum()),
            float(parts.pos_embed.sum()),
        )


def gradient_attribution(
    engine: Engine, run: HeldRun, metric: Metric, source: Tensor | None = None
) -> GradientAttribution:
    """Each part set to zero, or to what it is when the tokens ``source`` [b, p] are run.

    One forward and one backward pass, with the run's own interventions in place.
    """
    return GradientAttribution.of(part_gradients(engine, run, metric, source))
