"""Attribution patching of nodes; a circuit is the edges among those that are kept."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.circuits.methods.eap import EapOptions
from circuitboard.circuits.methods.job import Job
from circuitboard.engine.gradient import record, values_at
from circuitboard.engine.sweep import Watch
from circuitboard.methods.contrast import Portion
from circuitboard.models.model import Model
from circuitboard.spec import wiring
from circuitboard.spec.address import Address
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.task import Task


class NodeOptions(EapOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of node attribution.

    Attributes:
        nodes: keep so many heads, MLPs and neurons, and all edges among them, the embedding and the
            logits; unless given, edges are cut by their number as with other methods.
    """

    nodes: int | None = None


def node_attribution(model: Model, task: Task, *, options: NodeOptions, watch: Watch) -> Circuit:
    """Scores of nodes by one gradient, and of each edge the smaller of its two ends.

    Nanda 2023, "Attribution Patching": the sum over positions of (a_u of the source - a_u) times
    the gradient of the metric at a_u, the mean over pairs; here with the gradient at the clean run
    (``noising``) unless told otherwise. It is the sum of ``eap`` over all edges out of a node. The
    embedding and the logits are always kept: they count as the largest score.
    """
    job = Job(model, task, "node-attribution", options, watch)
    job.refuse_positions("a node that is kept reads and writes at all of them")
    scores = node_scores(job, options)
    space = job.space
    largest = float(np.abs(scores).max())
    size = dict(zip(space.senders, np.abs(scores).tolist(), strict=True))
    size |= {"embed": largest, "logits": largest}
    read_by = np.array([size[_owner(receiver)] for receiver in space.receivers])
    sent_by = np.array([size[sender] for sender in space.senders])
    matrix = np.minimum(sent_by[:, None], read_by[None])
    kept = None
    if options.nodes is not None:
        ranked = sorted((n for n in size if n not in ("embed", "logits")), key=lambda n: -size[n])
        inside = {*ranked[: options.nodes], "embed", "logits"}
        ends = [_owner(receiver) in inside for receiver in space.receivers]
        rows = [sender in inside for sender in space.senders]
        kept = np.outer(rows, ends) & space.exists
    return job.done(np.where(space.exists, matrix, np.nan), kept)


def _owner(receiver: str) -> str:
    return wiring.owner(Address.parse(receiver))


def node_scores(job: Job, options: EapOptions) -> NDArray[np.float64]:
    """One for each sender, in the metric's unit."""
    contrast = job.contrast(options.direction)
    contrast.refuse_divergence()
    total, done = np.zeros(len(job.space.senders)), 0
    with job.model.lock:
        for part in contrast.portions():
            job.watch.check()
            total += _of_portion(job, part)
            done += len(part.onto)
            job.watch.progress(done, len(contrast.onto))
    return total / len(contrast.onto)


def _of_portion(job: Job, part: Portion) -> NDArray[np.float64]:
    graph = job.space.graph
    points = graph.values
    theirs = values_at(job.model, part.theirs, points)
    tape = record(job.model, part.tokens, part.judge, points)
    slopes, found = tape.slopes(), []

    def summed(point: str) -> Tensor:
        product = (theirs[point].float() - tape.value(point).float()) * slopes[point].float()
        return product.double().sum((0, 1))

    for point, senders in graph.groups:
        here, apart = summed(point), graph.apart(senders)
        if apart is None:
            found.append(here.sum(-1) if here.ndim == 2 else here.sum()[None])
        else:
            own = summed(apart[0])[list(apart[1])]
            found += [(here.sum() - own.sum())[None], own]
    return torch.cat(found).cpu().numpy()
