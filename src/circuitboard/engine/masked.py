"""Runs of a model in which only the edges of a circuit are live.

Every part reads the residual stream as it would be if all senders outside of the circuit's edges
into it wrote what they write elsewhere, in a corrupted run, on average, or nothing:

    input of v = stream - sum over missing edges u -> v of (a_u - a_u elsewhere),

with a_u what u writes in this run: parts are computed from such inputs, norms anew, one after the
other (Hanna 2024, "Have Faith in Faithfulness", section 3.1; Bhaskar 2024, "Finding Transformer
Circuits with Edge Pruning", section 3, whose masks lie between 0 and 1). All edges give the clean
run, none the run that the values are from. With one edge missing it is path patching of that edge:
the edges are those of :mod:`circuitboard.engine.edges`.

It is computed the other way round, from the stream elsewhere and the changes that edges let pass, so
that it takes only the parts that lie on a live way from the embedding to the logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.edge_graph import Graph
from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.metric import Judge
from circuitboard.engine.mixing import NormedHeads, Spot, Written
from circuitboard.engine.outside import How, Outside, outside
from circuitboard.engine.sweep import Watch, check_lengths
from circuitboard.models.executor import run_tail
from circuitboard.models.model import Model
from circuitboard.models.parts import NAMES, BlockParts, Projection, run_parts
from circuitboard.spec.errors import InterventionError, ModelError
from circuitboard.spec.prompts import Prompts, prompts_of

#: Numbers that streams of receivers take side by side, at most.
SIDE_BY_SIDE = 1 << 23
#: Tokens that several masks together make one pass of, at most.
TOKENS_CPU, TOKENS_GPU = 256, 1 << 14


class MaskedRuns:
    """Some prompts of a model, ready to run with any edges live.

    Attributes:
        graph: the senders (rows) and receivers (columns) of masks.
    """

    def __init__(
        self, engine: Engine, tokens: Int[Tensor, "b p"], lengths: Sequence[int], ends: Outside
    ) -> None:
        refuse(engine)
        self.engine, self.model = engine, engine.model
        self.graph = Graph.of(engine.model)
        self._tokens, self._ends = tokens, ends
        rows = torch.arange(len(tokens), device=tokens.device)
        self._last = Spot(rows, torch.tensor([n - 1 for n in lengths], device=tokens.device))
        prove(self)

    @classmethod
    def of(
        cls,
        model: Model,
        clean: Prompts,
        corrupt: Prompts,
        how: How = "resample",
        reference: Prompts | None = None,
    ) -> MaskedRuns:
        """For pairs of prompts, each of equal length in tokens.

        Args:
            how, reference: see :func:`circuitboard.engine.outside.outside`; means are over the
                corrupted prompts unless a reference is given.

        Raises:
            InterventionError: the prompts differ in length; there are hooks of your own on the
                model. ModelError: its parts cannot be run on their own.
        """
        engine = engine_of(model)
        with model.lock:
            engine.refresh()
            pair = prompts_of(clean), prompts_of(corrupt)
            check_lengths(model, *pair)
            tokens, lengths = engine.encode(pair[0])
            theirs, _ = engine.encode(pair[1])
            over = theirs, lengths
            if reference is not None:
                over = engine.encode(prompts_of(reference))
            return cls(engine, tokens, lengths, outside(engine, theirs, how, over))

    def finals(self, masks: Tensor, *, whole: bool = False, grad: bool = False) -> Tensor:
        """The stream after the last block, at each prompt's last position [n, b, d].

        Args:
            masks: [n, sender, receiver], 0 to 1; or with a last dimension for positions. Where the
                model has no edge they are not read.
            whole: at all positions, [n, b, p, d].
            grad: autograd follows from the masks.
        """
        found = _Pass(self, masks, grad)
        with self.model.lock, torch.set_grad_enabled(grad):
            run_parts(self.model, self._tokens.repeat(len(masks), 1), found, grad=grad)
            out = found.final(None if whole else self._last)
        return out if whole else out[:, :, 0]

    def logits(self, masks: Tensor, *, grad: bool = False) -> Float[Tensor, "n b v"]:
        """Logits at each prompt's last position; arguments as for :meth:`finals`."""
        finals = self.finals(masks, grad=grad)
        dtype = self._ends.streams[-1].dtype
        logits = run_tail(self.model, finals.to(dtype).flatten(0, 1)[:, None], grad=grad)[:, 0]
        return logits.unflatten(0, finals.shape[:2])

    def judged(self, masks: Tensor, judge: Judge) -> Float[Tensor, "n b"]:
        """A metric of the prompts under each mask; arguments as for :meth:`finals`."""
        finals = self.finals(masks, whole=judge.whole).to(self._ends.streams[-1].dtype)
        values = (judge.loss if judge.whole else judge.last)(finals.flatten(0, 1))
        return values.reshape(len(masks), -1)

    def measure(
        self, masks: Sequence[Tensor | NDArray[np.generic]], judge: Judge, watch: Watch | None = None
    ) -> Float[Tensor, "n b"]:
        """The same for any number of masks, in portions that fit."""
        watch = watch or Watch()
        most = TOKENS_GPU if self._tokens.is_cuda else TOKENS_CPU
        size = max(1, most // self._tokens.numel())
        found: list[Tensor] = []
        for start in range(0, len(masks), size):
            watch.check()
            some = [torch.as_tensor(mask) for mask in masks[start : start + size]]
            found.append(self.judged(torch.stack(some).to(self._tokens.device), judge))
            watch.progress(min(start + size, len(masks)), len(masks))
        return torch.cat(found)


def refuse(engine: Engine) -> None:
    """Raises where a model's parts cannot be run on their own."""
    if engine.hooked_by_user:
        raise InterventionError(
            "There are hooks of your own on the model: a circuit cannot be run under them.",
            "Take them off: model.bridge.reset_hooks().",
        )
    facts = engine.model.facts
    if facts.full_runs:
        raise ModelError(
            f"The parts of {facts.name} cannot be run on their own: {facts.full_runs}.",
            "Take a model whose blocks do not share keys and values.",
        )


def prove(runs: MaskedRuns) -> None:
    """Tries all edges once for each state of a model's weights: they have to give its own run.

    Raises ModelError where they do not.
    """
    engine, model = runs.engine, runs.model
    if model.attached.get("masked runs proved") == engine.epoch:
        return
    mask = torch.ones(1, *runs.graph.exists.shape, device=model.device)
    tokens, spot = runs._tokens, runs._last
    own = engine.baseline(tokens, [int(n) + 1 for n in spot.positions]).final
    own = spot.of(own)[:, 0]
    found = runs.finals(mask)[0]
    room = max(1e-3, 8 * torch.finfo(own.dtype).eps)
    if (found - own).abs().max() > room * own.abs().max():
        raise ModelError(
            f"{model.facts.name} is not the sum of its heads and MLPs: all edges together give "
            "another run than its own.",
            "Circuits of this architecture cannot be run.",
        )
    model.attached["masked runs proved"] = engine.epoch


def run_masked(
    model: Model,
    clean: Prompts,
    corrupt: Prompts,
    mask: Tensor | NDArray[np.generic],
    *,
    how: How = "resample",
    reference: Prompts | None = None,
    grad: bool = False,
) -> Float[Tensor, "... b v"]:
    """Logits at the last position of the clean prompts with only a circuit's edges live.

    Use :class:`MaskedRuns` for many masks on the same prompts.

    Args:
        clean, corrupt, how, reference: as for :meth:`MaskedRuns.of`.
        mask: [sender, receiver] in the order of :class:`Graph`, of numbers from 0 (missing) to 1
            (live), or [receiver], the same for all that it reads; several with a dimension before,
            positions as a last one. Booleans do too.
        grad: autograd follows from the mask.

    Returns:
        [b, v], or [n, b, v] for several masks.
    """
    runs = MaskedRuns.of(model, clean, corrupt, how, reference)
    given = torch.as_tensor(mask)
    given = given.to(model.device, given.dtype if given.is_floating_point() else torch.float32)
    if given.ndim == 1:
        given = given.expand(len(runs.graph.senders), -1)
    one = given.shape[:2] == runs.graph.exists.shape
    logits = runs.logits(given[None] if one else given, grad=grad)
    return logits[0] if one else logits


# --- one pass -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    """Receivers that read the same: ``receivers`` by name (q, k, v), heads or groups."""

    index: int
    receivers: dict[str, list[int]]


class _Pass:
    """One run under some masks; drives :func:`run_parts`."""

    def __init__(self, runs: MaskedRuns, masks: Tensor, grad: bool) -> None:
        self._model, self._graph, self._ends = runs.model, runs.graph, runs._ends
        self._grad = grad
        shape = self._graph.exists.shape
        if masks.shape[1:3] != shape or masks.ndim not in (3, 4):
            raise InterventionError(
                f"A mask of shape {tuple(masks.shape[1:])} does not fit this model.",
                f"Its graph has {shape[0]} senders and {shape[1]} receivers.",
            )
        f = self._model.facts
        self._n, (self._b, self._p) = len(masks), runs._tokens.shape
        self._exact = torch.promote_types(self._ends.streams[0].dtype, torch.float32)
        some = masks.detach().cpu().numpy().astype(np.float32)
        anywhere = (some != 0).any(0)
        anywhere = anywhere.any(-1) if anywhere.ndim == 3 else anywhere
        live = np.ones_like(anywhere) if grad else anywhere
        live = self._graph.live(live, constant=self._ends.constant)
        used = live.any(1)
        self._senders = np.flatnonzero(used)
        self._rank = np.concatenate([[0], np.cumsum(used)])  # live senders before each one
        self._used = used
        self._weights = masks[:, torch.as_tensor(self._senders, device=masks.device)]
        self._weights = self._weights.to(runs._tokens.device, self._exact)
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
        """Runs the live heads and the MLP of a block."""
        layer, f = block.layer, self._model.facts
        first = self._rows[f"L{layer}H0"]
        heads = [h for h in range(f.n_heads) if self._used[first + h]]
        row = self._rows.get(f"L{layer}.mlp")
        mlp = row is not None and bool(self._used[row])
        if not heads and not mlp:
            return
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

        z, written = block.attend(given, like, middle if mlp else None)
        if z is not None and (parallel or not mlp):
            self._put_heads(layer, heads, z)
        own = self._ends.mlp[layer]
        if written is not None and own is not None:
            self._put(written.reshape(1, -1, self._p, f.d_model), own)

    def final(self, spot: Spot | None) -> Float[Tensor, "n b p d"]:
        """What the final norm reads."""
        column = self._columns["logits"]
        return self._mixed([column], self._ends.streams[-1], spot)[:, 0]

    # --- senders --------------------------------------------------------------------------------

    def _put(self, values: Float[Tensor, "k r p d"], elsewhere: Float[Tensor, "b p d"]) -> None:
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

    # --- receivers ------------------------------------------------------------------------------

    def _mixed(
        self, columns: list[int], base: Tensor, spot: Spot | None = None
    ) -> Float[Tensor, "n c b p d"]:
        """What receivers read; all come after the same senders."""
        count = int(self._rank[self._graph.before[columns[0]]])
        weights = self._weights[:, :count, columns].transpose(1, 2)
        return self._written.mixed(weights, base.to(self._exact), spot)

    def _mlp_input(self, layer: int) -> Float[Tensor, "r p d"]:
        parallel = self._model.facts.parallel
        base = self._ends.streams[layer] if parallel else self._ends.middle(layer)
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
                rows, self._p, len(ways[name].weight), f.d_head, dtype=dtype, device=self._weights.device
            )
            for name in NAMES
        }
        columns = self._distinct(layer, wanted)
        step = max(1, SIDE_BY_SIDE // (rows * self._p * f.d_model))
        for start in range(0, len(columns), step):
            some = columns[start : start + step]
            streams = self._mixed([c.index for c in some], self._ends.streams[layer])
            read = block.read(streams.to(dtype).flatten(0, 2)).unflatten(0, streams.shape[:3])
            _project(given, ways, some, read)
        return given

    def _distinct(self, layer: int, wanted: dict[str, list[int]]) -> list[_Column]:
        """The receivers of a block's attention, those that read the same together."""
        f = self._model.facts
        found: dict[object, _Column] = {}
        for name, heads in wanted.items():
            size = 1 if name == "q" else f.n_heads // f.n_kv_heads
            for head in heads:
                index = self._columns[f"L{layer}H{head * size}.{name}"]
                count = int(self._rank[self._graph.before[index]])
                key: object = index if self._grad else self._keys[:, :count, index].tobytes()
                column = found.setdefault(key, _Column(index, {}))
                column.receivers.setdefault(name, []).append(head)
        return list(found.values())


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
            some = read if len(own) == len(columns) else read[:, [i for i, _ in own]]
            flat = some.transpose(0, 1).reshape(len(own), -1, read.shape[-1])
            out = ways[name].each(flat, heads).unflatten(1, (rows, -1))
            given[name][:, :, heads] = out.permute(1, 2, 0, 3)
            continue
        for i, heads in own:
            given[name][:, :, heads] = ways[name](read[:, i].flatten(0, 1), heads)

