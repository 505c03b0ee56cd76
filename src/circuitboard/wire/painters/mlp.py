"""One layer's MLP: its total, and the neurons that matter for the metric."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from torch import Tensor

from circuitboard.engine.held import HeldRun
from circuitboard.methods.neurons import NeuronAttribution, attribute_neurons
from circuitboard.models.mlp import mlp_weights
from circuitboard.models.model import Model
from circuitboard.session.board import Board
from circuitboard.session.probes import Case, Probe, probe_effects
from circuitboard.spec.address import Address
from circuitboard.spec.intervention import InterventionSet, Zero
from circuitboard.wire.messages import MlpInfo, MlpTotal, MlpView
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import Floats, Painter, Scene

#: Neurons of the largest direct effect that are ablated unasked.
TOP = 64
#: Neurons whose running sum is sent.
SUMMED = 512
#: Layers that are kept in a saved board: each takes a sweep over its neurons.
LAYERS = 24


def needs(view: MlpView, _model: Model) -> list[Address]:
    """Activations, and what the layer's MLP writes."""
    return [Address("mlp.post", view.layer), Address("mlp", view.layer)]


def paint(view: MlpView, scene: Scene) -> MlpInfo:
    """Arrays as :class:`MlpView` names them."""
    weights = mlp_weights(scene.model, view.layer)
    values = {end: _values(view, scene, run) for end, run in scene.ends}
    direct = {end: _direct(view, scene, run) for end, run in scene.ends}
    if scene.outcome.metric is None:
        lengths = weights.w_out.float().norm(dim=-1)
        ranks = [(post[-1].abs() * lengths).cpu().numpy() for post, _ in values.values()]
    else:
        ranks = [np.abs(found.neurons) for found in direct.values() if found is not None]
    listed = _first(ranks)
    swept = list(range(scene.model.facts.d_mlp)) if view.every else listed
    effects = {
        end: neuron_effects(scene, view, run, end, (view.layer, swept)) for end, run in scene.ends
    }
    if view.every:
        known = [np.nan_to_num(np.abs(found)) for found in effects.values()]
        listed = list(dict.fromkeys([*listed, *(i for i in _first(known) if _any(known, i))]))
    scene.parcel.add("neurons", np.array(listed))
    for end, (post, written) in values.items():
        scene.parcel.add(f"act_{end}", post[:, listed].T.cpu().numpy())
        scene.parcel.add(f"norm_{end}", written.norm(dim=-1).cpu().numpy())
        scene.parcel.add(f"active_{end}", (post > 0).sum(-1).cpu().numpy())
        found, effect = direct[end], effects[end]
        nothing = np.full(len(listed), np.nan, np.float32)
        scene.parcel.add(f"direct_{end}", nothing if found is None else found.neurons[listed])
        scene.parcel.add(f"ablation_{end}", effect[listed] if view.every else effect)
        scene.parcel.add(f"sum_{end}", _sums(found))
    return MlpInfo(
        layer=view.layer,
        n_neurons=scene.model.facts.d_mlp,
        post_norm=scene.model.post_gain(view.layer, "ln2_post") is not None,
        now=_total(direct["now"]),
        base=_total(direct["base"]),
    )


def _values(view: MlpView, scene: Scene, run: HeldRun) -> tuple[Tensor, Tensor]:
    """Activations [p, n] and what the MLP writes [p, d], of the first prompt."""
    post, written = scene.read(run, *needs(view, scene.model))
    return post[0, : run.lengths[0]].float(), written[0, : run.lengths[0]].float()


def _direct(view: MlpView, scene: Scene, run: HeldRun) -> NeuronAttribution | None:
    metric = scene.outcome.metric
    return None if metric is None else attribute_neurons(scene.engine, run, metric, view.layer)


def _first(ranks: Sequence[Floats]) -> list[int]:
    """The neurons that rank first in any of the runs, in the order of their ranks."""
    first = [np.argsort(-rank, kind="stable")[:TOP].tolist() for rank in ranks]
    return list(dict.fromkeys(i for order in first for i in order))


def _any(known: Sequence[Floats], neuron: int) -> bool:
    return any(found[neuron] > 0 for found in known)


def _sums(found: NeuronAttribution | None) -> Floats:
    if found is None:
        return np.zeros(0, np.float32)
    return np.cumsum(found.neurons[found.top(SUMMED)])


def _total(found: NeuronAttribution | None) -> MlpTotal | None:
    return found and MlpTotal(total=found.total, bias=found.bias, rest=found.rest)


def neuron_effects(
    scene: Scene, viewer: Hashable, run: HeldRun, end: str, which: tuple[int, Sequence[int]]
) -> Floats:
    """Ablation effects of some neurons (layer, indices) in a run, [len]; NaN until known."""
    layer, neurons = which
    metric = scene.outcome.metric
    if metric is None or not neurons:
        return np.full(len(neurons), np.nan, np.float32)
    wanted = scene.wanted(end)
    name = "now" if len(wanted) else "baseline"
    sets = [
        InterventionSet((*wanted.items, Zero(Address("neuron", layer, neuron=n).place)))
        for n in neurons
    ]
    many = "each neuron" if len(neurons) > 1 else f"neuron {neurons[0]}"
    probe = Probe(
        f"neurons {name} {len(neurons) == 1}",
        f"Ablating {many} of L{layer}.mlp ({name})",
        (layer, tuple(neurons)),
        [Case(wanted, sets)],
    )
    return probe_effects(scene.backlog, viewer, scene.engine, metric, run, probe)[0]


def record(board: Board) -> list[MlpView]:
    """The layers selected, then from the first one up."""
    layers = range(board.model.facts.n_layers) if board.model.has_part("mlp") else ()
    chosen = [int(found[1]) for found in wanted.selected(board, r"L(\d+)\.mlp")]
    return [MlpView(layer=i) for i in list(dict.fromkeys([*chosen, *layers]))[:LAYERS]]


_OVER = ("position",)
AXES = {
    **dict.fromkeys(("neurons", "direct", "ablation"), ("row",)),
    "act": ("row", "position"),
    "norm": _OVER,
    "active": _OVER,
    "sum": ("summed",),
}
PAINTER = Painter(paint, needs, record, AXES)
