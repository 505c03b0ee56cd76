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
    ids, the same for all prompts; ``targets`` and ``foils``, where there are any, go before them
    and are one for each prompt.
    """

    kind: MetricKind
    target: int = -1
    foil: int | None = None
    targets: tuple[int, ...] = ()
    foils: tuple[int, ...] = ()

    def targets_of(self, rows: int) -> list[int]:
        """The target of each of ``rows`` rows: the prompts' targets, repeated."""
        return _tiled(self.targets or (self.target,), rows)

    def foils_of(self, rows: int) -> list[int]:
        """The foil of each row. Raises ValueError where there is none."""
        if self.foil is None and not self.foils:
            raise ValueError(f"a {self.kind} needs a foil")
        return _tiled(self.foils or (self.foil or 0,), rows)

    def of_prompt(self, prompt: int) -> Metric:
        """The metric of one prompt, its own target and foil in place of all."""
        target = self.targets[prompt] if self.targets else self.target
        foil = self.foils[prompt] if self.foils else self.foil
        return Metric(self.kind, target, foil)


def _tiled(ids: tuple[int, ...], rows: int) -> list[int]:
    if rows % len(ids):
        raise ValueError(f"{len(ids)} tokens do not fit {rows} rows")
    return list(ids) * (rows // len(ids))
