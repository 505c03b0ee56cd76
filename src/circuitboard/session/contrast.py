"""The contrast prompt of a board: the one whose values are put in by patching."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, Literal

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from circuitboard.engine.engine import Check, Engine
from circuitboard.engine.metric import evaluate
from circuitboard.engine.sweep import Over, Watch, patch_grid
from circuitboard.methods.alignment import Pair, align
from circuitboard.methods.patch_cells import normalised
from circuitboard.models.model import Model
from circuitboard.session.interventions import Entry
from circuitboard.session.question import Encoded, Outcome, Question
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.intervention import Freeze, Patch, Source
from circuitboard.spec.metric import MetricKind

Floats = NDArray[np.float32]


class Contrasts(ABC):
    """The second prompt of a board."""

    model: Model
    engine: Engine
    _lock: threading.RLock
    _kind: MetricKind | None
    _question: Question
    _encoded: Encoded
    #: The metric of the contrast prompt, kept under all that it depends on.
    _measured: tuple[object, float] | None = None

    @property
    def contrast(self) -> str | None:
        """The contrast prompt, None where there is none; assign to change it (undo covers it).

        Assigning raises PromptError for a prompt that the model cannot run; nothing is changed.
        """
        return self._question.contrast or None

    @contrast.setter
    def contrast(self, text: str | None) -> None:
        self.ask(contrast=text or "")

    @property
    def contrast_tokens(self) -> list[int]:
        """Token ids of the contrast prompt; none where there is none."""
        return list(self._encoded.contrast)

    @property
    def contrast_metric(self) -> float | None:
        """The metric of the contrast prompt, with nothing done; None without one or a target.

        Waits for the run, and raises what went wrong in it.
        """
        return self.wait().contrast_value

    @property
    def alignment(self) -> list[Pair]:
        """Which tokens of the prompt and of the contrast prompt correspond."""
        theirs = self._encoded.contrast
        mine: list[int] = self._encoded.tokens[0].tolist()
        return align(mine, theirs) if theirs else []

    def need_contrast(self) -> str:
        """The contrast prompt. Raises InterventionError where there is none."""
        if not self._question.contrast:
            raise InterventionError(
                "The board has no contrast prompt to patch from.",
                'Give one below the prompt, or in Python: board.contrast = "...".',
            )
        return self._question.contrast

    def swap(self) -> None:
        """Makes the contrast prompt the prompt, and the prompt the contrast: one step of undo.

        Target and foil stay. What was patched from the contrast prompt is patched from the new one.
        Raises InterventionError without a contrast prompt, or where an intervention names a
        position that the new prompt does not have; then nothing has changed.
        """
        with self._lock:
            prompt, other = self._question.prompt, self.need_contrast()
            entries = tuple(_turned(e, other, prompt) for e in self._question.entries)
            self._change(prompt=other, contrast=prompt, entries=entries)

    def patch_grid(
        self,
        over: Over = "resid_pre",
        direction: Literal["noising", "denoising"] = "noising",
        *,
        share: bool = False,
        watch: Watch | None = None,
    ) -> Floats:
        """The numbers of the Patching panel: the metric with one place at a time patched.

        The same as :func:`circuitboard.patch_grid` for the board's two prompts and its metric, on
        the model without the board's interventions.

        Args:
            over: what is patched, layer x position [l, p], layer x head [l, h], and so on.
            direction: ``"noising"`` runs the prompt and patches from the contrast prompt, as
                :meth:`Board.patch` does; ``"denoising"`` runs the contrast prompt and patches from
                the prompt.
            share: give (m_patched - m_run) / (m_source - m_run) instead, 0 to 1 between the runs.
            watch: progress and cancelling.

        Raises:
            InterventionError: no contrast prompt, or one of another length; TargetError: no target.
        """
        question = self._question
        values = patch_grid(
            self.model, question.prompt, self.need_contrast(), self._kind, over=over,
            target=question.target, foil=question.foil, direction=direction, watch=watch,
        )  # fmt: skip
        if not share:
            return values
        outcome = self.wait()
        ends = [outcome.baseline_value or 0.0, outcome.contrast_value or 0.0]
        return normalised(values, *(ends if direction == "noising" else ends[::-1]))

    # --- for the rest of the board ------------------------------------------------------------

    def _check_alike(self, at: str) -> None:
        """Raises InterventionError where a place has no counterpart in the contrast prompt."""
        mine, theirs = self._encoded.tokens.shape[1], len(self._encoded.contrast)
        if mine == theirs:
            return
        place = Edge.parse(at).sender if "->" in at else Address.parse(at)
        if place.position is None:
            raise InterventionError(
                f"The contrast prompt has {theirs} tokens, the prompt {mine}: {at} cannot be "
                "patched at all of them.",
                f"Patch it at one token, such as {at.partition('@')[0]}@-1, or make them equal.",
            )
        counts = [len(place.position.indices(width)) for width in (mine, theirs)]
        if counts[0] != counts[1]:
            raise InterventionError(
                f"@{place.position} means {counts[1]} tokens in the contrast prompt and "
                f"{counts[0]} in the prompt.",
                "Name positions that both have as many of, such as @-3:.",
            )

    def _contrast_value(self, encoded: Encoded, check: Check) -> float | None:
        """The metric of the contrast prompt; a pass only where prompt, metric or weights are new.

        For the worker's thread, under the model's lock.
        """
        if encoded.metric is None or not encoded.contrast:
            return None
        key = (tuple(encoded.contrast), encoded.metric, self.engine.epoch)
        if self._measured is None or self._measured[0] != key:
            tokens = torch.tensor([encoded.contrast], device=self.model.device)
            run = self.engine.baseline(tokens, [len(encoded.contrast)], check)
            value = float(evaluate(encoded.metric, self.engine.last_logits(run)).mean())
            self._measured = (key, value)
        return self._measured[1]

    @abstractmethod
    def ask(
        self,
        prompt: str | None = None,
        target: str | None = None,
        foil: str | None = None,
        contrast: str | None = None,
    ) -> None: ...

    @abstractmethod
    def wait(self) -> Outcome: ...

    @abstractmethod
    def _change(self, **parts: Any) -> None: ...


def takes_from(item: object, prompt: str) -> bool:
    """Whether an intervention takes values from the untouched run of a prompt."""
    return isinstance(item, Patch | Freeze) and item.source == Source((prompt,))


def _turned(entry: Entry, old: str, new: str) -> Entry:
    """The entry; what it took from one prompt it takes from the other."""
    if not takes_from(entry.item, old):
        return entry
    return replace(entry, item=msgspec.structs.replace(entry.item, source=Source((new,))))
