"""What one head writes, token by token: to the metric, source by source, and to the vocabulary.

A head's output at a destination is the sum over sources of attention times value times W_O
(Elhage 2021, "A Mathematical Framework for Transformer Circuits"). The final norm is linear once
its scale is held at that of the run, so each source has its share of the direct logit attribution,
and the output has a direct effect on every logit. Olsson 2022, "In-context Learning and Induction
Heads", draws the former over the text.
"""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.result import RunResult
from circuitboard.methods.direct_logit_attribution import (
    final_scale,
    head_directions,
    prompt_reader,
)
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, TargetError
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SourceAttribution:
    """A head's direct logit attribution in one prompt, split by source. In logits.

    Attributes:
        cells: [p, s]: what a destination's output owes to a source, along the metric's direction
            and with the final norm's scale at the destination.
        total: [p]: the head's direct logit attribution at each destination.
        rest: [p]: total minus the row's sum; not zero only where the head's output was changed to
            something other than a multiple of what its pattern and values give.
    """

    cells: Floats
    total: Floats
    rest: Floats


def attribute_sources(
    engine: Engine, run: HeldRun, head: Address, metric: Metric, prompt: int = 0
) -> SourceAttribution:
    """Splits a head's direct logit attribution by source, for one prompt of a run.

    The last row sums, with its rest, to the head's direct logit attribution. An ablated head has
    none; a scaled head's shares are scaled. Raises AddressError where the model has no such head.
    """
    layer, index = _place(engine, head)
    places = [Address(part, layer, head=index) for part in ("head.pattern", "head.v", "head.z")]
    read, count = engine.read(run, places), run.lengths[prompt]
    pattern, values, z = (read[place.place][prompt, :count].float() for place in places)
    pattern = pattern[:, :count]
    reader, own = prompt_reader(engine, metric, prompt)
    direction = head_directions(engine, layer, own, reader.direction)[index]
    scale = (final_scale(engine, run)[prompt] * _post_scale(engine, run, layer, prompt))[:count]
    moved = pattern @ values
    kept = _kept_share(z, moved)
    cells = pattern * (values @ direction)[None, :] * (kept / scale)[:, None]
    total = (z @ direction) / scale
    # Below, float noise: what is left where nothing else was done.
    rest = torch.where(
        (z - kept[:, None] * moved).norm(dim=-1) <= 1e-4 * z.norm(dim=-1),
        torch.zeros_like(total),
        total - cells.sum(-1),
    )
    return SourceAttribution(*(t.cpu().numpy() for t in (cells, total, rest)))


def _kept_share(z: Tensor, moved: Tensor) -> Tensor:
    """[p]: the factor by which z is what the pattern moves; 1 where it is no multiple of that."""
    factor = (z * moved).sum(-1) / moved.pow(2).sum(-1).clamp_min(1e-30)
    off = (z - factor[:, None] * moved).norm(dim=-1)
    return torch.where(off <= 1e-4 * z.norm(dim=-1), factor, torch.ones_like(factor))


def written(engine: Engine, run: HeldRun, head: Address) -> Tensor:
    """What a head adds to the residual stream in the first prompt: float32 [p, d].

    A norm after attention (Gemma) is held at its scale of this run, and its gain is in.
    """
    layer, index = _place(engine, head)
    place = Address("head", layer, head=index)
    out = engine.read(run, [place])[place.place][0].float()
    gain = engine.model.post_gain(layer, "ln1_post")
    if gain is not None:
        out = out * gain / _post_scale(engine, run, layer)[:, None]
    return out


def vocabulary_effect(engine: Engine, run: HeldRun, head: Address, positions: slice) -> Tensor:
    """The direct effect of a head's output on every logit, float32 [positions, v], in logits.

    Through the final norm, held at its scale of this run at each position, and the unembedding;
    biases are no part of a head, and a logit soft-cap is left out.
    """
    model = engine.model
    out = written(engine, run, head)[positions]
    if model.has_part("ln_final"):
        if model.facts.norm == "LN":
            out = out - out.mean(-1, keepdim=True)
        out = out / final_scale(engine, run)[0, positions, None]
        gain = model.final_gain()
        out = out if gain is None else out * gain
    matrix = model.unembedding()
    return (out.to(matrix.dtype) @ matrix.T).float()


def _place(engine: Engine, head: Address) -> tuple[int, int]:
    engine.model.check(head)
    if head.layer is None or head.head is None:
        raise AddressError(f"{head} is not a head.", "Write for example L2H1.")
    return head.layer, head.head


def _post_scale(engine: Engine, run: HeldRun, layer: int, prompt: int = 0) -> Tensor:
    """[p]: what a norm after attention (Gemma) divides by in one prompt; else 1."""
    model = engine.model
    if model.post_gain(layer, "ln1_post") is None:
        return torch.ones(run.tokens.shape[1], device=run.tokens.device)
    heads = [Address("head", layer, head=h) for h in range(model.facts.n_heads)]
    read = engine.read(run, heads)
    whole = torch.stack([read[h.place][prompt].float() for h in heads]).sum(0)
    return (whole.pow(2).mean(-1) + model.post_eps(layer, "ln1_post")).sqrt()


class TokenEffect(NamedTuple):
    """One token of the vocabulary and what is added to its logit."""

    text: str
    id: int
    effect: float


class HeadOutput(NamedTuple):
    """The tokens whose logits a head raises and lowers most, in order."""

    promoted: list[TokenEffect]
    suppressed: list[TokenEffect]


def head_output(result: RunResult, head: str, *, position: int = -1, k: int = 10) -> HeadOutput:
    """What a head's output at one position promotes and suppresses in the vocabulary.

    Args:
        result: from :func:`circuitboard.run` or ``board.result``; its first prompt is read.
        head: such as ``"L2H1"``.
        position: the token whose next-token logits are meant.
        k: how many tokens of each.

    See :func:`vocabulary_effect`. Raises AddressError where the model or the prompt has no such
    place.
    """
    engine, run = result.engine, result.held
    length = run.lengths[0]
    at = position + length if position < 0 else position
    if not 0 <= at < length:
        raise AddressError(
            f"There is no position {position} in a prompt of {length} tokens.",
            f"Positions run from 0 to {length - 1}.",
        )
    with engine.model.lock:
        effect = vocabulary_effect(engine, run, Address.parse(head), slice(at, at + 1))[0]
    text = engine.model.token_text
    ends = [effect.topk(min(k, len(effect)), largest=largest).indices for largest in (True, False)]
    rows = [[TokenEffect(text(i), i, float(effect[i])) for i in e.tolist()] for e in ends]
    return HeadOutput(*rows)


def head_attribution(result: RunResult, head: str, *, prompt: int = 0) -> SourceAttribution:
    """A head's direct logit attribution in one prompt of a result, split by source.

    The prompt's own target and foil count, where prompts have some.

    Raises TargetError for a run without a target, AddressError where there is no such head, or no
    such prompt.
    """
    if result.metric_kind is None:
        raise TargetError("This run has no metric.", 'Give target= and foil=, such as " Mary".')
    count = len(result.held.lengths)
    if not -count <= prompt < count:
        raise AddressError(f"There is no prompt {prompt} of {count}.", "They are counted from 0.")
    with result.engine.model.lock:
        return attribute_sources(
            result.engine, result.held, Address.parse(head), result.metric_kind, prompt % count
        )
