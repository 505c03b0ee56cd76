"""OV and QK circuits over tokens: what a head would copy from each token, and attend to from each.

Elhage 2021 ("A Mathematical Framework for Transformer Circuits"): the OV circuit W_E W_V W_O W_U
[v, v] gives, for a token attended to, what the head adds to every logit; the QK circuit
W_E W_Q W_K^T W_E^T [v, v] gives, for a query token, how strongly it attends to each key token.
Over chosen tokens the matrix is computed; over the vocabulary the exact largest and smallest
entries, block by block, with no more than ``BLOCK`` entries at any time.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.sweep import Watch
from circuitboard.methods.factors import (
    Factors,
    along,
    before_logits,
    embedded,
    head_place,
    ov,
    qk,
    unembedded,
)
from circuitboard.models.model import Model
from circuitboard.models.rotary import is_rotary
from circuitboard.spec.address import Address
from circuitboard.spec.errors import PromptError

Floats = NDArray[np.float32]

CircuitName = Literal["ov", "qk"]

#: Entries of the matrix that are held at once.
BLOCK = 1 << 24


@dataclass(frozen=True)
class Pair:
    """One entry of a circuit: ids of its row and column, their texts (untrusted), its value."""

    row: int
    column: int
    row_text: str
    column_text: str
    value: float


@dataclass(frozen=True)
class TokenCircuit:
    """An OV or QK circuit of one head over tokens.

    Attributes:
        head: such as ``L3H7``.
        axes: what rows and columns are: ``("source", "logit")`` or ``("query", "key")``.
        tokens: ids of the rows and columns of ``matrix``; None over the whole vocabulary.
        matrix: [n, n] over chosen tokens, float32; None over the whole vocabulary.
        high, low: the k largest and the k smallest entries, the furthest first.
        notes: what the numbers hold and what they leave out, in words.
    """

    head: str
    axes: tuple[str, str]
    tokens: tuple[int, ...] | None
    matrix: Floats | None
    high: list[Pair]
    low: list[Pair]
    notes: tuple[str, ...]


def ov_circuit(
    model: Model,
    head: str | Address,
    tokens: Sequence[str | int] | None = None,
    k: int = 20,
    *,
    fold: bool = True,
    watch: Watch | None = None,
) -> TokenCircuit:
    """What a head adds to each token's logit for each token that it attends to with weight 1.

    W_E W_V W_O W_U; rows are the tokens attended to, columns the logits. A head that shares its
    values (GQA) has the W_V of its group. Biases, positions and what earlier layers write are left
    out, and so is a factor that the model puts on embeddings (Gemma).

    Args:
        model: from :func:`circuitboard.load`.
        head: such as ``"L3H7"``.
        tokens: texts of single tokens, or ids; the whole vocabulary unless given.
        k: how many of the largest and of the smallest entries.
        fold: with the gains of the norm before attention, of one after it, and of the final norm,
            and LayerNorm's centring; their scales, which depend on the input, are left out.
        watch: progress and cancelling.

    Raises:
        AddressError: it is no head; TargetError, PromptError: a token is none.
    """
    layer, which = head_place(model, head)
    ids = _ids(model, tokens)
    called = f"L{layer}H{which}", ("source", "logit"), notes(model, layer, "ov", fold)
    factors = ends_of(model, (layer, which), "ov", fold).over(ids)
    return _circuit(model, called, factors, ids, k, watch or Watch())


def qk_circuit(
    model: Model,
    head: str | Address,
    tokens: Sequence[str | int] | None = None,
    k: int = 20,
    *,
    fold: bool = True,
    offset: int = 0,
    watch: Watch | None = None,
) -> TokenCircuit:
    """How strongly a head attends from each token to each, before the softmax.

    W_E W_Q R W_K^T W_E^T, without the factor that attention puts on scores (1 / sqrt(d_head)), its
    soft-cap, and biases: that of the queries adds to a key whatever the query is, that of the keys
    makes no difference to the pattern. Rows are query tokens, columns key tokens. With rotary
    positions scores depend on the distance: R is the model's own rotation for a key ``offset``
    tokens before the query. Learned positions, ALiBi and what earlier layers write are left out.
    A head that shares its keys (GQA) has the W_K of its group.

    Args:
        model, head, tokens, k, watch: as in :func:`ov_circuit`.
        fold: with the gain of the norm before attention, LayerNorm's centring, and the gains of
            norms on queries and keys (Gemma 3, Qwen 3); their scales are left out.
        offset: how many tokens before the query the key lies.

    Raises:
        AddressError: it is no head; TargetError, PromptError: a token is none.
        ModelError: an offset in a model without rotary positions, or that cannot be applied.
    """
    layer, which = head_place(model, head)
    ids = _ids(model, tokens)
    called = f"L{layer}H{which}", ("query", "key"), notes(model, layer, "qk", fold, offset)
    factors = ends_of(model, (layer, which), "qk", fold, offset).over(ids)
    return _circuit(model, called, factors, ids, k, watch or Watch())


@dataclass(frozen=True)
class Ends:
    """A circuit over tokens, not multiplied out: (rows @ left) (columns @ right)^T [v, v].

    Attributes:
        rows, columns: [v, d], W_E or W_U: views.
        left, right: [d, e], float64.
    """

    rows: Float[Tensor, "v d"]
    left: Float[Tensor, "d e"]
    columns: Float[Tensor, "v d"]
    right: Float[Tensor, "d e"]

    def over(self, ids: tuple[int, ...] | None) -> Factors:
        """Over all tokens, or some."""
        return Factors(_over(self.rows, self.left, ids), _over(self.columns, self.right, ids))


def ends_of(
    model: Model, head: tuple[int, int], circuit: CircuitName, fold: bool, offset: int = 0
) -> Ends:
    """The circuit of a head (layer, head): see :func:`ov_circuit` and :func:`qk_circuit`."""
    if circuit == "ov":
        factors = ov(model, *head, fold)
        right = before_logits(model, factors.right, fold)
        return Ends(embedded(model), factors.left, unembedded(model), right)
    factors = qk(model, *head, fold, offset)
    return Ends(embedded(model), factors.left, embedded(model), factors.right)


def _ids(model: Model, tokens: Sequence[str | int] | None) -> tuple[int, ...] | None:
    if tokens is None:
        return None
    ids = tuple(t if isinstance(t, int) else model.single_token(t) for t in tokens)
    strange = [i for i in ids if not 0 <= i < model.facts.d_vocab]
    if strange or not ids:
        raise PromptError(
            f"{strange[0]} is no token id of {model.facts.name}." if strange else "No tokens.",
            f"Ids run from 0 to {model.facts.d_vocab - 1}.",
        )
    return ids


def _over(table: Tensor, columns: Tensor, ids: tuple[int, ...] | None) -> Tensor:
    """The rows of a vocabulary matrix, all or some, times a factor."""
    return along(table if ids is None else table[list(ids)], columns)


def notes(
    model: Model, layer: int, circuit: CircuitName, fold: bool, offset: int = 0
) -> tuple[str, ...]:
    """What a circuit over tokens holds and what it leaves out, in words."""
    folded = "norms' gains folded in, their scales left out"
    if model.facts.norm == "LN":
        folded = "norms' gains and centring folded in, their scales left out"
    left = "biases and positions left out"
    if circuit == "qk":
        left += "; no factor 1/sqrt(d_head)"
    said = [folded if fold else "norms left out", left]
    if circuit == "qk" and is_rotary(model, layer):
        said.append(f"rotated for a key {offset} tokens before the query")
    return tuple(said[model.facts.norm == "none" :])


def _circuit(
    model: Model,
    called: tuple[str, tuple[str, str], tuple[str, ...]],
    factors: Factors,
    ids: tuple[int, ...] | None,
    k: int,
    watch: Watch,
) -> TokenCircuit:
    name, axes, notes = called
    high, low = top_pairs(model, factors, k, watch, ids)
    matrix = None if ids is None else factors.dense()
    return TokenCircuit(name, axes, ids, matrix, high, low, notes)


@dataclass
class TopPairs:
    """The largest and the smallest entries seen so far, the furthest first."""

    high: list[Pair]
    low: list[Pair]


def top_pairs(
    model: Model,
    factors: Factors,
    k: int,
    watch: Watch,
    ids: tuple[int, ...] | None = None,
) -> tuple[list[Pair], list[Pair]]:
    """The k largest and the k smallest entries of a matrix over tokens, exactly."""
    found = TopPairs([], [])
    watch.check()
    for done in pair_steps(model, factors, k, found, ids):
        watch.progress(done, len(factors.left))
        watch.check()
    return found.high, found.low


def pair_steps(
    model: Model,
    factors: Factors,
    k: int,
    found: TopPairs,
    ids: tuple[int, ...] | None = None,
    block: int | None = None,
) -> Generator[int, None, None]:
    """As :func:`top_pairs`, block by block; yields the rows done.

    A running list of the best is kept; of each block of rows only those that beat its worst are
    sorted. Rows and columns come by length, the longest first: no entry exceeds the product of the
    two lengths, so that columns too short to beat the worst are not multiplied with at all.

    Args:
        block: entries of the matrix that are held at once.
    """
    left, right = (side.to(model.device, torch.float32) for side in (factors.left, factors.right))
    (left, rows, reach), (right, columns, lengths) = _by_length(left), _by_length(right)
    height, width = max(1, (block or BLOCK) // len(right)), len(right)
    best = [_Best(k, sign) for sign in (1.0, -1.0)]
    for start in range(0, len(left), height):
        worst = min(side.worst for side in best)
        # lengths fall: those that can still win come first; a little more, for rounding
        some = int((lengths * reach[start] * (1 + 1e-4) >= worst).sum())
        if some and k:
            entries = left[start : start + height] @ right[:some].T
            for side in best:
                side.see(entries, rows[start : start + height], columns, width)
            found.high, found.low = (
                [_pair(model, ids, at // width, at % width, x) for at, x in side.list()]
                for side in best
            )
        yield min(start + height, len(left))


def _by_length(matrix: Float[Tensor, "v r"]) -> tuple[Tensor, Tensor, Tensor]:
    """The rows by length, the longest first; where each was; and the lengths."""
    lengths, order = matrix.norm(dim=1).sort(descending=True, stable=True)
    return matrix[order], order, lengths


def _pair(model: Model, ids: tuple[int, ...] | None, i: int, j: int, value: float) -> Pair:
    row, column = (i, j) if ids is None else (ids[i], ids[j])
    return Pair(row, column, model.token_text(row), model.token_text(column), value)


class _Best:
    """The k entries seen that are furthest in one direction."""

    def __init__(self, k: int, sign: float) -> None:
        self.k, self.sign = k, sign
        self.values = torch.empty(0)
        self.places = torch.empty(0, dtype=torch.int64)

    @property
    def worst(self) -> float:
        """What an entry has to exceed in size; below everything while the list is not full."""
        return float(self.values[-1]) if len(self.values) == self.k else -float("inf")

    def see(self, block: Float[Tensor, "r c"], rows: Tensor, columns: Tensor, width: int) -> None:
        """Takes what is best of a block, whose rows and first columns are numbered so."""
        kept = torch.arange(len(block), device=block.device)
        if len(self.values) == self.k:
            furthest = block.amax(1) if self.sign > 0 else -block.amin(1)
            kept = kept[furthest > self.values[-1].to(block)]
        if not len(kept):
            return
        wide = block.shape[1]
        some = (block if len(kept) == len(block) else block[kept]).reshape(-1)
        top = some.topk(min(self.k, len(some)), largest=self.sign > 0)
        places = rows[kept[top.indices // wide]] * width + columns[top.indices % wide]
        values = torch.cat([self.values, self.sign * top.values.float().cpu()])
        places = torch.cat([self.places, places.cpu()])
        order = values.argsort(descending=True, stable=True)[: self.k]
        self.values, self.places = values[order], places[order]

    def list(self) -> list[tuple[int, float]]:
        return list(zip(self.places.tolist(), (self.sign * self.values).tolist(), strict=True))
