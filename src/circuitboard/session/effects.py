"""Ablation effects of all parts, swept in the background and kept."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.batch import Batch
from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import Judge
from circuitboard.session.background import Backlog, Sweep
from circuitboard.session.worker import Steps
from circuitboard.spec.intervention import InterventionSet, Zero
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]

#: Tokens in one step at most, on a CPU: a click waits for the step under way.
STEP_TOKENS = 128


@dataclass
class Effects:
    """Change of the metric when a part's output is zeroed, in its unit; NaN where not yet known.

    ``heads`` [l, h]; ``mlps`` [l]; ``attn`` [l], all of a layer's attention at once; ``feet`` [2],
    the embedding and the position embedding.
    """

    heads: Floats
    mlps: Floats
    attn: Floats
    feet: Floats

    def slots(self, model_parts: tuple[bool, bool]) -> list[list[tuple[str, Floats, int]]]:
        """Where each part's effect goes: addresses, arrays and indices, the last layer first."""
        has_mlp, has_positions = model_parts
        out: list[list[tuple[str, Floats, int]]] = []
        for layer in reversed(range(len(self.heads))):
            own = [(f"L{layer}H{h}", self.heads[layer], h) for h in range(self.heads.shape[1])]
            own += [(f"L{layer}.mlp", self.mlps, layer)] if has_mlp else []
            out.append([*own, (f"L{layer}.attn", self.attn, layer)])
        feet = [("embed", self.feet, 0)] + ([("pos_embed", self.feet, 1)] if has_positions else [])
        return [*out, feet]


def part_effects(
    backlog: Backlog,
    viewer: Hashable,
    engine: Engine,
    metric: Metric,
    run: HeldRun,
    wanted: InterventionSet,
) -> Effects:
    """Effects of zeroing each part on top of ``wanted``, which ``run`` was made with."""
    name = "now" if len(wanted) else "baseline"
    f = engine.model.facts

    def begin() -> Sweep[Effects]:
        shapes = ((f.n_layers, f.n_heads), f.n_layers, f.n_layers, 2)
        found = Effects(*(np.full(shape, np.nan, np.float32) for shape in shapes))
        slots = found.slots((engine.model.has_part("mlp"), engine.model.has_part("pos_embed")))
        total = sum(len(group) for group in slots)
        steps = _steps(engine, metric, run, wanted, slots)
        return Sweep(f"effects {name}", f"Ablating each part ({name})", total, found, steps)

    return backlog.get(viewer, ("effects", engine.epoch, run.key, metric), begin)


def _steps(
    engine: Engine,
    metric: Metric,
    run: HeldRun,
    wanted: InterventionSet,
    slots: list[list[tuple[str, Floats, int]]],
) -> Steps:
    with engine.model.lock:
        clean = engine.last_logits(engine.baseline(run.tokens, run.lengths))
        judge = Judge(engine.model, metric, run.tokens, run.lengths, clean)
        base = judge.run(engine, run)
        batch = Batch(engine, run, judge, lambda: None)
    done = 0
    for group in slots:
        size = _together(batch, run)
        for start in range(0, len(group), size):
            some = group[start : start + size]
            with engine.model.lock:
                if engine.epoch != run.epoch:
                    return
                sets = [InterventionSet((*wanted.items, Zero(part))) for part, _, _ in some]
                batch.run(sets, lambda i, values, some=some: _put(some[i], values - base))
            done += len(some)
            yield done


def _put(slot: tuple[str, Floats, int], change: Tensor) -> None:
    _, array, index = slot
    array[index] = float(change.mean())


def _together(batch: Batch, run: HeldRun) -> int:
    """How many parts one step ablates side by side."""
    if run.whole:
        return 1
    if not run.final.is_cuda:
        batch.tokens_at_once = min(batch.tokens_at_once, STEP_TOKENS)
    return max(1, batch.tokens_at_once // run.tokens.numel())
