"""Many runs side by side: each row of a batch has interventions of its own.

Runs that differ from one held run are grouped by where they start (block and position), run from
its stored stream as one batch, and judged without the unembedding where the metric allows it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from circuitboard.engine import edges, sites
from circuitboard.engine.edges import Fixed
from circuitboard.engine.engine import Check, Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import Judge
from circuitboard.engine.plan import changed
from circuitboard.engine.sites import Frame, Task, Workshop
from circuitboard.engine.values import Lender
from circuitboard.models.executor import Span, run_span, run_tail
from circuitboard.spec.intervention import Add, AnyIntervention, InterventionSet, Set

#: Share of the free memory that one batch may take.
SHARE = 0.25
#: Tokens in one batch at most: more does not run faster.
TOKENS_CPU, TOKENS_GPU = 2048, 1 << 17
#: Tokens with which a pass is worth its reading of the weights.
FULL = 512

Found = Callable[[int, Tensor], None]


@dataclass(frozen=True)
class _Start:
    """Where runs of one group start; ``via`` tells edges into heads from edges into the MLP."""

    layer: int
    position: int
    via: str = ""


@dataclass
class Batch:
    """Runs many sets of interventions on the same prompts.

    Attributes:
        base: the held run that all start from.
        judge: what is computed from each run's end.
        tokens_at_once: rows times positions of one batch; halved when memory runs out.
    """

    engine: Engine
    base: HeldRun
    judge: Judge
    check: Check
    tokens_at_once: int = field(default=0)

    def __post_init__(self) -> None:
        if not self.tokens_at_once:
            self.tokens_at_once = _room(self.engine, self.base)

    def run(self, sets: Sequence[InterventionSet], found: Found) -> None:
        """Calls ``found(i, values [b])`` for each set, in the order in which they finish."""
        groups: dict[_Start, list[int]] = {}
        for i, wanted in enumerate(sets):
            start = self._start(wanted)
            if start is None:
                found(i, self._alone(wanted))
            else:
                groups.setdefault(start, []).append(i)
        merged = self._merged(groups)
        for start in sorted(merged, key=lambda s: (-s.layer, -s.position, s.via)):
            for part in self._parts(merged[start], start):
                self.check()
                for i, values in self._together(sets, part, start):
                    found(i, values)

    def _merged(self, groups: dict[_Start, list[int]]) -> dict[_Start, list[int]]:
        """Small groups of one layer start together at their first position: fuller passes."""
        width, rows = self.base.tokens.shape[1], len(self.base.lengths)
        out: dict[_Start, list[int]] = {}
        waiting: dict[tuple[int, str], list[int]] = {}
        for start in sorted(groups, key=lambda s: (s.layer, s.via, -s.position)):
            key = (start.layer, start.via)
            items = [*waiting.pop(key, []), *groups[start]]
            last = not any((s.layer, s.via) == key and s.position < start.position for s in groups)
            if last or len(items) * rows * (width - start.position) >= FULL:
                out[start] = items
            else:
                waiting[key] = items
        return out

    def _start(self, wanted: InterventionSet) -> _Start | None:
        """The group of a set, or None where it has to run on its own."""
        model, base = self.engine.model, self.base
        differing = changed(base.interventions, wanted)
        if base.whole or not differing:
            return None
        n_layers = model.facts.n_layers
        layer = min(sites.item_stage(model, i) for i in differing)
        through = [i for i in differing if i.edge is not None]
        kept = set(base.interventions) <= set(wanted)
        if through and (len(differing) > 1 or not kept):
            return None
        behind = [i for i in base.interventions if i.edge is not None]
        if any(sites.item_stage(model, i) >= layer for i in behind):
            return None  # what such an edge sets depends on what changes here
        foot = any(i.edge is None and i.address.part in sites.FOOT for i in differing)
        uneven = any(n != base.tokens.shape[1] for n in base.lengths)
        if _after(wanted) and (through or uneven or self.judge.whole):
            return None
        if foot or (layer == n_layers and not through) or _two_readings(wanted):
            return None
        frame = Frame(base.lengths, base.tokens.shape[1], 0, base.tokens.device)
        position = min(frame.first(i.address) for i in differing)
        window = model.facts.window
        if not model.facts.caches or (window is not None and frame.width > window):
            position = 0
        if not through:
            return _Start(layer, position)
        assert through[0].edge is not None
        part = through[0].edge.receiver.part
        return _Start(layer, position, "mlp" if part == "mlp" else "heads")

    def _parts(self, items: list[int], start: _Start) -> Iterator[list[int]]:
        """Chunks that fit; the size is looked up anew for each, as it may have been halved."""
        at = 0
        rows = len(self.base.lengths) * (self.base.tokens.shape[1] - start.position)
        while at < len(items):
            size = max(1, self.tokens_at_once // rows)
            yield items[at : at + size]
            at += size

    def _alone(self, wanted: InterventionSet) -> Tensor:
        base, engine = self.base, self.engine
        run, _ = engine.run(base.tokens, base.lengths, wanted, self.check, hold=False)
        return self.judge.run(engine, run)

    def _together(
        self, sets: Sequence[InterventionSet], part: list[int], start: _Start
    ) -> list[tuple[int, Tensor]]:
        try:
            values = self._ends([sets[i] for i in part], start)
        except (torch.OutOfMemoryError, MemoryError):
            if len(part) == 1:
                raise
            self.tokens_at_once = max(1, self.tokens_at_once // 2)
            half = len(part) // 2
            return [
                *self._together(sets, part[:half], start),
                *self._together(sets, part[half:], start),
            ]
        rows = len(self.base.lengths)
        return [(i, values[n * rows : (n + 1) * rows]) for n, i in enumerate(part)]

    def _ends(self, sets: list[InterventionSet], start: _Start) -> Tensor:
        """The judged ends of some sets: [sets * b]."""
        base, engine = self.base, self.engine
        count, n_layers = len(sets), engine.model.facts.n_layers
        lender = Lender(engine, base.tokens, base.lengths, self.check)
        values: dict[AnyIntervention, Tensor] = {}
        for wanted in sets:
            values.update(lender.values(wanted, values))
        shifts, fixed = self._received(sets, start, values)
        if start.layer == n_layers:
            final = base.final.repeat(count, 1, 1) + shifts
            return self._judged(final, 0)
        p = start.position
        frame = Frame(base.lengths, base.tokens.shape[1], p, base.tokens.device)
        shop = Workshop(engine.model, frame, values)
        rows = len(base.lengths)
        tasks = [
            Task(wanted.items, slice(n * rows, (n + 1) * rows)) for n, wanted in enumerate(sets)
        ]
        layers = range(start.layer, n_layers)
        hooks = [
            *engine.fixed(base, layers, p),
            *edges.fixed_hooks(engine.model, fixed, p),
            *shop.hooks(tasks, (), layers),
        ]
        span = Span(base.tokens[:, p:].repeat(count, 1), start.layer, n_layers, hooks=hooks)
        span.residual = base.stream(start.layer)[:, p:].repeat(count, 1, 1)
        span.past = _repeated(base, start, count)
        span.cancelled = self.check
        leaving = run_span(engine.model, span).leaving
        if any(_after(wanted) for wanted in sets):
            return self._after(leaving, tasks, values)
        return self._judged(leaving, p)

    def _after(
        self, leaving: Tensor, tasks: list[Task], values: dict[AnyIntervention, Tensor]
    ) -> Tensor:
        """Judged ends of runs that are changed after the last block: prompts of equal length."""
        base, model = self.base, self.engine.model
        width, n_layers = base.tokens.shape[1], model.facts.n_layers
        final = leaving[:, -1:]
        if base.tail_shift is not None:
            final = final + base.tail_shift[:, -1:].repeat(len(tasks), 1, 1)
        shop = Workshop(model, Frame(base.lengths, width, width - 1, final.device), values)
        hooks = shop.hooks(tasks, (), range(n_layers, n_layers + 1))
        return self.judge.logits(run_tail(model, final, hooks)[:, 0].float())

    def _received(
        self,
        sets: list[InterventionSet],
        start: _Start,
        values: dict[AnyIntervention, Tensor],
    ) -> tuple[Tensor, list[Fixed]]:
        """For edges: what the logits' streams are shifted by, or the receivers' inputs by rows."""
        base, engine = self.base, self.engine
        nothing = torch.zeros(1, device=base.tokens.device)
        if not start.via:
            return nothing, []
        asked = []
        for wanted in sets:
            new = [i for i in changed(base.interventions, wanted) if i.edge is not None]
            asked += edges.requests(engine, base, new, values)
        if start.layer == engine.model.facts.n_layers:
            return torch.cat([request.shift for request in asked]), []
        rows = len(base.lengths)
        fixed = []
        for n, places in enumerate(edges.receive(engine, base, start.layer, asked, values)):
            own = slice(n * rows, (n + 1) * rows)
            fixed += [Fixed(address, value, own) for address, value in places]
        return nothing, fixed

    def _judged(self, final: Tensor, position: int) -> Tensor:
        base = self.base
        count = len(final) // len(base.lengths)
        if self.judge.whole:
            before = base.final[:, :position].repeat(count, 1, 1)
            return self.judge.loss(torch.cat([before, final], dim=1))
        if base.tail_shift is not None:
            final = final + base.tail_shift[:, position:].repeat(count, 1, 1)
        last = torch.tensor([n - 1 - position for n in base.lengths] * count, device=final.device)
        return self.judge.last(final[torch.arange(len(final), device=final.device), last])


def _after(wanted: InterventionSet) -> bool:
    """Whether something is done after the last block."""
    return any(i.edge is None and i.address.part in sites.TAIL for i in wanted)


def _two_readings(wanted: InterventionSet) -> bool:
    """Whether a head is both set and borrowed, so that the borrowed value is not its z."""
    heads = {i.at.partition("@")[0] for i in wanted if isinstance(i, Set | Add)}
    return any(
        i.edge is None and i.address.part == "head" and i.address.place in heads for i in wanted
    )


def _repeated(base: HeldRun, start: _Start, count: int) -> dict[int, tuple[Tensor, Tensor]] | None:
    p = start.position
    if not p:
        return None
    wanted = {0, *range(start.layer, len(base.entering))}
    return {
        i: (k[:, :, :p].repeat(count, 1, 1, 1), v[:, :, :p].repeat(count, 1, 1, 1))
        for i, (k, v) in base.cache.items()
        if i in wanted
    }


def _room(engine: Engine, base: HeldRun) -> int:
    """Tokens that one batch may hold, from the free memory and the model's shape."""
    facts, width = engine.model.facts, base.tokens.shape[1]
    on_gpu = base.final.is_cuda
    if on_gpu:
        free = torch.cuda.mem_get_info(base.final.device)[0]
    else:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    kept = 2 * facts.n_layers * facts.n_kv_heads * facts.d_head
    numbers = 16 * facts.d_model + 4 * facts.d_mlp + 4 * facts.n_heads * width + kept
    fit = int(free * SHARE) // (numbers * base.final.element_size())
    return max(width, min(fit, TOKENS_GPU if on_gpu else TOKENS_CPU))
