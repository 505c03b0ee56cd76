"""What the parts of one block add to the residual stream at any position."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun, Written
from circuitboard.engine.notes import LastNotes
from circuitboard.engine.sites import Frame, Task, Workshop, through_z
from circuitboard.engine.values import Lender
from circuitboard.models.executor import Span, run_span
from circuitboard.spec.address import Address


@dataclass(frozen=True)
class BlockWrites:
    """One block's writing.

    Attributes:
        written: what each part wrote, at one position of every prompt.
        replaced: outputs of heads that are not z times W_O because they were set or added to,
            by head, [b, p, d].
    """

    written: Written
    replaced: dict[int, Tensor]


def block_writes(engine: Engine, run: HeldRun, layer: int, position: int) -> BlockWrites:
    """What a block wrote in a run at one position, counted from the first, of every prompt.

    At the last position nothing is computed, unless a head's output was set; elsewhere the block
    runs once more. Raises StaleResultError when weights or hooks were changed after the run.
    """
    model = engine.model
    heads = [
        head
        for head in range(model.facts.n_heads)
        if not through_z(i for i in run.interventions if _is_head(i.at, layer, head))
    ]
    if not heads and all(position == n - 1 for n in run.lengths):
        return BlockWrites(run.written[layer], {})
    engine.check_fresh(run)
    frame = Frame(run.lengths, run.tokens.shape[1], 0, run.tokens.device)
    values = Lender(engine, run.tokens, run.lengths, lambda: None).values(run.interventions)
    shop = Workshop(model, frame, values)
    notes = LastNotes(model, [position] * len(run.lengths))
    task = Task(run.interventions.items)
    start = 0 if run.whole else layer
    layers, here = range(start, layer + 1), range(layer, layer + 1)
    places = [Address("head", layer, head=head) for head in heads]
    hooks = [
        *engine.fixed(run, layers, 0),
        *(shop.hooks([task], (), range(layer)) if run.whole else []),
        *shop.hooks([task], places, here),
        *notes.hooks(here),
    ]
    residual = None if run.whole else run.stream(layer)
    run_span(model, Span(run.tokens, start, layer + 1, residual, hooks=hooks))
    replaced = {place.head or 0: shop.value(place) for place in places}
    return BlockWrites(notes.written()[0], replaced)


def _is_head(at: str, layer: int, head: int) -> bool:
    return "->" not in at and Address.parse(at).place == f"L{layer}H{head}"
