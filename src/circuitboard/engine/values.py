"""Values that interventions borrow from other runs: frozen, patched, mean, resampled."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from circuitboard.engine.edges import sender_place
from circuitboard.engine.sites import held_at
from circuitboard.spec import references
from circuitboard.spec.address import Address
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.intervention import (
    AnyIntervention,
    Freeze,
    InterventionSet,
    Mean,
    Patch,
    Resample,
    Source,
)

if TYPE_CHECKING:
    from circuitboard.engine.engine import Engine
    from circuitboard.engine.held import HeldRun

#: Places whose last dimension is positions: no two prompts agree on what it means.
POSITIONAL = ("head.scores", "head.pattern")


class Lender:
    """Finds, for one run about to be made, the values that its interventions borrow."""

    def __init__(
        self, engine: Engine, tokens: Tensor, lengths: list[int], check: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._tokens = tokens
        self._lengths = lengths
        self._check = check
        self._runs: dict[Source, HeldRun] = {}

    def values(
        self, wanted: InterventionSet, known: dict[AnyIntervention, Tensor] | None = None
    ) -> dict[AnyIntervention, Tensor]:
        """For each borrowing intervention, [b, p, ...] at all positions of these prompts."""
        found: dict[AnyIntervention, Tensor] = dict(known or {})
        for item in wanted:
            if item in found or not isinstance(item, Freeze | Patch | Mean | Resample):
                continue
            place = held_at(item, wanted) if item.edge is None else sender_place(item.edge)
            match item:
                case Freeze(source=None):
                    run = self._engine.baseline(self._tokens, self._lengths, self._check)
                    found[item] = self._read(run, place)
                case Freeze(source=source) | Patch(source=source):
                    assert source is not None
                    found[item] = self._aligned(item, source, place)
                case Mean():
                    found[item] = self._mean(item, place)
                case Resample():
                    found[item] = self._resampled(item, place)
        return found

    def _read(self, run: HeldRun, place: Address) -> Tensor:
        return self._engine.read(run, [place])[place.place]

    def _run(self, source: Source) -> HeldRun:
        if source not in self._runs:
            tokens, lengths = self._engine.encode(source.prompts)
            wanted = InterventionSet(source.interventions)
            self._runs[source] = self._engine.run(tokens, lengths, wanted, self._check)[0]
        return self._runs[source]

    # --- another run --------------------------------------------------------------------------

    def _aligned(self, item: AnyIntervention, source: Source, place: Address) -> Tensor:
        run = self._run(source)
        rows = len(self._lengths)
        if len(run.lengths) not in (1, rows):
            raise InterventionError(
                f"{item.at} takes values from {len(run.lengths)} prompts for {rows}.",
                "Give one source prompt, or one for each prompt.",
            )
        theirs = run.lengths * rows if len(run.lengths) == 1 else run.lengths
        value = self._read(run, place)
        value = value.expand(rows, *value.shape[1:])
        if theirs == self._lengths:
            return value[:, : self._tokens.shape[1]]
        return self._moved(item, value, theirs, place)

    def _moved(
        self, item: AnyIntervention, value: Tensor, theirs: Sequence[int], place: Address
    ) -> Tensor:
        position = item.address.position
        if position is None or place.part in POSITIONAL:
            raise InterventionError(
                f"The source of {item.at} has {theirs[0]} tokens, the prompt {self._lengths[0]}.",
                "Use prompts of equal length, or name positions, best from the end: "
                f"{item.at.partition('@')[0]}@-1.",
            )
        out = value.new_zeros(len(theirs), self._tokens.shape[1], *value.shape[2:])
        for row, (mine, other) in enumerate(zip(self._lengths, theirs, strict=True)):
            here, there = position.indices(mine), position.indices(other)
            if len(here) != len(there):
                raise InterventionError(
                    f"@{position} means {len(there)} tokens in the source and {len(here)} here.",
                    "Name positions that both prompts have as many of, such as @-3:.",
                )
            out[row, list(here)] = value[row, list(there)]
        return out

    # --- reference prompts --------------------------------------------------------------------

    def _reference(self, item: Mean | Resample) -> tuple[str, ...]:
        if item.reference is not None:
            return references.lookup(item.reference)
        prompts = self._engine.reference
        if not prompts:
            raise InterventionError(
                f"{item!r} needs reference prompts, and {self._engine.model.facts.name} has none.",
                "Give some: reference=[prompt, prompt, ...].",
            )
        return prompts

    def _mean(self, item: Mean, place: Address) -> Tensor:
        if place.part in POSITIONAL:
            raise InterventionError(
                f"There is no mean of {item.at} over prompts: its sources are positions.",
                "Freeze it, patch it, or take the mean of the head's output.",
            )
        run = self._run(Source(self._reference(item)))
        value = self._read(run, place)
        mask = torch.zeros(value.shape[:2], dtype=torch.bool, device=value.device)
        for row, length in enumerate(run.lengths):
            mask[row, :length] = True  # padding does not count
        mean = value[mask].float().mean(0).to(value.dtype)
        return mean.expand(len(self._lengths), self._tokens.shape[1], *mean.shape)

    def _resampled(self, item: Resample, place: Address) -> Tensor:
        if place.part in POSITIONAL:
            raise InterventionError(
                f"{item.at} cannot be resampled over prompts: its sources are positions.",
                "Freeze it, patch it, or resample the head's output.",
            )
        run = self._run(Source(self._reference(item)))
        value = self._read(run, place)
        width = self._tokens.shape[1]
        out = value.new_zeros(len(self._lengths), width, *value.shape[2:])
        digest = hashlib.sha256(f"{item.seed} {place.place}".encode()).digest()
        chance = random.Random(digest)
        for row, length in enumerate(self._lengths):
            fit = [i for i, n in enumerate(run.lengths) if n >= length]
            if not fit:
                raise InterventionError(
                    f"No reference prompt is as long as this one ({length} tokens).",
                    "Give longer reference prompts: reference=[...].",
                )
            pick = chance.choice(fit)
            end = run.lengths[pick]
            out[row, :length] = value[pick, end - length : end]
        return out
