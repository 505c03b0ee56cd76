"""Matrices of the residual stream as thin factors, norms folded in, and their ends as tokens.

Folded, a matrix that reads from the stream has the gain of the norm before it in it, and with
LayerNorm the mean over d_model is taken out on the side of the stream, both where it is read and
where it is written (every reader would drop it). A norm after attention or MLP (Gemma) has its gain
in what is written. What varies with the input is left out: the norms' scales; so are biases.
Elhage 2021, "A Mathematical Framework for Transformer Circuits", uses the same products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.methods.neurons import Word, Words
from circuitboard.models.attention import head_weights, inner_gain
from circuitboard.models.mlp import mlp_weights
from circuitboard.models.model import Model
from circuitboard.models.norms import centred, gain
from circuitboard.models.rotary import rotation
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError

Floats = NDArray[np.float32]

#: Rows of a factor that are brought to float64 at once.
ROWS = 1 << 13
#: Eigenvalues of a Gram matrix below this share of the largest are rounding.
ROUNDING = 1e-13


@dataclass(frozen=True)
class Factors:
    """A matrix [a, b] as ``left @ right.T``, never multiplied out unless asked.

    Attributes:
        left: [a, r].
        right: [b, r].
    """

    left: Float[Tensor, "a r"]
    right: Float[Tensor, "b r"]

    @property
    def shape(self) -> tuple[int, int]:
        """(a, b)."""
        return len(self.left), len(self.right)

    def dense(self) -> Floats:
        """The matrix itself, float32 [a, b]."""
        return (_wide(self.left) @ _wide(self.right).T).float().numpy()

    def norm(self) -> float:
        """Its Frobenius norm, exactly, by r x r products."""
        return float((_gram(self.left) * _gram(self.right)).sum().clamp_min(0).sqrt())

    def then(self, after: Factors) -> Factors:
        """The product with a matrix [b, c]: this one first, as row vectors pass through them."""
        between = _wide(self.right).T @ _wide(after.left)
        if between.shape[0] <= between.shape[1]:
            return Factors(self.left, _wide(after.right) @ between.T)
        through = torch.cat([rows @ between for rows in _blocks(self.left)])
        return Factors(through, after.right)

    def minus(self, other: Factors) -> Factors:
        """The difference to another matrix [a, b]."""
        if torch.equal(self.right, other.right):
            return Factors(_wide(self.left) - _wide(other.left), self.right)
        if torch.equal(self.left, other.left):
            return Factors(self.left, _wide(self.right) - _wide(other.right))
        left = torch.cat([_wide(self.left), -_wide(other.left)], 1)
        return Factors(left, torch.cat([_wide(self.right), _wide(other.right)], 1))

    def svd(self, k: int) -> tuple[Tensor, Tensor, Tensor]:
        """The k largest singular values [k], and their vectors [a, k] and [b, k], float64.

        Fewer where the rank is lower. By the eigenvectors of r x r Gram matrices, so that the long
        sides (a vocabulary) are only multiplied with.
        """
        if _is_identity(self.left):
            return _svd_beside_identity(self.right, k)
        if _is_identity(self.right):
            values, b, a = _svd_beside_identity(self.left, k)
            return values, a, b
        left, back_left = _root(_gram(self.left))
        right, back_right = _root(_gram(self.right))
        u, values, vh = torch.linalg.svd(left.T @ right, full_matrices=False)
        some = min(k, int((values > values[:1] * 1e-10).sum()))
        ends = (back_left @ u[:, :some], back_right @ vh[:some].T)
        a, b = (
            torch.cat([rows @ end for rows in _blocks(side)])
            for side, end in zip((self.left, self.right), ends, strict=True)
        )
        return values[:some], a, b


def _is_identity(matrix: Tensor) -> bool:
    square = matrix.shape[0] == matrix.shape[1]
    return square and torch.equal(matrix, torch.eye(len(matrix)).to(matrix))


def _svd_beside_identity(right: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of ``right.T`` [r, b], which is no product: one decomposition of its Gram matrix does."""
    squares, vectors = torch.linalg.eigh(_gram(right))
    kept = squares > squares[-1].clamp_min(0) * ROUNDING
    values = squares[kept].sqrt().flip(0)
    vectors = vectors[:, kept].flip(1)[:, :k]
    some = values[: vectors.shape[1]]
    ends = vectors / some
    return some, vectors, torch.cat([rows @ ends for rows in _blocks(right)])


def _wide(matrix: Tensor) -> Float[Tensor, "*any"]:
    return matrix.detach().cpu().double()


def _blocks(matrix: Tensor) -> Iterator[Tensor]:
    for rows in matrix.split(ROWS):
        yield _wide(rows)


def _gram(matrix: Tensor) -> Float[Tensor, "r r"]:
    total = torch.zeros(matrix.shape[1], matrix.shape[1], dtype=torch.float64)
    for rows in _blocks(matrix):
        total += rows.T @ rows
    return total


def _root(gram: Float[Tensor, "r r"]) -> tuple[Tensor, Tensor]:
    """S [r, s] with gram = S S^T, and what brings a factor to orthonormal columns: S^-T."""
    values, vectors = torch.linalg.eigh(gram)
    kept = values > values[-1].clamp_min(0) * ROUNDING
    values, vectors = values[kept].sqrt(), vectors[:, kept]
    return vectors * values, vectors / values


# --- parts of a model -------------------------------------------------------------------------


def head_place(model: Model, head: str | Address) -> tuple[int, int]:
    """Layer and head of ``"L3H7"``. Raises AddressError."""
    place = model.check(Address.parse(head))
    if place.part != "head" or place.layer is None or place.head is None:
        raise AddressError(f"{place} is not a head.", "Write for example L3H7.")
    return place.layer, place.head


def read_by(
    model: Model, norm: Address, matrix: Float[Tensor, "d x"], fold: bool
) -> Float[Tensor, "d x"]:
    """A matrix that reads the stream through a norm, float64: W_Q, W_K, W_V, W_in."""
    wide = _wide(matrix)
    if not fold or not model.has_part(norm.part):
        return wide
    return centred(model, (_wide(gain(model, norm))[:, None] * wide).T).T


def written_by(
    model: Model, layer: int, part: Literal["attn", "mlp"], matrix: Tensor, fold: bool
) -> Float[Tensor, "x d"]:
    """A matrix that writes to the stream, [x, d], float64: W_O, W_out."""
    after = model.post_gain(layer, "ln1_post" if part == "attn" else "ln2_post") if fold else None
    return written(model, matrix if after is None else _wide(matrix) * _wide(after), fold)


def written(model: Model, matrix: Float[Tensor, "x d"], fold: bool) -> Float[Tensor, "x d"]:
    """Rows of the stream without their mean, which LayerNorm would drop; float64."""
    return centred(model, _wide(matrix)) if fold else _wide(matrix)


def ov(model: Model, layer: int, head: int, fold: bool) -> Factors:
    """W_V W_O of a head [d, d], from what it attends to, to what it writes."""
    value = head_weights(model, layer, head, "V")
    out = head_weights(model, layer, head, "O")
    return Factors(
        read_by(model, Address("ln1", layer), value, fold),
        written_by(model, layer, "attn", out, fold).T,
    )


def qk(model: Model, layer: int, head: int, fold: bool, offset: int = 0) -> Factors:
    """W_Q R W_K^T of a head [d, d], query by key, R turning for a key ``offset`` tokens before."""
    return Factors(query(model, layer, head, fold, offset), key(model, layer, head, fold))


def query(model: Model, layer: int, head: int, fold: bool, offset: int = 0) -> Float[Tensor, "d e"]:
    """W_Q of a head, turned so that its product with :func:`key` is the score; float64."""
    turned = rotation(model, layer, offset).double()
    return _inward(model, layer, head, "Q", fold) @ turned


def key(model: Model, layer: int, head: int, fold: bool) -> Float[Tensor, "d e"]:
    """W_K of a head's group, float64."""
    return _inward(model, layer, head, "K", fold)


def _inward(model: Model, layer: int, head: int, which: Literal["Q", "K"], fold: bool) -> Tensor:
    matrix = read_by(model, Address("ln1", layer), head_weights(model, layer, head, which), fold)
    inner = inner_gain(model, layer, "q" if which == "Q" else "k") if fold else None
    return matrix if inner is None else matrix * _wide(inner)


MlpSide = Literal["in", "gate", "out"]


def mlp(model: Model, layer: int, side: MlpSide, fold: bool) -> Factors:
    """W_in or W_gate [d, n], or W_out [n, d], of an MLP. Raises AddressError, ModelError."""
    weights = mlp_weights(model, layer)
    one = torch.eye(model.facts.d_model)
    if side == "out":
        return Factors(written_by(model, layer, "mlp", weights.w_out, fold), one)
    matrix = weights.w_in if side == "in" else weights.w_gate
    if matrix is None:
        raise AddressError(f"L{layer}.mlp is not gated.", f"It has L{layer}.mlp.in.")
    return Factors(one, read_by(model, weights.reads, matrix, fold).T)


# --- ends as tokens ---------------------------------------------------------------------------


def embedded(model: Model) -> Float[Tensor, "v d"]:
    """W_E, as far as it and the vocabulary go: a view."""
    return model.embedding()[: model.facts.d_vocab]


def unembedded(model: Model) -> Float[Tensor, "v d"]:
    """W_U as [v, d]: a view."""
    return model.unembedding()[: model.facts.d_vocab]


def before_logits(model: Model, vectors: Float[Tensor, "d x"], fold: bool) -> Tensor:
    """Columns as W_U has to read them: through the final norm's centring and gain; float64."""
    final = model.final_gain() if fold else None
    wide = _wide(vectors)
    return wide if final is None else centred(model, wide.T).T * _wide(final)[:, None]


def along(matrix: Float[Tensor, "v d"], vectors: Float[Tensor, "d k"]) -> Float[Tensor, "v k"]:
    """What each row gives along each column."""
    return torch.cat([rows @ _wide(vectors) for rows in _blocks(matrix)])


def tokens_at(model: Model, values: Float[Tensor, "v"], k: int) -> Words:
    """The k tokens with the highest and the lowest values."""
    return _named(values, k, [model.token_text(i) for i in _ends(values, k)])


def neurons_at(values: Float[Tensor, "n"], k: int) -> Words:
    """The k neurons with the highest and the lowest values, named ``n512``."""
    return _named(values, k, [f"n{i}" for i in _ends(values, k)])


def _named(values: Tensor, k: int, names: Sequence[str]) -> Words:
    """The highest and the lowest, the furthest first, with the names of both in that order."""
    words = [
        Word(i, name, float(values[i])) for i, name in zip(_ends(values, k), names, strict=True)
    ]
    half = len(words) // 2
    return Words(words[:half], words[half:])


def _ends(values: Tensor, k: int) -> list[int]:
    k = min(k, len(values))
    return [int(i) for large in (True, False) for i in values.topk(k, largest=large).indices]
