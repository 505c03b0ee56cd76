"""``circuitboard.discover``: the circuit behind a task, in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from circuitboard.circuits.methods.acdc import AcdcOptions, acdc
from circuitboard.circuits.methods.eap import (
    EapOptions,
    IgOptions,
    clean_corrupted,
    eap,
    eap_ig,
    eap_ig_activations,
    eap_ig_senders,
)
from circuitboard.circuits.methods.edge_patching import edge_patching
from circuitboard.circuits.methods.job import Options
from circuitboard.circuits.methods.learned_mask import LearnedMaskOptions, learned_mask
from circuitboard.circuits.methods.masked_loss import Objective
from circuitboard.circuits.methods.node_attribution import NodeOptions, node_attribution
from circuitboard.engine.sweep import Watch
from circuitboard.methods.contrast import Direction
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Circuit, Granularity
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task, task_of

#: Share of all edges that is kept unless a size is given, or the method has its own.
SHARE = 0.1


class Method(NamedTuple):
    """One way to find a circuit.

    Attributes:
        find: ``(model, task, *, options, watch) -> Circuit``.
        options: what it can be told.
        chooses: whether the size of a circuit is its own result.
    """

    find: Callable[..., Circuit]
    options: type[Options]
    chooses: bool = False


METHODS: dict[str, Method] = {
    "edge-patching": Method(edge_patching, EapOptions),
    "eap": Method(eap, EapOptions),
    "eap-ig": Method(eap_ig, IgOptions),
    "eap-ig-inputs": Method(eap_ig, IgOptions),
    "eap-ig-activations": Method(eap_ig_activations, IgOptions),
    "eap-ig-senders": Method(eap_ig_senders, IgOptions),
    "clean-corrupted": Method(clean_corrupted, EapOptions),
    "acdc": Method(acdc, AcdcOptions, chooses=True),
    "node-attribution": Method(node_attribution, NodeOptions),
    "learned-mask": Method(learned_mask, LearnedMaskOptions, chooses=True),
}


def discover(
    model: Model,
    task: Task | str | Path,
    method: str = "eap-ig",
    *,
    size: int | float | None = None,
    granularity: Granularity | None = None,
    positions: bool | None = None,
    neurons: int | Sequence[str] | None = None,
    seed: int | None = None,
    direction: Direction | None = None,
    steps: int | None = None,
    nodes: int | None = None,
    objective: Objective | None = None,
    threshold: float | None = None,
    absolute: bool | None = None,
    order: Literal["reverse", "forward", "random"] | None = None,
    keep: float | None = None,
    rate: float | None = None,
    batch: int | None = None,
    watch: Watch | None = None,
) -> Circuit:
    """Finds the edges that carry a behaviour.

    Args:
        task: from :mod:`circuitboard.tasks`, a :class:`circuitboard.Task`, or the path of one.
        method: ``edge-patching`` measures every edge exactly; ``eap``, ``eap-ig``,
            ``eap-ig-activations``, ``eap-ig-senders``, ``clean-corrupted`` estimate by gradients;
            ``node-attribution`` does so for nodes; ``acdc`` takes out one edge after the other;
            ``learned-mask`` learns which to leave. See ``circuitboard.circuits.methods``.
        size: a whole number of edges, or a share of all below 1: those with the largest scores by
            size. A tenth unless given; ``acdc`` and ``learned-mask`` choose themselves. Any other
            size can be cut from the circuit later: ``circuit.top(50)``.
        granularity: ``qkv`` keeps edges into a head's query, key and value apart; ``node`` merges.
        positions: score each token position apart; prompts must be of one length.
        neurons: how many neurons of every MLP are nodes of their own (0), those with the largest
            attribution; or which: ``["L3.mlp.n17"]``. Their MLP's address, ``L3.mlp``, then stands
            for its other neurons and its bias (:mod:`circuitboard.circuits.methods.neurons_apart`).
        seed: of ``acdc`` in random order and ``learned-mask``.
        direction: of all but those two: ``noising`` (default) or ``denoising``.
        steps: of integration (5) or the optimizer (300); nodes: that ``node-attribution`` keeps.
        threshold, absolute, order: ``acdc``; keep, rate, batch: ``learned-mask``; objective: both.
        watch: progress and cancelling.

    Raises:
        TaskError: the task does not fit the model; it says why.
        CircuitError: no such method or option; ModelError: neurons are no nodes in this model.
        TargetError: ``eap`` or ``node-attribution`` of a KL divergence.
    """
    known = method_of(method)
    given = {
        "granularity": granularity, "positions": positions, "neurons": neurons, "seed": seed,
        "direction": direction, "steps": steps, "nodes": nodes, "objective": objective,
        "threshold": threshold, "absolute": absolute, "order": order, "keep": keep, "rate": rate,
        "batch": batch,
    }  # fmt: skip
    options = options_of(method, {name: one for name, one in given.items() if one is not None})
    asked = task_of(task).require(model)
    found = known.find(model, asked, options=options, watch=watch or Watch())
    return _cut(found, size, known.chooses)


def _cut(circuit: Circuit, size: float | None, chosen: bool) -> Circuit:
    """So many edges, or a share of them all; of a method that chose itself, all unless told."""
    if size is None and (chosen or len(circuit) < circuit.total):
        return circuit
    size = SHARE if size is None else size
    whole = isinstance(size, int) or size > 1
    return circuit.top(int(size)) if whole else circuit.fraction(size)


def method_of(name: str) -> Method:
    """The method of a name. Raises CircuitError."""
    if name not in METHODS:
        raise CircuitError(f"{name!r} is not a method.", f"Methods are {', '.join(METHODS)}.")
    return METHODS[name]


def options_of(name: str, given: dict[str, Any]) -> Options:
    """A method's options. Raises CircuitError for those that it lacks, or of another type."""
    kind = method_of(name).options
    fields = kind.__struct_fields__
    unknown = [key for key in given if key not in fields]
    if unknown:
        raise CircuitError(f"{name} takes no {unknown[0]}.", f"It takes {', '.join(fields)}.")
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise CircuitError(f"An option of {name} is wrong: {error}.", "See its docs.") from error
