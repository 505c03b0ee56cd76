"""One pass in which parts read what a circuit lets them: see :mod:`circuitboard.engine.masked`.

Only heads and MLPs that lie on a live way are computed, receivers that read the same are computed
together, and no projection is computed twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.edge_graph import Graph
from circuitboard.engine.mixing import NormedHeads, Spot, Written
from circuitboard.engine.outside import Outside
from circuitboard.models.mlp import mlp_weights, neuron_outputs
from circuitboard.models.model import Model
from circuitboard.models.parts import NAMES, BlockParts, Projection
from circuitboard.spec.errors import InterventionError

#: Numbers that streams of receivers take side by side, at most.
SIDE_BY_SIDE = 1 << 23


@dataclass(frozen=True)
class _Column:
    """Receivers that read the same: by name (q, k, v, n), heads, groups, or ranks of neurons."""

    index: int
    receivers: dict[str, list[int]]


class MaskedPass:
    """One run under some masks; drives :func:`run_parts`.

    Args:
        graph: what masks are over.
        tokens: of the prompts; their rows are run once for each mask.
        ends: what is written where edges are missing.
        masks: [n, sender, receiver], or with positions [n, sender, receiver, p].
        grad: autograd follows; then nothing is left out, as a mask of 0 has a gradient too.

    Raises:
        InterventionError: the masks are of another shape.
    """

    def __init__(
        self,
        graph: Graph,
        model: Model,
        tokens: Int[Tensor, "b p"],
        ends: Outside,
        masks: Tensor,
        grad: bool,
    ) -> None:
        self._model, self._graph, self._ends = model, graph, ends
        self._grad = grad
        shape = self._graph.exists.shape
        if masks.shape[1:3] != shape or masks.ndim not in (3, 4):
            raise InterventionError(
                f"A mask of shape {tuple(masks.shape[1:])} does not fit this model.",
                f"Its graph has {shape[0]} senders and {shape[1]} receivers.",
            )
        f = self._model.facts
        self._n, (self._b, self._p) = len(masks), tokens.shape
        self._exact = torch.promote_types(self._ends.streams[0].dtype, torch.float32)
        some = masks.detach().cpu().numpy().astype(np.float32)
        anywhere = (some != 0).any(0)
        anywhere = anywhere.any(-1) if anywhere.ndim == 3 else anywhere
        live = np.ones_like(anywhere) if grad else anywhere
        live = self._graph.live(live, constant=self._ends.constant)
        used: NDArray[np.bool_] = np.any(live, axis=1)
        self._senders = np.flatnonzero(used)
        self._rank = np.concatenate([[0], np.cumsum(used)])  # live senders before each one
        self._used = used
        self._weights = masks[:, torch.as_tensor(self._senders, device=masks.device)]
        self._weights = self._weights.to(tokens.device, self._exact)
        self._keys = some[:, self._senders]
        size = self._n, self._b, self._p, f.d_model
        self._written = Written(self._model, len(self._senders), size, grad)
        self._columns = {str(r): i for i, r in enumerate(self._graph.receivers)}
        self._rows = {str(s): i for i, s in enumerate(self._graph.senders)}

    # --- what a driver does -------------------------------------------------------------------

    def start(self, embedded: Float[Tensor, "r p d"]) -> None:
        """The embedding is the first sender."""
        if self._used[0]:
            self._put(embedded[None], self._ends.streams[0])

    def block(self, block: BlockParts) -> None:
        """Runs the live heads, the MLP and the neurons of a block."""
        layer, f = block.layer, self._model.facts
        first = self._rows[f"L{layer}H0"]
        heads = [h for h in range(f.n_heads) if self._used[first + h]]
        row = self._rows.get(f"L{layer}.mlp")
        mlp = row is not None and bool(self._used[row])
        if heads or mlp:
            self._heads_and_mlp(block, heads, mlp)
        apart = self._graph.neurons.get(layer, ())
        if row is not None and apart:
            neurons = [i for i in range(len(apart)) if self._used[row + 1 + i]]
            if neurons:
                self._put_neurons(layer, neurons)

    def _heads_and_mlp(self, block: BlockParts, heads: list[int], mlp: bool) -> None:
        layer, f = block.layer, self._model.facts
        given = self._given(block, heads) if heads else {}
        stream = self._ends.streams[layer].to(self._exact)
        parallel = mlp and f.parallel
        like = self._mlp_input(layer) if parallel else stream.new_zeros(())
        if not parallel:
            like = like.expand(self._n * self._b, self._p, f.d_model).to(self._ends.attn[0].dtype)

        def middle(z: Tensor | None) -> Tensor:
            if z is not None and heads:
                self._put_heads(layer, heads, z)
            return self._mlp_input(layer)

        apart = self._graph.neurons.get(layer, ())
        z, written = block.attend(given, like, middle if mlp else None, apart)
        if z is not None and (parallel or not mlp):
            self._put_heads(layer, heads, z)
        own = self._ends.mlp[layer]
        if written is not None and own is not None:
            self._put(written.reshape(1, -1, self._p, f.d_model), self._rest(layer, own))

    def final(self, spot: Spot | None) -> Float[Tensor, "n _ _ d"]:
        """What the final norm reads."""
        column = self._columns["logits"]
        return self._mixed([column], self._ends.streams[-1], spot)[:, 0]

    # --- senders --------------------------------------------------------------------------------

    def _put(self, values: Float[Tensor, "k r p d"], elsewhere: Float[Tensor, "_ _ d"]) -> None:
        """Senders that write ``values``, and elsewhere the same place."""
        values = values.to(self._exact).unflatten(1, (self._n, self._b))
        self._written.add(values - elsewhere.to(self._exact))

    def _put_heads(self, layer: int, heads: list[int], z: Float[Tensor, "r p h e"]) -> None:
        z = z.reshape(self._n, self._b, self._p, *self._ends.z[layer].shape[2:])
        change = (z.to(self._exact) - self._ends.z[layer].to(self._exact))[..., heads, :]
        weight = self._model.output_weights(layer).detach()[heads].to(self._exact)
        flat = change.permute(3, 0, 1, 2, 4).reshape(len(heads), -1, change.shape[-1])
        start = self._written.count
        self._written.add(torch.bmm(flat, weight).unflatten(1, (self._n, self._b, self._p)))
        before = self._ends.before_norm[layer]
        if before is not None:
            group = NormedHeads(layer, start, start + len(heads), before, self._ends.attn[layer])
            self._written.normed.append(group)

    def _rest(self, layer: int, whole: Float[Tensor, "_ _ d"]) -> Float[Tensor, "_ _ d"]:
        """What an MLP writes outside of the circuit, without its neurons that are apart."""
        post = self._ends.post.get(layer)
        if post is None:
            return whole
        return whole.to(self._exact) - post.to(self._exact) @ self._outward(layer)

    def _outward(self, layer: int) -> Float[Tensor, "n d"]:
        """What a unit of each neuron that is apart writes."""
        some = list(self._graph.neurons[layer])
        return mlp_weights(self._model, layer).w_out[some].to(self._exact)

    def _put_neurons(self, layer: int, ranks: list[int]) -> None:
        """Some of a layer's neurons that are apart, each from what it reads."""
        numbers, weights = self._graph.neurons[layer], mlp_weights(self._model, layer)
        base = self._mlp_base(layer)
        post = base.new_zeros(self._n, self._b, self._p, len(numbers))
        wanted = (("n", i, self._columns[f"L{layer}.mlp.n{numbers[i]}"]) for i in ranks)
        for columns in self._portions(self._distinct(wanted)):
            streams = self._mixed([c.index for c in columns], base).to(base.dtype)
            for i, column in enumerate(columns):
                own = column.receivers["n"]
                some, stream = [numbers[rank] for rank in own], streams[:, i].flatten(0, 1)
                found = neuron_outputs(self._model, weights, some, stream)
                post[..., own] = found.unflatten(0, (self._n, self._b))
        change = (post.to(self._exact) - self._ends.post[layer].to(self._exact))[..., ranks]
        outward = self._outward(layer)[ranks]
        self._written.add(torch.einsum("nbpk,kd->knbpd", change, outward))

    # --- receivers ------------------------------------------------------------------------------

    def _mixed(
        self, columns: list[int], base: Tensor, spot: Spot | None = None
    ) -> Float[Tensor, "n c _ _ d"]:
        """What receivers read; all come after the same senders."""
        count = int(self._rank[self._graph.before[columns[0]]])
        weights = self._weights[:, :count, columns].transpose(1, 2)
        return self._written.mixed(weights, base.to(self._exact), spot)

    def _mlp_base(self, layer: int) -> Float[Tensor, "_ _ d"]:
        """The stream that an MLP reads outside of the circuit."""
        parallel = self._model.facts.parallel
        return self._ends.streams[layer] if parallel else self._ends.middle(layer)

    def _mlp_input(self, layer: int) -> Float[Tensor, "r p d"]:
        base = self._mlp_base(layer)
        found = self._mixed([self._columns[f"L{layer}.mlp"]], base)
        return found.flatten(0, 2).to(base.dtype)

    def _given(self, block: BlockParts, heads: list[int]) -> dict[str, Tensor]:
        """Queries, keys and values of some heads: [r, p, h, e], 0 for the others."""
        f, layer = self._model.facts, block.layer
        dtype, rows = self._ends.streams[layer].dtype, self._n * self._b
        ways = {name: Projection.of(self._model, layer, name) for name in NAMES}
        groups = sorted({h // (f.n_heads // f.n_kv_heads) for h in heads})
        wanted = {"q": heads, "k": groups, "v": groups}
        given = {
            name: torch.zeros(
                rows,
                self._p,
                len(ways[name].weight),
                f.d_head,
                dtype=dtype,
                device=self._weights.device,
            )
            for name in NAMES
        }
        for some in self._portions(self._distinct(self._inputs(layer, wanted))):
            streams = self._mixed([c.index for c in some], self._ends.streams[layer])
            read = block.read(streams.to(dtype).flatten(0, 2)).unflatten(0, streams.shape[:3])
            _project(given, ways, some, read)
        return given

    def _inputs(self, layer: int, wanted: dict[str, list[int]]) -> Iterator[tuple[str, int, int]]:
        """Name, head or group, and column of each input of a block's attention."""
        f = self._model.facts
        for name, heads in wanted.items():
            size = 1 if name == "q" else f.n_heads // f.n_kv_heads
            for head in heads:
                yield name, head, self._columns[f"L{layer}H{head * size}.{name}"]

    def _distinct(self, wanted: Iterable[tuple[str, int, int]]) -> list[_Column]:
        """Receivers by name, number and column: those that read the same together."""
        found: dict[object, _Column] = {}
        for name, number, index in wanted:
            count = int(self._rank[self._graph.before[index]])
            key: object = index if self._grad else self._keys[:, :count, index].tobytes()
            column = found.setdefault(key, _Column(index, {}))
            column.receivers.setdefault(name, []).append(number)
        return list(found.values())

    def _portions(self, columns: list[_Column]) -> Iterator[list[_Column]]:
        """As many at a time as fit side by side."""
        row = self._n * self._b * self._p * self._model.facts.d_model
        step = max(1, SIDE_BY_SIDE // row)
        for start in range(0, len(columns), step):
            yield columns[start : start + step]


def _project(
    given: dict[str, Tensor],
    ways: dict[str, Projection],
    columns: list[_Column],
    read: Float[Tensor, "n c b p d"],
) -> None:
    """Fills in what receivers make of what they read."""
    rows = read.shape[0] * read.shape[2]
    for name in NAMES:
        own = [(i, c.receivers[name]) for i, c in enumerate(columns) if name in c.receivers]
        if len(own) > 1 and all(len(heads) == 1 for _, heads in own):
            heads = [one for _, (one,) in own]
            at = [i for i, _ in own]
            together = at == list(range(at[0], at[-1] + 1))  # a slice is no copy
            some = read[:, at[0] : at[-1] + 1] if together else read[:, at]
            flat = some.transpose(0, 1).reshape(len(own), -1, read.shape[-1])
            out = ways[name].each(flat, heads).unflatten(1, (rows, -1))
            given[name][:, :, heads] = out.permute(1, 2, 0, 3)
            continue
        for i, heads in own:
            given[name][:, :, heads] = ways[name](read[:, i].flatten(0, 1), heads)
