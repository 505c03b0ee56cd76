"""Attribution patching: activation patching of every place, estimated by one gradient.

Nanda 2023, "Attribution Patching: Activation Patching At Industrial Scale": with a the value of a
place, the change of the metric when it is patched is about

    sum of (d metric / d a, at the run that is patched) . (a of the source - a of that run).

For ``denoising`` that is the gradient at the corrupted run times (clean - corrupted), Nanda's own
form; for ``noising`` the gradient at the clean run times (corrupted - clean), as in edge
attribution. It is the first-order term of what :func:`circuitboard.patch_grid` measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from circuitboard.engine.gradient import record, values_at
from circuitboard.engine.metric import OwnMetric
from circuitboard.engine.run import Texts
from circuitboard.engine.sweep import Over, Watch, checked_grid
from circuitboard.methods.audit import Estimates, Floats
from circuitboard.methods.contrast import Contrast, Direction, Portion
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.intervention import InterventionSet, Zero
from circuitboard.spec.metric import MetricKind
from circuitboard.spec.prompts import Prompts

#: What a grid is over -> the part whose hook point holds it.
_PARTS = {"head": "head.z", "head position": "head.z", "neuron": "mlp.post"}


@dataclass(frozen=True)
class Attribution(Estimates):
    """Estimated changes of the metric, one place patched at a time.

    Attributes:
        scores: the mean over prompts, float32, in the shape of :func:`circuitboard.patch_grid`.
        per_prompt: the same with the prompts as a last dimension, b.
        base: the metric of the run that is patched, [b].
        over: what was patched.
    """

    scores: Floats
    per_prompt: Floats
    base: Floats
    over: Over
    _places: tuple[str, ...] = field(repr=False)
    _contrast: Contrast = field(repr=False)
    _zero: bool = field(repr=False, default=False)

    @property
    def grid(self) -> Floats:
        """The metric of each patched run, estimated: what ``patch_grid`` measures."""
        change = -self.scores if self._zero else self.scores
        return change + np.float32(self.base.mean())

    @property
    def addresses(self) -> Sequence[str]:
        """The places, in the order of ``scores.ravel()``."""
        return self._places

    @property
    def flat(self) -> Floats:
        """``scores`` as a line."""
        return self.scores.ravel()

    def _exact(self, addresses: Sequence[str], watch: Watch | None) -> Floats:
        if not self._zero:
            return self._contrast.patched(addresses, watch)
        sets = [InterventionSet((Zero(address),)) for address in addresses]
        return -self._contrast.measured(sets, watch)


def attribution_patching(
    model: Model,
    clean: Prompts,
    corrupt: Prompts,
    metric: MetricKind | OwnMetric | None = None,
    *,
    over: Over = "head",
    target: Texts | None = None,
    foil: Texts | None = None,
    direction: Direction = "denoising",
) -> Attribution:
    """The first-order estimate of :func:`circuitboard.patch_grid`, for its arguments.

    Two forward passes and one backward pass for all places together. ``denoising`` takes the
    gradient at the corrupted run and multiplies by clean - corrupted (Nanda 2023); ``noising``
    takes it at the clean run and multiplies by corrupted - clean.

    Returns:
        Scores, [l, h], [l, p], [l, h, p] or [l, n] as ``over`` has it there; ``audit()`` measures
        the largest.

    Raises:
        What ``patch_grid`` raises; TargetError for a KL divergence, which has no gradient there.
    """
    with model.lock:
        contrast = Contrast.of(model, (clean, corrupt), (metric, target, foil), direction)
        return _attribution(contrast, over, zero=False)


def gradient_times_activation(
    model: Model,
    prompt: Prompts,
    metric: MetricKind | OwnMetric | None = None,
    *,
    over: Over = "head",
    target: Texts | None = None,
    foil: Texts | None = None,
) -> Attribution:
    """Gradient times activation of every part, or part and position.

    One forward and one backward pass. ``exact()`` and ``audit()`` set the place to zero, and give
    what that takes away: the metric of the run minus that of the run with the place at zero.

    Args:
        over, target, foil, metric: as for :func:`circuitboard.patch_grid`.

    Raises:
        What :func:`attribution_patching` raises.
    """
    with model.lock:
        pair = (prompt, prompt)
        contrast = Contrast.of(model, pair, (metric, target, foil), "noising")
        return _attribution(contrast, over, zero=True)


def _attribution(contrast: Contrast, over: Over, *, zero: bool) -> Attribution:
    contrast.refuse_divergence()
    places, form = checked_grid(contrast.model, over, contrast.widths)
    parts = [_estimate(contrast.model, part, over, zero) for part in contrast.portions()]
    per_prompt = np.concatenate([scores for scores, _ in parts], axis=-1)
    base = np.concatenate([begun for _, begun in parts])
    per_prompt = per_prompt.reshape(*form, len(base))
    mean = per_prompt.mean(-1)
    return Attribution(mean, per_prompt, base, over, tuple(places), contrast, zero)


def _estimate(model: Model, part: Portion, over: Over, zero: bool) -> tuple[Floats, Floats]:
    """Scores of every cell [l, ..., b] and the metric [b] of some prompts."""
    points = [_point(over, layer) for layer in range(model.facts.n_layers)]
    before = [Address("resid_pre", layer).hook for layer in range(len(points))]
    needed = [*points, *(before if over == "resid_mid" else ())]
    theirs = {} if zero else values_at(model, part.theirs, needed)
    tape = record(model, part.tokens, part.judge, needed)
    slopes = tape.slopes()

    def change(point: str) -> Tensor:
        own = tape.value(point).float()
        return own if zero else theirs[point].float() - own

    found = []
    for point, entering in zip(points, before, strict=True):
        moved = change(point)
        if over == "resid_mid":  # what it is the sum of; the metric sees it through attention's
            moved = moved + change(entering)
        found.append(_cells(moved * slopes[point].float(), over, model.facts.n_heads).cpu())
    scores = torch.stack(found).movedim(1, -1).numpy()
    return scores, tape.metric.detach().float().cpu().numpy()


def _point(over: Over, layer: int) -> str:
    if over == "resid_mid":
        return Address("attn", layer).hook
    heads = over in ("q", "k", "v", "z", "pattern")
    part = _PARTS.get(over, f"head.{over}" if heads else over)
    return Address(part, layer, head=0 if part.startswith("head") else None).hook


def _cells(product: Tensor, over: Over, heads: int) -> Tensor:
    """Products at a hook point summed to the cells of a grid: [b, ...]."""
    if over == "pattern":
        return product.sum((2, 3))
    if over == "neuron":
        return product.sum(1)
    if over == "head position":
        return product.sum(-1).transpose(1, 2)
    if product.ndim == 4:  # heads that share keys and values share the change
        return product.sum((1, 3)).repeat_interleave(heads // product.shape[2], dim=1)
    return product.sum(-1)
