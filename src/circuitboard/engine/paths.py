"""All paths into or out of one part, patched one at a time in batches."""

from __future__ import annotations

from typing import Literal

from circuitboard.engine.metric import OwnMetric
from circuitboard.engine.run import Texts, resolve
from circuitboard.engine.sweep import Watch, check_lengths, measure
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.errors import AddressError, InterventionError
from circuitboard.spec.intervention import InterventionSet, Patch, Source
from circuitboard.spec.metric import MetricKind
from circuitboard.spec.prompts import Prompts, prompts_of

Mlps = Literal["frozen", "recomputed"]


def edges_of(
    model: Model,
    *,
    sender: str | None = None,
    receiver: str | None = None,
    mlps: Mlps = "frozen",
) -> list[str]:
    """Every edge out of a sender, or into a receiver, that the model has.

    Raises:
        InterventionError: neither or both are given; AddressError: the model lacks the part.
    """
    if (sender is None) == (receiver is None):
        raise InterventionError(
            "Give a sender or a receiver.", 'For example sender="L0H1" or receiver="L5H5.k".'
        )
    for given in (sender, receiver):
        if given is not None:
            model.check(Address.parse(given))
    if receiver is not None:
        pairs = [(other, receiver) for other in ["embed", *model.heads, *model.mlps]]
    else:
        inputs = [f"{head}.{name}" for head in model.heads for name in "qkv"]
        pairs = [(str(sender), other) for other in [*inputs, *model.mlps, "logits"]]
    way = "mlps->" if mlps == "recomputed" else ""
    found = []
    for first, second in pairs:
        try:
            edge = Edge.parse(f"{first}->{way}{second}")
        except AddressError:
            continue
        same = edge.sender.layer == edge.receiver.layer and edge.sender.layer is not None
        if not (same and model.facts.parallel):
            found.append(str(edge))
    if not found:
        raise AddressError(
            f"{sender or receiver} has no such edges.", "Take a part that writes, or an input."
        )
    return found


def path_patch(
    model: Model,
    clean: Prompts,
    corrupt: Prompts,
    metric: MetricKind | OwnMetric | None = None,
    *,
    sender: str | None = None,
    receiver: str | None = None,
    target: Texts | None = None,
    foil: Texts | None = None,
    direction: Literal["denoising", "noising"] = "noising",
    mlps: Mlps = "frozen",
    watch: Watch | None = None,
) -> dict[str, float]:
    """The change of the metric for each edge into or out of a part, patched alone.

    ``noising`` runs the clean prompt with the sender's corrupted value on the one path; see
    :mod:`circuitboard.engine.edges` for what a path is. Edges are named as they are addressed.

    Args:
        clean, corrupt: a pair of prompts, or as many of both; the mean over pairs is given.
        sender, receiver: the part that all edges leave, or that all lead into.
        mlps: ``frozen`` for direct paths; ``recomputed`` for the default of Wang 2022, where the
            change also passes through MLPs between sender and receiver (``L0H1->mlps->L5H5.k``).

    Raises what :func:`circuitboard.patch_grid` raises.
    """
    pair = prompts_of(clean), prompts_of(corrupt)
    onto, source = pair if direction == "noising" else pair[::-1]
    check_lengths(model, onto, source)
    names = edges_of(model, sender=sender, receiver=receiver, mlps=mlps)
    sets = [InterventionSet((Patch(name, Source(source)),)) for name in names]
    judged = resolve(model, target, foil, metric, len(onto))
    values, begun = measure(model, onto, sets, judged, watch)
    return dict(zip(names, (values - begun).mean(1).tolist(), strict=True))
