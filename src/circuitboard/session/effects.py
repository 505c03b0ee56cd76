"""Ablation effects of all heads and MLPs, swept in the background and kept."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import evaluate
from circuitboard.session.background import Backlog, Sweep
from circuitboard.session.worker import Steps
from circuitboard.spec.intervention import InterventionSet, Zero
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]


@dataclass
class Effects:
    """Change of the metric when a part's output is zeroed, in logits; NaN where not yet known.

    ``heads`` [l, h], ``mlps`` [l].
    """

    heads: Floats
    mlps: Floats


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
    facts = engine.model.facts

    def begin() -> Sweep[Effects]:
        found = Effects(
            np.full((facts.n_layers, facts.n_heads), np.nan, np.float32),
            np.full(facts.n_layers, np.nan, np.float32),
        )
        total = found.heads.size + len(engine.model.mlps)
        steps = _steps(engine, metric, run, wanted, found)
        return Sweep(f"effects {name}", f"Ablating each part ({name})", total, found, steps)

    return backlog.get(viewer, ("effects", engine.epoch, run.key, metric), begin)


def _steps(
    engine: Engine, metric: Metric, run: HeldRun, wanted: InterventionSet, found: Effects
) -> Steps:
    model = engine.model
    base = float(evaluate(metric, engine.last_logits(run)).mean())
    count = 0
    for layer in reversed(range(model.facts.n_layers)):
        parts = [f"L{layer}H{h}" for h in range(model.facts.n_heads)]
        parts += [f"L{layer}.mlp"] if model.has_part("mlp") else []
        for i, part in enumerate(parts):
            with model.lock:
                if engine.epoch != run.epoch:
                    return
                probe = InterventionSet((*wanted.items, Zero(part)))
                held, _ = engine.run(run.tokens, run.lengths, probe, hold=False)
                value = float(evaluate(metric, engine.last_logits(held)).mean()) - base
            if i < model.facts.n_heads:
                found.heads[layer, i] = value
            else:
                found.mlps[layer] = value
            count += 1
            yield count
