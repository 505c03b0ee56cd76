"""All direct paths into or out of one part, patched one at a time in batches."""

from __future__ import annotations

from typing import Literal

from circuitboard.engine.metric import OwnMetric
from circuitboard.engine.sweep import Watch, check_lengths, measure, resolve
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.errors import AddressError, InterventionError
from circuitboard.spec.intervention import InterventionSet, Patch, Source
from circuitboard.spec.metric import MetricKind


def edges_of(model: Model, *, sender: str | None = None, receiver: str | None = None) -> list[str]:
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
    found = []
    for first, second in pairs:
        try:
            edge = Edge.parse(f"{first}->{second}")
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
    clean: str,
    corrupt: str,
    metric: MetricKind | OwnMetric | None = None,
    *,
    sender: str | None = None,
    receiver: str | None = None,
    target: str | None = None,
    foil: str | None = None,
    direction: Literal["denoising", "noising"] = "noising",
    watch: Watch | None = None,
) -> dict[str, float]:
    """The change of the metric for each edge into or out of a part, patched alone.

    ``noising`` runs the clean prompt with the sender's corrupted value on the one path; see
    :mod:`circuitboard.engine.edges` for what a path is. Edges are named as they are addressed.

    Raises what :func:`circuitboard.patch_grid` raises.
    """
    onto, source = (clean, corrupt) if direction == "noising" else (corrupt, clean)
    check_lengths(model, onto, source)
    names = edges_of(model, sender=sender, receiver=receiver)
    sets = [InterventionSet((Patch(name, Source((source,))),)) for name in names]
    values, begun = measure(model, onto, sets, resolve(model, target, foil, metric), watch)
    return dict(zip(names, (values - begun).mean(1).tolist(), strict=True))
