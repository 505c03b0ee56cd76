"""Directions to steer by, and what a coefficient times one, added to the stream, does.

Activation addition (Turner 2023, "Activation Addition: Steering Language Models Without
Optimization") adds the difference of a residual between two prompts. A difference of means over
many prompts is steadier: contrastive activation addition (Rimsky 2024, "Steering Llama 2 via
Contrastive Activation Addition"), mass-mean directions (Marks and Tegmark 2023, "The Geometry of
Truth"). Directions come from weights too: what a head or a neuron writes, and what the unembedding
reads for a token.

All directions are raw: as long as the definition makes them. ``unit`` divides by the length, and a
coefficient is then a length in the stream. The sum is exact: the model runs with the vector added.
"""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.batch import Batch
from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import Judge, evaluate
from circuitboard.engine.result import RunResult
from circuitboard.engine.run import metric_of, run
from circuitboard.engine.sites import check_places, check_value
from circuitboard.methods.direct_logit_attribution import metric_reader
from circuitboard.methods.head_output import written
from circuitboard.methods.singular import svd
from circuitboard.models.mlp import mlp_weights
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Position
from circuitboard.spec.errors import AddressError, InterventionError, TargetError
from circuitboard.spec.intervention import Add, AnyIntervention, InterventionSet
from circuitboard.spec.metric import Metric
from circuitboard.spec.prompts import Prompts

Floats = NDArray[np.float32]

#: What one run of a sweep gives: metric, probability of the target, probability of the foil.
ENDS = 3
LAST = Position(-1)


# --- directions -------------------------------------------------------------------------------


def contrast_direction(
    model: Model, positive: Prompts, negative: Prompts, at: str, *, unit: bool = False
) -> Floats:
    """The mean of a residual over some prompts minus its mean over others, [d].

    With one prompt on each side it is activation addition (Turner 2023), with many the difference
    of means (Rimsky 2024; Marks and Tegmark 2023).

    Args:
        positive, negative: one text or several each; they need not be equally many.
        at: a place as wide as the stream, such as ``"L2.resid_post@-1"``; the last token unless it
            says. Positions are counted in each prompt on its own; several are averaged over.
        unit: divide by the length.

    Raises:
        AddressError: no such place or position; InterventionError: the place is not as wide as the
        stream, or the sides do not differ.
    """
    place = model.check(Address.parse(at))
    if place.position is None:
        place = place.at(LAST)
    mean, other = (_mean(model, place, run(model, p)[place]) for p in (positive, negative))
    return _finished(mean - other, f"The two sides do not differ at {place}.", unit)


def output_direction(result: RunResult, at: str, *, unit: bool = False) -> Floats:
    """What a part adds to the stream in a run, [d]: ``"L2H1@-1"``, ``"L1.mlp@3"``.

    The mean over the address's positions (the last token unless it says) and the prompts. Of a
    head in the first prompt, without b_O, a norm after attention (Gemma) held at its scale there.
    Raises AddressError or InterventionError as :func:`contrast_direction` does.
    """
    model = result.engine.model
    place = model.check(Address.parse(at))
    if place.position is None:
        place = place.at(LAST)
    assert place.position is not None
    if place.part == "head":
        with model.lock:
            whole = written(result.engine, result.held, place.at(None)).cpu().numpy()
        pick = place.position.indices(result.held.lengths[0])
        values = whole[pick.start : pick.stop : pick.step]
    else:
        values = result[place]
    return _finished(_mean(model, place, values), f"{place} adds nothing in this run.", unit)


def write_direction(model: Model, part: str, *, rank: int = 0, unit: bool = False) -> Floats:
    """The direction in which a head or a neuron writes, from weights alone, [d].

    Of a neuron (``"L3.mlp.n512"``) its row of W_out. Of a head (``"L2H1"``) a singular vector of
    its OV on the writing side, of length 1; ``rank`` 0 has the largest singular value. It is
    that of :func:`circuitboard.svd`: norms' gains and LayerNorm's centring are in, and the sign
    is such that the token furthest along is promoted.

    Raises AddressError for what is neither, or a rank that the head has not.
    """
    place = model.check(Address.parse(part))
    if place.part == "neuron":
        assert place.layer is not None
        row = mlp_weights(model, place.layer).w_out[place.neuron].detach().float()
        gain = model.post_gain(place.layer, "ln2_post")
        row = row if gain is None else row * gain
        return _finished(row.cpu().numpy(), f"{place} writes nothing.", unit)
    if place.part != "head":
        raise AddressError(f"{place} is no head and no neuron.", "Write L2H1 or L3.mlp.n512.")
    if not 0 <= rank < model.facts.d_head:
        raise AddressError(
            f"{place} has singular directions 0 to {model.facts.d_head - 1}.", "Choose one of them."
        )
    found = svd(model, f"{place.at(None)}.ov", rank + 1, words=1)
    return _finished(found.right[:, rank].cpu().numpy(), f"{place} writes nothing.", unit)


def token_direction(
    model: Model, target: str, foil: str | None = None, *, fold: bool = True, unit: bool = False
) -> Floats:
    """The direction that a token's logit reads in the stream, minus a foil's where one is given.

    Args:
        fold: through the final norm's gain and LayerNorm's centring, as direct logit attribution
            reads it; otherwise rows of W_U as they are.

    Returns:
        [d]. Raises TargetError for a text that is not one token.
    """
    ids = [model.single_token(text) for text in (target, foil) if text is not None]
    if fold:
        pair = Metric("logit difference", ids[0], ids[1] if len(ids) > 1 else None)
        vector = metric_reader(engine_of(model), pair).direction
    else:
        rows = model.unembed_rows(ids)
        vector = rows[0] if foil is None else rows[0] - rows[1]
    return _finished(vector.float().cpu().numpy(), "Target and foil are the same token.", unit)


def _finished(vector: NDArray[Any], empty: str, unit: bool) -> Floats:
    length = float(np.linalg.norm(vector))
    if length == 0:
        raise InterventionError(empty, "There is no direction to steer by: take another source.")
    return (vector / length if unit else vector).astype(np.float32)


def _mean(model: Model, place: Address, values: Floats) -> NDArray[np.float64]:
    """[d]: the mean over all but the last dimension."""
    width = values.shape[-1]
    if width != model.facts.d_model:
        raise InterventionError(
            f"{place} holds {width} numbers; the residual stream has {model.facts.d_model}.",
            "Take a place on the stream, or the output of attention, an MLP or a head.",
        )
    if values.size == 0:
        raise AddressError(
            f"There is no token at @{place.position}.", "Count from the last: @-1, @-2."
        )
    return values.astype(np.float64).reshape(-1, width).mean(0)


# --- what steering does -----------------------------------------------------------------------


@dataclass(frozen=True)
class SteeringSweep:
    """What follows from each coefficient, by a run each. Float32, means over prompts.

    Attributes:
        coefficients: [n].
        metric: [n], in the metric's units.
        target, foil: [n], probabilities as the next token; NaN without a foil.
        begun: the metric with nothing added.
    """

    coefficients: Floats
    metric: Floats
    target: Floats
    foil: Floats
    begun: float


def steering_sweep(
    model: Model,
    prompt: Prompts,
    at: str,
    direction: Any,
    coefficients: Sequence[float] | NDArray[Any],
    *,
    target: str,
    foil: str | None = None,
    interventions: InterventionSet | Iterable[AnyIntervention] = (),
    reference: Sequence[str] | None = None,
) -> SteeringSweep:
    """The metric and the two probabilities under each coefficient of a direction. Exact.

    All runs share what comes before the place, and go side by side.

    Args:
        at: where the direction is added, such as ``"L2.resid_post@-1"``; at every position unless
            it says.
        direction: [d], or the name of a registered tensor.
        target, foil: tokens that the metric compares: the logit difference with a foil, the
            log-probability without.
        interventions: what is done to the model beside.
        reference: prompts for means and resampling among those; a bundled model has its own.

    Raises:
        AddressError, InterventionError: no such place, or it does not fit the direction;
        TargetError: a target is not one token.
    """
    values = [float(c) for c in coefficients]
    metric = metric_of(model, target, foil)
    if metric is None:
        raise TargetError("The metric needs a target token.", "Give target= (and foil=).")
    line = Add(at, direction, 1.0)
    check_places(model, line)
    rest = InterventionSet.of(interventions).refer(reference)
    engine = engine_of(model)
    with model.lock:
        engine.refresh()
        tokens, lengths = engine.encode(prompt)
        check_value(model, line, tokens.shape[1], lengths)
        start, _ = engine.run(tokens, lengths, rest)
        found = np.full((len(values), ENDS), np.nan, np.float32)
        fill(engine, start, metric, along(rest, line, values), found)
        begun = Ends(model, metric, tokens, lengths).run(engine, start).mean(0)
    ends = (found[:, 0], found[:, 1], found[:, 2])
    return SteeringSweep(np.array(values, np.float32), *ends, float(begun[0]))


def along(
    rest: InterventionSet, line: Add, coefficients: Sequence[float], slot: int | None = None
) -> list[InterventionSet]:
    """One set for each coefficient: ``rest`` with the line at its place in the order, or last."""
    at = len(rest) if slot is None else slot
    head, tail = rest.items[:at], rest.items[at:]
    lines = [Add(line.at, line.value, float(c)) for c in coefficients]
    return [InterventionSet((*head, each, *tail)) for each in lines]


class Ends(Judge):
    """Judges three numbers of each run's end: the metric, and two probabilities (or NaN)."""

    def __init__(self, model: Model, metric: Metric, tokens: Tensor, lengths: list[int]) -> None:
        super().__init__(model, metric, tokens, lengths)
        self._of = metric

    def last(self, final: Float[Tensor, "n d"]) -> Float[Tensor, "n 3"]:
        """From streams at last positions."""
        return torch.cat([self.logits(self._tail(part)) for part in self._parts(final)])

    def logits(self, logits: Float[Tensor, "n v"]) -> Float[Tensor, "n 3"]:
        """From logits at last positions."""
        metric, rows = self._of, torch.arange(len(logits))
        probabilities = logits.float().softmax(-1)
        target = probabilities[rows, metric.targets_of(len(rows))]
        foil = torch.full_like(target, math.nan)
        if metric.foil is not None or metric.foils:
            foil = probabilities[rows, metric.foils_of(len(rows))]
        return torch.stack([evaluate(metric, logits), target, foil], -1)

    def run(self, engine: Engine, run: HeldRun) -> Float[Tensor, "b 3"]:
        """From a run."""
        return self.logits(engine.last_logits(run))


def fill(
    engine: Engine,
    start: HeldRun,
    metric: Metric,
    sets: Sequence[InterventionSet],
    out: Float[NDArray[Any], "n 3"],
) -> None:
    """Runs the sets side by side from a held run, and writes the ends' means over prompts."""
    judge = Ends(engine.model, metric, start.tokens, start.lengths)

    def take(i: int, values: Tensor) -> None:
        out[i] = values.reshape(-1, ENDS).float().mean(0).cpu().numpy()

    Batch(engine, start, judge, lambda: None).run(sets, take)


# --- a sensible scale -------------------------------------------------------------------------


def reach_of(norms: Floats, length: float) -> float:
    """How far a coefficient may go: what makes the vector as long as the stream there, rounded up.

    Args:
        norms: lengths of the stream at the positions that are steered; the median counts.
        length: of the direction.
    """
    wanted = float(np.median(norms)) / max(length, 1e-12)
    if not math.isfinite(wanted) or wanted <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(s for s in (1, 2, 5, 10) if s * power >= wanted * (1 - 1e-9))
    return float(f"{step * power:.6g}")
