"""``circuitboard.run``: one run, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from circuitboard.engine.engine import engine_of
from circuitboard.engine.result import RunResult
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.intervention import AnyIntervention, InterventionSet
from circuitboard.spec.metric import Metric, MetricKind


def metric_of(
    model: Model, target: str | None, foil: str | None, kind: MetricKind | None = None
) -> Metric | None:
    """The metric that a target and a foil mean; None without a target.

    Without ``kind`` it is the logit difference where there is a foil, else the log-probability.
    Raises TargetError for a text that is not one token.
    """
    if not target or not target.strip():
        return None
    has_foil = bool(foil and foil.strip())
    foil_id = model.single_token(foil) if foil and has_foil else None
    default: MetricKind = "logit difference" if has_foil else "log-probability"
    return Metric(kind or default, model.single_token(target), foil_id)


def run(
    model: Model,
    prompt: str | Sequence[str],
    interventions: InterventionSet | AnyIntervention | Iterable[AnyIntervention] | None = None,
    *,
    target: str | None = None,
    foil: str | None = None,
    reference: Sequence[str] | None = None,
    keep: Iterable[str] = (),
) -> RunResult:
    """Runs a model on a prompt, or several, with interventions.

    Args:
        model: from :func:`circuitboard.load`.
        prompt: one text, or several (padded on the right; ``@-1`` is each one's last token).
        interventions: what to do, in order.
        target, foil: tokens that ``result.metric`` compares at the last position.
        reference: prompts for means and resampling; a bundled model has its own.
        keep: addresses to compute at once; all others are computed when asked for.

    Returns:
        The result; ``result["L9H9.pattern"]`` reads any place of it.

    Raises:
        PromptError, TargetError, AddressError, InterventionError: each says what to do.
        ModelError: the weights hold NaNs.
    """
    engine = engine_of(model)
    prompts = (prompt,) if isinstance(prompt, str) else tuple(prompt)
    wanted = InterventionSet.of(interventions).refer(reference)
    metric = metric_of(model, target, foil)
    with model.lock:
        engine.refresh()
        tokens, lengths = engine.encode(prompts)
        held, way = engine.run(tokens, lengths, wanted)
        model.raise_if_not_finite(engine.last_logits(held))
        engine.read(held, [Address.parse(a) for a in keep])
    return RunResult(engine, held, prompts, metric, way.reason)
