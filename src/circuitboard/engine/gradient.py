"""Gradients of a metric with respect to what flows through hook points, by autograd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import evaluate
from circuitboard.engine.sites import Frame, Task, Workshop
from circuitboard.engine.values import Lender
from circuitboard.models.executor import Hook, run_with_gradients
from circuitboard.spec.address import Address
from circuitboard.spec.metric import Metric


@dataclass(frozen=True)
class Gradients:
    """One differentiated pass.

    Attributes:
        values, slopes: by hook point, the tensor that went on from there and the gradient of the
            metric, summed over prompts, with respect to it; [b, p, ...] (or [1, p, ...] where the
            model computes it once for all prompts).
        changed: places that are no tensor of their own, and their new values.
    """

    values: dict[str, Tensor]
    slopes: dict[str, Tensor]
    changed: dict[str, Tensor]


def gradients(engine: Engine, run: HeldRun, metric: Metric, points: Sequence[str]) -> Gradients:
    """Runs the prompts of a run once more, in full, with its interventions, and differentiates.

    Every value is that after all changes. What interventions borrow from other runs, and what
    edges set, is held constant: no gradient flows into it.

    Args:
        metric: one of the last position (see :func:`evaluate`).
        points: TransformerLens hook points that the model has.
    """
    model = engine.model
    layers = range(model.facts.n_layers + 1)
    frame = Frame(run.lengths, run.tokens.shape[1], 0, run.tokens.device)
    lent = Lender(engine, run.tokens, run.lengths, lambda: None).values(run.interventions)
    shop = Workshop(model, frame, lent)
    values: dict[str, Tensor] = {}

    def catch(point: str) -> Hook:
        def hook(tensor: Tensor) -> Tensor:
            start = tensor if tensor.requires_grad else tensor.detach().requires_grad_()
            values[point] = start * 1
            return values[point].clone()  # what follows may write into it

        return hook

    hooks = [
        *engine.fixed(run, layers[:-1], 0),
        *shop.hooks([Task(run.interventions.items)], (), layers),
        *((point, catch(point)) for point in points),
        *_shift(engine, run),
    ]
    logits = run_with_gradients(model, run.tokens, hooks)
    last = torch.tensor([n - 1 for n in run.lengths], device=logits.device)
    rows = torch.arange(len(run.lengths), device=logits.device)
    with torch.enable_grad():
        total = evaluate(metric, logits[rows, last]).sum()
    slopes = torch.autograd.grad(total, list(values.values()), allow_unused=True)
    return Gradients(
        {point: _positions(value.detach(), run) for point, value in values.items()},
        {
            point: _positions(torch.zeros_like(value) if slope is None else slope, run)
            for (point, value), slope in zip(values.items(), slopes, strict=True)
        },
        {place: value.detach() for place, value in shop.changed.items()},
    )


def _shift(engine: Engine, run: HeldRun) -> list[tuple[str, Hook]]:
    """What edges into the logits add to the stream that the final norm reads."""
    if run.tail_shift is None:
        return []
    shift = run.tail_shift
    place = Address("resid_post", engine.model.facts.n_layers - 1)
    return [(place.hook, lambda stream: stream + shift)]


def _positions(tensor: Tensor, run: HeldRun) -> Tensor:
    """OPT computes part of a block on [b*p, d]: brought back to [b, p, d]."""
    return tensor if tensor.ndim > 2 else tensor.reshape(len(run.lengths), -1, tensor.shape[-1])
