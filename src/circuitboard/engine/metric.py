"""Values of a metric on a run, or on many runs side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from msgspec import structs
from torch import Tensor

from circuitboard.engine.sites import TAIL
from circuitboard.models.executor import run_tail
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import PromptError
from circuitboard.spec.metric import UNTARGETED, Metric

if TYPE_CHECKING:
    from circuitboard.engine.engine import Engine
    from circuitboard.engine.held import HeldRun

#: A user's own metric: logits at the last position [b, v] -> one number for each prompt [b].
OwnMetric = Callable[[Tensor], Tensor]

#: Logits are computed for so many rows at once at most.
TAIL_ROWS = 256


def evaluate(metric: Metric, logits: Float[Tensor, "b v"]) -> Float[Tensor, "b"]:
    """A metric of the last position alone, for each prompt, float32."""
    logits, rows = logits.float(), torch.arange(len(logits))
    if metric.kind in UNTARGETED:
        raise ValueError(f"a {metric.kind} needs more than the logits of one position")
    if metric.sets or metric.kind == "probability difference":
        return _of_sets(metric, logits)
    if metric.kind == "logit difference":
        targets, foils = metric.targets_of(len(rows)), metric.foils_of(len(rows))
        return logits[rows, targets] - logits[rows, foils]
    log_probs = logits.log_softmax(-1)[rows, metric.targets_of(len(rows))]
    return log_probs if metric.kind == "log-probability" else log_probs.exp()


def _of_sets(metric: Metric, logits: Float[Tensor, "b v"]) -> Float[Tensor, "b"]:
    """Logits of a set by their mean, probabilities by their sum."""
    targets, foils = metric.answers_of(len(logits))
    if metric.kind == "logit difference":
        return _mean(logits, targets) - _mean(logits, foils)
    log_probs = logits.log_softmax(-1)
    if metric.kind == "log-probability":
        index, there = _padded(targets, logits.device)
        return log_probs.gather(1, index).masked_fill(~there, -torch.inf).logsumexp(1)
    total = _sum(log_probs.exp(), targets)
    return total if metric.kind == "probability" else total - _sum(log_probs.exp(), foils)


def _padded(sets: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Sets of columns as one index [b, k], and which of its entries are there."""
    width = max(1, *map(len, sets))
    index = [[*ids, *[0] * (width - len(ids))] for ids in sets]
    there = [[k < len(ids) for k in range(width)] for ids in sets]
    return torch.tensor(index, device=device), torch.tensor(there, device=device)


def _sum(values: Float[Tensor, "b v"], sets: Sequence[Sequence[int]]) -> Float[Tensor, "b"]:
    """In each row the sum of some columns."""
    index, there = _padded(sets, values.device)
    return (values.gather(1, index) * there).sum(1)


def _mean(values: Float[Tensor, "b v"], sets: Sequence[Sequence[int]]) -> Float[Tensor, "b"]:
    sizes = torch.tensor([len(ids) for ids in sets], device=values.device)
    return _sum(values, sets) / sizes


def portion(metric: Metric | OwnMetric, rows: slice) -> Metric | OwnMetric:
    """The metric of some of its prompts: their own targets and foils."""
    if not isinstance(metric, Metric):
        return metric
    return structs.replace(
        metric,
        targets=metric.targets[rows],
        foils=metric.foils[rows],
        target_sets=metric.target_sets[rows],
        foil_sets=metric.foil_sets[rows],
    )


class Judge:
    """Evaluates a metric on the residual streams that runs end in.

    Args:
        tokens: [b, p]; lengths: tokens of each prompt.
        baseline: logits of the baseline at the last positions [b, v], for the KL divergence.

    Raises:
        PromptError: the loss of a prompt of one token is asked for.
    """

    def __init__(
        self,
        model: Model,
        metric: Metric | OwnMetric,
        tokens: Tensor,
        lengths: list[int],
        baseline: Tensor | None = None,
    ) -> None:
        self._model = model
        self._metric = metric
        self._tokens = tokens
        self._lengths = lengths
        self._baseline = baseline
        if self.whole and min(lengths) < 2:
            raise PromptError("A prompt of one token has no loss.", "Give it two or more.")

    @property
    def whole(self) -> bool:
        """Whether all positions are needed, not the last alone."""
        return isinstance(self._metric, Metric) and self._metric.kind == "loss"

    def run(self, engine: Engine, run: HeldRun) -> Float[Tensor, "b"]:
        """From a run."""
        if not self.whole:
            return self.logits(engine.last_logits(run))
        if run.whole or any(i.address.part in TAIL for i in run.interventions):
            return self._cross_entropy(engine.read(run, [Address("logits")])["logits"])
        return self.loss(run.shifted)

    def last(self, final: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
        """From streams at last positions, any number of repeats of the prompts' rows."""
        metric = self._metric
        narrow = isinstance(metric, Metric) and metric.kind == "logit difference"
        if narrow and self._model.narrow_exact and isinstance(metric, Metric):
            return self._narrow(metric, final)
        return torch.cat([self.logits(self._tail(part)) for part in self._parts(final)])

    def _parts(self, final: Tensor) -> tuple[Tensor, ...]:
        rows = len(self._lengths)
        return final.split(max(rows, TAIL_ROWS // rows * rows))

    def _tail(self, final: Tensor) -> Tensor:
        return run_tail(self._model, final[:, None])[:, 0].float()

    def _narrow(self, metric: Metric, final: Tensor) -> Tensor:
        answers = metric.answers_of(len(final))
        tokens = list(dict.fromkeys(token for sets in answers for ids in sets for token in ids))
        column = {token: n for n, token in enumerate(tokens)}
        with torch.no_grad():
            logits = self._model.narrow_logits(final, tokens)
        ends = [[[column[token] for token in ids] for ids in sets] for sets in answers]
        return _mean(logits, ends[0]) - _mean(logits, ends[1])

    def logits(self, logits: Float[Tensor, "n v"]) -> Float[Tensor, "n"]:
        """From logits at last positions."""
        metric = self._metric
        if not isinstance(metric, Metric):
            rows = len(self._lengths)
            return torch.cat([metric(part).float() for part in logits.split(rows)])
        if metric.kind != "KL divergence":
            return evaluate(metric, logits)
        assert self._baseline is not None
        base = self._baseline.log_softmax(-1).repeat(len(logits) // len(self._baseline), 1)
        return (base.exp() * (base - logits.log_softmax(-1))).sum(-1)

    def outputs(self, logits: Float[Tensor, "n p v"]) -> Float[Tensor, "n"]:
        """From logits at all positions, any number of repeats of the prompts' rows.

        Autograd follows it.
        """
        if self.whole:
            parts = logits.split(len(self._lengths))
            return torch.cat([self._cross_entropy(part) for part in parts])
        last = [n - 1 for n in self._lengths] * (len(logits) // len(self._lengths))
        rows = torch.arange(len(logits), device=logits.device)
        return self.logits(logits[rows, torch.tensor(last, device=logits.device)].float())

    def loss(self, final: Float[Tensor, "n p d"]) -> Float[Tensor, "n"]:
        """Mean cross-entropy of each prompt's own next tokens, from streams at all positions."""
        parts = final.split(len(self._lengths))
        return torch.cat([self._cross_entropy(run_tail(self._model, part)) for part in parts])

    def _cross_entropy(self, logits: Float[Tensor, "b p v"]) -> Float[Tensor, "b"]:
        """Padding does not count."""
        log_probs = logits[:, :-1].float().log_softmax(-1)
        picked = log_probs.gather(-1, self._tokens.to(logits.device)[:, 1:, None])[..., 0]
        return torch.stack([-picked[row, : n - 1].mean() for row, n in enumerate(self._lengths)])
