"""Where heads look on a task, by what a token is to the one that looks.

Relations between a destination q and a source k of one prompt with tokens t:

- ``first token``: k = 0; ``itself``: k = q; ``previous token``: k = q - 1;
- ``earlier copy``: t[k] = t[q], k < q (what duplicate-token heads look at);
- ``after an earlier copy``: t[k - 1] = t[q], k <= q (what induction heads look at);
- ``the target``, ``the foil``: t[k] is among the pair's answers, k <= q.

The attention to a relation is the sum of the pattern over the sources that stand in it. From the
``end`` it is that of the last token; from ``any`` token the mean over the destinations after the
first that have such a source. Relations overlap: the previous token may be the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from circuitboard.circuits.explain.findings import Look, Measured
from circuitboard.engine.result import RunResult
from circuitboard.engine.run import run
from circuitboard.models.model import Model
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Answer, Task

Relation = Literal[
    "first token",
    "itself",
    "previous token",
    "earlier copy",
    "after an earlier copy",
    "the target",
    "the foil",
]
Query = Literal["end", "any"]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def attention_to(
    model: Model, task: Task, head: str, key: Relation, query: Query = "any"
) -> Floats:
    """A head's attention to a relation on each clean prompt of a task, [b], 0 to 1.

    NaN for a prompt in which no token stands in the relation.

    Raises:
        AddressError: the model has no such head; CircuitError: there is no such relation or query.
    """
    if key not in get_args(Relation) or query not in get_args(Query):
        raise CircuitError(
            f"Attention from {query!r} to {key!r} is not measured.",
            f"From end or any, to one of: {', '.join(get_args(Relation))}.",
        )
    result = run(model, task.clean)
    return _weights(result[f"{head}.pattern"], relations(model, task, result)[key], query)


def relations(model: Model, task: Task, result: RunResult) -> dict[Relation, list[Mask]]:
    """For each relation, a mask [q, k] for each prompt of a run on the task's clean prompts."""
    found: dict[Relation, list[Mask]] = {name: [] for name in get_args(Relation)}
    rows = zip(result.tokens, result.held.lengths, task.pairs, strict=True)
    for tokens, length, pair in rows:
        ids = tokens[:length]
        q, k = np.arange(length)[:, None], np.arange(length)[None]
        seen = k <= q
        before = np.concatenate([[-1], ids[:-1]])
        found["first token"].append((k == 0) & seen)
        found["itself"].append(k == q)
        found["previous token"].append(k == q - 1)
        found["earlier copy"].append((ids[None] == ids[:, None]) & (k < q))
        found["after an earlier copy"].append((before[None] == ids[:, None]) & seen)
        found["the target"].append(_among(model, ids, pair.targets) & seen)
        found["the foil"].append(_among(model, ids, pair.foils) & seen)
    return found


def _among(model: Model, ids: NDArray[np.int64], answers: Sequence[Answer]) -> Mask:
    wanted = [model.answer(answer) for answer in answers]
    return np.isin(ids, wanted)[None]


def _weights(pattern: Floats, masks: Sequence[Mask], query: Query) -> Floats:
    out = np.full(len(masks), np.nan, np.float32)
    for row, mask in enumerate(masks):
        length = mask.shape[0]
        weight: Floats = (pattern[row, :length, :length] * mask).sum(1)
        there: Mask = np.asarray(mask.any(axis=1))
        if query == "end":
            out[row] = weight[-1] if there[-1] else np.nan
        elif there[1:].any():
            out[row] = weight[1:][there[1:]].mean()
    return out


def looks(
    patterns: Floats, related: dict[Relation, list[Mask]], least: float = 0.05
) -> tuple[Look, ...]:
    """Where a head with patterns [b, p, p] looks, from ``least`` attention on, strongest first."""
    found = []
    for key, masks in related.items():
        for query in get_args(Query):
            weights = _weights(patterns, masks, query)
            if not np.isnan(weights).all():
                found.append(Look(query, key, Measured.of(weights)))
    kept = [look for look in found if look.attention.value >= least]
    return tuple(sorted(kept, key=lambda look: -look.attention.value))
