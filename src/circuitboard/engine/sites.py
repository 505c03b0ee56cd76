"""Where interventions act: hook points, the slice of each tensor, and the order of acting.

Every slot is seen as [b, p, ...]: the residual stream and what is added to it [b, p, d]; a head's
q, k, v, z [b, p, e]; a head's scores and pattern [b, p, s]; a neuron or a norm's scale [b, p].
With grouped-query attention, ``L0H3.k`` and ``L0H3.v`` are those of the group that head 3 reads:
the heads that share them all see the change. Scores that the causal mask forbids stay forbidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from circuitboard.engine import scatter
from circuitboard.models.executor import Hook
from circuitboard.models.model import Model
from circuitboard.spec import tensors
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, InterventionError
from circuitboard.spec.intervention import (
    Add,
    AnyIntervention,
    Freeze,
    Mean,
    Patch,
    Resample,
    Scale,
    Set,
    Zero,
)

#: Parts that only the pass from the last block to the logits computes.
TAIL = frozenset({"ln_final", "ln_final.scale", "logits"})
#: Parts that come before the first block.
FOOT = frozenset({"embed", "pos_embed"})

#: Which parts act at one hook point, in the order of the data flow.
_ORDER = (
    "ln1.scale", "ln2.scale", "ln_final.scale", "ln1", "ln2", "ln_final",
    "head.z", "head", "attn", "resid_mid", "mlp.post", "neuron",
)  # fmt: skip

Change = Callable[[Tensor], Tensor]


def item_stage(model: Model, item: AnyIntervention) -> int:
    """The block whose computation an intervention changes first; of an edge, its receiver's."""
    edge = item.edge
    return stage(model, item.address if edge is None else edge.receiver)


def check_places(model: Model, item: AnyIntervention) -> None:
    """Raises AddressError where the model lacks a place that an intervention names."""
    model.check(item.address)
    if item.edge is not None:
        model.check(item.edge.receiver)


@dataclass
class Frame:
    """The prompts that a pass is about.

    Attributes:
        lengths: tokens of each prompt; rows are padded on the right.
        width: tokens of the longest.
        offset: positions before this one are not run.
    """

    lengths: list[int]
    width: int
    offset: int
    device: torch.device

    def mask(self, address: Address) -> Tensor | None:
        """[b, p] of the positions that are run and meant, or None for all of them."""
        if address.position is None:
            return None
        mask = torch.zeros(len(self.lengths), self.width, dtype=torch.bool)
        for row, length in enumerate(self.lengths):
            indices = address.position.indices(length)
            if not len(indices):
                raise AddressError(
                    f"@{address.position} is not in a prompt of {length} tokens.",
                    f"Positions run from 0 to {length - 1}, or -{length} to -1.",
                )
            mask[row, indices.start : indices.stop : indices.step] = True
        return mask[:, self.offset :].to(self.device)

    def first(self, address: Address) -> int:
        """The earliest position that the address means in any of the prompts."""
        if address.position is None:
            return 0
        return min(
            (min(address.position.indices(n)) for n in self.lengths if address.position.indices(n)),
            default=0,
        )


def stage(model: Model, address: Address) -> int:
    """The block in which a place is computed; n_layers for what follows the last block."""
    if address.part in TAIL:
        return model.facts.n_layers
    return 0 if address.part in FOOT else (address.layer or 0)


def shape(model: Model, address: Address, rows: int, width: int) -> tuple[int, ...]:
    """The full shape of a place: [b, p, ...]."""
    f, part = model.facts, address.part
    ends: dict[str, tuple[int, ...]] = {
        "head.scores": (width,),
        "head.pattern": (width,),
        "mlp.pre": (f.d_mlp,),
        "mlp.post": (f.d_mlp,),
        "neuron": (),
        "logits": (f.d_vocab,),
    }
    if part in ends:
        end = ends[part]
    elif part.endswith(".scale"):
        end = ()
    else:
        end = (f.d_head,) if part.startswith("head.") else (f.d_model,)
    return (rows, width, *end)


def check_value(model: Model, item: AnyIntervention, width: int, lengths: list[int]) -> None:
    """Raises AddressError or InterventionError for what cannot be done to these prompts."""
    address = item.address
    Frame(lengths, width, 0, torch.device("cpu")).mask(address)
    if isinstance(item, Zero) and address.part.endswith(".scale"):
        raise InterventionError(
            f"Zeroing {item.at} divides by zero.", "Freeze, scale or set it instead."
        )
    if not isinstance(item, Set | Add) or not isinstance(item.value, str):
        return
    full = shape(model, address, len(lengths), width)
    given = tensors.lookup(item.value).shape
    try:
        fits = torch.broadcast_shapes(given, full) == full
    except RuntimeError:
        fits = False
    if not fits:
        raise InterventionError(
            f"The value for {item.at} has shape {tuple(given)}, which does not fit {full} "
            "(batch, position, ...).",
            "Give a number, or an array that broadcasts to that shape.",
        )


def view(model: Model, address: Address, tensor: Tensor) -> Tensor:
    """The slot of an address within its hook point's tensor: a view, [b, p, ...]."""
    part = address.part
    if part in ("head.k", "head.v"):
        assert address.head is not None
        return tensor[:, :, address.head * tensor.shape[2] // model.facts.n_heads]
    if part in ("head", "head.q", "head.z"):
        return tensor[:, :, address.head]
    if part in ("head.scores", "head.pattern"):
        return tensor[:, address.head]
    if part == "neuron":
        return tensor[:, :, address.neuron]
    return tensor[..., 0] if part.endswith(".scale") else tensor


#: Kinds whose value comes from another run; see :mod:`circuitboard.engine.values`.
Borrowing = Freeze | Patch | Mean | Resample


@dataclass(frozen=True)
class Task:
    """Interventions for some rows of a batch: all rows, or one sweep item's."""

    interventions: tuple[AnyIntervention, ...]
    rows: slice = field(default_factory=lambda: slice(None))


@dataclass
class Step:
    """What happens to one place in some rows: its interventions in order."""

    address: Address
    rows: slice
    items: list[AnyIntervention]

    @property
    def derived(self) -> bool:
        """Whether the place is no tensor on the way: changed through what it goes into."""
        part = self.address.part
        through = part != "head" or through_z(self.items)
        return part == "resid_mid" or part.endswith(".scale") or not through

    @property
    def point(self) -> str:
        """The hook point at which it is changed."""
        address = self.address
        if address.part == "head":
            end = "hook_z" if through_z(self.items) else "hook_out"
            return f"blocks.{address.layer}.attn.{end}"
        if address.part.endswith(".scale"):
            return replace(address, part=address.part.removesuffix(".scale")).hook
        return _read_point(address)


@dataclass
class Workshop:
    """Builds the hook functions of one pass: changes first, then readings.

    Attributes:
        values: what borrowing interventions put in, [b, p, ...] at all positions.
        read: what was read, [b, p, ...] of the positions run.
        changed: values of changed places that are no tensor of their own.
    """

    model: Model
    frame: Frame
    values: dict[AnyIntervention, Tensor] = field(default_factory=dict)
    read: dict[str, Tensor] = field(default_factory=dict)
    changed: dict[str, Tensor] = field(default_factory=dict)
    _noted: dict[str, Tensor] = field(default_factory=dict)

    def value(self, address: Address) -> Tensor:
        """What an address held in the pass, after all changes: [b, p, ...]."""
        return self.changed.get(address.place, self.read[address.place])

    def hooks(
        self, tasks: Iterable[Task], wanted: Iterable[Address], layers: range
    ) -> list[tuple[str, Hook]]:
        """Hook functions for the blocks in ``layers`` (n_layers stands for the tail)."""
        steps = [step for task in tasks for step in self._steps(task, layers)]
        steps.sort(key=lambda s: _ORDER.index(s.address.part) if s.address.part in _ORDER else 0)
        readings = [a for a in wanted if stage(self.model, a) in layers]
        by_point: dict[str, list[Step]] = {}
        for step in steps:
            by_point.setdefault(step.point, []).append(step)
        hooks: list[tuple[str, Hook]] = [(p, self._changer(group)) for p, group in by_point.items()]
        needed = [_source(s.address) for s in steps if s.derived]
        needed += [_source(a) for a in readings if a.part in ("head", "resid_mid")]
        hooks += [(point, self._noter(point)) for point in dict.fromkeys(needed)]
        return hooks + [(_read_point(a), self._reader(a)) for a in readings]

    def _steps(self, task: Task, layers: range) -> list[Step]:
        places: dict[Address, list[AnyIntervention]] = {}
        for item in task.interventions:
            if item.edge is None and stage(self.model, item.address) in layers:
                places.setdefault(item.address.at(None), []).append(item)
        return [Step(address, task.rows, items) for address, items in places.items()]

    def _noter(self, point: str) -> Hook:
        def note(tensor: Tensor) -> None:
            self._noted[point] = tensor

        return note

    def _changer(self, steps: list[Step]) -> Hook:
        spots, single = scatter.spots_of(steps, self.frame, self.values)
        write = scatter.writer(spots, self.model.facts.n_heads)
        ready = [(step, self._applier(step)) for step in single]

        def change(tensor: Tensor) -> Tensor:
            out = self._shaped(tensor).clone()
            write(out)
            for step, apply in ready:
                if step.derived:
                    self._derived(step, apply, out)
                else:
                    slot = view(self.model, step.address, out[step.rows])
                    slot.copy_(apply(slot))
            return out.reshape(tensor.shape) if tensor.ndim == 2 else out

        return change

    def _applier(self, step: Step) -> Change:
        scores = step.address.part == "head.scores"
        changes = [(self.change(item), self.frame.mask(item.address)) for item in step.items]

        def apply(current: Tensor) -> Tensor:
            for change, mask in changes:
                new = change(current)
                if scores:
                    new = torch.where(current <= torch.finfo(current.dtype).min / 2, current, new)
                if mask is not None:
                    mask = mask.to(current.device).reshape(mask.shape + (1,) * (current.ndim - 2))
                    new = torch.where(mask, new, current)
                current = new
            return current

        return apply

    def _derived(self, step: Step, apply: Change, out: Tensor) -> None:
        """Changes, in place, what a place that is no tensor goes into."""
        address = step.address
        current = self._derive(address, out)[step.rows]
        new = apply(current)
        self.changed[address.place] = new
        slot = out[step.rows]
        if not address.part.endswith(".scale"):
            slot += new - current
            return
        bias = self.model.norm_bias(address)
        ratio = (current / new).to(slot.dtype)[..., None]
        slot.copy_(slot * ratio if bias is None else (slot - bias) * ratio + bias)

    def _shaped(self, tensor: Tensor) -> Tensor:
        """OPT computes part of a block on [b*p, d]: brought back to [b, p, d].

        Position embeddings that all prompts share, [1, p, d], become one row for each.
        """
        rows = len(self.frame.lengths)
        if tensor.ndim > 2:
            shared = tensor.shape[0] == 1 < rows
            return tensor.expand(rows, *tensor.shape[1:]) if shared else tensor
        return tensor.reshape(-1, self.frame.width - self.frame.offset, tensor.shape[-1])

    def _derive(self, address: Address, tensor: Tensor) -> Tensor:
        noted = self._noted[_source(address)]
        if address.part == "resid_mid":
            return noted + tensor
        if address.part == "head":
            assert address.layer is not None
            z = view(self.model, address, noted)
            return z @ self.model.output_weights(address.layer)[address.head]
        return view(self.model, address, self._shaped(noted))

    def change(self, item: AnyIntervention) -> Change:
        """What an intervention makes of a place's current value, [b, p, ...]."""
        match item:
            case Zero():
                return torch.zeros_like
            case Scale(factor=factor):
                return lambda current: current * factor
            case Freeze() | Patch() | Mean() | Resample():
                held = self.values[item]
                return lambda current: held[:, self.frame.offset :].to(current)
            case Add(value=given, coefficient=coefficient):
                plain = self._plain(given)
                return lambda current: current + coefficient * plain(current)
            case Set(value=given):
                return self._plain(given)
        raise InterventionError(f"{item!r} is not something that can be done to a model.")

    def _plain(self, given: float | str) -> Change:
        if not isinstance(given, str):
            return lambda current: torch.full_like(current, float(given))
        value = torch.tensor(tensors.lookup(given))
        return lambda current: self._fit(value, current)

    def _fit(self, value: Tensor, current: Tensor) -> Tensor:
        full = (current.shape[0], self.frame.width, *current.shape[2:])
        return value.to(current).broadcast_to(full)[:, self.frame.offset :]

    def _reader(self, address: Address) -> Hook:
        def read(tensor: Tensor) -> None:
            if address.part in ("head", "resid_mid"):
                self.read[address.place] = self._derive(address, tensor)
            else:
                self.read[address.place] = view(self.model, address, self._shaped(tensor)).clone()

        return read


def through_z(items: Iterable[AnyIntervention]) -> bool:
    """A head's output is linear in z: all but setting and adding can act there."""
    return not any(isinstance(item, Set | Add) for item in items)


def held_at(item: AnyIntervention, mates: Iterable[AnyIntervention]) -> Address:
    """The place whose value in another run a borrowing intervention puts in."""
    address = item.address.at(None)
    same = [i for i in mates if i.edge is None and i.address.place == address.place]
    if item.edge is None and address.part == "head" and through_z(same):
        return replace(address, part="head.z")
    return address


def _read_point(address: Address) -> str:
    if address.part == "head":
        return f"blocks.{address.layer}.attn.hook_z"
    if address.part == "resid_mid":
        return f"blocks.{address.layer}.hook_attn_out"
    return address.hook


def _source(address: Address) -> str:
    """The hook point from whose tensor a derived place is computed."""
    if address.part == "resid_mid":
        return f"blocks.{address.layer}.hook_resid_pre"
    return f"blocks.{address.layer}.attn.hook_z" if address.part == "head" else address.hook
