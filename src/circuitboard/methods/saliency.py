"""Token saliency: how the metric answers to each token's embedding.

With x the embedding of a token (without its position) and g = d metric / d x at the run as it is:

``norm``
    |g|, the Euclidean length of the gradient: how steep the metric is there, whichever way
    (Simonyan, Vedaldi and Zisserman 2013, "Deep Inside Convolutional Networks", section 3; for
    words Li, Chen, Hovy and Jurafsky 2016, "Visualizing and Understanding Neural Models in NLP").
    It has no sign, and estimates nothing.
``dot``
    g . x, gradient times input (Denil, Demiraj and de Freitas 2014, "Extraction of Salient
    Sentences"; Shrikumar et al. 2017, "Not Just a Black Box"): the first-order estimate of what
    setting the token's embedding to zero takes away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.gradient import gradients, record
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import OwnMetric
from circuitboard.engine.run import Texts
from circuitboard.engine.sweep import Watch
from circuitboard.methods.audit import Estimates, Floats
from circuitboard.methods.contrast import Contrast
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.intervention import InterventionSet, Zero
from circuitboard.spec.metric import Metric, MetricKind
from circuitboard.spec.prompts import Prompts

_EMBED = Address("embed")


@dataclass(frozen=True)
class Saliency(Estimates):
    """Saliency of the tokens of one prompt.

    Attributes:
        norm, dot: [p], float32; ``audit()`` and ``exact()`` are of ``dot``.
    """

    norm: Floats
    dot: Floats
    _contrast: Contrast = field(repr=False)

    @property
    def addresses(self) -> Sequence[str]:
        """The embedding at each position."""
        return [f"embed@{p}" for p in range(len(self.dot))]

    @property
    def flat(self) -> Floats:
        """The same as ``dot``."""
        return self.dot

    def _exact(self, addresses: Sequence[str], watch: Watch | None) -> Floats:
        """What zeroing one token's embedding takes away."""
        sets = [InterventionSet((Zero(address),)) for address in addresses]
        return -self._contrast.measured(sets, watch)


def token_saliency(
    model: Model,
    prompt: Prompts,
    metric: MetricKind | OwnMetric | None = None,
    *,
    target: Texts | None = None,
    foil: Texts | None = None,
) -> Saliency:
    """Saliency of each token of one prompt, from one forward and one backward pass.

    Args:
        target, foil, metric: as for :func:`circuitboard.sweep`.

    Raises:
        InterventionError: there are several prompts; TargetError for a KL divergence, whose
            gradient at its own baseline is zero.
    """
    with model.lock:
        contrast = Contrast.of(model, (prompt, prompt), (metric, target, foil), "noising")
        contrast.refuse_divergence()
        if len(contrast.onto) > 1:
            raise InterventionError("Saliency is about one prompt.", "Give one at a time.")
        part = next(contrast.portions())
        tape = record(model, part.tokens, part.judge, [_EMBED.hook])
        slope = tape.slopes()[_EMBED.hook]
        norm, dot = _measures(tape.value(_EMBED.hook), slope)
    return Saliency(norm, dot, contrast)


def saliency_of(engine: Engine, run: HeldRun, metric: Metric) -> tuple[Floats, Floats]:
    """``norm`` and ``dot`` [p] of a run of one prompt, with its interventions in place."""
    found = gradients(engine, run, metric, [_EMBED.hook])
    return _measures(found.values[_EMBED.hook], found.slopes[_EMBED.hook])


def _measures(value: Tensor, slope: Tensor) -> tuple[Floats, Floats]:
    x, g = value[0].float(), slope[0].float()
    norm, dot = g.norm(dim=-1), (x * g).sum(-1)
    return norm.cpu().numpy().astype(np.float32), dot.cpu().numpy().astype(np.float32)
