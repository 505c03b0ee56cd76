"""Values of a metric on logits."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from circuitboard.spec.metric import Metric


def evaluate(metric: Metric, logits: Float[Tensor, "b v"]) -> Float[Tensor, "b"]:
    """The metric of each prompt, from logits at its last position [b, v]: [b], float32."""
    logits = logits.float()
    if metric.kind == "logit difference":
        if metric.foil is None:
            raise ValueError("a logit difference needs a foil")
        return logits[:, metric.target] - logits[:, metric.foil]
    log_probs = logits.log_softmax(-1)[:, metric.target]
    return log_probs if metric.kind == "log-probability" else log_probs.exp()
