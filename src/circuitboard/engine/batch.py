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
from circuitboard.engine.flight import Flight, past_of, repeated
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import Judge
from circuitboard.engine.plan import changed
from circuitboard.engine.sites import Frame, Workshop
from circuitboard.engine.values import Lender
from circuitboard.models.executor import Hook, Span, run_keys, run_span, run_tail, run_z
from circuitboard.spec.intervention import Add, AnyIntervention, InterventionSet, Set

#: Share of the free memory that one batch may take.
SHARE = 0.25
#: Tokens in one batch at most: more does not run faster.
TOKENS_CPU, TOKENS_GPU = 1024, 1 << 17
#: What a block costs on top of its tokens, counted in tokens: its call, and reading its weights.
CALL_CPU, CALL_GPU = 64, 1 << 14

#: Parts of a block that queries, keys and values do not depend on.
_LATE = (
    "head", "head.z", "attn", "resid_mid", "ln2", "ln2.scale",
    "mlp", "mlp.pre", "mlp.post", "neuron", "resid_post",
)  # fmt: skip

Found = Callable[[int, Tensor], None]


@dataclass(frozen=True)
class _Start:
    """Where a run departs.

    ``via`` tells edges into heads from edges into the MLP; ``late`` runs have their block's
    attention in common with the held run, up to the heads' z.
    """

    layer: int
    position: int
    via: str = ""
    late: bool = False


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
        self._zs: dict[int, Tensor | None] = {}

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
        uneven = any(n != base.tokens.shape[1] for n in base.lengths)
        if _after(wanted) and (through or uneven or self.judge.whole):
            return None
        if foot or _two_readings(wanted):
            return None
        position = 0
        if self._cuttable():
            frame = Frame(base.lengths, base.tokens.shape[1], 0, base.tokens.device)
            position = min(frame.first(i.address) for i in differing)
        if not through:
            here = [i for i in wanted if sites.item_stage(model, i) == layer]
            late = all(i in differing and i.address.part in _LATE for i in here)
            same = all(sites.item_stage(model, i) != layer for i in base.interventions)
            return _Start(layer, position, late=late and same)
        assert through[0].edge is not None
        part = through[0].edge.receiver.part
        return _Start(layer, position, "mlp" if part == "mlp" else "heads")

    def _cuttable(self) -> bool:
        """Whether a pass may leave out positions whose keys and values are known."""
        facts, width = self.engine.model.facts, self.base.tokens.shape[1]
        ahead = not facts.caches or bool(facts.all_positions)
        return not ahead and (facts.window is None or width <= facts.window)

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
        values = None
        try:
            values = self._ends([(sets[i], starts[i]) for i in part])
        except (torch.OutOfMemoryError, MemoryError):
            if len(part) == 1:
                raise
        if values is None:  # the error is gone by now, and with it what it kept in memory
            self.tokens_at_once = max(1, self.tokens_at_once // 2)
            half = len(part) // 2
            return [
                *self._together(sets, starts, part[:half]),
                *self._together(sets, starts, part[half:]),
            ]
        size = len(values) // len(part)  # a judge may give several numbers for each prompt
        return [(i, values[n * size : (n + 1) * size]) for n, i in enumerate(part)]

    def _ends(self, runs: list[tuple[InterventionSet, _Start]]) -> Tensor:
        """The judged ends of some runs, in the order of their blocks: [sets * b]."""
        base, n_layers = self.base, self.engine.model.facts.n_layers
        position = min(start.position for _, start in runs)
        values = self._borrowed([wanted for wanted, _ in runs])
        flight = Flight(position, len(base.lengths), values, base.final[:0, position:])
        first = runs[0][1].layer
        late = {
            n
            for n, (_, start) in enumerate(runs)
            if start.late and self._z(start.layer) is not None
        }
        marks = {start.layer for _, start in runs} | {runs[n][1].layer + 1 for n in late}
        for layer, stop in pairwise(sorted(marks | {max(first, n_layers - 1), n_layers})):
            new = [n for n, (_, start) in enumerate(runs) if start.layer == layer]
            after = Flight(position, flight.prompts, values, flight.stream[:0])
            self._join(after, [(n, *runs[n]) for n in new if n in late])
            fixed = self._join(flight, [(n, *runs[n]) for n in new if n not in late])
            self._advance(flight, after, range(layer, stop), fixed)
        last = [n for n, (_, start) in enumerate(runs) if start.layer == n_layers]
        self._join(flight, [(n, *runs[n]) for n in last])
        if any(_after(wanted) for wanted, _ in runs):
            ends = self._after(flight).reshape(len(runs), -1)
        else:
            ends = self._judged(flight.stream, flight.position).reshape(len(runs), -1)
        out = torch.empty_like(ends)
        out[flight.order] = ends
        return out.flatten()

    def _borrowed(self, sets: Sequence[InterventionSet]) -> dict[AnyIntervention, Tensor]:
        values: dict[AnyIntervention, Tensor] = {}
        for wanted in sets:
            known = {item: values[item] for item in wanted if item in values}
            values.update(self._lender.values(wanted, known))
        return values

    def _after(self, flight: Flight) -> Tensor:
        """Judged ends of runs that are changed after the last block: prompts of equal length."""
        base, model = self.base, self.engine.model
        width, n_layers = base.tokens.shape[1], model.facts.n_layers
        final = flight.stream[:, -1:]
        if base.tail_shift is not None:
            final = final + repeated(base.tail_shift[:, -1:], len(flight.sets))
        shop = Workshop(model, Frame(base.lengths, width, width - 1, final.device), flight.values)
        hooks = shop.hooks(flight.tasks(), (), range(n_layers, n_layers + 1))
        return self.judge.logits(run_tail(model, final, hooks)[:, 0].float())

    def _join(
        self, flight: Flight, joining: Sequence[tuple[int, InterventionSet, _Start]]
    ) -> list[Fixed]:
        """Adds runs that depart at one block; returns what their edges into it set."""
        if not joining:
            return []
        layer = joining[0][2].layer
        fresh = repeated(self.base.stream(layer)[:, flight.position :], len(joining))
        fixed: list[Fixed] = []
        for via in ("heads", "mlp"):
            rows = [n for n, (_, _, start) in enumerate(joining) if start.via == via]
            asked = [
                request for n in rows for request in self._requests(joining[n][1], flight.values)
            ]
            if layer == self.engine.model.facts.n_layers and asked:
                shift = torch.cat([request.shift for request in asked])[:, flight.position :]
                own = [n * flight.prompts + row for n in rows for row in range(flight.prompts)]
                fresh = fresh.index_add(0, torch.tensor(own, device=fresh.device), shift)
                continue
            places = edges.receive(self.engine, self.base, layer, asked, flight.values)
            for n, received in zip(rows, places, strict=True):
                at = (len(flight.sets) + n) * flight.prompts
                own = slice(at, at + flight.prompts)
                fixed += [Fixed(address, value, own) for address, value in received]
        flight.stream = torch.cat([flight.stream, fresh])
        flight.order += [n for n, _, _ in joining]
        flight.sets += [wanted for _, wanted, _ in joining]
        return fixed

    def _requests(
        self, wanted: InterventionSet, values: dict[AnyIntervention, Tensor]
    ) -> list[edges.Request]:
        new = [i for i in changed(self.base.interventions, wanted) if i.edge is not None]
        return edges.requests(self.engine, self.base, new, values)

    def _span(self, flight: Flight, layers: range, fixed: Sequence[Fixed], position: int) -> Span:
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
        span = Span(tokens, layers.start, layers.stop, hooks=hooks, lean="all")
        span.residual = flight.stream[:, position - flight.position :]
        span.past = past_of(base, layers, position, count)
        span.cancelled = self.check
        return span

    def _advance(
        self, flight: Flight, after: Flight, layers: range, fixed: Sequence[Fixed]
    ) -> None:
        """Runs some blocks; what comes late into the first of them (``after``) joins behind it."""
        model, n_layers = self.engine.model, self.engine.model.facts.n_layers
        narrow = layers.stop == n_layers and self._ends_narrow(flight)
        position = min(self.base.lengths) - 1 if narrow else flight.position
        joined = flight.stream[:, position - flight.position :]
        if flight.sets:
            span = self._span(flight, layers, fixed, position)
            if narrow:
                keys = run_keys(model, self._span(flight, layers, fixed, flight.position))
                found = tuple(t[:, :, :position] for t in keys)
                span.past = {**(span.past or {}), layers.start: (found[0], found[1])}
            joined = run_span(model, span).leaving
        if after.sets:
            span = self._span(after, layers, (), position)
            z = self._z(layers.start)
            assert z is not None
            span.z = repeated(z[:, position:], len(after.sets)).contiguous()
            joined = torch.cat([joined, run_span(model, span).leaving])
        flight.stream, flight.position = joined, position
        flight.sets += after.sets
        flight.order += after.order

    def _ends_narrow(self, flight: Flight) -> bool:
        """Whether the last block had better compute its last positions alone."""
        if self.judge.whole or not self._cuttable():
            return False
        width, last = self.base.tokens.shape[1], min(self.base.lengths) - 1
        return width - flight.position >= 2 * (width - last)

    def _z(self, layer: int) -> Tensor | None:
        """The held run's z of one block [b, p, h * e], or None where it cannot be put in."""
        if layer not in self._zs:
            base = self.base
            span = Span(base.tokens, layer, layer + 1, base.stream(layer))
            self._zs[layer] = run_z(self.engine.model, span)
        return self._zs[layer]

    def _judged(self, final: Tensor, position: int) -> Tensor:
        base = self.base
        count = len(final) // len(base.lengths)
        if base.tail_shift is not None:
            final = final + base.tail_shift[:, position:].repeat(count, 1, 1)
        if self.judge.whole:
            before = base.shifted[:, :position].repeat(count, 1, 1)
            return self.judge.loss(torch.cat([before, final], dim=1))
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
