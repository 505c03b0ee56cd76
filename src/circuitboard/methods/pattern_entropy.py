"""Entropy of attention patterns: how spread out the attention of each head is.

H(p) = - sum over s of A[p, s] log A[p, s], in nats: 0 for a head that looks at one token,
log(p + 1) for one that looks at all it can see alike.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.spec.address import Address


def pattern_entropy(pattern: Float[Tensor, "... s"]) -> Float[Tensor, "..."]:
    """The entropy of each row of attention weights, in nats; a weight of zero adds nothing."""
    weights = pattern.float()
    return -torch.special.xlogy(weights, weights).sum(-1)


def layer_entropies(engine: Engine, run: HeldRun, layer: int) -> NDArray[np.float32]:
    """[h, p]: for each head of a layer and each destination; the mean over prompts.

    A pattern that an intervention has set need not sum to one; its entropy is that of its numbers.
    """
    heads = range(engine.model.facts.n_heads)
    places = [Address("head.pattern", layer, head=head) for head in heads]
    before = set(run.values)
    found = engine.read(run, places)
    rows = [pattern_entropy(found[place.place]).mean(0).cpu().numpy() for place in places]
    for place in set(run.values) - before:  # thousands of patterns are not worth their memory
        del run.values[place]
    return np.stack(rows).astype(np.float32)
