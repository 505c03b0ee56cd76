"""The least that must be computed anew: the causal cone of what changed.

A change at block l and position p can alter blocks >= l at positions >= p, and nothing else, in a
decoder whose attention looks back. So a new run takes everything outside that cone from a run that
is held. Where this cannot be proved the cone is the whole model, and the plan says why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from circuitboard.engine.held import HeldRun
from circuitboard.engine.sites import FOOT, Frame, item_stage
from circuitboard.models.model import Model
from circuitboard.spec.intervention import AnyIntervention, InterventionSet

#: The reason of a plan that has nothing to do.
HELD = "held: nothing computed"


@dataclass(frozen=True)
class Plan:
    """Blocks from ``layer`` on, at positions from ``position`` on, starting from ``base``.

    ``layer`` = n_layers: only the final norm and unembedding differ. ``embed``: the embedding is
    computed anew. ``reason`` says in words what is computed and why.
    """

    base: HeldRun | None
    layer: int
    position: int
    embed: bool
    reason: str

    def cost(self, n_layers: int, width: int) -> int:
        """Blocks times positions to compute."""
        return (n_layers - self.layer) * (width - self.position)


def changed(old: InterventionSet, new: InterventionSet) -> list[AnyIntervention]:
    """Interventions by which two sets differ; all of them when the common ones changed order."""
    was, now = list(old), list(new)
    common = set(was) & set(now)
    if len(set(was)) < len(was) or len(set(now)) < len(now):
        return was + now if was != now else []
    if [i for i in was if i in common] != [i for i in now if i in common]:
        return was + now
    return [i for i in was + now if i not in common]


def plan(model: Model, runs: Iterable[HeldRun], new: InterventionSet, frame: Frame) -> Plan:
    """The cheapest way to a run with ``new``, given held runs of the same prompts."""
    n_layers = model.facts.n_layers
    whole = f"full run: {n_layers} layers x {frame.width} positions"
    if model.facts.full_runs:
        return Plan(None, 0, 0, True, f"{whole} ({model.facts.full_runs})")
    best = Plan(None, 0, 0, True, f"{whole} (nothing held to start from)")
    for run in runs:
        if run.whole:
            continue
        option = _from(model, run, new, frame)
        if best.base is None or option.cost(n_layers, frame.width) < best.cost(
            n_layers, frame.width
        ):
            best = option
    return best


def _from(model: Model, run: HeldRun, new: InterventionSet, frame: Frame) -> Plan:
    n_layers = model.facts.n_layers
    differing = changed(run.interventions, new)
    layer = min((item_stage(model, item) for item in differing), default=n_layers)
    position = min((frame.first(item.address) for item in differing), default=0)
    embed = any(item.edge is None and item.address.part in FOOT for item in differing)
    note = ""
    if model.facts.all_positions:
        position, note = 0, f" ({model.facts.all_positions}: all positions)"
    elif not model.facts.caches:
        position, note = 0, " (this model keeps no keys and values: all positions)"
    elif model.facts.window is not None and frame.width > model.facts.window:
        position, note = 0, " (prompt longer than the sliding window: all positions)"
    if layer == n_layers:
        return Plan(run, layer, 0, False, "only the final norm and unembedding are computed")
    reason = (
        f"{n_layers - layer} of {n_layers} layers, {frame.width - position} of {frame.width} "
        f"positions computed{note}"
    )
    return Plan(run, layer, position, embed, reason)
