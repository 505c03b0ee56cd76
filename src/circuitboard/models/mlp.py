"""An MLP's weights and activation function, whatever the architecture calls them.

For a layer, with x what its norm gives: ``act(x @ W_in + b_in) @ W_out + b_out``; gated:
``(act(x @ W_gate + b_gate) * (x @ W_in + b_in)) @ W_out + b_out``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor

from circuitboard.models.model import Model
from circuitboard.models.seen import seen
from circuitboard.spec.address import Address
from circuitboard.spec.errors import ModelError

Activation = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class MlpWeights:
    """The weights of one MLP, as the model holds them: views, not copies.

    Attributes:
        w_in: [d, n], into the neurons; of a gated MLP the "up" weights.
        w_gate: [d, n], what goes through the activation function of a gated MLP, or None.
        w_out: [n, d], what each neuron writes.
        b_in, b_gate: [n] or None; b_out: [d] or None.
        act: the model's own activation function.
        reads: the norm whose output it reads.
    """

    w_in: Float[Tensor, "d n"]
    w_gate: Float[Tensor, "d n"] | None
    w_out: Float[Tensor, "n d"]
    b_in: Float[Tensor, "n"] | None
    b_gate: Float[Tensor, "n"] | None
    b_out: Float[Tensor, "d"] | None
    act: Activation
    reads: Address

    @property
    def w_pre(self) -> Float[Tensor, "d n"]:
        """[d, n]: the weights before the activation function."""
        return self.w_in if self.w_gate is None else self.w_gate

    def up(self, x: Float[Tensor, "... d"]) -> Float[Tensor, "... n"] | None:
        """What a gated MLP multiplies the activation by, or None where it is not gated."""
        if self.w_gate is None:
            return None
        out = x @ self.w_in
        return out if self.b_in is None else out + self.b_in


def mlp_weights(model: Model, layer: int) -> MlpWeights:
    """The weights of a layer's MLP.

    Raises:
        AddressError: the model has no such MLP.
        ModelError: it is not one matrix in, one activation, one matrix out (a mixture of experts).
    """
    place = model.check(Address("mlp", layer))
    mlp = model.bridge.blocks[layer]._modules.get("mlp")
    maps: dict[str, Any] = {} if mlp is None else dict(mlp._modules)
    act = _activation(mlp)
    if "in" not in maps or "out" not in maps or act is None or not model.has_part("mlp.post"):
        raise ModelError(
            f"{place.place} of {model.facts.name} has no neurons of its own to show.",
            "Neurons are shown where an MLP is one matrix in, an activation and one matrix out.",
        )
    w_in, b_in = _matrix(maps["in"])
    w_gate, b_gate = _matrix(maps["gate"]) if "gate" in maps else (None, None)
    w_out, b_out = _matrix(maps["out"])
    norm = "ln2" if model.has_part("ln2") else "ln1"
    return MlpWeights(w_in, w_gate, w_out, b_in, b_gate, b_out, act, Address(norm, layer))


def check_neurons(model: Model, layer: int) -> None:
    """Raises ModelError where an MLP is not the sum of what its neurons and its bias write."""
    weights, name = mlp_weights(model, layer), model.facts.name
    hint = "Leave neurons out: its MLPs are nodes as wholes."
    if model.has_point(f"blocks.{layer}.ln2_post.hook_out"):
        raise ModelError(
            f"Neurons of {name} are no nodes of their own: a norm follows its MLPs, so that what "
            "one neuron writes depends on all others.",
            hint,
        )
    if not elementwise(weights.act):
        raise ModelError(
            f"Neurons of {name} are no nodes of their own: they are activated together.", hint
        )


def neuron_outputs(
    model: Model, weights: MlpWeights, neurons: Sequence[int], stream: Float[Tensor, "*b p d"]
) -> Float[Tensor, "*b p n"]:
    """Activations of some neurons alone, for the stream before their MLP's norm."""
    some, read = list(neurons), _normed(model, weights.reads, stream)

    def through(matrix: Tensor, bias: Tensor | None) -> Tensor:
        out = read @ matrix[:, some]
        return out if bias is None else out + bias[some]

    if weights.w_gate is None:
        return weights.act(through(weights.w_in, weights.b_in))
    gate = weights.act(through(weights.w_gate, weights.b_gate))
    return gate * through(weights.w_in, weights.b_in)


def _normed(model: Model, address: Address, stream: Tensor) -> Tensor:
    norm = model.bridge.blocks[address.layer]._modules.get(address.part)
    if norm is None or model.facts.norm == "none":
        return stream
    return norm(stream)


def _matrix(linear: Any) -> tuple[Tensor, Tensor | None]:
    """Weights as [from, to], and the bias: GPT-2 stores them so, all others the other way round."""
    inner = getattr(linear, "original_component", linear)
    weight = seen(inner.weight.detach())
    stored_so = type(inner).__name__ == "Conv1D"
    bias = getattr(inner, "bias", None)
    return weight if stored_so else weight.T, None if bias is None else bias.detach()


def _activation(mlp: Any) -> Activation | None:
    """Each library names it otherwise; OPT keeps it in the block."""
    inner = getattr(mlp, "original_component", None)
    for name in ("act_fn", "act", "activation_fn", "activation"):
        act: Any = getattr(inner, name, None)
        if callable(act):
            return cast(Activation, act)
    return None


def elementwise(act: Activation) -> bool:
    """Whether the function treats each number alone, so that it can be drawn as a curve."""
    grid = torch.linspace(-3, 3, 7)
    with torch.no_grad():
        together, alone = act(grid), torch.cat([act(x[None]) for x in grid])
    return torch.allclose(together, alone, atol=1e-5)
