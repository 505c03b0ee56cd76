"""One neuron over the prompt, and in words."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import math

import torch
from torch import Tensor

from circuitboard.engine.held import HeldRun
from circuitboard.methods import neurons as method
from circuitboard.models.mlp import elementwise, mlp_weights
from circuitboard.models.model import Model
from circuitboard.session.board import Board
from circuitboard.spec.address import Address
from circuitboard.wire.messages import NeuronInfo, NeuronView, ScoredWord, Words
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.mlp import neuron_effects
from circuitboard.wire.painters.scene import Painter, Scene

#: Tokens at each end of a list.
WORDS = 10
#: Neurons whose words are kept.
KEPT = 64
#: Neurons of each layer that are kept in a saved board.
STRONGEST = 12


def needs(view: NeuronView, model: Model) -> list[Address]:
    """Before and after the activation function; gated, also what the MLP reads."""
    inward = [Address("ln2" if model.has_part("ln2") else "ln1", view.layer)]
    places = [Address("mlp.pre", view.layer), Address("mlp.post", view.layer)]
    return places + (inward if model.facts.gated else [])


def paint(view: NeuronView, scene: Scene) -> NeuronInfo:
    """Arrays as :class:`NeuronView` names them."""
    place = scene.model.check(Address("neuron", view.layer, neuron=view.neuron))
    weights = mlp_weights(scene.model, view.layer)
    pres: list[Tensor] = []
    for end, run in scene.ends:
        pres.append(_values(view, scene, run, end))
    if elementwise(weights.act):
        x, y = method.activation_curve(weights, torch.cat(pres))
        scene.parcel.add("curve_x", x)
        scene.parcel.add("curve_y", y)
    words = _words(scene, place)
    direct = {end: _direct(view, scene, run) for end, run in scene.ends}
    ablation = {end: _ablation(view, scene, run, end) for end, run in scene.ends}
    return NeuronInfo(
        layer=view.layer,
        neuron=view.neuron,
        gated=weights.w_gate is not None,
        writes=_sent(words.writes),
        reads=_sent(words.reads),
        multiplies=None if words.multiplies is None else _sent(words.multiplies),
        direct_now=direct["now"],
        direct_base=direct["base"],
        ablation_now=ablation["now"],
        ablation_base=ablation["base"],
    )


def _values(view: NeuronView, scene: Scene, run: HeldRun, end: str) -> Tensor:
    """Adds one run's values; returns those before the activation function [p]."""
    weights = mlp_weights(scene.model, view.layer)
    found = [value[0, : run.lengths[0]] for value in scene.read(run, *needs(view, scene.model))]
    pre, post = (value[:, view.neuron].float() for value in found[:2])
    scene.parcel.add(f"pre_{end}", pre.cpu().numpy())
    scene.parcel.add(f"post_{end}", post.cpu().numpy())
    dots = post
    if weights.w_gate is not None:
        up = weights.w_in[:, view.neuron] @ found[2].T
        up = up if weights.b_in is None else up + weights.b_in[view.neuron]
        scene.parcel.add(f"up_{end}", up.float().cpu().numpy())
        with torch.no_grad():
            dots = weights.act(pre.to(weights.w_out)).float()
    scene.parcel.add(f"dot_{end}", dots.cpu().numpy())
    return pre.cpu()


def _words(scene: Scene, place: Address) -> method.NeuronWords:
    """Weights alone decide them: kept until those change."""
    kept = scene.model.attached.setdefault("neuron words", {})
    key = (scene.engine.epoch, place.place)
    if key not in kept:
        while len(kept) >= KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = method.neuron_words(scene.model, place, WORDS)
    return kept[key]


def _sent(words: method.Words) -> Words:
    high, low = (
        [ScoredWord(id=w.id, text=w.text, value=w.value) for w in end]
        for end in (words.high, words.low)
    )
    return Words(high=high, low=low)


def _direct(view: NeuronView, scene: Scene, run: HeldRun) -> float | None:
    metric = scene.outcome.metric
    if metric is None:
        return None
    found = method.attribute_neurons(scene.engine, run, metric, view.layer)
    return float(found.neurons[view.neuron])


def _ablation(view: NeuronView, scene: Scene, run: HeldRun, end: str) -> float | None:
    value = float(neuron_effects(scene, view, run, end, (view.layer, [view.neuron]))[0])
    return None if math.isnan(value) else value


def record(board: Board) -> list[NeuronView]:
    """Those selected, then the strongest of each layer."""
    model, outcome = board.model, board.outcome
    chosen = wanted.selected(board, r"L(\d+)\.mlp\.n(\d+)")
    found = [NeuronView(layer=int(one[1]), neuron=int(one[2])) for one in chosen]
    if outcome is None or outcome.metric is None or not model.has_part("mlp"):
        return list(dict.fromkeys(found))
    each = max(1, min(STRONGEST, wanted.MOST // (2 * model.facts.n_layers)))
    for layer in range(model.facts.n_layers):
        split = method.attribute_neurons(board.engine, outcome.now, outcome.metric, layer)
        found += [NeuronView(layer=layer, neuron=int(n)) for n in split.top(each)]
    return list(dict.fromkeys(found))


_OVER = ("position",)
AXES = {
    **dict.fromkeys(("pre", "post", "up", "dot"), _OVER),
    **dict.fromkeys(("curve_x", "curve_y"), ("point",)),
}
PAINTER = Painter(paint, needs, record, AXES)
