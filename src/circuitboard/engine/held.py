"""Runs that are kept, so that the next one need only compute what differs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from circuitboard.models.executor import KeysValues
from circuitboard.spec.address import Address
from circuitboard.spec.intervention import InterventionSet


@dataclass
class Written:
    """What each part of one block added to the stream at every prompt's last position.

    Attributes:
        z: [b, h, e] heads before W_O.
        mlp: [b, d] MLP output, or None.
        attn_scale, mlp_scale: [b] scale of a norm after attention or MLP (Gemma), or None.
    """

    z: Tensor
    mlp: Tensor | None
    attn_scale: Tensor | None = None
    attn: Tensor | None = None


@dataclass
class HeldRun:
    """One run of the model: enough to restart it anywhere and to read any value of it.

    Attributes:
        tokens: [b, p] token ids, padded on the right.
        lengths: tokens of each prompt.
        interventions: what was done.
        streams: the residual stream entering each block, and after the last one [b, p, d].
        cache: for each block, keys and values [b, h, p, e].
        written: for each block, what it wrote at the last position.
        whole: True when it cannot be restarted in the middle (the user's own hooks are on).
        overrides: inputs of receivers that edges reach, [b, p, ...].
        tail_shift: what edges into the logits add to the final stream, or None.
        last_logits: [b, v] at each prompt's last position, once computed.
        values: places read since.
        derived: what views computed from the run, small, under names of theirs.
    """

    tokens: Tensor
    lengths: list[int]
    interventions: InterventionSet
    epoch: int
    streams: list[Tensor] = field(default_factory=list)
    cache: dict[int, KeysValues] = field(default_factory=dict)
    written: list[Written] = field(default_factory=list)
    overrides: list[tuple[Address, Tensor]] = field(default_factory=list)
    tail_shift: Tensor | None = None
    whole: bool = False
    last_logits: Tensor | None = None
    values: dict[str, Tensor] = field(default_factory=dict)
    derived: dict[Hashable, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[object, ...]:
        """What tells this run from others."""
        return run_key(self.tokens, self.interventions)

    @property
    def entering(self) -> list[Tensor]:
        """For each block, the residual stream entering it [b, p, d]."""
        return self.streams[:-1]

    @property
    def final(self) -> Tensor:
        """The residual stream after the last block [b, p, d]."""
        return self.streams[-1]

    @property
    def shifted(self) -> Tensor:
        """The stream that the final norm reads: ``final``, and what edges into the logits add."""
        return self.final if self.tail_shift is None else self.final + self.tail_shift

    def stream(self, layer: int) -> Tensor:
        """The residual stream entering a block; after the last one for n_layers."""
        return self.streams[layer]

    def put(self, layer: int, stream: Tensor) -> None:
        """Keeps a stream; what was there, or came after it, belonged to another run."""
        self.streams = [*self.streams[:layer], stream]

    def overridden(self, layer: int) -> list[tuple[Address, Tensor]]:
        """Inputs in a block that edges replace."""
        return [pair for pair in self.overrides if pair[0].layer == layer]

    def bytes(self) -> int:
        """Memory of the tensors; those shared with another run are counted in both."""
        tensors = [*self.streams, *self.values.values(), *(value for _, value in self.overrides)]
        for pair in self.cache.values():
            tensors += pair
        return sum(t.numel() * t.element_size() for t in tensors)


def run_key(tokens: Tensor, interventions: InterventionSet) -> tuple[object, ...]:
    """The name under which a run is held."""
    return (tuple(tokens.shape), tokens.cpu().numpy().tobytes(), interventions)


class Shelf:
    """Held runs, the least recently used dropped first when they exceed ``limit`` bytes."""

    def __init__(self, limit: int = 1 << 29) -> None:
        self.limit = limit
        self._runs: OrderedDict[tuple[object, ...], HeldRun] = OrderedDict()

    def __len__(self) -> int:
        return len(self._runs)

    def bytes(self) -> int:
        """Memory of all held runs, shared tensors counted once for each run."""
        return sum(run.bytes() for run in self._runs.values())

    def get(self, key: tuple[object, ...]) -> HeldRun | None:
        """The run of that key, which counts as used now."""
        run = self._runs.get(key)
        if run is not None:
            self._runs.move_to_end(key)
        return run

    def put(self, run: HeldRun) -> None:
        """Keeps a run; drops old ones beyond the limit, but never the newest."""
        self._runs[run.key] = run
        self._runs.move_to_end(run.key)
        used = self.bytes()
        while used > self.limit and len(self._runs) > 1:
            _, dropped = self._runs.popitem(last=False)
            used -= dropped.bytes()

    def alike(self, tokens: Tensor) -> list[HeldRun]:
        """Runs of the same prompts, newest first."""
        start = run_key(tokens, InterventionSet())[:2]
        return [run for key, run in reversed(self._runs.items()) if key[:2] == start]

    def clear(self) -> None:
        """Drops all."""
        self._runs.clear()
