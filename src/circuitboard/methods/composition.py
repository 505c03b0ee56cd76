"""Composition scores: how much of what a head reads is what an earlier head writes.

Elhage 2021 ("A Mathematical Framework for Transformer Circuits", "Composition"): with row vectors,
the output of an earlier head, W_OV^1 = W_V W_O, times what a later head reads it by, W_QK
(Q-composition), W_QK^T (K) or W_OV (V), as Frobenius norms: ||A B|| / (||A|| ||B||). Two random
matrices of these shapes score above 0 too; that baseline is subtracted: the mean over
``DRAWS`` draws of four d_model x d_head factors, Kaiming uniform with a = sqrt(5).

All by d_head factors: ||A_l A_r^T B_l B_r^T|| is the norm of the e x e matrix R_A A_r^T B_l R_B^T,
with A_l = Q_A R_A and B_r = Q_B R_B, exactly.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.sweep import Watch
from circuitboard.methods.factors import Factors, ov, qk
from circuitboard.models.model import Model
from circuitboard.spec.errors import InterventionError

Floats = NDArray[np.float32]

#: By what a later head reads.
KINDS = ("Q", "K", "V")
#: Random draws behind the baseline, and their seed.
DRAWS = 300
SEED = 0
#: Draws in one step.
TOGETHER = 10
_scores: dict[tuple[int, int, int, int], float] = {}


def composition_scores(
    model: Model,
    kind: str = "Q",
    baseline: str = "subtract",
    *,
    fold: bool = True,
    watch: Watch | None = None,
) -> Floats:
    """How much each later head reads of each earlier one: [l, h, l, h], earlier head first.

    NaN where the second head is not in a later layer. Heads that share keys or values (GQA) have
    those of their group. QK is taken at distance 0 where positions are rotary: without rotation.

    Args:
        model: from :func:`circuitboard.load`.
        kind: by what the later head reads: ``"Q"``, ``"K"`` or ``"V"``.
        baseline: ``"subtract"`` what random matrices score (the same number from every pair), or
            ``"none"``: the plain ratio, 0 to 1.
        fold: with the gain of the norm that the later head reads through, LayerNorm's centring on
            both sides, and a gain after attention (Gemma); scores of unfolded weights differ.
        watch: progress and cancelling.

    Raises:
        InterventionError: an unknown kind or baseline.
    """
    if kind not in KINDS or baseline not in ("subtract", "none"):
        raise InterventionError(
            f"There is no composition {kind!r} with baseline {baseline!r}.",
            'Choose "Q", "K" or "V"; "subtract" or "none".',
        )
    f, watch = model.facts, watch or Watch()
    found = np.full((f.n_layers, f.n_heads, f.n_layers, f.n_heads), np.nan, np.float32)
    watch.check()
    for done in composition_steps(model, kind, found, fold=fold):
        watch.progress(done, pair_count(model))
        watch.check()
    return found - random_score(f.d_model, f.d_head) if baseline == "subtract" else found


def pair_count(model: Model) -> int:
    """How many pairs of an earlier and a later layer there are: the steps of the scores."""
    return model.facts.n_layers * (model.facts.n_layers - 1) // 2


def composition_steps(
    model: Model, kind: str, found: Floats, *, fold: bool = True
) -> Generator[int, None, None]:
    """Fills in plain ratios [l, h, l, h]; yields the pairs of layers done."""
    layers, heads, done = model.facts.n_layers, range(model.facts.n_heads), 0
    earlier: list[Float[Tensor, "h e d"]] = []
    for layer in range(layers):
        if layer:
            reading = torch.stack([_reader(_read(model, layer, h, kind, fold)) for h in heads])
            for before, writing in enumerate(earlier):
                found[before, :, layer] = _ratios(writing, reading).numpy()
                done += 1
                yield done
        earlier.append(torch.stack([_writer(ov(model, layer, h, fold)) for h in heads]))


def head_composition_steps(
    model: Model, head: tuple[int, int], found: Floats, *, fold: bool = True
) -> Generator[int, None, None]:
    """Plain ratios of one head with all others by Q, K and V, [3, l, h]; yields the layers done.

    In earlier layers: how much this head reads of the head there; in later ones: how much that one
    reads of this. NaN in its own layer.
    """
    layer, which = head
    heads = range(model.facts.n_heads)
    own = [_reader(_read(model, layer, which, kind, fold))[None] for kind in KINDS]
    writes = _writer(ov(model, layer, which, fold))[None]
    for other in range(model.facts.n_layers):
        if other < layer:
            writing = torch.stack([_writer(ov(model, other, h, fold)) for h in heads])
            for row, reading in enumerate(own):
                found[row, other] = _ratios(writing, reading)[:, 0].numpy()
        elif other > layer:
            for row, kind in enumerate(KINDS):
                reading = torch.stack([_reader(_read(model, other, h, kind, fold)) for h in heads])
                found[row, other] = _ratios(writes, reading)[0].numpy()
        yield other + 1


def _read(model: Model, layer: int, head: int, kind: str, fold: bool) -> Factors:
    if kind == "V":
        return ov(model, layer, head, fold)
    found = qk(model, layer, head, fold)
    return found if kind == "Q" else Factors(found.right, found.left)


def _writer(factors: Factors) -> Float[Tensor, "e d"]:
    """R_A A_r^T: has the norms of A in every product from the right; scaled to norm 1."""
    return _unit(torch.linalg.qr(factors.left, mode="r").R @ factors.right.T)


def _reader(factors: Factors) -> Float[Tensor, "d e"]:
    return _unit(factors.left @ torch.linalg.qr(factors.right, mode="r").R.T)


def _unit(matrix: Tensor) -> Tensor:
    size = matrix.norm()
    return matrix / torch.where(size > 0, size, torch.ones_like(size))


def _ratios(
    writing: Float[Tensor, "h e d"], reading: Float[Tensor, "g d f"]
) -> Float[Tensor, "h g"]:
    wide, later = reading.permute(1, 0, 2).flatten(1), len(reading)
    products = ((one @ wide).unflatten(1, (later, -1)) for one in writing)
    return torch.stack([product.square().sum((0, 2)).sqrt() for product in products]).float()


def random_score(d_model: int, d_head: int, draws: int = DRAWS, seed: int = SEED) -> float:
    """The mean score of random heads of this shape; near 1 / sqrt(d_model)."""
    *_, score = random_score_steps(d_model, d_head, draws, seed)
    return score


def random_score_steps(
    d_model: int, d_head: int, draws: int = DRAWS, seed: int = SEED
) -> Generator[float, None, None]:
    """As :func:`random_score`, a few draws at a time: the last value is the mean over all."""
    key = (d_model, d_head, draws, seed)
    if key not in _scores:
        generator = torch.Generator().manual_seed(seed)
        total = 0.0
        for draw in range(draws):
            a, b, c, d = (_kaiming(d_model, d_head, generator) for _ in range(4))
            writing, reading = _writer(Factors(a, b)), _reader(Factors(c, d))
            total += float((writing @ reading).norm())
            if draw % TOGETHER == 0:
                yield total / (draw + 1)
        _scores[key] = total / draws
    yield _scores[key]


def _kaiming(d_model: int, d_head: int, generator: torch.Generator) -> Float[Tensor, "d e"]:
    """Kaiming uniform with a = sqrt(5): uniform up to 1 / sqrt(fan in), the fan in being d_head."""
    drawn = torch.rand(d_model, d_head, generator=generator)
    return (2 * drawn - 1) / d_head**0.5
