"""Neurons of one MLP: what each adds to the metric, and what it writes and reads as tokens.

A neuron's direct effect is its activation at the last position times what its row of W_out adds to
the metric along the residual stream: through the final norm at its scale of the run, gain folded
in, and through a norm after the MLP (Gemma) at its scale of the run. With the output bias they sum
exactly to the MLP's direct logit attribution (Elhage 2021; Geva 2021, "Transformer Feed-Forward
Layers Are Key-Value Memories", for reading rows of W_out as tokens).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.held import HeldRun
from circuitboard.engine.run import metric_of
from circuitboard.methods.direct_logit_attribution import reading
from circuitboard.models.mlp import MlpWeights, mlp_weights
from circuitboard.models.model import Model
from circuitboard.models.norms import centred, gain
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, TargetError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class NeuronAttribution:
    """What one MLP adds to the metric along the residual stream, in logits, mean over prompts.

    Attributes:
        neurons: [n], of each neuron.
        bias: of the output bias.
        total: of the whole MLP.
    """

    neurons: Floats
    bias: float
    total: float

    @property
    def rest(self) -> float:
        """What is done to the MLP's output itself, after its neurons: 0 where nothing is."""
        return self.total - float(self.neurons.sum()) - self.bias

    def top(self, k: int) -> list[int]:
        """The k neurons of the largest effect, whatever its sign."""
        return np.argsort(-np.abs(self.neurons), kind="stable")[:k].tolist()


def attribute_neurons(
    engine: Engine, run: HeldRun, metric: Metric, layer: int
) -> NeuronAttribution:
    """Direct effects of a layer's neurons in a run."""
    weights = mlp_weights(engine.model, layer)
    direction, scale = reading(engine, run, metric)
    outward, biased = _written(engine, weights, layer, metric, direction)
    rows, last = list(range(len(run.lengths))), [n - 1 for n in run.lengths]
    place = Address("mlp.post", layer)
    post = engine.read(run, [place])[place.place][rows, last].float()
    written = run.written[layer]
    divided = scale if written.mlp_scale is None else scale * written.mlp_scale
    effects = (post * outward) / divided[:, None]
    assert written.mlp is not None
    return NeuronAttribution(
        effects.mean(0).cpu().numpy(),
        float((biased / divided).mean()),
        float(((written.mlp.float() @ direction) / scale).mean()),
    )


def _written(
    engine: Engine, weights: MlpWeights, layer: int, metric: Metric, direction: Tensor
) -> tuple[Float[Tensor, "n"], Float[Tensor, ""]]:
    """What a unit of each neuron, and the output bias, writes along a direction."""
    key = ("neurons", metric.target, metric.foil, layer)
    if key not in engine.directions:
        after = engine.model.post_gain(layer, "ln2_post")
        towards = direction if after is None else direction * after
        engine.directions[key] = weights.w_out.float() @ towards
        bias = torch.zeros_like(towards) if weights.b_out is None else weights.b_out.float()
        engine.directions[(*key, "bias")] = bias @ towards
    return engine.directions[key], engine.directions[(*key, "bias")]


def neuron_attribution(
    model: Model,
    prompt: str,
    layer: int,
    *,
    target: str,
    foil: str | None = None,
    interventions: InterventionSet | Iterable[AnyIntervention] = (),
) -> NeuronAttribution:
    """What each neuron of a layer adds to the metric directly, at the prompt's last position.

    For what its ablation does, all paths included: ``cb.sweep(model, prompt, [cb.Zero("L3.mlp.n7"),
    ...])``.

    Args:
        model: from :func:`circuitboard.load`.
        target, foil: tokens that the metric compares; without foil, the target's logit.
        interventions: what is done to the model meanwhile.

    Raises:
        AddressError: the layer has no MLP; ModelError: the MLP has no neurons to show.
        TargetError: a target is not one token.
    """
    engine = engine_of(model)
    metric = metric_of(model, target, foil)
    if metric is None:
        raise TargetError("The metric needs a target token.", "Give target= (and foil=).")
    with model.lock:
        engine.refresh()
        tokens, lengths = engine.encode(prompt)
        run, _ = engine.run(tokens, lengths, InterventionSet.of(interventions))
        return attribute_neurons(engine, run, metric, layer)


@dataclass(frozen=True)
class Word:
    """One vocabulary entry: its id, its text (untrusted), and how much."""

    id: int
    text: str
    value: float


@dataclass(frozen=True)
class Words:
    """The tokens at the two ends of a list, the furthest first."""

    high: list[Word]
    low: list[Word]


@dataclass(frozen=True)
class NeuronWords:
    """A neuron in words.

    Attributes:
        writes: what a unit of its activation adds to the logits, before the division by the final
            norm's scale (and by that of a norm after the MLP); the gains are folded in.
        reads: how much each token's embedding excites it: its column of W_in (gated: of W_gate),
            the gain of the norm before folded in, dot W_E. It leaves out positions, attention, the
            bias, the norm's scale, and everything that earlier layers write.
        multiplies: of a gated MLP, the same for W_in, which the activation is multiplied by.
    """

    writes: Words
    reads: Words
    multiplies: Words | None


def neuron_words(model: Model, neuron: str | Address, k: int = 10) -> NeuronWords:
    """What a neuron, such as ``"L3.mlp.n512"``, writes to and reads from the vocabulary.

    Raises:
        AddressError: it is no neuron of this model; ModelError: the MLP has none to show.
    """
    return words_of(model, neuron_scores(model, neuron), k)


def neuron_scores(model: Model, neuron: str | Address) -> list[Float[Tensor, "v"]]:
    """What :func:`neuron_words` are the ends of: what it writes, reads, and (gated) multiplies."""
    place = model.check(Address.parse(neuron))
    if place.layer is None or place.neuron is None:
        raise AddressError(f"{place} is not a neuron.", "Write for example L3.mlp.n512.")
    weights = mlp_weights(model, place.layer)
    inward = [weights.w_pre] if weights.w_gate is None else [weights.w_pre, weights.w_in]
    read = [_read(model, weights, matrix[:, place.neuron].float()) for matrix in inward]
    return [_logits(model, weights.w_out[place.neuron].float(), place.layer), *read]


def words_of(model: Model, scores: list[Float[Tensor, "v"]], k: int) -> NeuronWords:
    """The two ends of each of a neuron's scores over the vocabulary."""
    writes, reads, *more = [_ends(model, values, k) for values in scores]
    return NeuronWords(writes, reads, more[0] if more else None)


def _logits(model: Model, row: Float[Tensor, "d"], layer: int) -> Float[Tensor, "v"]:
    after = model.post_gain(layer, "ln2_post")
    row = row if after is None else row * after
    final = model.final_gain()
    if final is not None:
        row = centred(model, row) * final
    matrix = model.unembedding()
    return (matrix @ row.to(matrix)).float()


def _read(model: Model, weights: MlpWeights, column: Float[Tensor, "d"]) -> Float[Tensor, "v"]:
    if model.has(weights.reads) and model.facts.norm != "none":
        column = centred(model, column * gain(model, weights.reads))
    matrix = model.embedding()
    return (matrix @ column.to(matrix)).float()


def _ends(model: Model, values: Float[Tensor, "v"], k: int) -> Words:
    values = values[: model.facts.d_vocab]
    sides = [values.topk(min(k, len(values)), largest=large) for large in (True, False)]
    high, low = (
        [
            Word(int(i), model.token_text(int(i)), float(x))
            for x, i in zip(side.values, side.indices, strict=True)
        ]
        for side in sides
    )
    return Words(high, low)


def activation_curve(
    weights: MlpWeights, values: Float[Tensor, "*any"], points: int = 129
) -> tuple[Floats, Floats]:
    """The model's own activation function, sampled where a prompt's values lie: x and y [points].

    The range holds all values and at least -4 to 4.
    """
    low = min(-4.0, float(values.min()) - 0.5)
    high = max(4.0, float(values.max()) + 0.5)
    grid = torch.linspace(low, high, points)
    with torch.no_grad():
        y = weights.act(grid.to(weights.w_out))
    return grid.numpy(), y.float().cpu().numpy()
