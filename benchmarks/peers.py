"""The same sweeps by the peers' own means, on a sample of their runs.

Each function returns the metric of each picked run, the logit difference at the last position.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

import circuitboard as cb

#: A run of a sweep: (layer, head), or (layer, position).
Pick = tuple[int, int]


def loop_of_heads(
    model: cb.Model, tokens: Tensor, picks: Sequence[Pick], pair: tuple[int, int]
) -> list[float]:
    """Heads zeroed by a loop of TransformerLens ``run_with_hooks``."""

    def zero(head: int) -> Callable[..., Tensor]:
        def hook(z: Tensor, hook: object) -> Tensor:
            z[:, :, head] = 0.0
            return z

        return hook

    out = []
    with torch.no_grad():
        for layer, head in picks:
            at = f"blocks.{layer}.attn.hook_z"
            logits = model.bridge.run_with_hooks(tokens, fwd_hooks=[(at, zero(head))])
            out.append(float(logits[0, -1, pair[0]] - logits[0, -1, pair[1]]))
    return out


class Patching:
    """Layer x position patching by ``transformer_lens.patching`` itself, on chosen cells."""

    def __init__(self, model: cb.Model, clean: Tensor, corrupt: Tensor) -> None:
        self._model, self._corrupt = model, corrupt
        with torch.no_grad():
            names = [f"blocks.{i}.hook_resid_pre" for i in range(model.facts.n_layers)]
            self._cache = model.bridge.run_with_cache(clean, names_filter=names)[1]

    def __call__(self, picks: Sequence[Pick], pair: tuple[int, int]) -> list[float]:
        import pandas as pd
        from transformer_lens import patching

        vars(patching)["tqdm"] = lambda runs: runs  # no progress bar among the results
        with torch.no_grad():
            found = patching.generic_activation_patch(
                self._model.bridge,
                self._corrupt,
                self._cache,
                lambda logits: logits[0, -1, pair[0]] - logits[0, -1, pair[1]],
                patching.layer_pos_patch_setter,
                "resid_pre",
                index_df=pd.DataFrame(picks, columns=["layer", "pos"]),
            )
        assert isinstance(found, Tensor)
        return found.tolist()


class Nnsight:
    """Heads zeroed by nnsight, many invokes batched in one trace, on the plain Hugging Face model.

    ``note`` says why it cannot be measured, or is empty.
    """

    def __init__(self, hf_model: Any, tokenizer: Any) -> None:
        self.note = "" if find_spec("nnsight") else "not installed"
        if self.note:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import nnsight

            try:
                self._model: Any = nnsight.TransformersModel(
                    hf_model, tokenizer=tokenizer, task="text-generation"
                )
            except (AttributeError, TypeError):
                self._model = nnsight.LanguageModel(hf_model, tokenizer=tokenizer)
        self._size = hf_model.config.hidden_size // hf_model.config.num_attention_heads

    def _projection(self, layer: int) -> Any:
        inner = getattr(self._model, "transformer", None)
        if inner is not None:
            return inner.h[layer].attn.c_proj
        return self._model.model.layers[layer].self_attn.o_proj

    def __call__(self, tokens: Tensor, picks: Sequence[Pick], pair: tuple[int, int]) -> list[float]:
        target, foil = pair
        with torch.no_grad(), self._model.trace() as tracer:
            found = list().save()  # noqa: C408
            for layer, head in picks:
                with tracer.invoke(tokens):
                    part = slice(head * self._size, (head + 1) * self._size)
                    self._projection(layer).input[:, :, part] = 0.0
                    last = self._model.lm_head.output[0, -1]
                    found.append(last[target] - last[foil])
        return [float(value) for value in found]
