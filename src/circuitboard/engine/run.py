"""``circuitboard.run``: one run, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from circuitboard.engine.engine import engine_of
from circuitboard.engine.metric import OwnMetric
from circuitboard.engine.result import RunResult
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import TargetError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet
from circuitboard.spec.metric import Metric, MetricKind
from circuitboard.spec.prompts import Prompts, prompts_of

Texts = str | Sequence[str]


def metric_of(
    model: Model,
    target: Texts | None,
    foil: Texts | None,
    kind: MetricKind | None = None,
    prompts: int | None = None,
) -> Metric | None:
    """The metric that a target and a foil mean; None without a target.

    Each is one text for all prompts, or a sequence of one for each of ``prompts``. Without ``kind``
    it is the logit difference where there is a foil, else the log-probability.
    Raises TargetError for a text that is not one token, and for a sequence of another length.
    """
    targets, foils = (_tokens(model, given, prompts) for given in (target, foil))
    if not targets:
        return None
    default: MetricKind = "logit difference" if foils else "log-probability"
    one = [ids[0] if ids else None for ids in (targets, foils)]
    many = [() if given is None or isinstance(given, str) else ids
            for given, ids in ((target, targets), (foil, foils))]  # fmt: skip
    return Metric(kind or default, one[0] or 0, one[1], *many)


def _tokens(model: Model, given: Texts | None, prompts: int | None) -> tuple[int, ...]:
    if given is None or isinstance(given, str):
        return (model.single_token(given),) if given and given.strip() else ()
    if prompts is not None and len(given) != prompts:
        raise TargetError(
            f"There are {len(given)} targets or foils for {prompts} prompts.",
            "Give one text for all prompts, or one for each.",
        )
    return tuple(model.single_token(text) for text in given)


def resolve(
    model: Model,
    target: Texts | None,
    foil: Texts | None,
    metric: MetricKind | OwnMetric | None,
    prompts: int | None = None,
) -> Metric | OwnMetric:
    """The metric that is meant. Raises TargetError where a target or foil is missing."""
    if callable(metric):
        return metric
    if metric in ("loss", "KL divergence"):
        return Metric(metric)
    found = metric_of(model, target, foil, metric, prompts)
    if found is None:
        raise TargetError("The metric needs a target token.", "Give target= (and foil=).")
    if found.kind == "logit difference" and found.foil is None:
        raise TargetError("A logit difference needs a foil.", "Give foil= too.")
    return found


def run(
    model: Model,
    prompt: Prompts,
    interventions: InterventionSet | AnyIntervention | Iterable[AnyIntervention] | None = None,
    *,
    target: Texts | None = None,
    foil: Texts | None = None,
    metric: MetricKind | OwnMetric | None = None,
    reference: Sequence[str] | None = None,
    keep: Iterable[str] = (),
) -> RunResult:
    """Runs a model on a prompt, or several, with interventions.

    Args:
        model: from :func:`circuitboard.load`.
        prompt: one text, or several (padded on the right; ``@-1`` is each one's last token); token
            ids, lists of them, or a tokenizer's output with its mask do too.
        interventions: what to do, in order.
        target, foil: tokens that ``result.metric`` compares at the last position: one text for all
            prompts, or a sequence of one for each.
        metric: what ``result.metric`` is, as for :func:`circuitboard.sweep`.
        reference: prompts for means and resampling; a bundled model has its own.
        keep: addresses to compute at once; all others are computed when asked for.

    Returns:
        The result; ``result["L9H9.pattern"]`` reads any place of it.

    Raises:
        PromptError, TargetError, AddressError, InterventionError: each says what to do.
        ModelError: the weights hold NaNs.
    """
    engine = engine_of(model)
    prompts = prompts_of(prompt)
    wanted = InterventionSet.of(interventions).refer(reference)
    if metric is None:
        judged = metric_of(model, target, foil, prompts=len(prompts))
    else:
        judged = resolve(model, target, foil, metric, len(prompts))
    with model.lock:
        engine.refresh()
        tokens, lengths = engine.encode(prompts)
        held, way = engine.run(tokens, lengths, wanted)
        model.raise_if_not_finite(engine.last_logits(held))
        engine.read(held, [Address.parse(a) for a in keep])
    return RunResult(engine, held, prompts, judged, way.reason)
