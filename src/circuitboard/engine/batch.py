"""Many runs side by side: each row of a batch has interventions of its own.

Runs that differ from one held run join a batch at the block where they depart from it, with the
stored stream of that block, and go on with the rows that are there already. They are grouped by
the position where they depart and judged without the unembedding where the metric allows it; the
last block computes no more than the last position where nothing else is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

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
from circuitboard.models.executor import Hook, KeysValues, Span, run_keys, run_span
from circuitboard.spec.intervention import Add, AnyIntervention, InterventionSet, Set

#: Share of the free memory that one batch may take.
SHARE = 0.25
#: Tokens in one batch at most: more does not run faster.
TOKENS_CPU, TOKENS_GPU = 2048, 1 << 17
#: What a block costs on top of its tokens, counted in tokens: its call, and reading its weights.
CALL_CPU, CALL_GPU = 64, 1 << 14

Found = Callable[[int, Tensor], None]


@dataclass(frozen=True)
class _Start:
    """Where a run departs; ``via`` tells edges into heads from edges into the MLP."""

    layer: int
    position: int
    via: str = ""


@dataclass
class _Flight:
    """Runs on their way through the blocks, at positions from ``position`` on.

    Attributes:
        prompts: rows for each set of interventions.
        sets: one for each run that has joined.
        stream: [sets * prompts, p, d], what enters the next block.
    """

    position: int
    prompts: int
    values: dict[AnyIntervention, Tensor]
    stream: Tensor
    sets: list[InterventionSet] = field(default_factory=list)

    def tasks(self) -> list[Task]:
        """What is done to each row."""
        rows = self.prompts
        return [
            Task(wanted.items, slice(n * rows, (n + 1) * rows))
            for n, wanted in enumerate(self.sets)
        ]


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
        self._lender = Lender(self.engine, self.base.tokens, self.base.lengths, self.check)

    def run(self, sets: Sequence[InterventionSet], found: Found) -> None:
        """Calls ``found(i, values [b])`` for each set, in the order in which they finish."""
        starts: dict[int, _Start] = {}
        for i, wanted in enumerate(sets):
            start = self._start(wanted)
            if start is None:
                found(i, self._alone(wanted))
            else:
                starts[i] = start
        for position, items in self._groups(starts):
            for part in self._parts(items, position):
                self.check()
                for i, values in self._together(sets, starts, part):
                    found(i, values)

    # --- which runs go together ---------------------------------------------------------------

    def _start(self, wanted: InterventionSet) -> _Start | None:
        """Where a set departs, or None where it has to run on its own."""
        model, base = self.engine.model, self.base
        differing = changed(base.interventions, wanted)
        if base.whole or not differing:
            return None
        layer = min(sites.item_stage(model, i) for i in differing)
        through = [i for i in differing if i.edge is not None]
        kept = set(base.interventions) <= set(wanted)
        if through and (len(differing) > 1 or not kept):
            return None
        behind = [i for i in base.interventions if i.edge is not None]
        if any(sites.item_stage(model, i) >= layer for i in behind):
            return None  # what such an edge sets depends on what changes here
        foot = any(i.edge is None and i.address.part in sites.FOOT for i in differing)
        tail = any(i.edge is None and i.address.part in sites.TAIL for i in wanted)
        if foot or tail or _two_readings(wanted):
            return None
        position = 0
        if self._cuttable():
            frame = Frame(base.lengths, base.tokens.shape[1], 0, base.tokens.device)
            position = min(frame.first(i.address) for i in differing)
        if not through:
            return _Start(layer, position)
        assert through[0].edge is not None
        part = through[0].edge.receiver.part
        return _Start(layer, position, "mlp" if part == "mlp" else "heads")

    def _cuttable(self) -> bool:
        """Whether a pass may leave out positions whose keys and values are known."""
        facts, width = self.engine.model.facts, self.base.tokens.shape[1]
        return facts.caches and (facts.window is None or width <= facts.window)

    def _groups(self, starts: dict[int, _Start]) -> list[tuple[int, list[int]]]:
        """Runs that go together, in the order of joining, and the position they start at.

        A group starts at the first position of its runs: a wide one computes what it need not, a
        narrow one pays for calls. This is the cheapest way to cut the positions into groups.
        """
        prompts, width = len(self.base.lengths), self.base.tokens.shape[1]
        n_layers = self.engine.model.facts.n_layers
        call = CALL_GPU if self.base.final.is_cuda else CALL_CPU
        at: dict[int, list[int]] = {}
        for i, start in starts.items():
            at.setdefault(start.position, []).append(i)
        positions = sorted(at)
        blocks = [[n_layers - starts[i].layer for i in at[p]] for p in positions]
        best: list[tuple[int, int]] = [(0, 0)] * (len(positions) + 1)
        for first in reversed(range(len(positions))):
            rows, deepest, options = 0, 0, []
            for stop in range(first + 1, len(positions) + 1):
                rows += prompts * sum(blocks[stop - 1])
                deepest = max(deepest, *blocks[stop - 1])
                cost = rows * (width - positions[first]) + call * deepest + best[stop][0]
                options.append((cost, stop))
            best[first] = min(options)
        groups, first = [], 0
        while first < len(positions):
            stop = best[first][1]
            items = [i for p in positions[first:stop] for i in at[p]]
            items.sort(key=lambda i: (starts[i].layer, starts[i].via))
            groups.append((positions[first], items))
            first = stop
        return groups

    def _parts(self, items: list[int], position: int) -> Iterator[list[int]]:
        """Chunks that fit; the size is looked up anew for each, as it may have been halved."""
        at = 0
        rows = len(self.base.lengths) * (self.base.tokens.shape[1] - position)
        while at < len(items):
            size = max(1, self.tokens_at_once // rows)
            yield items[at : at + size]
            at += size

    # --- running them -------------------------------------------------------------------------

    def _alone(self, wanted: InterventionSet) -> Tensor:
        base, engine = self.base, self.engine
        run, _ = engine.run(base.tokens, base.lengths, wanted, self.check, hold=False)
        return self.judge.run(engine, run)

    def _together(
        self, sets: Sequence[InterventionSet], starts: dict[int, _Start], part: list[int]
    ) -> list[tuple[int, Tensor]]:
        try:
            values = self._ends([(sets[i], starts[i]) for i in part])
        except (torch.OutOfMemoryError, MemoryError):
            if len(part) == 1:
                raise
            self.tokens_at_once = max(1, self.tokens_at_once // 2)
            half = len(part) // 2
            return [
                *self._together(sets, starts, part[:half]),
                *self._together(sets, starts, part[half:]),
            ]
        rows = len(self.base.lengths)
        return [(i, values[n * rows : (n + 1) * rows]) for n, i in enumerate(part)]

    def _ends(self, runs: list[tuple[InterventionSet, _Start]]) -> Tensor:
        """The judged ends of some runs, given in the order of joining: [sets * b]."""
        base, n_layers = self.base, self.engine.model.facts.n_layers
        position = min(start.position for _, start in runs)
        values = self._borrowed([wanted for wanted, _ in runs])
        flight = _Flight(position, len(base.lengths), values, base.final[:0, position:])
        first = runs[0][1].layer
        marks = {min(start.layer, n_layers) for _, start in runs} | {n_layers}
        for layer, stop in pairwise(sorted(marks | {max(first, n_layers - 1)})):
            hooks = self._join(flight, [run for run in runs if run[1].layer == layer])
            if stop == n_layers and self._ends_narrow(flight):
                self._last_block(flight, hooks)
            else:
                flight.stream = self._through(flight, range(layer, stop), hooks)
        self._join(flight, [run for run in runs if run[1].layer == n_layers])
        return self._judged(flight.stream, flight.position)

    def _borrowed(self, sets: Sequence[InterventionSet]) -> dict[AnyIntervention, Tensor]:
        values: dict[AnyIntervention, Tensor] = {}
        for wanted in sets:
            known = {item: values[item] for item in wanted if item in values}
            values.update(self._lender.values(wanted, known))
        return values

    def _join(
        self, flight: _Flight, joining: Sequence[tuple[InterventionSet, _Start]]
    ) -> list[Fixed]:
        """Adds runs that depart at one block; returns what their edges into it set."""
        if not joining:
            return []
        layer = joining[0][1].layer
        fresh = _repeated(self.base.stream(layer)[:, flight.position :], len(joining))
        fixed: list[Fixed] = []
        for via in ("heads", "mlp"):
            rows = [n for n, (_, start) in enumerate(joining) if start.via == via]
            asked = [
                request for n in rows for request in self._requests(joining[n][0], flight.values)
            ]
            if layer == self.engine.model.facts.n_layers and asked:
                shift = torch.cat([request.shift for request in asked])
                fresh = fresh + shift[:, flight.position :]
                continue
            places = edges.receive(self.engine, self.base, layer, asked, flight.values)
            for n, received in zip(rows, places, strict=True):
                at = (len(flight.sets) + n) * flight.prompts
                own = slice(at, at + flight.prompts)
                fixed += [Fixed(address, value, own) for address, value in received]
        flight.stream = torch.cat([flight.stream, fresh])
        flight.sets += [wanted for wanted, _ in joining]
        return fixed

    def _requests(
        self, wanted: InterventionSet, values: dict[AnyIntervention, Tensor]
    ) -> list[edges.Request]:
        new = [i for i in changed(self.base.interventions, wanted) if i.edge is not None]
        return edges.requests(self.engine, self.base, new, values)

    def _span(self, flight: _Flight, layers: range, fixed: Sequence[Fixed], position: int) -> Span:
        """One pass of a flight through some blocks, at its positions from ``position`` on."""
        base, engine = self.base, self.engine
        count = len(flight.sets)
        frame = Frame(base.lengths, base.tokens.shape[1], position, base.tokens.device)
        shop = Workshop(engine.model, frame, flight.values)
        hooks: list[tuple[str, Hook]] = [
            *engine.fixed(base, layers, position),
            *edges.fixed_hooks(engine.model, fixed, position),
            *shop.hooks(flight.tasks(), (), layers),
        ]
        tokens = base.tokens[:, position:].repeat(count, 1)
        span = Span(tokens, layers.start, layers.stop, hooks=hooks, lean=True)
        span.residual = flight.stream[:, position - flight.position :]
        span.past = _past(base, layers, position, count)
        span.cancelled = self.check
        return span

    def _through(self, flight: _Flight, layers: range, fixed: Sequence[Fixed]) -> Tensor:
        span = self._span(flight, layers, fixed, flight.position)
        return run_span(self.engine.model, span).leaving

    def _ends_narrow(self, flight: _Flight) -> bool:
        """Whether the last block had better compute its last positions alone."""
        if self.judge.whole or not self._cuttable():
            return False
        width, last = self.base.tokens.shape[1], min(self.base.lengths) - 1
        return width - flight.position >= 2 * (width - last)

    def _last_block(self, flight: _Flight, fixed: Sequence[Fixed]) -> None:
        """Runs the last block at the last positions, which need all keys and values before them."""
        model = self.engine.model
        layer, last = model.facts.n_layers - 1, min(self.base.lengths) - 1
        only = range(layer, layer + 1)
        keys, values = run_keys(model, self._span(flight, only, fixed, flight.position))
        span = self._span(flight, only, fixed, last)
        span.past = {**(span.past or {}), layer: (keys[:, :, :last], values[:, :, :last])}
        flight.stream, flight.position = run_span(model, span).leaving, last

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


def _two_readings(wanted: InterventionSet) -> bool:
    """Whether a head is both set and borrowed, so that the borrowed value is not its z."""
    heads = {i.at.partition("@")[0] for i in wanted if isinstance(i, Set | Add)}
    return any(
        i.edge is None and i.address.part == "head" and i.address.place in heads for i in wanted
    )


def _repeated(tensor: Tensor, count: int) -> Tensor:
    """``count`` times the rows of a tensor; a view where it has one row."""
    if len(tensor) == 1:
        return tensor.expand(count, *tensor.shape[1:])
    return tensor.repeat(count, *[1] * (tensor.ndim - 1))


def _past(base: HeldRun, layers: range, position: int, count: int) -> dict[int, KeysValues] | None:
    """Keys and values before a position for some blocks; block 0's say how many there are."""
    if not position:
        return None
    found = {i: base.cache[i] for i in sorted({0, *layers})}
    return {
        i: (
            _repeated(keys[:, :, :position], count if i in layers else 1),
            _repeated(values[:, :, :position], count if i in layers else 1),
        )
        for i, (keys, values) in found.items()
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
