"""Edges: a receiver's input computed as if one sender had written something else.

Path patching (Wang 2022, "Interpretability in the Wild", section 3.1 and appendix B): the residual
stream that the receiver reads is shifted by what comes of the change of the sender's output, the
receiver's norm and its query, key, value or MLP are computed from it, and that value replaces the
receiver's own. Everything downstream of the receiver follows; nothing else changes.

``L0H1->L5H5.k`` is the direct path: what lies between is frozen, MLPs too, and the stream shifts by
just as much as the sender's output. ``L0H1->mlps->L5H5.k`` is the paper's default: all heads are
frozen at the run's values, MLPs and norms between sender and receiver are computed anew. Several
such edges into one receiver act together, as the senders of the paper do.

``embed`` as a sender is the whole stream that enters block 0, positional embedding included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from msgspec import structs
from torch import Tensor

from circuitboard.engine import sites
from circuitboard.engine.sites import Frame, Task, Workshop, view
from circuitboard.models.executor import Hook, Span, run_span
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.intervention import AnyIntervention, InterventionSet

if TYPE_CHECKING:
    from circuitboard.engine.engine import Engine
    from circuitboard.engine.held import HeldRun

Values = dict[AnyIntervention, Tensor]

#: Interventions inside a block that act between the stream and its queries, keys and values.
_BEFORE_ATTENTION = ("resid_pre", "ln1", "ln1.scale")


@dataclass(frozen=True)
class Request:
    """What a receiver shall read: the stream of the run plus ``shift`` [b, p, d]."""

    receiver: Address
    shift: Tensor


def sender_place(edge: Edge) -> Address:
    """The place that holds what a sender writes."""
    if edge.sender.part == "embed":
        return Address("resid_pre", layer=0)
    return edge.sender.at(None)


def shift(engine: Engine, run: HeldRun, items: Sequence[AnyIntervention], values: Values) -> Tensor:
    """Change of what one sender writes, under interventions on one edge in order: [b, p, d]."""
    edge = items[0].edge
    assert edge is not None
    sender = edge.sender
    if sender.part == "head" and engine.model.has_point(f"blocks.{sender.layer}.ln1_post.hook_out"):
        return _through_post_norm(engine, run, items)
    place = sender_place(edge)
    now = engine.read(run, [place])[place.place]
    frame = Frame(run.lengths, run.tokens.shape[1], 0, run.tokens.device)
    shop = Workshop(engine.model, frame, values)
    changed = now
    for item in items:
        mask = frame.mask(item.address)
        new = shop.change(item)(changed)
        changed = new if mask is None else torch.where(mask[..., None], new, changed)
    return changed - now


def _through_post_norm(engine: Engine, run: HeldRun, items: Sequence[AnyIntervention]) -> Tensor:
    """The shift where a norm follows attention: the layer's attention with the head changed."""
    edge = items[0].edge
    assert edge is not None
    place = Address("attn", layer=edge.sender.layer)
    at_node = tuple(
        structs.replace(item, at=str(edge.sender.at(item.address.position))) for item in items
    )
    changed = InterventionSet((*run.interventions.items, *at_node))
    altered = replace(run, interventions=changed, values={}, last_logits=None)
    now = engine.read(run, [place])[place.place]
    return engine.read(altered, [place])[place.place] - now


def requests(
    engine: Engine, run: HeldRun, items: Sequence[AnyIntervention], values: Values
) -> list[Request]:
    """One request for each receiver, the shifts of all its senders added up."""
    by_edge: dict[tuple[Address, Address | None], list[AnyIntervention]] = {}
    for item in items:
        edge = item.edge
        if edge is not None:
            around = edge.mlps and sites.stage(engine.model, edge.sender) < _stop(engine, edge)
            sender = None if around else edge.sender.at(None)
            by_edge.setdefault((edge.receiver, sender), []).append(item)
    total: dict[Address, Tensor] = {}
    for (receiver, sender), group in by_edge.items():
        if sender is None:
            change = _through_mlps(engine, run, group)
        else:
            change = shift(engine, run, group, values)
        total[receiver] = (
            total[receiver] + change.to(total[receiver].device) if (receiver in total) else change
        )
    return [Request(receiver, change) for receiver, change in total.items()]


def _stop(engine: Engine, edge: Edge) -> int:
    """The block that an edge leads into; n_layers for the logits."""
    return sites.stage(engine.model, edge.receiver)


def _through_mlps(engine: Engine, run: HeldRun, items: Sequence[AnyIntervention]) -> Tensor:
    """The shift where MLPs and norms on the way are computed anew, all heads frozen: [b, p, d].

    It runs the blocks from the first sender to the receiver once more, with every head's z as it is
    in the run, the senders changed, and what else is done to the model done again.
    """
    model = engine.model
    senders = []
    for item in items:
        assert item.edge is not None
        senders.append(structs.replace(item, at=_at_node(item.edge)))
    edge = items[0].edge
    assert edge is not None
    stop = _stop(engine, edge)
    first = min(sites.item_stage(model, item) for item in senders)
    layers = range(0 if model.facts.full_runs else first, stop)
    kept = [item for item in run.interventions if not _inside_heads(item, run.interventions)]
    wanted = InterventionSet((*kept, *senders))
    frame = Frame(run.lengths, run.tokens.shape[1], 0, run.tokens.device)
    shop = Workshop(model, frame, engine.borrowed(run, wanted))
    heads = [
        Address("head.z", layer, head=head)
        for layer in layers
        for head in range(model.facts.n_heads)
    ]
    z = engine.read(run, heads)
    hooks = [
        *engine.fixed(run, layers, 0),
        *fixed_hooks(model, [Fixed(head, z[head.place]) for head in heads]),
        *shop.hooks([Task(wanted.items)], (), layers),
    ]
    span = Span(run.tokens, layers.start, stop, run.stream(layers.start), hooks=hooks)
    return run_span(model, span).leaving - run.stream(stop)


def _at_node(edge: Edge) -> str:
    """The sender of an edge as a place, with the edge's position."""
    return str(sender_place(edge).at(edge.position))


def _inside_heads(item: AnyIntervention, mates: InterventionSet) -> bool:
    """Whether what an intervention does is contained in the heads' z."""
    if item.edge is not None:
        return True  # it has set inputs already: see Engine.fixed
    address = item.address
    if address.part != "head":
        return address.part.startswith("head.")
    same = [i for i in mates if i.edge is None and i.address.place == address.place]
    return sites.through_z(same)


def receive(
    engine: Engine, run: HeldRun, layer: int, asked: Sequence[Request], values: Values
) -> list[list[tuple[Address, Tensor]]]:
    """For each request into block ``layer``, the places to replace and their values [b, p, ...].

    All requests of one call are heads, or all are the MLP.
    """
    if not asked:
        return []
    places = [_inputs(request.receiver) for request in asked]
    wanted = list(dict.fromkeys(place for group in places for place in group))
    found = _block(engine, run, layer, [r.shift for r in asked], wanted, values)
    rows = len(run.lengths)
    return [
        [(place, found[place.place][n * rows : (n + 1) * rows]) for place in group]
        for n, group in enumerate(places)
    ]


def _inputs(receiver: Address) -> list[Address]:
    if receiver.part != "head":
        return [receiver]
    return [replace(receiver, part=f"head.{name}") for name in "qkv"]


def _block(
    engine: Engine,
    run: HeldRun,
    layer: int,
    shifts: Sequence[Tensor],
    wanted: Sequence[Address],
    values: Values,
) -> dict[str, Tensor]:
    """Runs one block on shifted streams, side by side in one batch, and reads places of it."""
    count, rows = len(shifts), len(run.lengths)
    mlp = wanted[0].part == "mlp"
    model = engine.model
    own = [i for i in run.interventions if i.edge is None and i.address.layer == layer]
    kept = [i for i in own if (mlp and i.address != wanted[0]) or _before_attention(i)]
    slices = [slice(n * rows, (n + 1) * rows) for n in range(count)]
    frame = Frame(run.lengths, run.tokens.shape[1], 0, run.tokens.device)
    shop = Workshop(model, frame, values)
    tasks = [Task(tuple(kept), part) for part in slices] if kept else []
    hooks = shop.hooks(tasks, wanted, range(layer, layer + 1))
    stream = run.stream(layer).repeat(count, 1, 1)
    moved = torch.cat([each.to(stream.device) for each in shifts])
    if mlp and not model.facts.parallel:
        at = f"blocks.{layer}.hook_attn_out"
        fixed = [Fixed(address, value) for address, value in run.overridden(layer)]
        hooks = [*fixed_hooks(model, fixed), *hooks, (at, lambda out: out + moved)]
        if any(i.address.part == "resid_mid" for i in kept):
            hooks.insert(0, hooks.pop())
    else:
        stream = stream + moved
    tokens = run.tokens.repeat(count, 1)
    span = Span(tokens, layer, layer + 1, stream, hooks=hooks)
    if model.facts.full_runs:
        span = _from_below(engine, run, span, shop, slices)
    run_span(model, span)
    return {place.place: shop.value(place) for place in wanted}


def _from_below(
    engine: Engine, run: HeldRun, span: Span, shop: Workshop, slices: Sequence[slice]
) -> Span:
    """The same pass of one block after those below, whose keys and values it reads."""
    below, stream = range(span.start), span.residual
    tasks = [Task(run.interventions.items, rows) for rows in slices]
    hooks = [*engine.fixed(run, below, 0), *shop.hooks(tasks, (), below)]
    enter = Address("resid_pre", layer=span.start).hook
    return Span(span.tokens, 0, span.stop, hooks=[*hooks, (enter, lambda _: stream), *span.hooks])


def _before_attention(item: AnyIntervention) -> bool:
    return item.address.part in _BEFORE_ATTENTION


@dataclass(frozen=True)
class Fixed:
    """A place whose whole value is given, [b, p, ...], in some rows of a batch."""

    address: Address
    value: Tensor
    rows: slice = field(default_factory=lambda: slice(None))


def fixed_hooks(model: Model, fixed: Sequence[Fixed], offset: int = 0) -> list[tuple[str, Hook]]:
    """Hooks that put values in, before anything else acts."""
    by_point: dict[str, list[Fixed]] = {}
    for item in fixed:
        by_point.setdefault(item.address.hook, []).append(item)

    def writer(items: list[Fixed]) -> Hook:
        def write(tensor: Tensor) -> Tensor:
            out = tensor.clone()
            for item in items:
                slot = view(model, item.address, out[item.rows])
                value = item.value[:, offset:]
                slot.copy_(value.repeat(len(slot) // len(value), *[1] * (value.ndim - 1)))
            return out

        return write

    return [(point, writer(items)) for point, items in by_point.items()]
