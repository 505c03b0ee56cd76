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
from circuitboard.spec.metric import DIFFERENCES, UNTARGETED, Metric, MetricKind
from circuitboard.spec.prompts import Prompts, prompts_of
from circuitboard.spec.task import Task

#: One answer for all prompts, or for each prompt one, or several: texts of one token, or ids.
Texts = str | int | Sequence[str | int] | Sequence[Sequence[str | int]]


def metric_of(
    model: Model,
    target: Texts | None,
    foil: Texts | None,
    kind: MetricKind | None = None,
    prompts: int | None = None,
) -> Metric | None:
    """The metric that a target and a foil mean; None without a target.

    Each is one text for all prompts, or a sequence of one for each of ``prompts``, or of several
    for each. Without ``kind`` it is the logit difference where there is a foil, else the
    log-probability. Raises TargetError for a text that is not one token, and for a sequence of
    another length.
    """
    targets, foils = (_tokens(model, given, prompts) for given in (target, foil))
    if not targets:
        return None
    default: MetricKind = "logit difference" if foils else "log-probability"
    one = [ids[0][0] if ids else None for ids in (targets, foils)]
    if any(len(ids) > 1 for ids in (*targets, *foils)):
        sets = [ids * (prompts or 1) if len(ids) == 1 else ids for ids in (targets, foils)]
        return Metric(kind or default, one[0] or 0, one[1], target_sets=sets[0], foil_sets=sets[1])
    single = [tuple(ids[0] for ids in side) if len(side) > 1 else () for side in (targets, foils)]
    return Metric(kind or default, one[0] or 0, one[1], single[0], single[1])


def _tokens(model: Model, given: Texts | None, prompts: int | None) -> tuple[tuple[int, ...], ...]:
    """Sets of tokens: one set, or one for each prompt; none where nothing is given."""
    if given is None or (isinstance(given, str) and not given.strip()):
        return ()
    if isinstance(given, str | int):
        return ((model.answer(given),),)
    if prompts is not None and len(given) != prompts:
        raise TargetError(
            f"There are {len(given)} targets or foils for {prompts} prompts.",
            "Give one text for all prompts, or one for each, or several for each.",
        )
    sets = [(one,) if isinstance(one, str | int) else tuple(one) for one in given]
    if not all(sets):
        raise TargetError("A prompt has an empty set of answers.", "Give it one or more.")
    return tuple(tuple(dict.fromkeys(model.answer(one) for one in ids)) for ids in sets)


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
    if metric in UNTARGETED:
        return Metric(metric)
    found = metric_of(model, target, foil, metric, prompts)
    if found is None:
        raise TargetError("The metric needs a target token.", "Give target= (and foil=).")
    if found.kind in DIFFERENCES and found.foil is None:
        raise TargetError(f"A {found.kind} needs a foil.", "Give foil= too.")
    return found


def metric_of_task(model: Model, task: Task) -> Metric:
    """The metric of a task's clean prompts, or as many others in their order.

    Raises TargetError for an answer that is not one token.
    """
    if task.metric in UNTARGETED:
        return Metric(task.metric)
    foils = task.foils if all(task.foils) else None
    found = metric_of(model, task.targets, foils, task.metric, len(task))
    assert found is not None
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
            prompts, or a sequence of one for each, or of several for each (logits then count by
            their mean, probabilities by their sum).
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
