"""Runs a model with interventions, computing no more than it must."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuitboard.engine import edges, fingerprint, sites
from circuitboard.engine.held import HeldRun, Shelf, run_key
from circuitboard.engine.notes import LastNotes
from circuitboard.engine.plan import HELD, Plan, plan
from circuitboard.engine.sites import TAIL, Frame, Task, Workshop
from circuitboard.engine.values import Lender
from circuitboard.models.executor import Hook, Span, run_span, run_tail
from circuitboard.models.load import reference_prompts
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import PromptError, StaleResultError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet
from circuitboard.spec.prompts import Prompts, prompts_of

Check = Callable[[], None]


def _never() -> None:
    """The check of work that nobody cancels."""


class Engine:
    """All runs of one model. One for each model: :func:`engine_of`.

    Attributes:
        shelf: the held runs; ``model.held_memory`` is what they may take, in bytes.
        epoch: grows whenever weights or hooks were changed from outside; older runs are dropped.
    """

    def __init__(self, model: Model) -> None:
        self.model: Final = model
        self.shelf = Shelf(lambda: model.held_memory)
        self.epoch = 0
        self._seen = fingerprint.take(model)
        self.directions: dict[object, Tensor] = {}
        self.reference: tuple[str, ...] = tuple(reference_prompts(model))

    # --- prompts ------------------------------------------------------------------------------

    def encode(self, prompts: Prompts) -> tuple[Int[Tensor, "b p"], list[int]]:
        """Token ids [b, p] padded on the right, and each prompt's length.

        The padding is the engine's own, whatever side the tokenizer pads on: a causal model gives
        each row what it gives the prompt alone, and nothing is read or counted behind its end.

        Raises PromptError, also for prompts of unequal length where attention looks ahead.
        """
        rows = [self.model.tokenize(p) for p in prompts_of(prompts)]
        lengths = [len(row) for row in rows]
        if len(set(lengths)) > 1 and self.model.facts.all_positions.startswith("attention"):
            raise PromptError(
                f"The prompts have {min(lengths)} to {max(lengths)} tokens, and attention in "
                f"{self.model.facts.name} looks ahead into what pads them.",
                "Run prompts of equal length together, the others on their own.",
            )
        pad = self.model.tokenizer.pad_token_id or 0
        padded = [row + [pad] * (max(lengths) - len(row)) for row in rows]
        return torch.tensor(padded, device=self.model.device), lengths

    # --- changes from outside -----------------------------------------------------------------

    @property
    def hooked_by_user(self) -> bool:
        """Whether somebody else's hooks were on the model when it was last looked at."""
        return bool(self.hooks)

    @property
    def hooks(self) -> tuple[tuple[str, int], ...]:
        """Modules with hooks of somebody else, and how many, when last looked at."""
        return self._seen.hooks

    @property
    def whole(self) -> bool:
        """Whether every run has to be a full one."""
        return self.hooked_by_user or bool(self.model.facts.full_runs)

    def refresh(self) -> bool:
        """Looks for weights edited or hooks added since; True, and all held runs gone, if so."""
        with self.model.lock:
            now = fingerprint.take(self.model)
        if now == self._seen:
            return False
        self._seen = now
        self.epoch += 1
        self.shelf.clear()
        self.directions.clear()
        return True

    # --- runs ---------------------------------------------------------------------------------

    def baseline(self, tokens: Tensor, lengths: list[int], check: Check = _never) -> HeldRun:
        """The run with nothing done to it."""
        return self.run(tokens, lengths, InterventionSet(), check)[0]

    def run(
        self,
        tokens: Int[Tensor, "b p"],
        lengths: list[int],
        wanted: InterventionSet,
        check: Check = _never,
        *,
        hold: bool = True,
        keep: Sequence[Address] = (),
    ) -> tuple[HeldRun, Plan]:
        """Runs prompts with interventions.

        Args:
            tokens: [b, p], from :meth:`encode`.
            wanted: what to do; every address must exist.
            check: called between blocks; raises to stop.
            hold: keep the run, so that later ones can start from it (a sweep need not).
            keep: places to note on the way, which spares :meth:`read` their blocks; all others
                can still be read.

        Returns:
            The run, and the plan it followed.

        Raises:
            AddressError: the model or the prompt has no such place.
            InterventionError: a value does not fit its place.
        """
        for item in wanted:
            sites.check_places(self.model, item)
            sites.check_value(self.model, item, tokens.shape[1], lengths)
        frame = Frame(lengths, tokens.shape[1], 0, tokens.device)
        held = self.shelf.get(run_key(tokens, wanted))
        if held is not None:
            return held, Plan(held, self.model.facts.n_layers, 0, False, HELD)
        values = Lender(self, tokens, lengths, check).values(wanted)
        if self.hooked_by_user:
            way = Plan(None, 0, 0, True, "full run: your own hooks are on the model")
        else:
            way = plan(self.model, self.shelf.alike(tokens), wanted, frame)
        run = HeldRun(tokens, lengths, wanted, self.epoch, whole=self.whole)
        self._follow(run, way, values, keep, check)
        if hold:
            self.shelf.put(run)
        return run, way

    def _follow(
        self,
        run: HeldRun,
        way: Plan,
        values: dict[AnyIntervention, Tensor],
        keep: Sequence[Address],
        check: Check,
    ) -> None:
        n_layers = self.model.facts.n_layers
        base, wanted = way.base, run.interventions
        if base is not None and not way.embed:
            _share(run, base, way.layer, n_layers)
            run.values = {
                place: value
                for place, value in base.values.items()
                if sites.stage(self.model, Address.parse(place)) < way.layer
            }
        cuts = {sites.item_stage(self.model, i) for i in wanted if i.edge is not None}
        marks = sorted({way.layer, *(c for c in cuts if way.layer < c < n_layers), n_layers})
        notes = LastNotes(self.model, [n - 1 - way.position for n in run.lengths])
        keep = self._notable(keep, way)
        for start, stop in pairwise(marks):
            if start in cuts:
                self._override(run, start, values)
            begin = 0 if self.model.facts.full_runs else start
            self._advance(run, way, range(begin, stop), values, (notes, keep), check)
        run.written += notes.written()
        if n_layers in cuts:
            into = [i for i in wanted if i.edge is not None and i.edge.receiver.part == "logits"]
            run.tail_shift = edges.requests(self, run, into, values)[0].shift

    def _notable(self, keep: Sequence[Address], way: Plan) -> list[Address]:
        """What can be noted on the way: blocks run, and known before the positions run."""
        known = way.base.values if way.base is not None else {}
        return [
            address.at(None)
            for address in keep
            if way.layer <= sites.stage(self.model, address) < self.model.facts.n_layers
            and address.part not in sites.FOOT
            and (not way.position or address.place in known)
        ]

    def _override(self, run: HeldRun, layer: int, values: dict[AnyIntervention, Tensor]) -> None:
        """Computes what receivers in a block read through edges, and keeps it with the run."""
        into = [
            i
            for i in run.interventions
            if i.edge is not None and sites.item_stage(self.model, i) == layer
        ]
        if not run.streams:
            frame = Frame(run.lengths, run.tokens.shape[1], 0, run.tokens.device)
            shop = Workshop(self.model, frame, values)
            hooks = shop.hooks([Task(run.interventions.items)], (), range(1))
            run.put(0, run_span(self.model, Span(run.tokens, 0, 0, hooks=hooks)).leaving)
        for mlp in (False, True):  # the MLP reads what the heads, changed already, have written
            some = [
                i for i in into if (i.edge is not None and i.edge.receiver.part == "mlp") == mlp
            ]
            asked = edges.requests(self, run, some, values)
            for places in edges.receive(self, run, layer, asked, values):
                run.overrides += places

    def _advance(
        self,
        run: HeldRun,
        way: Plan,
        layers: range,
        values: dict[AnyIntervention, Tensor],
        noting: tuple[LastNotes, Sequence[Address]],
        check: Check,
    ) -> None:
        """Runs some blocks and puts what flowed between them into the run."""
        p, base, (notes, keep) = way.position, way.base, noting
        frame = Frame(run.lengths, run.tokens.shape[1], p, run.tokens.device)
        shop = Workshop(self.model, frame, values)
        hooks = [
            *self.fixed(run, layers, p),
            *shop.hooks([Task(run.interventions.items)], keep, layers),
            *notes.hooks(layers),
        ]
        span = Span(run.tokens[:, p:], layers.start, layers.stop, hooks=hooks)
        span.cancelled, span.lean = check, "all but norms"
        fresh = base is None or way.embed
        if layers.start > 0 or not fresh:
            span.residual = run.stream(layers.start)[:, p:]
        if base is not None:
            span.past = _cut(base, layers.start, p)
        passed = run_span(self.model, span)
        for layer, entering in sorted(passed.entering.items()):
            run.put(layer, _whole(base, layer, p, entering))
        run.put(layers.stop, _whole(base, layers.stop, p, passed.leaving))
        run.cache.update(passed.cache)
        for address in keep:
            if sites.stage(self.model, address) in layers:
                run.values[address.place] = _joined(base, address.place, p, shop.value(address))

    def fixed(self, run: HeldRun, layers: range, offset: int) -> list[tuple[str, Hook]]:
        """Hooks that put in what edges into some blocks have set."""
        fixed = [edges.Fixed(*pair) for layer in layers for pair in run.overridden(layer)]
        return edges.fixed_hooks(self.model, fixed, offset)

    def borrowed(self, run: HeldRun, wanted: InterventionSet) -> dict[AnyIntervention, Tensor]:
        """The values that interventions on a run's prompts take from other runs."""
        return Lender(self, run.tokens, run.lengths, _never).values(wanted)

    # --- reading ------------------------------------------------------------------------------

    def read(self, run: HeldRun, addresses: Sequence[Address]) -> dict[str, Tensor]:
        """Values of places in a run, by place, [b, p, ...]: one block is recomputed for each layer.

        Raises:
            StaleResultError: weights or hooks were changed after the run.
            AddressError: the model has no such place.
        """
        self.check_fresh(run)
        places = [self.model.check(a).at(None) for a in addresses]
        missing = [a for a in places if a.place not in run.values]
        by_stage: dict[int, list[Address]] = {}
        for address in missing:
            by_stage.setdefault(sites.stage(self.model, address), []).append(address)
        for layer, group in by_stage.items():
            run.values.update(self._read_layer(run, layer, group))
        found = {a.place: run.values[a.place] for a in places}
        for address in missing:
            if address.part == "logits":
                run.values.pop(address.place, None)
        if missing:
            self.shelf.weigh(run)
        return found

    def _read_layer(self, run: HeldRun, layer: int, group: list[Address]) -> dict[str, Tensor]:
        frame = Frame(run.lengths, run.tokens.shape[1], 0, run.tokens.device)
        shop = Workshop(self.model, frame, self.borrowed(run, run.interventions))
        task = Task(run.interventions.items)
        here = range(layer, layer + 1)
        hooks = [*self.fixed(run, here, 0), *shop.hooks([task], group, here)]
        if layer == self.model.facts.n_layers:
            logits = run_tail(self.model, run.shifted, hooks)
            shop.read["logits"] = logits
        elif run.whole:
            before = [*self.fixed(run, range(layer), 0), *shop.hooks([task], (), range(layer))]
            run_span(self.model, Span(run.tokens, 0, layer + 1, hooks=[*before, *hooks]))
        else:
            feet = [a.part in sites.FOOT for a in group]
            residual = None if any(feet) else run.stream(layer)
            stop = layer if all(feet) else layer + 1  # embeddings alone need no block
            run_span(self.model, Span(run.tokens, layer, stop, residual, hooks=hooks))
        return {a.place: shop.value(a) for a in group}

    def last_logits(self, run: HeldRun) -> Float[Tensor, "b v"]:
        """Logits at each prompt's last position, [b, v]."""
        if run.last_logits is None:
            last = torch.tensor([n - 1 for n in run.lengths], device=run.final.device)
            rows = torch.arange(len(run.lengths), device=run.final.device)
            if run.whole or any(i.address.part in TAIL for i in run.interventions):
                logits = self.read(run, [Address("logits")])["logits"]
                logits = logits[rows.to(logits.device), last.to(logits.device)]
            else:
                self.check_fresh(run)
                logits = run_tail(self.model, run.shifted[rows, last][:, None])[:, 0]
            run.last_logits = logits.float()
            self.shelf.weigh(run)
        return run.last_logits

    def logits_at(self, run: HeldRun, position: int) -> Float[Tensor, "b v"]:
        """Logits at one position of every prompt, [b, v]."""
        if all(position in (n - 1, -1) for n in run.lengths):
            return self.last_logits(run)
        if run.whole or any(i.address.part in TAIL for i in run.interventions):
            return self.read(run, [Address("logits")])["logits"][:, position].float()
        self.check_fresh(run)
        return run_tail(self.model, run.shifted[:, position][:, None])[:, 0].float()

    def tail(self, residuals: Float[Tensor, "n d"]) -> Float[Tensor, "n v"]:
        """Logits that the model makes of any residuals: final norm, unembedding, soft-cap."""
        return run_tail(self.model, residuals[None])[0].float()

    def check_fresh(self, run: HeldRun) -> None:
        """Raises StaleResultError when weights or hooks were changed after a run."""
        if run.epoch != self.epoch:
            raise StaleResultError(
                "The model's weights or hooks were changed after this run.",
                "Run it again to see the model as it is now.",
            )


def _cut(base: HeldRun, layer: int, position: int) -> dict[int, tuple[Tensor, Tensor]] | None:
    if not position:
        return None
    wanted = {0, *range(layer, len(base.streams))}
    return {
        i: (k[:, :, :position], v[:, :, :position])
        for i, (k, v) in base.cache.items()
        if i in wanted
    }


def _share(run: HeldRun, base: HeldRun, layer: int, n_layers: int) -> None:
    """Takes from another run what lies before a block, by reference."""
    run.streams = base.streams[: layer + 1]
    run.written = base.written[:layer]
    run.cache = {i: pair for i, pair in base.cache.items() if i < layer}
    run.overrides = [o for o in base.overrides if o[0].layer is not None and o[0].layer < layer]
    if layer == n_layers:
        run.cache = base.cache


def _whole(base: HeldRun | None, layer: int, position: int, new: Tensor) -> Tensor:
    """A stream at all positions: those before the cone from the base run."""
    if base is None or not position:
        return new
    return torch.cat([base.streams[layer][:, :position], new], dim=1)


def _joined(base: HeldRun | None, place: str, position: int, new: Tensor) -> Tensor:
    """A value at all positions; a pattern's rows before the cone see nothing of the cone."""
    if base is None or not position:
        return new
    return torch.cat([base.values[place][:, :position], new], dim=1)


def engine_of(model: Model) -> Engine:
    """The model's engine: made on first use, shared by everything that runs the model."""
    return model.attached.setdefault("engine", None) or _attach(model)


def _attach(model: Model) -> Engine:
    engine = model.attached["engine"] = Engine(model)
    return engine
