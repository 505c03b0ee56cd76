"""Which neurons become nodes of their own: of every MLP, those with the largest attribution."""

from __future__ import annotations

import torch
from torch import Tensor

from circuitboard.engine.gradient import record, values_at
from circuitboard.engine.sweep import Watch
from circuitboard.methods.contrast import Contrast, Portion
from circuitboard.models.mlp import check_neurons
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import CircuitError

#: Points on the way from the source's input to that of the prompts that are run.
STEPS = 5


def neurons_apart(contrast: Contrast, count: int, watch: Watch) -> tuple[str, ...]:
    """Addresses of the ``count`` neurons of every MLP that seem to matter most, in order.

    A neuron's attribution on one pair is the sum over positions of (activation of the source -
    activation) times the gradient of the metric at the activation, averaged over inputs
    z_source + (k/m)(z - z_source), k = 1..5 (Hanna 2024, as ``eap-ig``), so that it is there where
    the gradient at the prompts themselves is zero. Neurons are ranked by the sum over pairs of its
    size: effects of opposite sign on different pairs do not cancel.

    Raises:
        CircuitError: the number is negative, or the model has no MLPs.
        ModelError: its MLPs are not sums of their neurons.
    """
    model = contrast.model
    layers = _layers(model, count)
    sizes: dict[int, Tensor] = {}
    room = 3 * len(layers) * model.facts.d_mlp
    with model.lock:
        for part in contrast.portions(room):
            for layer, effects in _effects(model, part, layers, watch).items():
                found = effects.abs().sum(0)
                sizes[layer] = sizes[layer] + found if layer in sizes else found
    chosen: list[str] = []
    for layer in layers:
        order = torch.argsort(sizes[layer], descending=True, stable=True)[:count]
        chosen += [f"L{layer}.mlp.n{n}" for n in sorted(order.tolist())]
    return tuple(chosen)


def _layers(model: Model, count: int) -> list[int]:
    """Layers with MLPs."""
    if count < 0:
        raise CircuitError(f"{count} neurons cannot be taken.", "Take 5, or 0 for none.")
    every = range(model.facts.n_layers)
    layers = [layer for layer in every if model.has(Address("mlp", layer))]
    if not layers:
        raise CircuitError(f"{model.facts.name} has no MLPs.", "Leave neurons out.")
    for layer in layers:
        check_neurons(model, layer)
    return layers


def _effects(model: Model, part: Portion, layers: list[int], watch: Watch) -> dict[int, Tensor]:
    """By layer, the attribution of each neuron on each pair, float64 [b, n]."""
    start = Address("resid_pre", 0).hook
    points = {layer: Address("mlp.post", layer).hook for layer in layers}
    mine, theirs = (
        values_at(model, tokens, [start, *points.values()]) for tokens in (part.tokens, part.theirs)
    )
    found: dict[int, Tensor] = {}
    for step in range(1, STEPS + 1):
        watch.check()
        swap = theirs[start] + step / STEPS * (mine[start] - theirs[start])
        slopes = record(
            model, part.tokens, part.judge, list(points.values()), {start: swap}
        ).slopes()
        for layer, point in points.items():
            moved = theirs[point].double() - mine[point].double()
            effect = (moved * slopes[point].double()).sum(1) / STEPS
            found[layer] = found[layer] + effect if layer in found else effect
    return found
