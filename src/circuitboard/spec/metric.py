"""The number a run is judged by."""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

T = TypeVar("T")

MetricKind = Literal[
    "logit difference",
    "probability difference",
    "log-probability",
    "probability",
    "loss",
    "KL divergence",
]
#: Kinds that compare answers with foils.
DIFFERENCES = ("logit difference", "probability difference")
#: Kinds that need no answers.
UNTARGETED = ("loss", "KL divergence")


class Metric(msgspec.Struct, frozen=True):
    """A number for each prompt.

    At its last position: ``logit difference`` is logit(target) - logit(foil), ``probability
    difference`` p(target) - p(foil), ``log-probability`` and ``probability`` are of the target
    alone (nats), ``KL divergence`` is that of the baseline's next-token distribution from the
    run's, sum p_base log(p_base / p_now) (nats). ``loss`` is the mean cross-entropy of the prompt's
    own next tokens (nats). ``target`` and ``foil`` are token ids, the same for all prompts;
    ``targets`` and ``foils``, where there are any, go before them and are one for each prompt.

    ``target_sets`` and ``foil_sets`` go before all of these: several answers for each prompt.
    Logits of a set count by their mean, probabilities by their sum.
    """

    kind: MetricKind
    target: int = -1
    foil: int | None = None
    targets: tuple[int, ...] = ()
    foils: tuple[int, ...] = ()
    target_sets: tuple[tuple[int, ...], ...] = ()
    foil_sets: tuple[tuple[int, ...], ...] = ()

    @property
    def sets(self) -> bool:
        """Whether answers are sets."""
        return bool(self.target_sets or self.foil_sets)

    @property
    def apart(self) -> bool:
        """Whether prompts have answers of their own."""
        return self.sets or bool(self.targets or self.foils)

    def targets_of(self, rows: int) -> list[int]:
        """The target of each of ``rows`` rows: the prompts' targets, repeated."""
        return _tiled(self.targets or (self.target,), rows)

    def foils_of(self, rows: int) -> list[int]:
        """The foil of each row. Raises ValueError where there is none."""
        if self.foil is None and not self.foils:
            raise ValueError(f"a {self.kind} needs a foil")
        return _tiled(self.foils or (self.foil or 0,), rows)

    def answers_of(self, rows: int) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """Targets and foils of each row as sets; foils are empty where there are none."""
        if self.target_sets:
            targets = _tiled(self.target_sets, rows)
        else:
            targets = [(one,) for one in self.targets_of(rows)]
        if self.foil_sets:
            return targets, _tiled(self.foil_sets, rows)
        if self.foil is None and not self.foils:
            return targets, [()] * rows
        return targets, [(one,) for one in self.foils_of(rows)]


def _tiled(ids: tuple[T, ...], rows: int) -> list[T]:
    if rows % len(ids):
        raise ValueError(f"{len(ids)} tokens do not fit {rows} rows")
    return list(ids) * (rows // len(ids))
