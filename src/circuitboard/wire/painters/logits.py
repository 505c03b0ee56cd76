"""The most likely next tokens at one position."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from circuitboard.session.board import Board
from circuitboard.wire.messages import LogitRow, LogitsInfo, LogitsView
from circuitboard.wire.painters.scene import Painter, Scene


def paint(view: LogitsView, scene: Scene) -> LogitsInfo:
    """Rows as :class:`LogitsInfo` says."""
    engine, outcome = scene.engine, scene.outcome
    length = outcome.now.lengths[0]
    position = view.position + length if view.position < 0 else view.position
    position = max(0, min(position, length - 1))
    now = engine.logits_at(outcome.now, position)[0]
    base = engine.logits_at(outcome.baseline, position)[0]
    k = max(1, min(view.k, now.shape[-1]))
    roles = {}
    if outcome.metric is not None:
        if outcome.metric.foil is not None:
            roles[outcome.metric.foil] = "foil"
        roles[outcome.metric.target] = "target"
    wanted = {*now.topk(k).indices.tolist(), *base.topk(k).indices.tolist(), *roles}
    probs = {"now": now.softmax(-1), "base": base.softmax(-1)}
    rows = [
        LogitRow(
            id=i,
            text=scene.model.token_text(i),
            role=roles.get(i, ""),
            logit_now=float(now[i]),
            logit_base=float(base[i]),
            prob_now=float(probs["now"][i]),
            prob_base=float(probs["base"][i]),
            rank_now=int((now > now[i]).sum()) + 1,
            rank_base=int((base > base[i]).sum()) + 1,
        )
        for i in wanted
    ]
    rows.sort(key=lambda row: (-row.prob_now, row.id))
    return LogitsInfo(position=position, rows=rows)


def record(board: Board) -> list[LogitsView]:
    """Every position, that looked at first. The last one is called -1, as on screen."""
    length = len(board.tokens)
    here = board.position % length
    order = [here, *(i for i in reversed(range(length)) if i != here)]
    return [LogitsView(position=-1 if i == length - 1 else i) for i in order]


PAINTER = Painter(paint, record=record)
