"""Work over a whole vocabulary, step by step: pairs of a circuit, singular directions in words."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from circuitboard.methods.circuit_eigenvalues import ROWS, along_steps, eigenvalues
from circuitboard.methods.factors import Factors, before_logits, embedded, unembedded
from circuitboard.methods.neurons import Words
from circuitboard.methods.singular import Side, far, signs
from circuitboard.methods.token_circuits import Ends, TopPairs, pair_steps
from circuitboard.models.model import Model
from circuitboard.models.seen import Lens, seeing

Steps = Generator[int, None, None]

#: Entries of a matrix over the vocabulary in one step: a click waits for no more.
BLOCK = 1 << 22
#: Tokens or neurons at each end of a direction.
WORDS = 6


@dataclass
class Search:
    """The search for the furthest entries of a circuit over the vocabulary, and how far it is.

    Attributes:
        eigenvalues: of each circuit where they are OV's, complex [e], once they are known.
        total: rows of the matrix.
    """

    total: int
    done: int = 0
    found: TopPairs = field(default_factory=lambda: TopPairs([], []))
    eigenvalues: list[Tensor] = field(default_factory=list[Tensor])


def search_steps(
    model: Model, search: Search, ends: Sequence[Ends], k: int, *, eigen: bool = False
) -> Steps:
    """Fills a search in; yields how many of :func:`search_total` steps are done.

    Args:
        ends: one circuit, or two whose difference is meant, the second subtracted.
        eigen: also the eigenvalues of each circuit.
    """
    done, sides = 0, ([], [])
    for sign, one in zip((1.0, -1.0), ends, strict=False):
        products: list[Tensor] = []
        for table, columns in ((one.rows, one.left), (one.columns, one.right)):
            blocks: list[Tensor] = []
            for block in along_steps(table, columns):
                blocks.append(block)
                done += 1
                yield done
            products.append(torch.cat(blocks))
        sides[0].append(sign * products[0])
        sides[1].append(products[1])
        if eigen:
            search.eigenvalues.append(eigenvalues(Factors(*products)))
    factors = Factors(torch.cat(sides[0], 1), torch.cat(sides[1], 1))
    yield from pairs_of(model, search, factors, k, done)


def pairs_of(model: Model, search: Search, factors: Factors, k: int, done: int) -> Steps:
    """The search itself, once both sides are known over the vocabulary."""
    for rows in pair_steps(model, factors, k, search.found, block=BLOCK):
        search.done = rows
        done += 1
        yield done


def search_total(model: Model, ends: int = 1) -> int:
    """How many steps :func:`search_steps` takes."""
    v = model.facts.d_vocab
    return 2 * ends * -(-v // ROWS) + pair_total(model)


def pair_total(model: Model, rows: int | None = None) -> int:
    """How many steps :func:`pairs_of` takes."""
    v = model.facts.d_vocab
    return -(-(v if rows is None else rows) // max(1, BLOCK // v))


@dataclass
class Directions:
    """Singular directions of a matrix, and how they are called, as far as is known.

    Attributes:
        values: all singular values, the largest first, float64 [k].
        words: of the first of them, the left and the right end each.
    """

    sides: tuple[Side, Side]
    values: Tensor | None = None
    words: list[tuple[Words, Words]] = field(default_factory=list[tuple[Words, Words]])


def direction_steps(
    model: Model,
    found: Directions,
    factors: Callable[[], Factors],
    rows: int,
    *,
    fold: bool,
    lens: Lens | None = None,
) -> Steps:
    """Fills directions in as :func:`circuitboard.svd` has them; yields the steps done.

    Args:
        factors: gives the matrix.
        rows: how many directions are put in words.
        lens: the weights that are decomposed; the model's own where None.
    """
    with model.lock, seeing(lens):
        values, left, right = (matrix := factors()).svd(min(matrix.shape))
    yield 1
    done, said = 1, list[Tensor]()
    vectors = (left[:, :rows], right[:, :rows])
    for side, some in zip(found.sides, vectors, strict=True):
        blocks: list[Tensor] = []
        for block in _side_steps(model, side, some, fold, lens):
            blocks.append(block)
            done += 1
            yield done
        said.append(torch.cat(blocks))
    sign = signs(said[1])
    found.words = [
        (
            far(model, found.sides[0], sign[i] * said[0][:, i], WORDS),
            far(model, found.sides[1], sign[i] * said[1][:, i], WORDS),
        )
        for i in range(vectors[0].shape[1])
    ]
    found.values = values
    yield done + 1


def _side_steps(
    model: Model, side: Side, vectors: Tensor, fold: bool, lens: Lens | None
) -> Generator[Tensor, None, None]:
    if side == "neurons":
        yield vectors.float()
        return
    with model.lock, seeing(lens):
        ends = (
            (unembedded(model), before_logits(model, vectors, fold))
            if side == "writes"
            else (embedded(model), vectors)
        )
    yield from along_steps(*ends)


def direction_total(model: Model, sides: tuple[Side, Side]) -> int:
    """How many steps :func:`direction_steps` takes."""
    blocks = -(-model.facts.d_vocab // ROWS)
    return 2 + sum(1 if side == "neurons" else blocks for side in sides)
