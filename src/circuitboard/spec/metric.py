"""The number a run is judged by."""

from __future__ import annotations

from typing import Literal

import msgspec

MetricKind = Literal["logit difference", "log-probability", "probability", "loss", "KL divergence"]


class Metric(msgspec.Struct, frozen=True):
    """A number for each prompt.

    At its last position: ``logit difference`` is logit(target) - logit(foil), ``log-probability``
    and ``probability`` are of the target alone (nats), ``KL divergence`` is that of the baseline's
    next-token distribution from the run's, sum p_base log(p_base / p_now) (nats). ``loss`` is the
    mean cross-entropy of the prompt's own next tokens (nats). ``target`` and ``foil`` are token
    ids, the same for all prompts.
    """

    kind: MetricKind
    target: int = -1
    foil: int | None = None
