"""One pass whose blocks are run part by part: the caller says what each query, key, value and MLP
reads, and gets what each head and MLP makes of it.

The masks, positions and rotations, attention itself, and all that is special to an architecture are
the model's own: its forward pass calls its blocks, and each block's parts are called from there,
with what they read put in. What the caller does not ask for is not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from circuitboard.models.attention import live_weights
from circuitboard.models.executor import Hook, call, constant_weights, hooked, swapped
from circuitboard.models.lean import lean
from circuitboard.models.model import Model
from circuitboard.spec.address import Address

Forward = Callable[..., Any]
NAMES = ("q", "k", "v")


class _Enough(Exception):  # noqa: N818  (no error: the way out of a block or a pass)
    """All that was wanted is known."""


class Driver(Protocol):
    """Who says what parts read."""

    def start(self, embedded: Tensor) -> None:
        """Is given what enters block 0, [b, p, d]."""
        ...

    def block(self, block: BlockParts) -> None:
        """Is called for each block in turn."""
        ...


@dataclass
class _Now:
    """What the parts of the block that runs are given, and what they gave."""

    layer: int
    given: dict[str, Tensor]
    middle: Callable[[Tensor | None], Tensor] | None
    wanted: set[str]
    silent: Sequence[int] = ()
    found: dict[str, Tensor] = field(default_factory=dict)


class BlockParts:
    """One block of a pass; made by :func:`run_parts`."""

    def __init__(self, model: Model, layer: int, run: Forward, state: dict[str, Any]) -> None:
        self.layer = layer
        self._model, self._run, self._state = model, run, state

    def read(self, streams: Float[Tensor, "n p d"]) -> Float[Tensor, "n p d"]:
        """What the projections to queries, keys and values get of streams: their norm, mostly."""
        found: list[Tensor] = []

        def catch(*args: Any, **kwargs: Any) -> Any:
            found.append(args[0] if args else kwargs["hidden_states"])
            raise _Enough

        with swapped(_attention(self._model, self.layer), lambda _plain: catch):
            self._quietly(streams)
        return found[0]

    def attend(
        self,
        given: dict[str, Tensor],
        like: Float[Tensor, "b p d"],
        middle: Callable[[Tensor | None], Tensor] | None = None,
        silent: Sequence[int] = (),
    ) -> tuple[Tensor | None, Tensor | None]:
        """Runs heads, then the MLP.

        Args:
            given: ``q`` [b, p, h, e], ``k`` and ``v`` of all heads or groups; empty where no head
                is wanted.
            like: a stream, for its shape; in a parallel block, what the MLP reads.
            middle: is given z [b, p, h, e] and gives what the MLP reads, [b, p, d]; None where no
                MLP is wanted. In a parallel block ``like`` is read, and the answer is not used.
            silent: neurons that the MLP writes without.

        Returns:
            z [b, p, h, e], and what the MLP writes [b, p, d]; None for what was not wanted.
        """
        wanted = {"z"} if given else set()
        wanted |= {"mlp"} if middle is not None else set()
        parallel = self._model.facts.parallel
        now = _Now(self.layer, given, None if parallel else middle, wanted, silent)
        self._state["now"] = now
        if not given:
            f = self._model.facts
            for name, count in zip(NAMES, (f.n_heads, f.n_kv_heads, f.n_kv_heads), strict=True):
                now.given[name] = like.new_zeros(*like.shape[:2], count, f.d_head)
        try:
            self._quietly(like if parallel else torch.zeros_like(like))
        finally:
            self._state["now"] = None
        return now.found.get("z") if "z" in wanted else None, now.found.get("mlp")

    def _quietly(self, hidden: Tensor) -> None:
        try:
            self._run(hidden)
        except _Enough:
            return
        raise RuntimeError(f"block {self.layer} ran past its parts")


def _attention(model: Model, layer: int) -> Any:
    return model.bridge.blocks[layer].attn


def run_parts(
    model: Model,
    tokens: Tensor,
    driver: Driver,
    *,
    grad: bool = False,
    neurons: Iterable[int] = (),
) -> None:
    """Runs the blocks of one pass under a driver.

    Args:
        tokens: [b, p], of which the embedding and all that depends on positions is made.
        grad: autograd follows the pass; it takes the weights as given.
        neurons: layers whose neurons may be silenced.
    """
    state: dict[str, Any] = {"now": None}
    layers = range(model.facts.n_layers)
    with (
        model.lock,
        torch.set_grad_enabled(grad),
        constant_weights(model),
        lean(model),
        hooked(model, [*_hooks(model, layers, state), *_silencing(model, neurons, state)]),
        _light(model, layers, state),
        _driven(model, driver, state),
    ):
        try:
            call(model, tokens)
        except _Enough:
            return
    raise RuntimeError("the pass ran past its last block")


@contextmanager
def _driven(model: Model, driver: Driver, state: dict[str, Any]) -> Iterator[None]:
    """Lets the driver run the blocks."""
    blocks = list(model.bridge.blocks)

    def gate(layer: int) -> Callable[[Forward], Forward]:
        def make(plain: Forward) -> Forward:
            def forward(*args: Any, **kwargs: Any) -> Any:
                hidden = args[0] if args else kwargs["hidden_states"]

                def run(stream: Tensor) -> Any:
                    if args:
                        return plain(stream, *args[1:], **kwargs)
                    return plain(**{**kwargs, "hidden_states": stream})

                if layer == 0:
                    driver.start(hidden)
                driver.block(BlockParts(model, layer, run, state))
                if layer == len(blocks) - 1:
                    raise _Enough
                return (hidden,) if model.facts.returns_tuple else hidden

            return forward

        return make

    with ExitStack() as stack:
        for layer, block in enumerate(blocks):
            stack.enter_context(swapped(block, gate(layer)))
        yield


def _silencing(
    model: Model, layers: Iterable[int], state: dict[str, Any]
) -> list[tuple[str, Hook]]:
    """Lets MLPs write without some of their neurons."""

    def silence(tensor: Tensor) -> Tensor | None:
        now: _Now | None = state["now"]
        if now is None or not now.silent:
            return None
        out = tensor.clone()
        out[..., list(now.silent)] = 0
        return out

    return [(Address("mlp.post", layer).hook, silence) for layer in layers]


def _hooks(model: Model, layers: range, state: dict[str, Any]) -> list[tuple[str, Hook]]:
    """Puts in what is given and takes out what is wanted."""

    def put(name: str) -> Hook:
        def hook(tensor: Tensor) -> Tensor | None:
            now: _Now | None = state["now"]
            return None if now is None else now.given[name].reshape(tensor.shape)

        return hook

    def take(name: str) -> Hook:
        def hook(tensor: Tensor) -> Tensor | None:
            now: _Now | None = state["now"]
            if now is not None and name in now.wanted:
                now.found[name] = tensor
                if set(now.found) >= now.wanted:
                    raise _Enough
            return None

        return hook

    def middle(tensor: Tensor) -> Tensor | None:
        now: _Now | None = state["now"]
        if now is None or now.middle is None:
            return None
        state["now"] = None  # a norm after attention, which it may call, ends in this very point
        found = now.middle(now.found.get("z"))
        state["now"] = now
        return found.reshape(tensor.shape)

    hooks: list[tuple[str, Hook]] = []
    for layer in layers:
        head = Address("head", layer, head=0)
        hooks += [(Address(f"head.{n}", layer, head=0).hook, put(n)) for n in NAMES]
        hooks.append((Address("head.z", layer, head=head.head).hook, take("z")))
        hooks.append((Address("attn", layer).hook, middle))
        if model.has(Address("mlp", layer)):
            hooks.append((Address("mlp", layer).hook, take("mlp")))
    return hooks


@contextmanager
def _light(model: Model, layers: range, state: dict[str, Any]) -> Iterator[None]:
    """Leaves out the projections whose results are put in or not used."""
    width = model.facts.d_model

    def given(name: str) -> Callable[[Forward], Forward]:
        def make(plain: Forward) -> Forward:
            def forward(*args: Any, **kwargs: Any) -> Any:
                now: _Now | None = state["now"]
                return plain(*args, **kwargs) if now is None else now.given[name].flatten(2)

            return forward

        return make

    def nothing(plain: Forward) -> Forward:
        def forward(z: Tensor) -> Tensor:
            return plain(z) if state["now"] is None else z.new_zeros(*z.shape[:-1], width)

        return forward

    with ExitStack() as stack:
        for layer in layers:
            modules = _attention(model, layer)._modules
            for name in (*NAMES, "o"):
                inner = getattr(modules.get(name), "original_component", None)
                if _plain_linear(inner):
                    make = nothing if name == "o" else given(name)
                    stack.enter_context(swapped(inner, make))
        yield


def _plain_linear(module: Any) -> bool:
    return type(module) is nn.Linear or type(module).__name__ == "Conv1D"


@dataclass(frozen=True)
class Projection:
    """How queries, keys or values of one layer come of what attention reads.

    Attributes:
        weight: [h, d, e], a view of the model's; of groups for keys and values (GQA).
        bias: [h, e] or None.
    """

    weight: Float[Tensor, "h d e"]
    bias: Float[Tensor, "h e"] | None

    @classmethod
    def of(cls, model: Model, layer: int, name: str) -> Projection:
        """Of ``q``, ``k`` or ``v``."""
        which: Any = name.upper()
        try:
            bias = getattr(_attention(model, layer), f"b_{which}", None)
        except AttributeError:  # the bridge's way of saying that there is none
            bias = None
        return cls(live_weights(model, layer, which), None if bias is None else bias.detach())

    def __call__(self, read: Float[Tensor, "n p d"], heads: list[int]) -> Float[Tensor, "n p h e"]:
        """Some heads, all of them reading the same."""
        count, width, size = self.weight.shape
        if heads == list(range(count)):
            weight, bias = self.weight, self.bias
        else:
            weight = self.weight[heads]
            bias = None if self.bias is None else self.bias[heads]
        flat = weight.permute(1, 0, 2).reshape(width, -1)
        out = (read @ flat).unflatten(-1, (len(heads), size))
        return out if bias is None else out + bias

    def each(self, read: Float[Tensor, "h n d"], heads: list[int]) -> Float[Tensor, "h n e"]:
        """Some heads, each reading its own."""
        whole = heads == list(range(len(self.weight)))
        weight = self.weight if whole else self.weight[heads]
        if self.bias is None:
            return torch.bmm(read, weight)
        bias = self.bias if whole else self.bias[heads]
        return torch.baddbmm(bias[:, None], read, weight)
