"""Runs that are kept, so that the next one need only compute what differs."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
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
    mlp_scale: Tensor | None = None


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
        whole: True when it cannot be restarted in the middle (the user's own hooks are on, or the
            architecture does not allow it).
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

    def storages(self) -> dict[tuple[str, int], int]:
        """Where each number of the run lies, and how many bytes it takes there."""
        tensors = [*self.streams, *self.values.values(), *(value for _, value in self.overrides)]
        tensors += [t for pair in self.cache.values() for t in pair]
        tensors += [self.tokens, self.tail_shift, self.last_logits]
        for part in self.written:
            tensors += [part.z, part.mlp, part.attn_scale, part.attn]
        found = [t.untyped_storage() for t in tensors if t is not None]
        return {(str(block.device), block.data_ptr()): block.nbytes() for block in found}

    def bytes(self) -> int:
        """Memory of the run, what it shares with others included; each storage counts once."""
        return sum(self.storages().values())


def run_key(tokens: Tensor, interventions: InterventionSet) -> tuple[object, ...]:
    """The name under which a run is held."""
    return (tuple(tokens.shape), tokens.cpu().numpy().tobytes(), interventions)


class Shelf:
    """Held runs, the least recently used dropped first when they exceed ``limit`` bytes.

    Memory is that of the storages, whatever views and runs share them.

    Args:
        limit: gives the bytes that runs may take; asked each time.
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._runs: OrderedDict[tuple[object, ...], HeldRun] = OrderedDict()
        self._held: dict[tuple[object, ...], dict[tuple[str, int], int]] = {}
        self._users: Counter[tuple[str, int]] = Counter()
        self._used = 0

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def limit(self) -> int:
        """Bytes that all runs may take: ``model.held_memory``."""
        return self._limit()

    def bytes(self) -> int:
        """Memory of all held runs, as last weighed; what several share is counted once."""
        return self._used

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
        self.weigh(run)

    def weigh(self, run: HeldRun) -> None:
        """Weighs a run that has grown, and drops what is too much: old runs, then what was read."""
        if self._runs.get(run.key) is not run:
            return
        self._count(run)
        while self._used > self.limit and len(self._runs) > 1:
            key = next(key for key, other in self._runs.items() if other is not run)
            del self._runs[key]
            self._forget(key)
        if self._used > self.limit and run.values:
            run.values.clear()
            self._count(run)

    def _count(self, run: HeldRun) -> None:
        self._forget(run.key)
        blocks = self._held[run.key] = run.storages()
        for block, size in blocks.items():
            self._used += 0 if self._users[block] else size
            self._users[block] += 1

    def _forget(self, key: tuple[object, ...]) -> None:
        for block, size in self._held.pop(key, {}).items():
            self._users[block] -= 1
            if not self._users[block]:
                del self._users[block]
                self._used -= size

    def alike(self, tokens: Tensor) -> list[HeldRun]:
        """Runs of the same prompts, newest first."""
        start = run_key(tokens, InterventionSet())[:2]
        return [run for key, run in reversed(self._runs.items()) if key[:2] == start]

    def clear(self) -> None:
        """Drops all."""
        for key in list(self._held):
            self._forget(key)
        self._runs.clear()
