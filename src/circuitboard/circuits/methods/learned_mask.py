"""A mask over all edges at once, learned by gradients: edge pruning."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from circuitboard.circuits.methods.job import Job
from circuitboard.circuits.methods.masked_loss import MaskedLoss, MaskOptions
from circuitboard.engine.sweep import Watch
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task

#: The hard-concrete distribution of Louizos 2018: temperature, and how far it is stretched.
BETA, LOW, HIGH = 2 / 3, -0.1, 1.1
#: Gates start open: the mean of a fresh gate is about 0.96.
OPEN = 2.0
#: Share of the steps in which the target grows from no edge removed to its end.
WARM = 0.5


class LearnedMaskOptions(MaskOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the learned mask.

    Attributes:
        keep: share of the edges that the mask is driven to.
        steps: of the optimizer. Toy models take hundreds.
        rate: Adam's, for gates and multipliers.
        batch: pairs in each step.
    """

    keep: float = 0.1
    steps: int = 300
    rate: float = 0.1
    batch: int = 16


@dataclass
class Gates:
    """One gate for each edge: open, shut, or in between."""

    log_alpha: Tensor

    def sample(self, dice: torch.Generator) -> Tensor:
        """Gates drawn from the hard-concrete distribution, 0 to 1; autograd follows."""
        shape = self.log_alpha.shape
        noise = torch.rand(shape, generator=dice).clamp(1e-6, 1 - 1e-6)
        drawn = torch.sigmoid((noise.logit() + self.log_alpha) / BETA)
        return (drawn * (HIGH - LOW) + LOW).clamp(0, 1)

    def open(self) -> Tensor:
        """The probability that each gate is not shut."""
        return torch.sigmoid(self.log_alpha - BETA * math.log(-LOW / HIGH))

    def still(self) -> Tensor:
        """The gates without their noise, 0 to 1."""
        return (torch.sigmoid(self.log_alpha) * (HIGH - LOW) + LOW).clamp(0, 1)


def learned_mask(model: Model, task: Task, *, options: LearnedMaskOptions, watch: Watch) -> Circuit:
    """Edges whose gates stay open while the number of open gates is driven down.

    Bhaskar 2024, "Finding Transformer Circuits with Edge Pruning": every edge lets z of the clean
    and 1 - z of the corrupted value pass, z hard-concrete (Louizos 2018, "Learning Sparse Neural
    Networks through L0 Regularization"); Adam lowers the objective plus a Lagrangian term
    l_1 (t - s) + l_2 (t - s)^2, s the expected share of shut gates and t its target, which grows
    from 0 during the first half of the steps; the multipliers go up the same gradient. At the end
    so many gates count as open as their noiseless values add up to. The paper's gates on senders
    are left out. Scores are the probabilities that gates are open.

    Raises:
        CircuitError: the options make no sense.
    """
    if not 0 < options.keep < 1 or options.steps < 1 or options.batch < 1 or options.rate <= 0:
        raise CircuitError(
            "A mask cannot be learned so.", "Take keep=0.1, steps=300, rate=0.1, batch=16."
        )
    job = Job(model, task, "learned-mask", options, watch)
    gates = _train(job, options)
    exists = job.space.exists
    matrix = np.full(exists.shape, np.nan)
    matrix[exists] = gates.open().detach().double().numpy()
    count = round(float(gates.still().sum()))
    order = torch.argsort(gates.log_alpha.detach(), descending=True, stable=True)[:count]
    chosen = np.zeros(len(order) if not exists.any() else int(exists.sum()), bool)
    chosen[order.numpy()] = True
    kept = np.zeros(exists.shape, bool)
    kept[exists] = chosen
    return job.done(matrix, kept)


def _train(job: Job, options: LearnedMaskOptions) -> Gates:
    """The gates of all edges, as ``exists`` goes through them."""
    loss = MaskedLoss(job, options.objective, options.batch)
    dice = torch.Generator().manual_seed(options.seed)
    exists = torch.tensor(job.space.exists)
    start = torch.full((int(exists.sum()),), OPEN)
    gates = Gates(start.requires_grad_())
    price = torch.zeros(2, requires_grad=True)
    down = torch.optim.Adam([gates.log_alpha], lr=options.rate)
    up = torch.optim.Adam([price], lr=options.rate, maximize=True)
    for step in range(options.steps):
        job.watch.check()
        part = loss.portions[int(torch.randint(len(loss.portions), (1,), generator=dice))]
        mask = torch.zeros(exists.shape).masked_scatter(exists, gates.sample(dice))
        target = (1 - options.keep) * min(1.0, (step + 1) / (WARM * options.steps))
        missed = target - (1 - gates.open().mean())
        total = loss.step(mask, part) + price[0] * missed + price[1] * missed**2
        for optimizer in (down, up):
            optimizer.zero_grad()
        total.backward()
        down.step()
        up.step()
        job.watch.progress(step + 1, options.steps)
    return gates
