"""All parts that write to the residual stream, all inputs that read it, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from circuitboard.models.mlp import check_neurons
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError


@dataclass(frozen=True)
class Graph:
    """The edges of a model: a sender and a receiver that comes after it.

    Attributes:
        senders: embedding, then each layer's heads, MLP, and neurons that are apart.
        receivers: each layer's q, k and v (for heads that share them, of the first alone), MLP, and
            neurons that are apart; then the logits.
        before: for each receiver, how many senders, from the first, come before it.
        groups: hook points of senders, and which senders they hold.
        inputs: by its first receiver, the hook point of what is read there, and that of the stream
            before the norm (None where the first is that stream itself).
        feeds: for each receiver, the senders that compute from it.
        neurons: by layer, which of its neurons are nodes of their own, from the lowest; its MLP is
            then the rest: its other neurons and its bias.
    """

    senders: tuple[Address, ...]
    receivers: tuple[Address, ...]
    before: tuple[int, ...]
    groups: list[tuple[str, range]]
    inputs: dict[int, tuple[str, str | None]]
    feeds: tuple[range, ...]
    neurons: Mapping[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])

    @cached_property
    def exists(self) -> NDArray[np.bool_]:
        """[sender, receiver]: where there is an edge."""
        return np.arange(len(self.senders))[:, None] < np.array(self.before)[None]

    def live(self, mask: NDArray[np.bool_], *, constant: bool = True) -> NDArray[np.bool_]:
        """The edges of a mask that change anything: on a way to the logits, and from the embedding.

        Args:
            mask: [sender, receiver], the edges of a circuit.
            constant: parts that read nothing of the circuit write what they write outside of it,
                as with values of one corrupted run; with means they do not, and edges that are on
                no way from the embedding stay.

        Returns:
            [sender, receiver].
        """
        kept = mask & self.exists
        useful = np.zeros(len(self.senders), bool)
        for v in reversed(range(len(self.receivers))):
            feeds = self.feeds[v]
            if not len(feeds) or useful[feeds.start : feeds.stop].any():
                useful |= kept[:, v]
            else:
                kept[:, v] = False
        if constant:
            moved = np.zeros(len(self.senders), bool)
            moved[0] = True
            for v, feeds in enumerate(self.feeds):
                kept[:, v] &= moved
                if kept[:, v].any():
                    moved[feeds.start : feeds.stop] = True
        return kept

    @property
    def written(self) -> list[str]:
        """Hook points of all senders, in order; neurons are a part of what their MLP writes."""
        return [point for point, _ in self.groups]

    @property
    def values(self) -> list[str]:
        """Hook points that hold what each sender writes, those of neurons among them."""
        return [*self.written, *(_post(layer) for layer in self.neurons)]

    @property
    def points(self) -> list[str]:
        """All hook points that a pass has to keep."""
        ends = [point for pair in self.inputs.values() for point in pair if point is not None]
        return list(dict.fromkeys([*self.written, *ends]))

    def apart(self, senders: range) -> tuple[str, tuple[int, ...]] | None:
        """Of the senders of a group, the hook point of its neurons and which of them are apart.

        None for a group without such.
        """
        first = self.senders[senders.start]
        layer = first.layer
        if first.part != "mlp" or layer is None or layer not in self.neurons:
            return None
        return _post(layer), self.neurons[layer]

    @classmethod
    def of(cls, model: Model, neurons: Iterable[str | Address] = ()) -> Graph:
        """The graph of a model. An MLP beside attention does not see that attention.

        Args:
            neurons: such as ``L3.mlp.n17``: nodes of their own.

        Raises:
            AddressError: one is no neuron of the model's.
            ModelError: its MLPs are not sums of their neurons.
        """
        apart = _by_layer(model, neurons)
        f = model.facts
        senders, receivers, before = [Address("embed")], [], []
        groups = [(Address("resid_pre", 0).hook, range(1))]
        inputs: dict[int, tuple[str, str | None]] = {}
        feeds: list[range] = []
        for layer in range(f.n_layers):
            stream, below = Address("resid_pre", layer).hook, len(senders)
            for name, count in (("q", f.n_heads), ("k", f.n_kv_heads), ("v", f.n_kv_heads)):
                size = f.n_heads // count
                own = [Address(f"head.{name}", layer, head=i * size) for i in range(count)]
                inputs[len(receivers)] = own[0].hook, stream
                receivers += own
                before += [below] * count
                feeds += [range(below + i * size, below + (i + 1) * size) for i in range(count)]
            senders += [Address("head", layer, head=head) for head in range(f.n_heads)]
            groups.append((Address("head.z", layer, head=0).hook, range(below, len(senders))))
            mlp = Address("mlp", layer)
            if model.has(mlp):
                into = stream if f.parallel else Address("attn", layer).hook
                own = [mlp, *(Address("neuron", layer, neuron=n) for n in apart.get(layer, ()))]
                inputs[len(receivers)] = _post(layer) if len(own) > 1 else mlp.hook, into
                receivers += own
                before += [below if f.parallel else len(senders)] * len(own)
                first = len(senders)
                senders += own
                feeds += [range(at, at + 1) for at in range(first, len(senders))]
                groups.append((mlp.hook, range(first, len(senders))))
        inputs[len(receivers)] = Address("resid_post", f.n_layers - 1).hook, None
        receivers.append(Address("logits"))
        before.append(len(senders))
        feeds.append(range(0))
        ends = tuple(senders), tuple(receivers)
        return cls(*ends, tuple(before), groups, inputs, tuple(feeds), apart)


def _post(layer: int) -> str:
    return Address("mlp.post", layer).hook


def _by_layer(model: Model, neurons: Iterable[str | Address]) -> dict[int, tuple[int, ...]]:
    found: dict[int, set[int]] = {}
    for one in neurons:
        place = model.check(Address.parse(one))
        if place.layer is None or place.neuron is None:
            raise AddressError(f"{place} is not a neuron.", "Write for example L3.mlp.n512.")
        if place.layer not in found:
            check_neurons(model, place.layer)
        found.setdefault(place.layer, set()).add(place.neuron)
    return {layer: tuple(sorted(found[layer])) for layer in sorted(found)}
