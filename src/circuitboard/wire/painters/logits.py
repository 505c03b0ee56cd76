"""The most likely next tokens at one position."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import functools
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from circuitboard.engine.held import HeldRun
from circuitboard.session.board import Board
from circuitboard.wire.messages import LogitRow, LogitsInfo, LogitsView
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import Painter, Scene, position_of


def paint(view: LogitsView, scene: Scene) -> LogitsInfo:
    """Rows as :class:`LogitsInfo` says."""
    outcome = scene.outcome
    position = position_of(scene, view.position)
    ends = {
        end: scene.once(run, ("logits", position), functools.partial(_row, scene, run, position))
        for end, run in scene.ends
    }
    now, base = ends["now"].logits, ends["base"].logits
    k = max(1, min(view.k, now.shape[-1]))
    roles = {}
    if outcome.metric is not None:
        if outcome.metric.foil is not None:
            roles[outcome.metric.foil] = "foil"
        roles[outcome.metric.target] = "target"
    wanted = list({*now.topk(k).indices.tolist(), *base.topk(k).indices.tolist(), *roles})
    probs = {end: row.probabilities[wanted].tolist() for end, row in ends.items()}
    logits = {end: row.logits[wanted].tolist() for end, row in ends.items()}
    ranks = {end: ranks_of(row.logits, wanted) for end, row in ends.items()}
    rows = [
        LogitRow(
            id=i,
            text=scene.model.token_text(i),
            role=roles.get(i, ""),
            logit_now=logits["now"][n],
            logit_base=logits["base"][n],
            prob_now=probs["now"][n],
            prob_base=probs["base"][n],
            rank_now=ranks["now"][n],
            rank_base=ranks["base"][n],
        )
        for n, i in enumerate(wanted)
    ]
    rows.sort(key=lambda row: (-row.prob_now, row.id))
    return LogitsInfo(position=position, rows=rows)


@dataclass(frozen=True)
class _Row:
    """Logits and probabilities at one position, [v]."""

    logits: Tensor
    probabilities: Tensor


def _row(scene: Scene, run: HeldRun, position: int) -> _Row:
    logits = scene.engine.logits_at(run, position)[0]
    return _Row(logits, logits.softmax(-1))


def ranks_of(logits: Float[Tensor, "v"], tokens: list[int]) -> list[int]:
    """The rank of each token, 1 for the most likely."""
    above = logits[None] > logits[tokens][:, None]
    return (above.sum(-1) + 1).tolist()


def record(board: Board) -> list[LogitsView]:
    """Every position, that looked at first."""
    return [LogitsView(position=i) for i in wanted.positions(board)]


PAINTER = Painter(paint, record=record)
