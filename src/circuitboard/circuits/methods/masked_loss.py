"""How much worse a task's pairs are answered with only some edges live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.circuits.methods.job import Job, Options
from circuitboard.engine.engine import engine_of
from circuitboard.engine.masked import MaskedRuns
from circuitboard.engine.metric import Judge, portion
from circuitboard.engine.sweep import Watch
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.metric import UNTARGETED, Metric

Objective = Literal["KL divergence", "metric"]

#: Numbers that the outputs of all senders may take for the pairs of one run.
ROOM = 1 << 26


class MaskOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of methods that run the model with some edges alone.

    Attributes:
        objective: what may not get worse: the ``KL divergence`` of the model's answers from the
            circuit's, or the task's ``metric``.
    """

    objective: Objective = "KL divergence"


@dataclass(frozen=True)
class Portion:
    """Some pairs, ready to be run under masks."""

    runs: MaskedRuns
    judge: Judge
    size: int


class MaskedLoss:
    """The loss of masks over a job's space: the smaller, the better.

    Args:
        most: pairs that are run together at most.
    """

    def __init__(self, job: Job, objective: Objective, most: int | None = None) -> None:
        self._job = job
        self.metric = Metric("KL divergence") if objective == "KL divergence" else job.metric
        self._sign = 1.0 if self.metric.kind in UNTARGETED else -1.0
        widest = max(len(job.model.tokenize(prompt)) for prompt in job.task.clean)
        numbers = len(job.space.senders) * job.model.facts.d_model * widest
        self._size = max(1, min(ROOM // numbers, most or len(job.task)))
        self.portions = [self._portion(n) for n in range(0, len(job.task), self._size)]

    def _portion(self, start: int) -> Portion:
        job, model = self._job, self._job.model
        self._job.watch.check()
        rows = slice(start, start + self._size)
        clean, corrupt = job.task.clean[rows], job.task.corrupt[rows]
        engine = engine_of(model)
        with model.lock:
            runs = MaskedRuns.of(model, clean, corrupt, graph=job.space.graph)
            tokens, lengths = engine.encode(clean)
            base = engine.last_logits(engine.baseline(tokens, lengths)).float()
        judge = Judge(model, portion(self.metric, rows), tokens, lengths, base)
        return Portion(runs, judge, len(clean))

    def of(self, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The loss of each mask [n, sender, receiver(, position)], the mean over pairs: [n]."""
        given = self._job.space.expand(torch.tensor(masks, dtype=torch.float32))
        quiet = Watch(check=self._job.watch.check)
        total = np.zeros(len(masks))
        for part in self.portions:
            values = part.runs.measure(list(given), part.judge, quiet)
            total += values.double().sum(1).cpu().numpy()
        return self._sign * total / len(self._job.task)

    def step(self, mask: Tensor, part: Portion) -> Tensor:
        """The loss of one soft mask on some pairs, for autograd: a number.

        Raises CircuitError where it cannot be had from the last logits.
        """
        if part.judge.whole:
            raise CircuitError(
                "The loss of whole prompts is not differentiated here.",
                'Take objective="KL divergence", or a task with another metric.',
            )
        full = self._job.space.expand(mask)[None]
        logits = part.runs.logits(full.to(self._job.model.device), grad=True)[0]
        with torch.enable_grad():
            return self._sign * part.judge.logits(logits.float()).mean()
