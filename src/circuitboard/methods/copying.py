"""Copying scores: whether a head's OV circuit raises the tokens that it looks at.

Elhage 2021 ("A Mathematical Framework for Transformer Circuits", "Summarizing OV and QK"):
the OV circuit over tokens is M = W_E W_V W_O W_U [v, v]; the score is the sum of its eigenvalues
over the sum of their absolute values, from -1 to 1 (the sum is real: complex eigenvalues come in
pairs). M has the non-zero eigenvalues of the small matrix W_O W_U W_E W_V [e, e], which is what is
computed, exactly; heads that share values (GQA) each have the W_V of their group.

Folded (the default), the gain of the norm before attention is in W_V and that of the final norm in
W_U, and with LayerNorm the mean over d_model is removed where either norm removes it; a norm after
attention (Gemma) has its gain in W_O. The norms' scales, which vary with the input, and biases are
left out. Unfolded, the weights are taken as they are.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.sweep import Watch
from circuitboard.models.attention import value_weights
from circuitboard.models.model import Model
from circuitboard.spec.address import Address

Floats = NDArray[np.float32]

#: Multiplications in one step, so that a step takes some tens of milliseconds.
STEP = 1_000_000_000


def copying_scores(model: Model, *, fold: bool = True, watch: Watch | None = None) -> Floats:
    """The copying score of every head [l, h], float32, from -1 to 1.

    Args:
        model: from :func:`circuitboard.load`.
        fold: put the norms' gains and centring into the weights, as they act when it runs.
        watch: progress and cancelling.
    """
    engine, watch = engine_of(model), watch or Watch()
    found = np.full((model.facts.n_layers, model.facts.n_heads), np.nan, np.float32)
    for done in copying_steps(engine, found, fold):
        watch.progress(done, step_count(model))
        watch.check()
    return found


def step_count(model: Model) -> int:
    """How many steps :func:`copying_steps` takes."""
    return -(-model.facts.d_vocab // _rows(model)) + model.facts.n_layers


def copying_steps(engine: Engine, found: Floats, fold: bool = True) -> Generator[int, None, None]:
    """Fills in scores layer by layer; yields the steps done."""
    model, epoch, done = engine.model, engine.epoch, 0
    embed = model.embedding()
    through = torch.zeros(model.facts.d_model, model.facts.d_model, device=embed.device)
    count = min(len(embed), model.facts.d_vocab)
    for start in range(0, model.facts.d_vocab, _rows(model)):
        tokens = range(start, min(start + _rows(model), count))
        rows = model.unembed_rows(tokens).to(embed.device)
        through += rows.T @ embed[tokens.start : tokens.stop].float()
        done += 1
        yield done
    if fold:
        gain = model.final_gain()
        through = through if gain is None else gain.to(through)[:, None] * through
        through = _centred(model, through, 0, model.has_part("ln_final"))
    for layer in range(model.facts.n_layers):
        if engine.epoch != epoch:
            return
        found[layer] = _scores(_small(model, layer, through, fold)).cpu().numpy()
        done += 1
        yield done


def _small(model: Model, layer: int, through: Tensor, fold: bool) -> Float[Tensor, "h e e"]:
    """W_O W_U W_E W_V of every head, float64."""
    reads = value_weights(model, layer).to(through.device).float()
    writes = model.output_weights(layer).detach().to(through.device).float()
    if fold:
        gain = model.norm_gain(Address("ln1", layer))
        reads = reads if gain is None else gain.to(reads)[:, None] * reads
        reads = _centred(model, reads, 1, model.has_part("ln1"))
        after = model.post_gain(layer, "ln1_post")
        writes = writes if after is None else writes * after.to(writes)
    return writes.double() @ (through @ reads).double()


def _centred(model: Model, matrix: Tensor, dim: int, normed: bool) -> Tensor:
    """LayerNorm removes the mean over d_model from what it reads."""
    if not normed or model.facts.norm != "LN":
        return matrix
    return matrix - matrix.mean(dim, keepdim=True)


def _scores(small: Float[Tensor, "h e e"]) -> Float[Tensor, "h"]:
    values = torch.linalg.eigvals(small)
    size = values.abs().sum(-1)
    return torch.where(size > 0, values.real.sum(-1) / size, torch.zeros_like(size)).float()


def _rows(model: Model) -> int:
    return max(64, STEP // model.facts.d_model**2)
