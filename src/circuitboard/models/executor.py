"""Runs part of a model: blocks ``start`` to ``stop``, from a stored residual stream.

The bridge's own ``start_at_layer`` computes the skipped blocks and throws them away; here they are
not computed. Gates and hooks are put on for one pass, act in the calling thread alone, and are
taken off whatever happens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import DynamicCache

from circuitboard.models.model import Model

Hook = Callable[[Tensor], Tensor | None]
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
        past: keys and values [b, h, s, e] of earlier positions for layers from ``start`` on.
        hooks: hook point name and function, in the order in which they act.
    """

    tokens: Tensor
    start: int
    stop: int
    residual: Tensor | None = None
    past: dict[int, KeysValues] | None = None
    hooks: Sequence[tuple[str, Hook]] = ()
    cancelled: Callable[[], None] = field(default=lambda: None)


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

    try:
        for layer, block in enumerate(blocks):
            object.__setattr__(block, "forward", gate(layer, block))
        yield
    finally:
        for block in blocks:
            block.__dict__.pop("forward", None)


def _call(model: Model, tokens: Tensor, cache: DynamicCache | None) -> Any:
    inputs: dict[str, Any] = {"input_ids": tokens}
    if model.facts.caches:
        inputs |= {"past_key_values": cache, "use_cache": cache is not None, "return_dict": True}
    return model.bridge.original_model(**inputs)


def run_span(model: Model, span: Span) -> Passed:
    """Runs blocks ``span.start`` to ``span.stop - 1`` and returns what flowed between them."""
    entering: dict[int, Tensor] = {}
    cache = DynamicCache() if model.facts.caches else None
    if cache is not None and span.past is not None:
        for layer, (keys, values) in span.past.items():
            cache.update(keys, values, layer)
    with model.lock, torch.no_grad(), hooked(model, span.hooks), _gates(model, span, entering):
        try:
            _call(model, span.tokens, cache)
        except _StopSignal as stop:
            leaving = stop.hidden
        else:
            raise RuntimeError("the pass ran past its last block")
    kept: dict[int, KeysValues] = {}
    if cache is not None:
        layers: list[Any] = cache.layers
        for layer in entering:
            kept[layer] = (layers[layer].keys, layers[layer].values)
    return Passed(entering, leaving, kept)


def run_tail(
    model: Model, residual: Float[Tensor, "b p d"], hooks: Sequence[tuple[str, Hook]] = ()
) -> Float[Tensor, "b p v"]:
    """Final norm and unembedding (soft-cap included) of chosen positions.

    Args:
        residual: [b, p, d] at the end of the last block, any positions.

    Returns:
        Logits [b, p, v], as the model's own forward pass gives them.
    """
    n_layers = model.facts.n_layers
    tokens = torch.zeros(residual.shape[:2], dtype=torch.long, device=residual.device)
    span = Span(tokens, n_layers, n_layers + 1, residual)
    with model.lock, torch.no_grad(), hooked(model, hooks), _gates(model, span, {}):
        out = _call(model, tokens, None)
    return out if isinstance(out, Tensor) else out.logits


def run_whole(model: Model, tokens: Int[Tensor, "b p"]) -> Float[Tensor, "b p v"]:
    """The model's own forward pass with the user's hooks alone: logits [b, p, v]."""
    with model.lock, torch.no_grad():
        out = _call(model, tokens, None)
    return out if isinstance(out, Tensor) else out.logits


def run_with_gradients(
    model: Model, tokens: Int[Tensor, "b p"], hooks: Sequence[tuple[str, Hook]]
) -> Float[Tensor, "b p v"]:
    """One full forward pass that autograd follows: logits [b, p, v].

    The weights take no gradients of their own from it unless they are asked for.
    """
    with model.lock, torch.enable_grad(), hooked(model, hooks):
        out = _call(model, tokens, None)
    return out if isinstance(out, Tensor) else out.logits
