"""Measures of all parts that take longer than a moment: swept in the background and kept."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.methods import copying, head_scores
from circuitboard.methods.head_scores import HeadScores
from circuitboard.methods.pattern_entropy import layer_entropies
from circuitboard.session.background import Backlog, Sweep
from circuitboard.session.worker import Steps

Floats = NDArray[np.float32]


def kept_head_scores(backlog: Backlog, viewer: Hashable, engine: Engine) -> HeadScores:
    """Head scores on random repeats; computed once for the weights as they are."""
    total = head_scores.SEEDS * engine.model.facts.n_layers

    def begin() -> Sweep[HeadScores]:
        found = HeadScores.empty(engine.model)
        steps = head_scores.score_steps(engine, found)
        return Sweep("head scores", "Head scores on random repeats", total, found, steps, True)

    return backlog.get(viewer, ("head scores", engine.epoch), begin)


def kept_copying(backlog: Backlog, viewer: Hashable, engine: Engine) -> Floats:
    """Copying scores [l, h]; computed once for the weights as they are."""
    f = engine.model.facts

    def begin() -> Sweep[Floats]:
        found = np.full((f.n_layers, f.n_heads), np.nan, np.float32)
        steps = copying.copying_steps(engine, found)
        total = copying.step_count(engine.model)
        return Sweep("copying scores", "Copying scores of all heads", total, found, steps, True)

    return backlog.get(viewer, ("copying scores", engine.epoch), begin)


def kept_entropies(backlog: Backlog, viewer: Hashable, engine: Engine, run: HeldRun) -> Floats:
    """Pattern entropies of a run [l, h, p], in nats, layer by layer."""
    f, name = engine.model.facts, "now" if len(run.interventions) else "baseline"

    def begin() -> Sweep[Floats]:
        shape = (f.n_layers, f.n_heads, run.tokens.shape[1])
        found = np.full(shape, np.nan, np.float32)
        steps = _entropies(engine, run, found)
        return Sweep(f"entropy {name}", f"Pattern entropy ({name})", f.n_layers, found, steps)

    return backlog.get(viewer, ("entropy", engine.epoch, run.key), begin)


def _entropies(engine: Engine, run: HeldRun, found: Floats) -> Steps:
    for layer in range(len(found)):
        with engine.model.lock:
            if engine.epoch != run.epoch:
                return
            found[layer] = layer_entropies(engine, run, layer)
        yield layer + 1
