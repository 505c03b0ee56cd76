"""Computes what one visible view draws."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np

from circuitboard.engine.held import HeldRun
from circuitboard.methods.direct_logit_attribution import attribute, output_norms
from circuitboard.session.board import Board
from circuitboard.session.effects import EffectSweeps
from circuitboard.session.interventions import active
from circuitboard.session.question import Outcome
from circuitboard.spec.address import Address
from circuitboard.spec.intervention import InterventionSet
from circuitboard.wire.codec import Buffers, Parcel
from circuitboard.wire.messages import (
    HeadView,
    LogitRow,
    LogitsInfo,
    LogitsView,
    MapView,
    View,
    ViewData,
)


class Painter:
    """Turns an outcome into the data of each kind of view."""

    def __init__(self, board: Board, effects: EffectSweeps) -> None:
        self._board = board
        self._effects = effects

    def paint(self, view: View, outcome: Outcome) -> tuple[ViewData, Buffers]:
        """Data of one view. Raises CircuitboardError where the model has no such part."""
        parcel = Parcel()
        logits = None
        match view:
            case MapView():
                self._map(view, outcome, parcel)
            case HeadView():
                self._head(view, outcome, parcel)
            case LogitsView():
                logits = self._logits(view, outcome)
        data = ViewData(view=view, revision=outcome.revision, arrays=parcel.arrays, logits=logits)
        return data, parcel.buffers

    # --- map ----------------------------------------------------------------------------------

    def _map(self, view: MapView, outcome: Outcome, parcel: Parcel) -> None:
        for end, run in (("now", outcome.now), ("base", outcome.baseline)):
            heads, mlps, embed = self._measure(view.measure, outcome, run, end)
            parcel.add(f"heads_{end}", heads)
            parcel.add(f"mlp_{end}", mlps)
            parcel.add(f"embed_{end}", np.array([embed], np.float32))
            parcel.add(f"resid_{end}", self._stream_norms(run))

    def _measure(
        self, measure: str, outcome: Outcome, run: HeldRun, end: str
    ) -> tuple[np.ndarray, np.ndarray, float]:
        facts = self._board.model.facts
        engine = self._board.engine
        if measure == "norm":
            heads, mlps = output_norms(engine, run)
            start = run.entering[0]
            last = [n - 1 for n in run.lengths]
            return heads, mlps, float(start[range(len(last)), last].float().norm(dim=-1).mean())
        if outcome.metric is None:
            empty = np.full(facts.n_layers, np.nan, np.float32)
            return np.full((facts.n_layers, facts.n_heads), np.nan, np.float32), empty, np.nan
        if measure == "effect":
            wanted = active(outcome.question.entries) if end == "now" else InterventionSet()
            found = self._effects.get(outcome, wanted)
            return found.heads, found.mlps, np.nan
        found = attribute(engine, run, outcome.metric)
        return found.heads, found.mlps, found.embed

    def _stream_norms(self, run: HeldRun) -> np.ndarray:
        """[2l+1]: before attention and before the MLP of each layer, and at the end."""
        rows, last = range(len(run.lengths)), [n - 1 for n in run.lengths]
        norms: list[float] = []
        for entering, written in zip(run.entering, run.written, strict=True):
            before = entering[rows, last].float()
            middle = before if written.attn is None else before + written.attn.float()
            norms += [float(before.norm(dim=-1).mean()), float(middle.norm(dim=-1).mean())]
        norms.append(float(run.final[rows, last].float().norm(dim=-1).mean()))
        return np.array(norms, np.float32)

    # --- head ---------------------------------------------------------------------------------

    def _head(self, view: HeadView, outcome: Outcome, parcel: Parcel) -> None:
        facts = self._board.model.facts
        self._board.model.check(Address("head.pattern", view.layer, head=view.head))
        heads = range(facts.n_heads)
        for end, run in (("now", outcome.now), ("base", outcome.baseline)):
            patterns = [Address("head.pattern", view.layer, head=h) for h in heads]
            values = [Address("head.v", view.layer, head=h) for h in heads]
            found = self._board.engine.read(run, [*patterns, *values])
            grid = np.stack([found[a.place][0].float().cpu().numpy() for a in patterns])
            norms = [found[a.place][0].float().norm(dim=-1).cpu().numpy() for a in values]
            parcel.add(f"pattern_{end}", grid[view.head])
            parcel.add(f"thumbs_{end}", np.rint(np.clip(grid, 0, 1) * 255).astype(np.uint8))
            parcel.add(f"value_norm_{end}", np.stack(norms))

    # --- logits -------------------------------------------------------------------------------

    def _logits(self, view: LogitsView, outcome: Outcome) -> LogitsInfo:
        engine, model = self._board.engine, self._board.model
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
                text=model.token_text(i),
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
