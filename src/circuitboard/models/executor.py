"""Runs part of a model: blocks ``start`` to ``stop``, from a stored residual stream.

The bridge's own ``start_at_layer`` computes the skipped blocks and throws them away; here they are
not computed. Gates and hooks are put on for one pass, act in the calling thread alone, and are
taken off whatever happens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from circuitboard.models.lean import Lean, lean
from circuitboard.models.model import Model

Hook = Callable[[Tensor], Tensor | None]
Forward = Callable[..., Any]
KeysValues = tuple[Tensor, Tensor]


class _StopSignal(Exception):  # noqa: N818  (no error: the way out of a pass)
    """Carries the residual stream out of a pass that need not go on."""

    def __init__(self, hidden: Tensor) -> None:
        super().__init__()
        self.hidden = hidden


@dataclass
class Span:
    """One partial pass.

    Attributes:
        tokens: [b, p] token ids of the positions that are run.
        start, stop: blocks start..stop-1 run; stop = n_layers runs all the rest.
        residual: [b, p, d], what enters block ``start``; None to begin with the embedding.
        past: keys and values [b, h, s, e] of earlier positions for layers from ``start`` on; they
            may be expanded views, and are read alone.
        hooks: hook point name and function, in the order in which they act.
        z: [b, p, h * e], what enters the output projection of block ``start``, from
            :func:`run_z`: the attention before it is then not computed.
        lean: which fused forms of :mod:`circuitboard.models.lean` it may use: equal up to rounding.
    """

    tokens: Tensor
    start: int
    stop: int
    residual: Tensor | None = None
    past: dict[int, KeysValues] | None = None
    hooks: Sequence[tuple[str, Hook]] = ()
    cancelled: Callable[[], None] = field(default=lambda: None)
    z: Tensor | None = None
    lean: Lean = "none"


@dataclass
class Passed:
    """What a pass leaves: the residual entering each block run, and the one after the last."""

    entering: dict[int, Tensor]
    leaving: Tensor
    cache: dict[int, KeysValues]


@contextmanager
def hooked(model: Model, hooks: Sequence[tuple[str, Hook]]) -> Iterator[None]:
    """Puts functions on hook points, for this thread, until the block ends."""
    owner = threading.get_ident()
    handles: list[tuple[Any, Any]] = []

    def guard(function: Hook) -> Callable[..., Tensor | None]:
        def run(tensor: Tensor, hook: object) -> Tensor | None:
            return function(tensor) if threading.get_ident() == owner else None

        return run

    try:
        for name, function in hooks:
            point = model.point(name)
            handles.append((point, point.add_hook(guard(function))))
        yield
    finally:
        for point, handle in handles:
            handle.hook.remove()
            point.fwd_hooks.remove(handle)


@contextmanager
def _gates(model: Model, span: Span, entering: dict[int, Tensor]) -> Iterator[None]:
    blocks = list(model.bridge.blocks)
    owner = threading.get_ident()

    def gate(layer: int, block: Any) -> Callable[..., Any]:
        plain = block.forward
        last = layer == len(blocks) - 1

        def forward(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != owner:
                return plain(*args, **kwargs)
            hidden = args[0] if args else kwargs["hidden_states"]
            if layer == span.stop:
                raise _StopSignal(hidden)
            if layer < span.start:
                passed = span.residual if last and span.residual is not None else hidden
                return (passed,) if model.facts.returns_tuple else passed
            span.cancelled()
            if layer == span.start and span.residual is not None:
                hidden = span.residual
            entering[layer] = hidden
            if args:
                out = plain(hidden, *args[1:], **kwargs)
            else:
                out = plain(**{**kwargs, "hidden_states": hidden})
            if last and span.stop > layer:
                raise _StopSignal(out[0] if isinstance(out, tuple) else out)
            return out

        return forward

    own = [block.__dict__.get("forward") for block in blocks]
    try:
        for layer, block in enumerate(blocks):
            object.__setattr__(block, "forward", gate(layer, block))
        yield
    finally:
        for block, forward in zip(blocks, own, strict=True):
            block.__dict__.pop("forward", None)
            if forward is not None:
                object.__setattr__(block, "forward", forward)


@contextmanager
def constant_weights(model: Model) -> Iterator[None]:
    """Autograd follows what flows through a model, and takes its weights as given."""
    weights = [p for p in model.bridge.original_model.parameters() if p.requires_grad]
    try:
        for weight in weights:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


def call(model: Model, tokens: Tensor, cache: DynamicCache | None = None) -> Any:
    """The model's own forward pass, with its inputs as it wants them."""
    inputs: dict[str, Any] = {"input_ids": tokens}
    if model.facts.caches:
        inputs["past_key_values"] = cache
    if hasattr(getattr(model.bridge.original_model, "config", None), "use_cache"):
        inputs |= {"use_cache": cache is not None, "return_dict": True}
    return model.bridge.original_model(**inputs)


@contextmanager
def swapped(
    module: Any, make: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> Iterator[None]:
    """Replaces a module's forward, for this thread, until the block ends."""
    own, owner = module.__dict__.get("forward"), threading.get_ident()
    plain = module.forward
    other = make(plain)

    def forward(*args: Any, **kwargs: Any) -> Any:
        return (other if threading.get_ident() == owner else plain)(*args, **kwargs)

    object.__setattr__(module, "forward", forward)
    try:
        yield
    finally:
        module.__dict__.pop("forward")
        if own is not None:
            object.__setattr__(module, "forward", own)


@contextmanager
def _given(model: Model, span: Span) -> Iterator[None]:
    """Lets block ``start`` take its heads' z from ``span.z``."""
    if span.z is None:
        yield
        return
    attn: Any = model.bridge.blocks[span.start].attn

    def forward(*_args: Any, **_kwargs: Any) -> tuple[Tensor, None]:
        return attn.hook_out(attn.o(span.z)), None

    with swapped(attn, lambda _plain: forward):
        yield


def run_z(model: Model, span: Span) -> Tensor | None:
    """What enters the output projection of block ``span.start``: [b, p, h * e].

    None where an architecture's attention does not end in that projection alone, so that its
    output cannot be computed from z; that is tried out.
    """
    attn: Any = getattr(model.bridge.blocks[span.start], "attn", None)
    if getattr(attn, "o", None) is None or not hasattr(attn, "hook_out"):
        return None
    seen: list[Tensor] = []
    left: list[Any] = []

    def watch(kept: list[Any], result: bool) -> Callable[[Forward], Forward]:
        def make(plain: Forward) -> Forward:
            def forward(*args: Any, **kwargs: Any) -> Any:
                out = plain(*args, **kwargs)
                kept.append(out if result else args[0] if args else None)
                return out

            return forward

        return make

    with swapped(attn, watch(left, True)), swapped(attn.o, watch(seen, False)):
        run_span(model, span)
    whole = isinstance(left[0], tuple) and len(left[0]) == 2 and len(seen) == 1
    if not whole or not isinstance(seen[0], Tensor) or seen[0].ndim != 3:
        return None
    with model.lock, torch.no_grad():
        again = attn.hook_out(attn.o(seen[0]))
    return seen[0] if torch.equal(again, left[0][0]) else None


class _Cache(DynamicCache):
    """A cache that begins with keys and values of earlier positions, taken without a copy.

    With ``last`` set, the pass ends once that layer's keys and values are known.
    """

    def __init__(self, past: dict[int, KeysValues] | None) -> None:
        super().__init__()
        self.last: int | None = None
        for layer, (keys, values) in (past or {}).items():
            while len(self.layers) <= layer:
                self.layers.append(DynamicLayer())
            held: Any = self.layers[layer]
            held.lazy_initialization(keys, values)
            held.keys, held.values = keys, values

    def update(self, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Adds keys and values of a layer and returns all of that layer's."""
        pair = super().update(*args, **kwargs)
        layer = kwargs["layer_idx"] if "layer_idx" in kwargs else args[2]
        if layer == self.last:
            raise _StopSignal(pair[0])
        return pair


def _pass(model: Model, span: Span, cache: _Cache | None, entering: dict[int, Tensor]) -> Tensor:
    """One pass; returns what it was stopped with."""
    with (
        model.lock,
        torch.no_grad(),
        lean(model, span.lean),
        _given(model, span),
        hooked(model, span.hooks),
        _gates(model, span, entering),
    ):
        try:
            call(model, span.tokens, cache)
        except _StopSignal as stop:
            return stop.hidden
    raise RuntimeError("the pass ran past its last block")


def run_keys(model: Model, span: Span) -> KeysValues:
    """Keys and values [b, h, s, e] of block ``span.start``, ``span.past`` before them.

    What the block does after that is not computed. For models that cache (``facts.caches``).
    """
    cache = _Cache(span.past)
    cache.last = span.start
    _pass(model, span, cache, {})
    kept: Any = cache.layers[span.start]
    return kept.keys, kept.values


def run_span(model: Model, span: Span) -> Passed:
    """Runs blocks ``span.start`` to ``span.stop - 1`` and returns what flowed between them."""
    entering: dict[int, Tensor] = {}
    cache = _Cache(span.past) if model.facts.caches else None
    leaving = _pass(model, span, cache, entering)
    kept: dict[int, KeysValues] = {}
    if cache is not None:
        layers: list[Any] = cache.layers
        for layer in entering:
            if span.z is None or layer > span.start:
                kept[layer] = (layers[layer].keys, layers[layer].values)
    return Passed(entering, leaving, kept)


def run_tail(
    model: Model,
    residual: Float[Tensor, "b p d"],
    hooks: Sequence[tuple[str, Hook]] = (),
    *,
    grad: bool = False,
) -> Float[Tensor, "b p v"]:
    """Final norm and unembedding (soft-cap included) of chosen positions.

    Args:
        residual: [b, p, d] at the end of the last block, any positions.
        grad: autograd follows, to the residual and not to the weights.

    Returns:
        Logits [b, p, v], as the model's own forward pass gives them, up to rounding.
    """
    n_layers = model.facts.n_layers
    tokens = torch.zeros(residual.shape[:2], dtype=torch.long, device=model.device)
    span = Span(tokens, n_layers, n_layers + 1, residual)
    given = constant_weights(model) if grad else nullcontext()
    with (
        model.lock,
        torch.set_grad_enabled(grad),
        given,
        lean(model, "all but norms"),
        hooked(model, hooks),
        _gates(model, span, {}),
    ):
        out = call(model, tokens, None)
    return out if isinstance(out, Tensor) else out.logits


def run_whole(
    model: Model, tokens: Int[Tensor, "b p"], hooks: Sequence[tuple[str, Hook]] = ()
) -> Float[Tensor, "b p v"]:
    """The model's own full forward pass, with these hooks and the user's: logits [b, p, v]."""
    with model.lock, torch.no_grad(), hooked(model, hooks):
        out = call(model, tokens, None)
    return out if isinstance(out, Tensor) else out.logits


def run_with_gradients(
    model: Model, tokens: Int[Tensor, "b p"], hooks: Sequence[tuple[str, Hook]]
) -> Float[Tensor, "b p v"]:
    """One full forward pass that autograd follows: logits [b, p, v].

    The weights take no gradients of their own from it unless they are asked for.
    """
    with model.lock, torch.enable_grad(), hooked(model, hooks):
        out = call(model, tokens, None)
    return out if isinstance(out, Tensor) else out.logits
