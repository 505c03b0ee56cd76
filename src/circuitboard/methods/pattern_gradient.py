"""How the metric would answer to each cell of an attention pattern."""

from __future__ import annotations

import numpy as np

from circuitboard.engine.engine import Engine
from circuitboard.engine.gradient import gradients, record
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import OwnMetric
from circuitboard.engine.run import Texts
from circuitboard.methods.audit import Floats
from circuitboard.methods.contrast import Contrast
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError
from circuitboard.spec.metric import Metric, MetricKind
from circuitboard.spec.prompts import Prompts


def gradient_of_pattern(
    model: Model,
    prompt: Prompts,
    head: str,
    metric: MetricKind | OwnMetric | None = None,
    *,
    target: Texts | None = None,
    foil: Texts | None = None,
) -> Floats:
    """The derivative of the metric by each attention weight of a head, [b, p, s], float32.

    Each weight is moved alone, the others of its row held: rows need not go on adding up to one.
    Times the pattern, it is the first-order effect of taking a weight away. Cells to the right of
    the diagonal, where a token cannot look, are zero.

    Args:
        prompt: one text or several.
        head: such as ``"L5H1"`` (``"L5H1.pattern"`` means the same).

    Raises:
        AddressError: it is no head of the model; and what :func:`circuitboard.run` raises.
    """
    where = Address.parse(head)
    if where.part not in ("head", "head.pattern"):
        raise AddressError(f"{head} is not a head.", "Write for example L5H1.")
    model.check(where)
    place = Address("head.pattern", where.layer, head=where.head)
    ahead = model.facts.all_positions.startswith("attention")
    with model.lock:
        contrast = Contrast.of(model, (prompt, prompt), (metric, target, foil), "noising")
        contrast.refuse_divergence()
        width = max(contrast.widths)
        out = np.zeros((len(contrast.onto), width, width), np.float32)
        for part in contrast.portions():
            slopes = record(model, part.tokens, part.judge, [place.hook]).slopes()[place.hook]
            found = slopes[:, place.head].float().cpu().numpy()
            found = found if ahead else np.tril(found)
            out[part.rows, : found.shape[1], : found.shape[2]] = found
    return out


def pattern_gradients(
    engine: Engine, run: HeldRun, metric: Metric, head: Address
) -> tuple[Floats, Floats]:
    """The same for a run of one prompt, with its interventions in place; and the pattern, [p, s].

    Args:
        metric: one of the last position.
        head: such as ``L5H1.pattern``.
    """
    found = gradients(engine, run, metric, [head.hook])
    slope, pattern = (
        values[head.hook][0, head.head].float().cpu().numpy()
        for values in (found.slopes, found.values)
    )
    ahead = engine.model.facts.all_positions.startswith("attention")
    return (slope if ahead else np.tril(slope)), pattern
