"""Edge attribution patching: the effect of patching every edge, estimated by gradients.

Syed, Rager and Conmy 2023, "Attribution Patching Outperforms Automated Circuit Discovery": for an
edge from a sender u to an input of a receiver v,

    score = sum over positions of (a_u of the source - a_u) . (d metric / d input of v),

the mean over prompts, with the gradient at the run that is patched: for ``noising`` the clean run,
and the source is the corrupted one. Inputs are the residual stream before the receiver's norm, one
for each query, key, value and MLP, and the stream that the final norm reads; the norm lies inside
the gradient. It is the first-order term of what :func:`circuitboard.path_patch` measures with all
MLPs and heads in between frozen.

Hanna, Pezzelle and Belinkov 2024, "Have Faith in Faithfulness", average the gradient along a path:

``eap-ig-inputs``
    the stream entering block 0 at z_source + (k/m)(z - z_source), k = 1..m, as in the paper (their
    published code takes k = 0..m-1).
``eap-ig-activations``
    as in their published code: the outputs of one layer's attention, or one MLP, or the embedding,
    at these points of the way, in the run that is patched; one after the other, and every edge is
    scored by the mean gradient of all these runs.
``eap-ig-senders``
    the same runs, but each scores only the edges of the senders that it moves, as in Marks 2024,
    "Sparse Feature Circuits": an edge's score is taken along its own sender's way.
``clean-corrupted``
    the mean of the gradients at the two ends.

Heads that share keys and values (grouped-query attention) share those inputs: each group has one
edge, named by its first head; addresses of the others mean the same edge.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine import edges
from circuitboard.engine.edge_graph import Graph
from circuitboard.engine.gradient import Tape, record, values_at
from circuitboard.engine.metric import OwnMetric
from circuitboard.engine.run import Texts
from circuitboard.engine.sweep import Watch
from circuitboard.methods.audit import Estimates, Floats
from circuitboard.methods.contrast import Contrast, Direction, Portion
from circuitboard.models.mlp import mlp_weights
from circuitboard.models.model import Model
from circuitboard.spec.address import Edge
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.intervention import InterventionSet, Patch, Source
from circuitboard.spec.metric import MetricKind
from circuitboard.spec.prompts import Prompts

Method = Literal["eap", "eap-ig-inputs", "eap-ig-activations", "eap-ig-senders", "clean-corrupted"]

#: Numbers of gradients that are pulled back to a stream side by side.
SIDE_BY_SIDE = 1 << 25


@dataclass(frozen=True)
class EdgeAttribution(Estimates):
    """Estimated changes of the metric, one edge patched at a time.

    Attributes:
        senders, receivers: the ends of the edges.
        matrix: [sender, receiver] float32, NaN where no edge is.
        method: how the gradient was taken.
    """

    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    matrix: Floats
    method: Method
    _contrast: Contrast = field(repr=False)

    @cached_property
    def _where(self) -> tuple[NDArray[np.intp], ...]:
        return np.nonzero(~np.isnan(self.matrix.T))[::-1]

    @cached_property
    def edges(self) -> tuple[str, ...]:
        """Addresses of all edges, receiver by receiver."""
        pairs = zip(*(index.tolist() for index in self._where), strict=True)
        return tuple(f"{self.senders[u]}->{self.receivers[v]}" for u, v in pairs)

    @property
    def addresses(self) -> Sequence[str]:
        """The same as ``edges``."""
        return self.edges

    @cached_property
    def scores(self) -> Floats:
        """One score for each of ``edges``, float32 [n]."""
        return self.matrix[self._where]

    @property
    def flat(self) -> Floats:
        """The same as ``scores``."""
        return self.scores

    def _canonical(self, address: str) -> str:
        edge = Edge.parse(address)
        facts, receiver = self._contrast.model.facts, edge.receiver
        if receiver.part in ("head.k", "head.v") and receiver.head is not None:
            first = receiver.head - receiver.head % (facts.n_heads // facts.n_kv_heads)
            return str(replace(edge, receiver=replace(receiver, head=first)))
        return str(edge)

    def _exact(self, addresses: Sequence[str], watch: Watch | None) -> Floats:
        return self._contrast.patched(addresses, watch)


def edge_attribution(
    model: Model,
    clean: Prompts,
    corrupt: Prompts,
    metric: MetricKind | OwnMetric | None = None,
    *,
    target: Texts | None = None,
    foil: Texts | None = None,
    method: Method = "eap",
    direction: Direction = "noising",
    steps: int = 5,
) -> EdgeAttribution:
    """Scores of all edges at once: embedding, heads and MLPs to q, k, v, MLPs and logits.

    Two forward passes and one backward pass of the model (``eap``), ``steps`` of each and two
    forward passes (``eap-ig-inputs``), or that for each layer's attention and MLP
    (``eap-ig-activations``, ``eap-ig-senders``); prompts go in portions that fit into memory.

    Args:
        clean, corrupt: a pair of prompts of equal length, or as many of both.
        target, foil, metric: as for :func:`circuitboard.sweep`.
        direction: ``noising`` runs the clean prompts and patches from the corrupted; ``denoising``
            the other way round, gradients at the corrupted run.
        steps: m, for the three integrated methods.

    Returns:
        Scores by edge; ``audit()`` measures the largest by path patching.

    Raises:
        What :func:`circuitboard.path_patch` raises; InterventionError without steps or for another
        method; TargetError for ``eap`` of a KL divergence, which has no gradient there.
    """
    check_method(method, steps)
    with model.lock:
        contrast = Contrast.of(model, (clean, corrupt), (metric, target, foil), direction)
        growing = EdgeScores(contrast, method, steps)
        for _ in growing.passes():
            pass
    return growing.found()


def check_method(method: str, steps: int) -> None:
    """Raises InterventionError for no steps, or another method."""
    if steps < 1 or method not in get_args(Method):
        raise InterventionError(
            f"{steps} steps of {method} cannot be done.",
            f"Take steps=5 and one of {', '.join(get_args(Method))}.",
        )


class EdgeScores:
    """Scores of all edges, added up one differentiated pass after the other.

    Args:
        positions: keep the sum over token positions apart; all pairs must be of one length.
        graph: with neurons as nodes of their own; of heads and MLPs unless given.

    Raises TargetError for ``eap`` of a KL divergence.
    """

    def __init__(
        self,
        contrast: Contrast,
        method: Method,
        steps: int,
        *,
        positions: bool = False,
        graph: Graph | None = None,
    ) -> None:
        if method == "eap":
            contrast.refuse_divergence()
        self._contrast, self._steps = contrast, steps
        self._method: Method = method
        self._graph = Graph.of(contrast.model) if graph is None else graph
        size = [len(self._graph.senders), len(self._graph.receivers)]
        size += contrast.widths[:1] if positions else ()
        self._matrix = torch.zeros(*size, dtype=torch.float64)

    @property
    def total(self) -> int:
        """Passes with a gradient, for all prompts."""
        ends = {"eap": 1, "clean-corrupted": 2, "eap-ig-inputs": self._steps}
        each = ends.get(self._method, self._steps * len(self._graph.groups))
        return each * len(self._contrast.onto)

    def passes(self) -> Generator[int, None, None]:
        """Does the work; yields how much of ``total`` is done. The model's lock is the caller's."""
        room = 2 * len(self._graph.senders) * self._contrast.model.facts.d_model
        done = 0
        for part in self._contrast.portions(more=room):
            work = _Work(self._contrast, self._graph, part, self._matrix)
            for _ in work.passes(self._method, self._steps):
                done += len(part.onto)
                yield done

    @property
    def matrix(self) -> Floats:
        """The mean over prompts, once all passes are done; NaN where no edge is.

        [sender, receiver], or [sender, receiver, position].
        """
        matrix = self._matrix / len(self._contrast.onto)
        for column, count in enumerate(self._graph.before):
            matrix[count:, column] = torch.nan
        return matrix.float().numpy()

    def found(self) -> EdgeAttribution:
        """The scores, once all passes are done."""
        senders, receivers = (
            tuple(address.place for address in ends)
            for ends in (self._graph.senders, self._graph.receivers)
        )
        return EdgeAttribution(senders, receivers, self.matrix, self._method, self._contrast)


class _Work:
    """The edges of some prompts; adds to the scores of all."""

    def __init__(self, contrast: Contrast, graph: Graph, part: Portion, matrix: Tensor) -> None:
        self._model, self._contrast, self._part = contrast.model, contrast, part
        self._graph, self._matrix = graph, matrix
        self._mine = values_at(self._model, part.tokens, graph.values)
        self._theirs = values_at(self._model, part.theirs, graph.values)
        self._moved = torch.cat([change.float() for change in self._changes()])

    def passes(self, method: Method, steps: int) -> Iterator[None]:
        """Runs what the method runs, one pass at a time, and adds up scores over prompts."""
        part, everyone = self._part, range(len(self._graph.senders))
        if method in ("eap", "clean-corrupted"):
            runs = (part.tokens,) if method == "eap" else (part.tokens, part.theirs)
            for tokens in runs:
                yield self._contract(self._tape(tokens, {}), everyone, 1 / len(runs))
            return
        groups = self._graph.groups[: 1 if method == "eap-ig-inputs" else None]
        own = method == "eap-ig-senders"
        weight = 1 / steps if own else 1 / (steps * len(groups))
        for point, moved in groups:
            mine, theirs = self._mine[point], self._theirs[point]
            for k in range(1, steps + 1):
                swap = {point: theirs + k / steps * (mine - theirs)}
                tape = self._tape(part.tokens, swap)
                yield self._contract(tape, moved if own else everyone, weight)

    def _tape(self, tokens: Tensor, swaps: dict[str, Tensor]) -> Tape:
        return record(self._model, tokens, self._part.judge, self._graph.points, swaps)

    # --- what senders write -------------------------------------------------------------------

    def _changes(self) -> Iterator[Tensor]:
        """For each group of senders, what they write in the source minus here: [u, b, p, d]."""
        model = self._model
        for point, senders in self._graph.groups:
            change = self._theirs[point] - self._mine[point]
            first = self._graph.senders[senders.start]
            apart = self._graph.apart(senders)
            if apart is not None:
                yield self._of_neurons(change, first.layer or 0, *apart)
            elif first.part != "head":
                yield change[None]
            elif model.has_point(f"blocks.{first.layer}.ln1_post.hook_out"):
                yield self._through_norm(senders)
            else:
                weights = model.output_weights(first.layer or 0).detach().to(change)
                yield torch.einsum("bphe,hed->hbpd", change, weights)

    def _of_neurons(self, whole: Tensor, layer: int, point: str, neurons: Sequence[int]) -> Tensor:
        """The rest of an MLP, then the neurons that are apart."""
        some = list(neurons)
        moved = (self._theirs[point] - self._mine[point])[..., some]
        outward = mlp_weights(self._model, layer).w_out[some].to(moved)
        own = torch.einsum("bpn,nd->nbpd", moved, outward)
        return torch.cat([(whole - own.sum(0))[None], own])

    def _through_norm(self, senders: range) -> Tensor:
        """Heads whose sum goes through a norm (Gemma): each changed alone, as edges have it."""
        part, engine = self._part, self._contrast.engine
        tokens, lengths = engine.encode(part.onto)
        run = engine.baseline(tokens, lengths)
        found = []
        for head in self._graph.senders[senders.start : senders.stop]:
            item = Patch(f"{head}->logits", Source(part.source))
            values = engine.borrowed(run, InterventionSet((item,)))
            found.append(edges.shift(engine, run, [item], values))
        return torch.stack(found)

    # --- what receivers read ------------------------------------------------------------------

    def _contract(self, tape: Tape, senders: range, weight: float) -> None:
        """Adds changes times the gradients at the inputs that come after."""
        slopes = tape.slopes()
        for column, gradient in self._gradients(tape, slopes, senders.start):
            count = min(self._graph.before[column], senders.stop)
            moved = self._moved[senders.start : count].to(gradient)
            if self._matrix.ndim == 3:
                found = torch.einsum("ubpd,vbpd->uvp", moved, gradient)
            else:
                found = moved.flatten(1) @ gradient.flatten(1).T
            into = self._matrix[senders.start : count, column : column + len(gradient)]
            into += weight * found.double().cpu()

    def _gradients(
        self, tape: Tape, slopes: dict[str, Tensor], after: int
    ) -> Iterator[tuple[int, Tensor]]:
        """Columns from where on, and the gradients at their inputs, [n, b, p, d].

        Receivers that none of the senders from ``after`` on comes before are left out.
        """
        for column, (point, into) in self._graph.inputs.items():
            if self._graph.before[column] <= after:
                continue
            slope = slopes[point]
            if into is None:
                yield column, slope[None].float()
                continue
            neurons = self._neurons(column)
            count = slope.shape[2] if slope.ndim == 4 else 1 + len(neurons)
            width = slope.shape[-1] if neurons else self._model.facts.d_model
            size = slope.shape[0] * slope.shape[1] * width
            step = max(1, SIDE_BY_SIDE // size)
            for start in range(0, count, step):
                some = _apart(slope, range(start, min(count, start + step)), neurons)
                yield column + start, tape.pull(point, into, some).float()

    def _neurons(self, column: int) -> tuple[int, ...]:
        """Neurons of a receiver's layer that are apart, where it is an MLP."""
        receiver = self._graph.receivers[column]
        if receiver.part != "mlp":
            return ()
        return self._graph.neurons.get(receiver.layer or 0, ())


def _apart(slope: Tensor, some: range, neurons: Sequence[int]) -> Tensor:
    """Gradients of some heads, each alone: [n, b, p, h, e]; of an MLP, [1, b, p, d].

    Of an MLP's activations: all but those of ``neurons``, then each of these alone.
    """
    if slope.ndim < 4 and not neurons:
        return slope[None]
    out = slope.new_zeros(len(some), *slope.shape)
    for n, which in enumerate(some):
        if not neurons:
            out[n, :, :, which] = slope[:, :, which]
        elif which:
            out[n, ..., neurons[which - 1]] = slope[..., neurons[which - 1]]
        else:
            out[n] = slope
            out[n, ..., list(neurons)] = 0
    return out
