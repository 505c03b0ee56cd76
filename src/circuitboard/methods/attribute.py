"""One door to all estimates by gradients."""

from __future__ import annotations

from typing import Literal, cast, get_args

from circuitboard.engine.metric import OwnMetric
from circuitboard.engine.run import Texts
from circuitboard.engine.sweep import Over
from circuitboard.methods.attribution_patching import (
    Attribution,
    attribution_patching,
    gradient_times_activation,
)
from circuitboard.methods.edge_attribution import EdgeAttribution, edge_attribution
from circuitboard.methods.edge_attribution import Method as EdgeMethod
from circuitboard.methods.integrated_gradients import IntegratedGradients, integrated_gradients
from circuitboard.models.model import Model
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.metric import MetricKind
from circuitboard.spec.prompts import Prompts

Method = Literal[
    "attribution-patching", "gradient-x-activation", "integrated-gradients",
    "eap", "eap-ig-inputs", "eap-ig-activations", "eap-ig-senders", "clean-corrupted",
]  # fmt: skip


def attribute(
    model: Model,
    clean: Prompts,
    corrupt: Prompts | None = None,
    metric: MetricKind | OwnMetric | None = None,
    *,
    method: Method = "attribution-patching",
    over: Over | str | None = None,
    target: Texts | None = None,
    foil: Texts | None = None,
    direction: Literal["denoising", "noising"] | None = None,
    steps: int | None = None,
) -> Attribution | IntegratedGradients | EdgeAttribution:
    """Estimates by gradients, each with ``audit()`` and ``exact()``: what patching really gives.

    Args:
        method: ``attribution-patching`` for places (:func:`circuitboard.attribution_patching`),
            ``gradient-x-activation`` for the same places against zero, and one prompt,
            ``integrated-gradients`` for tokens (:func:`circuitboard.integrated_gradients`), the
            others for edges (:func:`circuitboard.edge_attribution`).
        over: for places what :func:`circuitboard.patch_grid` takes, ``head`` unless given; for
            tokens the address that is integrated over, ``embed`` unless given; not for edges.
        corrupt: may be missing for integrated gradients: then zeros; gradient times activation
            takes none.
        direction, steps: what each method has, unless given.

    Raises:
        InterventionError: the arguments do not go together; and what each method raises.
    """
    if method not in get_args(Method):
        raise InterventionError(
            f"{method!r} is not a method.", f"Methods are {', '.join(get_args(Method))}."
        )
    if method == "integrated-gradients":
        return integrated_gradients(
            model, clean, corrupt, metric, at=over or "embed", target=target, foil=foil,
            direction=direction or "denoising", steps=32 if steps is None else steps,
        )  # fmt: skip
    if method == "gradient-x-activation":
        if corrupt is not None or direction is not None or steps is not None:
            raise InterventionError(
                "Gradient times activation is about one prompt, at one point.",
                "Leave corrupt, direction and steps out, or take attribution-patching.",
            )
        return gradient_times_activation(
            model, clean, metric, over=cast(Over, over or "head"), target=target, foil=foil
        )
    if corrupt is None:
        raise InterventionError(f"{method} compares two prompts.", "Give a corrupted one too.")
    if method == "attribution-patching":
        return attribution_patching(
            model, clean, corrupt, metric, over=cast(Over, over or "head"), target=target,
            foil=foil, direction=direction or "denoising",
        )  # fmt: skip
    if over is not None:
        raise InterventionError(f"{method} scores all edges.", "Leave over= out.")
    return edge_attribution(
        model, clean, corrupt, metric, target=target, foil=foil, method=cast(EdgeMethod, method),
        direction=direction or "noising", steps=5 if steps is None else steps,
    )  # fmt: skip
