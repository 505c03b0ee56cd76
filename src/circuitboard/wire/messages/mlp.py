"""What the MLP view asks for, and what it gets."""

from __future__ import annotations

import msgspec

from circuitboard.wire.messages.base import Message


class MlpView(Message, frozen=True, tag="mlp", tag_field="kind"):
    """One layer's MLP: its total, and the neurons that matter for the metric.

    ``every``: ablate every neuron, not only those of the largest direct effect. Reply arrays
    (float32), k the neurons listed, n all of them: ``neurons`` [k]; ``direct_now`` and
    ``direct_base`` [k], ``ablation_now`` and ``ablation_base`` [k] (NaN until known), in logits at
    the metric's position; ``act_now`` and ``act_base`` [k, p], activations over the prompt;
    ``norm_now`` and ``norm_base`` [p], length of what the MLP writes; ``active_now`` and
    ``active_base`` [p], how many neurons are above 0; ``sum_now`` and ``sum_base`` [m], sums of
    the direct effects of the 1, 2, ... m neurons of the largest effect.
    """

    layer: int
    every: bool = False


class MlpTotal(Message, frozen=True):
    """What the MLP adds to the metric directly in one run, in logits; ``rest``: what is done to
    its output after the neurons."""

    total: float
    bias: float
    rest: float


class MlpInfo(Message, frozen=True, tag="mlp", tag_field="of"):
    """Totals are None without a metric. ``post_norm``: a norm follows the MLP, held at its scale
    of each run."""

    layer: int
    n_neurons: int
    post_norm: bool
    now: MlpTotal | None = None
    base: MlpTotal | None = None


class NeuronView(Message, frozen=True, tag="neuron", tag_field="kind"):
    """One neuron over the prompt, and in words.

    Reply arrays (float32): ``pre_now`` and ``pre_base`` [p], what goes into the activation
    function (gated: the gate); ``post_now`` and ``post_base`` [p], what the neuron writes by;
    gated, ``up_now`` and ``up_base`` [p], what the activation is multiplied by; ``dot_now`` and
    ``dot_base`` [p], the points' heights over ``pre`` on the curve; ``curve_x`` and ``curve_y``
    [c], the model's own activation function (absent where it is none of one number).
    """

    layer: int
    neuron: int


class ScoredWord(Message, frozen=True):
    """One vocabulary entry. ``text`` is untrusted."""

    id: int
    text: str
    value: float


class Words(Message, frozen=True):
    """The two ends of a list of tokens, the furthest first."""

    high: list[ScoredWord] = msgspec.field(default_factory=list[ScoredWord])
    low: list[ScoredWord] = msgspec.field(default_factory=list[ScoredWord])


class NeuronInfo(Message, frozen=True, tag="neuron", tag_field="of"):
    """Effects in logits at the metric's position; None without a metric or until known."""

    layer: int
    neuron: int
    gated: bool
    writes: Words
    reads: Words
    multiplies: Words | None
    direct_now: float | None
    direct_base: float | None
    ablation_now: float | None
    ablation_base: float | None
