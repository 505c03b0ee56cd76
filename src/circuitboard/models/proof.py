"""What of a run may be reused by the next one: read from the configuration, proved by running.

A cone of blocks and positions is exact where a block gives the same output from the same input, and
where no token sees a later one. Both are told by the configuration of the architectures that we
know, and tried on every model when it is loaded.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuitboard.models.executor import Passed, Span, run_span
from circuitboard.models.model import Model

#: Layer types whose tokens are mixed by attention, as configurations name them.
ATTENTION = ("attention", "global", "local", "sliding", "chunked", "hybrid")

_WINDOWS = (
    "sliding_window", "attention_chunk_size", "attention_window_size", "window_size",
    "local_attention",
)  # fmt: skip


def window(config: Any) -> int | None:
    """Tokens that a layer with a sliding window or with chunks sees; None: all see all."""
    if not getattr(config, "use_sliding_window", True):
        return None
    found = [getattr(config, name, None) for name in _WINDOWS]
    return min((n for n in found if isinstance(n, int) and n > 0), default=None)


def mixing(config: Any) -> dict[str, Any]:
    """What a configuration says of how tokens mix: three of the :class:`Facts`."""
    shared = getattr(config, "num_kv_shared_layers", 0) or 0
    recurrent = _recurrent(config)
    ahead = getattr(config, "use_bidirectional_attention", None) in (True, "all")
    full, all_positions = "", ""
    if shared:
        full = f"{shared} layers share keys and values of earlier ones"
    if recurrent:
        all_positions = f"{recurrent} layers carry a state along"
    elif ahead:
        all_positions = "attention looks ahead"
    caches = config is not None and hasattr(config, "use_cache") and not (shared or recurrent)
    return {"caches": caches, "full_runs": full, "all_positions": all_positions}


def _recurrent(config: Any) -> str:
    """The kind of the layers that are recurrent, convolutional, or linear in tokens; "" if none."""
    for name in ("layers_block_type", "layer_types", "block_types"):
        for kind in getattr(config, name, None) or ():
            text = str(kind)
            if text.startswith("linear") or not any(word in text for word in ATTENTION):
                return text
    state = any(hasattr(config, name) for name in ("mamba_d_state", "ssm_state_size", "state_size"))
    return "state-space" if state else ""


def prove(model: Model, tokens: Int[Tensor, "b p"]) -> Float[Tensor, "b p d"]:
    """Tries restarts and looking ahead on a few tokens, and writes into ``model.facts`` what fails.

    Returns:
        The stream after the last block of a full run, [b, p, d].
    """
    n_layers = model.facts.n_layers
    try:
        whole = run_span(model, Span(tokens, 0, n_layers))
    except Exception:  # a cache of a kind of its own; any other cause comes again, and out
        if not model.facts.caches:
            raise
        model.facts = replace(model.facts, caches=False)
        whole = run_span(model, Span(tokens, 0, n_layers))
    facts = model.facts
    if not facts.full_runs and not _restarts(model, tokens, whole, 0):
        facts = replace(facts, full_runs="its blocks do not run on their own")
    if not facts.all_positions and _looks_ahead(model, tokens, whole):
        facts = replace(facts, all_positions="attention looks ahead")
    cut = facts.caches and not facts.full_runs and not facts.all_positions
    if cut and tokens.shape[1] > 1 and not _restarts(model, tokens, whole, tokens.shape[1] // 2):
        facts = replace(facts, all_positions="its cache does not give the same numbers")
    model.facts = facts
    return whole.leaving


def _restarts(model: Model, tokens: Tensor, whole: Passed, position: int) -> bool:
    """Whether a run from the middle ends where the whole run does."""
    layer, n_layers = model.facts.n_layers // 2, model.facts.n_layers
    span = Span(tokens[:, position:], layer, n_layers, whole.entering[layer][:, position:])
    if position:
        span.past = {
            i: (k[:, :, :position], v[:, :, :position]) for i, (k, v) in whole.cache.items()
        }
    try:
        again = run_span(model, span).leaving
    except Exception:  # whatever it is, such a restart is not to be used
        return False
    return _close(again, whole.leaving[:, position:])


def _looks_ahead(model: Model, tokens: Tensor, whole: Passed) -> bool:
    """Whether another last token changes anything before it."""
    other = tokens.clone()
    other[:, -1] = (other[:, -1] + 1) % model.facts.d_vocab
    again = run_span(model, Span(other, 0, model.facts.n_layers)).leaving
    return not _close(again[:, :-1], whole.leaving[:, :-1])


def _close(a: Tensor, b: Tensor) -> bool:
    """Agreement to rounding: 100 units in the last place of the largest number."""
    if not b.numel() or not torch.isfinite(b).all():
        return True  # NaNs are told of elsewhere
    bound = 100 * torch.finfo(b.dtype).eps * max(float(b.abs().max()), 1e-6)
    return float((a - b).abs().max()) <= bound
