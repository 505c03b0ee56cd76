"""The evidence for a head's class, which fills in."""

from __future__ import annotations

from circuitboard.methods import head_evidence
from circuitboard.session.background import Sweep
from circuitboard.session.board import Board
from circuitboard.spec.address import Address
from circuitboard.wire.messages import (
    CopiedToken,
    EvidenceScore,
    HeadEvidenceInfo,
    HeadEvidenceView,
)
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import Painter, Scene


def paint(view: HeadEvidenceView, scene: Scene) -> HeadEvidenceInfo:
    """Arrays as :class:`HeadEvidenceView` names them."""
    head = Address("head", view.layer, head=view.head)

    def begin() -> Sweep[head_evidence.HeadEvidence]:
        found, steps = head_evidence.begin(scene.engine, head, seed=view.seed)
        total = head_evidence.steps_of(found)
        return Sweep("head evidence", f"Evidence for {head}", total, found, steps)

    found = scene.backlog.get(view, ("evidence", scene.engine.epoch, str(head), view.seed), begin)
    if found.pattern.size:
        scene.parcel.add("pattern", found.pattern)
    text, copying = scene.model.token_text, found.copying
    return HeadEvidenceInfo(
        tokens=[text(int(i)) for i in found.tokens],
        period=found.period,
        seed=view.seed,
        scores=[EvidenceScore(name=s.name, value=s.value, offset=s.offset) for s in found.scores],
        tried=copying.tried,
        wanted=copying.wanted,
        top1=copying.top1,
        top5=copying.top5,
        bottom5=copying.bottom5,
        examples=[
            CopiedToken(text=text(c.token), top=text(c.top), rank=c.rank) for c in copying.examples
        ],
    )


def record(board: Board) -> list[HeadEvidenceView]:
    """The heads selected, and the strongest."""
    heads = wanted.heads(board)[: wanted.STRONG]
    return [HeadEvidenceView(layer=layer, head=head) for layer, head in heads]


# The tokens are not the prompt's.
PAINTER = Painter(paint, record=record, axes={"pattern": ("repeat", "earlier_repeat")})
