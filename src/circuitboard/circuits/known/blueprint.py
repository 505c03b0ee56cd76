"""A constructor of transformers whose circuit is exact.

The residual stream is cut into subspaces with names. What a head looks at, what it moves, what
neurons read and write are matrices between subspaces. So a sender reaches a receiver if and only if
it writes to a subspace that the receiver reads; all else about the model can be as loud as one
likes. Heads and MLPs that are given nothing to do become distractors: they read everything and
write to the subspace ``noise``, which other distractors read, and no one else.

An edge belongs to the circuit when what flows on it differs between clean and corrupted prompts,
and what comes of it reaches the logits. Lines that carry the same in both (positions, marks) are
``steady``: patching what they carry changes nothing, so they make no edges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from circuitboard.models.handset import HandWeights, hand_set
from circuitboard.models.model import Model
from circuitboard.models.tiny import word_tokenizer

NOISE, NOISE_WIDTH, NOISE_NEURONS = "noise", 8, 8
#: How strong distractors' weights are: their attention is sharp, what they write is loud.
LOUD = 1.5


@dataclass(frozen=True)
class Head:
    """What a head does.

    Attributes:
        looks: (subspace of the query, of the key, form): scores are the sum of q . form . k.
        moves: (subspace read, subspace written, map).
        heard: whether readers notice what it writes; False for what stays below their thresholds.
    """

    looks: Sequence[tuple[str, str, Tensor]]
    moves: Sequence[tuple[str, str, Tensor]]
    heard: bool = True


@dataclass(frozen=True)
class Neurons:
    """Neurons of an MLP: relu(sum of subspace . reads + bias) . writes.

    Attributes:
        reads: subspace -> [size, n]; bias: [n]; writes: subspace -> [n, size].
    """

    reads: Mapping[str, Tensor]
    bias: Tensor
    writes: Mapping[str, Tensor]


@dataclass(frozen=True)
class Doing:
    """One thing a part does: by which inputs it reads which subspaces, and where it writes."""

    sender: str
    inputs: Mapping[str, frozenset[str]]
    written: frozenset[str]


@dataclass
class Blueprint:
    """A model in the making.

    Attributes:
        name: what it will be called.
        words: its vocabulary beside the special tokens.
        n_ctx: positions, the beginning-of-sequence token among them.
        apart: layers whose neurons with something to do are nodes of their own; their MLP is then
            the distractors among them.
    """

    name: str
    words: Sequence[str]
    n_ctx: int
    n_layers: int
    n_heads: int
    attn_only: bool = False
    seed: int = 0
    subspaces: dict[str, slice] = field(default_factory=dict)
    steady: set[str] = field(default_factory=set)
    heads: dict[tuple[int, int], Head] = field(default_factory=dict)
    mlps: dict[int, Neurons] = field(default_factory=dict)
    apart: set[int] = field(default_factory=set)
    _embeds: dict[str, Tensor] = field(default_factory=dict)
    _places: dict[str, Tensor] = field(default_factory=dict)
    _outs: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tokenizer = word_tokenizer(self.words, pattern=r"\S+", n_ctx=self.n_ctx)
        self.subspace(NOISE, NOISE_WIDTH)

    # --- drawing --------------------------------------------------------------------------------

    @property
    def vocabulary(self) -> int:
        """How many tokens there are, special ones included."""
        return len(self.tokenizer)

    def ids(self, words: Sequence[str]) -> list[int]:
        """Token ids of words."""
        known = self.tokenizer.get_vocab()
        return [known[word] for word in words]

    def subspace(self, name: str, size: int, *, steady: bool = False) -> None:
        """Adds a subspace of that many dimensions."""
        start = max((part.stop for part in self.subspaces.values()), default=0)
        self.subspaces[name] = slice(start, start + size)
        if steady:
            self.steady.add(name)

    def size(self, space: str) -> int:
        """How many dimensions a subspace has."""
        part = self.subspaces[space]
        return part.stop - part.start

    def embed(self, space: str, table: Tensor) -> None:
        """What each token writes to a subspace: [v, size]."""
        self._embeds[space] = table

    def place(self, space: str, table: Tensor) -> None:
        """What each position writes to a subspace: [p, size]."""
        self._places[space] = table

    def read_out(self, space: str, table: Tensor) -> None:
        """Logits that a subspace gives: [size, v]."""
        self._outs[space] = table

    def picks(self, words: Sequence[str]) -> Tensor:
        """One-hot of these words, in this order: [v, words]."""
        table = torch.zeros(self.vocabulary, len(words))
        table[self.ids(words), range(len(words))] = 1.0
        return table

    # --- truth ----------------------------------------------------------------------------------

    def doings(self) -> list[Doing]:
        """What each part does, in the order of the model; without distractors and the unheard."""
        found = [Doing("embed", {}, frozenset((*self._embeds, *self._places)))]
        for layer in range(self.n_layers):
            for (at, index), head in sorted(self.heads.items()):
                if at == layer and head.heard:
                    name = f"L{at}H{index}"
                    reads = {
                        f"{name}.q": frozenset(space for space, _, _ in head.looks),
                        f"{name}.k": frozenset(space for _, space, _ in head.looks),
                        f"{name}.v": frozenset(space for space, _, _ in head.moves),
                    }
                    found.append(Doing(name, reads, frozenset(space for _, space, _ in head.moves)))
            if layer in self.mlps:
                found += self._neuron_doings(layer) if layer in self.apart else [self._mlp(layer)]
        return [*found, Doing("logits", {"logits": frozenset(self._outs)}, frozenset())]

    def _mlp(self, layer: int) -> Doing:
        name, mlp = f"L{layer}.mlp", self.mlps[layer]
        return Doing(name, {name: frozenset(mlp.reads)}, frozenset(mlp.writes))

    def neurons(self, layer: int) -> list[str]:
        """Addresses of a layer's neurons that have something to do."""
        count = len(self.mlps[layer].bias) if layer in self.mlps else 0
        return [f"L{layer}.mlp.n{n}" for n in range(count)]

    def _neuron_doings(self, layer: int) -> list[Doing]:
        mlp, found = self.mlps[layer], []
        for n, name in enumerate(self.neurons(layer)):
            reads = frozenset(space for space, table in mlp.reads.items() if table[:, n].any())
            writes = frozenset(space for space, table in mlp.writes.items() if table[n].any())
            found.append(Doing(name, {name: reads}, writes))
        return found

    def edges(self) -> list[str]:
        """The circuit: edges on which something that differs flows to the logits, in order."""
        doings = self.doings()
        reaching = {len(doings) - 1}
        found: list[str] = []
        varying = {0}
        for i, doing in enumerate(doings):
            if any(
                self._flowing(doings, varying, i, subspaces) for subspaces in doing.inputs.values()
            ):
                varying.add(i)
        for i in reversed(range(len(doings))):
            if i not in reaching:
                continue
            for receiver, subspaces in doings[i].inputs.items():
                senders = self._flowing(doings, varying, i, subspaces)
                reaching.update(senders)
                found += [f"{doings[j].sender}->{receiver}" for j in senders]
        return found[::-1]

    def _flowing(
        self, doings: Sequence[Doing], varying: set[int], reader: int, subspaces: frozenset[str]
    ) -> list[int]:
        """Who writes what differs to one of these subspaces before a reader."""
        live = subspaces - self.steady
        return [j for j in range(reader) if j in varying and doings[j].written & live]

    # --- building -------------------------------------------------------------------------------

    def build(self) -> Model:
        """The model, distractors and all. The same seed gives the same weights."""
        generator = torch.Generator().manual_seed(self.seed)
        width = max(part.stop for part in self.subspaces.values())
        d_head = max([NOISE_WIDTH, *map(self._head_width, self.heads.values())])
        shape = (self.n_layers, self.n_heads)
        query, key, value = (torch.zeros(*shape, width, d_head) for _ in range(3))
        out = torch.zeros(*shape, d_head, width)
        for layer in range(self.n_layers):
            for index in range(self.n_heads):
                at = layer, index
                parts = query[at], key[at], value[at], out[at]
                if at in self.heads:
                    self._set_head(self.heads[at], parts)
                else:
                    self._set_noise_head(parts, generator)
        into, bias, back = self._neurons(width, generator)
        weights = HandWeights(
            self._table(self._embeds, self.vocabulary, width),
            self._table(self._places, self.n_ctx, width),
            self._table({k: t.T for k, t in self._outs.items()}, self.vocabulary, width).T,
            *(query * math.sqrt(d_head), key, value, out, into, bias, back),
        )
        return hand_set(weights, self.tokenizer, f"known:{self.name}")

    def _table(self, tables: Mapping[str, Tensor], rows: int, width: int) -> Tensor:
        found = torch.zeros(rows, width)
        for space, table in tables.items():
            found[:, self.subspaces[space]] += table
        return found

    @staticmethod
    def _head_width(head: Head) -> int:
        looks = sum(min(form.shape) for _, _, form in head.looks)
        return max(looks, sum(min(form.shape) for _, _, form in head.moves))

    def _set_head(self, head: Head, parts: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
        query, key, value, out = parts
        for pairs, left, right in ((head.looks, query, key), (head.moves, value, out.T)):
            start = 0
            for first, second, form in pairs:
                count = min(form.shape)
                block = slice(start, start + count)
                narrow = form.shape[0] <= form.shape[1]
                a, b = (torch.eye(count), form.T) if narrow else (form, torch.eye(count))
                left[self.subspaces[first], block] = a
                right[self.subspaces[second], block] = b
                start += count

    def _set_noise_head(
        self, parts: tuple[Tensor, Tensor, Tensor, Tensor], generator: torch.Generator
    ) -> None:
        query, key, value, out = parts
        for weight in (query, key, value):
            weight[:, :NOISE_WIDTH] = _random(weight[:, :NOISE_WIDTH].shape, generator)
        query *= 1 / math.sqrt(NOISE_WIDTH)
        out[:NOISE_WIDTH, self.subspaces[NOISE]] = (
            _random((NOISE_WIDTH, NOISE_WIDTH), generator) / 2
        )

    def _neurons(self, width: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        most = max((len(mlp.bias) for mlp in self.mlps.values()), default=0) + NOISE_NEURONS
        count = 0 if self.attn_only else most
        into, back = (
            torch.zeros(self.n_layers, width, count),
            torch.zeros(self.n_layers, count, width),
        )
        bias = torch.zeros(self.n_layers, count)
        for layer in range(0 if self.attn_only else self.n_layers):
            used = 0
            if layer in self.mlps:
                mlp = self.mlps[layer]
                used = len(mlp.bias)
                bias[layer, :used] = mlp.bias
                for space, table in mlp.reads.items():
                    into[layer, self.subspaces[space], :used] = table
                for space, table in mlp.writes.items():
                    back[layer, :used, self.subspaces[space]] = table
            rest = count - used
            into[layer, :, used:] = _random((width, rest), generator)
            back[layer, used:, self.subspaces[NOISE]] = _random((rest, NOISE_WIDTH), generator) / 2
        return into, bias, back


def _random(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    return torch.randn(*shape, generator=generator) * LOUD / math.sqrt(shape[0]) * 2
