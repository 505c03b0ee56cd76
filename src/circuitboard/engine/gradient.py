"""Gradients of a metric with respect to what flows through hook points, by autograd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import Judge, evaluate
from circuitboard.engine.sites import Frame, Task, Workshop
from circuitboard.engine.values import Lender
from circuitboard.models.executor import Hook, run_whole, run_with_gradients
from circuitboard.models.model import Model
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

    hooks = [
        *engine.fixed(run, layers[:-1], 0),
        *shop.hooks([Task(run.interventions.items)], (), layers),
        *((point, _catch(point, values)) for point in points),
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


def _catch(point: str, values: dict[str, Tensor]) -> Hook:
    """Keeps what goes on from a hook point, as a node of autograd's graph."""

    def hook(tensor: Tensor) -> Tensor:
        start = tensor if tensor.requires_grad else tensor.detach().requires_grad_()
        values[point] = start * 1
        return values[point].clone()  # what follows may write into it

    return hook


def _put(value: Tensor) -> Hook:
    return lambda tensor: value.to(tensor).reshape(tensor.shape)


@dataclass(frozen=True)
class Tape:
    """One pass of a model with nothing done to it but swaps, and autograd's graph of it.

    Attributes:
        values: by hook point, what went on from there; [b, p, ...] as the model has it.
        metric: [b], the metric of each prompt.
    """

    values: dict[str, Tensor]
    metric: Tensor

    def slopes(self) -> dict[str, Tensor]:
        """Gradients of the metric, summed over prompts, at each point, [b, p, ...].

        Zero where the metric does not depend on a point, as before a swap.
        """
        found = torch.autograd.grad(
            self.metric.sum(), list(self.values.values()), retain_graph=True, allow_unused=True
        )
        return {
            point: self.shaped(torch.zeros_like(value) if slope is None else slope)
            for (point, value), slope in zip(self.values.items(), found, strict=True)
        }

    def pull(self, point: str, into: str, slopes: Tensor) -> Tensor:
        """Pulls gradients at a point back to an earlier one: vector-Jacobian products.

        Only the ways between the two points that cross no residual connection around the first
        count: of an MLP's output back to its input, the norm and the MLP. Zero where what was
        put in at ``point`` cuts them off.

        Args:
            slopes: [n, b, p, ...], n gradients at ``point``.

        Returns:
            [n, b, p, d] at ``into``.
        """
        out = self.values[point]
        found = torch.autograd.grad(
            out,
            self.values[into],
            slopes.reshape(len(slopes), *out.shape).to(out),
            retain_graph=True,
            is_grads_batched=True,
            allow_unused=True,
        )[0]
        if found is None:
            start = self.values[into]
            found = start.new_zeros(len(slopes), *start.shape)
        return found.reshape(len(slopes), len(self.metric), -1, found.shape[-1])

    def shaped(self, tensor: Tensor) -> Tensor:
        """OPT computes part of a block on [b*p, d]: brought back to [b, p, d]."""
        return tensor if tensor.ndim > 2 else tensor.reshape(len(self.metric), -1, tensor.shape[-1])

    def value(self, point: str) -> Tensor:
        """What went on from a point, out of the graph, [b, p, ...]."""
        return self.shaped(self.values[point].detach())


def record(
    model: Model,
    tokens: Tensor,
    judge: Judge,
    points: Sequence[str],
    swaps: Mapping[str, Tensor] | None = None,
) -> Tape:
    """Runs tokens [b, p] in full, and keeps the graph.

    Args:
        judge: of the prompts, or of others whose metric the logits are to be judged by.
        points: TransformerLens hook points that the model has.
        swaps: by hook point, values [b, p, ...] put in there, from which gradients start anew.
    """
    values: dict[str, Tensor] = {}
    hooks = [(point, _put(value)) for point, value in (swaps or {}).items()]
    hooks += [(point, _catch(point, values)) for point in dict.fromkeys(points)]
    logits = run_with_gradients(model, tokens, hooks)
    with torch.enable_grad():
        return Tape(values, judge.outputs(logits))


def values_at(model: Model, tokens: Tensor, points: Sequence[str]) -> dict[str, Tensor]:
    """What goes on from hook points when tokens [b, p] are run in full: [b, p, ...]."""
    values: dict[str, Tensor] = {}

    def keep(point: str) -> Hook:
        def hook(tensor: Tensor) -> None:
            shape = tensor.shape if tensor.ndim > 2 else (*tokens.shape, tensor.shape[-1])
            values[point] = tensor.detach().reshape(shape).clone()

        return hook

    run_whole(model, tokens, [(point, keep(point)) for point in dict.fromkeys(points)])
    return values


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
