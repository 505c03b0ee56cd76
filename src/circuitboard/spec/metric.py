"""The number a run is judged by."""

from __future__ import annotations

from typing import Literal

import msgspec

MetricKind = Literal["logit difference", "log-probability", "probability"]


class Metric(msgspec.Struct, frozen=True):
    """A function of the logits at each prompt's last position.

    ``logit difference``: logit(target) - logit(foil); ``log-probability`` and ``probability`` are
    of the target alone. ``target`` and ``foil`` are token ids, one for all prompts.
    """

    kind: MetricKind
    target: int
    foil: int | None = None
