"""Ablation effects of all heads and MLPs, swept in the background and kept."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.metric import evaluate
from circuitboard.session.board import Board
from circuitboard.session.question import Outcome
from circuitboard.session.worker import Steps
from circuitboard.spec.intervention import InterventionSet, Zero

Floats = NDArray[np.float32]
KEEP = 8


@dataclass
class Effects:
    """Change of the metric when a part's output is zeroed, in logits; NaN where not yet known.

    ``heads`` [l, h], ``mlps`` [l].
    """

    heads: Floats
    mlps: Floats
    done: bool = False


class EffectSweeps:
    """Sweeps of one board, one for each state seen lately."""

    def __init__(self, board: Board, on_step: Callable[[], None]) -> None:
        self._board = board
        self._on_step = on_step
        self._kept: dict[object, Effects] = {}

    def get(self, outcome: Outcome, wanted: InterventionSet) -> Effects:
        """Effects of zeroing each part on top of ``wanted``; starts the sweep where it must."""
        run = outcome.now if len(wanted) else outcome.baseline
        key = (self._board.engine.epoch, run.key, outcome.metric)
        if key not in self._kept:
            facts = self._board.model.facts
            found = Effects(
                np.full((facts.n_layers, facts.n_heads), np.nan, np.float32),
                np.full(facts.n_layers, np.nan, np.float32),
            )
            self._kept[key] = found
            while len(self._kept) > KEEP:
                self._kept.pop(next(iter(self._kept)))
            name = "now" if len(wanted) else "baseline"
            total = found.heads.size + len(self._board.model.mlps)
            self._board.worker.background(
                f"effects {name}",
                f"Ablating each part ({name})",
                total,
                self._steps(outcome, wanted, found, key),
            )
        return self._kept[key]

    def forget_unfinished(self) -> None:
        """Drops what was not swept to its end, so that it is started again when asked for."""
        self._kept = {key: found for key, found in self._kept.items() if found.done}

    def _steps(
        self, outcome: Outcome, wanted: InterventionSet, found: Effects, key: object
    ) -> Steps:
        engine, metric = self._board.engine, outcome.metric
        model = self._board.model
        if metric is None:
            return
        run = outcome.now if len(wanted) else outcome.baseline
        base = float(evaluate(metric, engine.last_logits(run)).mean())
        count = 0
        for layer in reversed(range(model.facts.n_layers)):
            parts = [f"L{layer}H{h}" for h in range(model.facts.n_heads)]
            parts += [f"L{layer}.mlp"] if model.has_part("mlp") else []
            for i, part in enumerate(parts):
                with model.lock:
                    if engine.epoch != run.epoch:
                        self._kept.pop(key, None)
                        return
                    probe = InterventionSet((*wanted.items, Zero(part)))
                    held, _ = engine.run(run.tokens, run.lengths, probe, hold=False)
                    value = float(evaluate(metric, engine.last_logits(held)).mean()) - base
                if i < model.facts.n_heads:
                    found.heads[layer, i] = value
                else:
                    found.mlps[layer] = value
                count += 1
                found.done = count == found.heads.size + len(model.mlps)
                self._on_step()
                yield count
