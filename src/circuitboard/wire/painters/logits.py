"""The most likely next tokens at one position."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from circuitboard.wire.messages import LogitRow, LogitsInfo, LogitsView
from circuitboard.wire.painters.scene import Painter, Scene, position_of


def paint(view: LogitsView, scene: Scene) -> LogitsInfo:
    """Rows as :class:`LogitsInfo` says."""
    engine, outcome = scene.engine, scene.outcome
    position = position_of(scene, view.position)
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


PAINTER = Painter(paint)
