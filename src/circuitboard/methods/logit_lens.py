"""The logit lens: what the model would say if it stopped after each layer.

Source: nostalgebraist, "interpreting GPT: the logit lens" (2020). The model's own final norm,
unembedding, unembedding bias and logit soft-cap are applied to the residual stream at every layer
and position, with the norm's scale that of the residual at hand. The last row is the model's own
output: there the run's interventions on the final norm and the logits count too, and what edges
into the logits add; the rows before it know nothing of these.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.result import RunResult
from circuitboard.engine.sites import TAIL
from circuitboard.methods.stream import stream_at, stream_places
from circuitboard.spec.address import Address

Floats = NDArray[np.float32]

#: Logits that are held at once, at most.
BUDGET = 1 << 23


@dataclass
class Lens:
    """What the lens shows for one prompt: r places by p positions. NaN (-1 in ``ids``): not yet.

    Attributes:
        places: addresses of the rows, from the embedding upwards.
        positions: token positions of the columns.
        tokens: token ids that are followed (t of them).
        ids: [r, p, k], the k most likely tokens. ``probabilities``: [r, p, k], theirs.
        logits, log_probs: [t, r, p] of the tokens followed (after the soft-cap; nats).
        ranks: [t, r, p], 1 for the most likely token.
    """

    places: list[str]
    positions: list[int]
    tokens: list[int]
    ids: NDArray[np.int32]
    probabilities: Floats
    logits: Floats
    log_probs: Floats
    ranks: Floats
    _rows: list[Address] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every cell is known."""
        return bool((self.ids >= 0).all())


@dataclass(frozen=True)
class Known:
    """A lens of another run of the same prompt: what is equal in both is taken from it."""

    run: HeldRun
    lens: Lens


def new_lens(
    engine: Engine,
    places: Sequence[Address],
    positions: Sequence[int],
    tokens: Sequence[int] = (),
    k: int = 5,
) -> Lens:
    """A lens with nothing in it yet."""
    r, p, t = len(places), len(positions), len(tokens)
    k = max(1, min(k, engine.model.facts.d_vocab))

    def blank(*shape: int) -> Floats:
        return np.full(shape, np.nan, np.float32)

    return Lens(
        places=[place.place for place in places],
        positions=list(positions),
        tokens=list(tokens),
        ids=np.full((r, p, k), -1, np.int32),
        probabilities=blank(r, p, k),
        logits=blank(t, r, p),
        log_probs=blank(t, r, p),
        ranks=blank(t, r, p),
        _rows=list(places),
    )


def fill(
    engine: Engine, run: HeldRun, lens: Lens, prompt: int = 0, known: Known | None = None
) -> Generator[int, None, None]:
    """Fills a lens in, the last place first; yields how many cells are done after each batch.

    At most ``BUDGET`` logits are held at once. What is equal in a known lens is copied.
    """
    done = 0
    for cells in _batches(engine, lens):
        if engine.epoch != run.epoch:
            return
        with engine.model.lock:
            left = _copied(engine, run, lens, prompt, known, cells)
            if left:
                _note(lens, left, _logits(engine, run, lens, prompt, left))
        done += len(cells)
        yield done


Cells = list[tuple[int, int]]


def _batches(engine: Engine, lens: Lens) -> Generator[Cells, None, None]:
    """Cells (row, column) in batches: the last row by itself, others together where they fit."""
    facts = engine.model.facts
    most = max(1, min(facts.n_ctx, BUDGET // facts.d_vocab))
    columns = range(len(lens.positions))
    waiting: Cells = []
    for row in reversed(range(len(lens.places))):
        cells = [(row, column) for column in columns]
        if waiting and len(waiting) + len(cells) > most:
            yield waiting
            waiting = []
        waiting += cells
        while len(waiting) > most:
            yield waiting[:most]
            waiting = waiting[most:]
        if row == len(lens.places) - 1 and waiting:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _copied(
    engine: Engine, run: HeldRun, lens: Lens, prompt: int, known: Known | None, cells: Cells
) -> Cells:
    """Copies the cells whose residuals are equal in a known run; the rest."""
    if known is None or known.run is run or _tail_differs(run):
        return cells
    left: Cells = []
    for row, column in cells:
        place, position = lens._rows[row], lens.positions[column]
        if known.lens.ids[row, column, 0] >= 0 and _equal(
            stream_at(engine, run, place), stream_at(engine, known.run, place), prompt, position
        ):
            lens.ids[row, column] = known.lens.ids[row, column]
            lens.probabilities[row, column] = known.lens.probabilities[row, column]
            for name in ("logits", "log_probs", "ranks"):
                getattr(lens, name)[:, row, column] = getattr(known.lens, name)[:, row, column]
        else:
            left.append((row, column))
    return left


def _equal(a: Tensor, b: Tensor, prompt: int, position: int) -> bool:
    return a is b or torch.equal(a[prompt, position], b[prompt, position])


def _tail_differs(run: HeldRun) -> bool:
    tail = any(i.edge is None and i.address.part in TAIL for i in run.interventions)
    return tail or run.whole or run.tail_shift is not None


def _logits(engine: Engine, run: HeldRun, lens: Lens, prompt: int, cells: Cells) -> Tensor:
    """[cells, v] of one batch."""
    last = len(lens.places) - 1
    end = Address("resid_post", engine.model.facts.n_layers - 1)
    if lens._rows[last] == end and all(row == last for row, _ in cells):
        columns = [lens.positions[column] for _, column in cells]
        if run.whole or any(i.address.part in TAIL for i in run.interventions):
            return engine.read(run, [Address("logits")])["logits"][prompt, columns].float()
        return engine.tail(run.shifted[prompt, columns])
    residuals = torch.stack(
        [
            stream_at(engine, run, lens._rows[row])[prompt, lens.positions[column]]
            for row, column in cells
        ]
    )
    return engine.tail(residuals)


def _note(lens: Lens, cells: Cells, logits: Float[Tensor, "c v"]) -> None:
    """Takes top tokens and the followed tokens' numbers out of the logits of some cells."""
    rows, columns = (list(part) for part in zip(*cells, strict=True))
    total = logits.logsumexp(-1, keepdim=True)
    top = logits.topk(lens.ids.shape[-1])
    lens.ids[rows, columns] = top.indices.cpu().numpy()
    lens.probabilities[rows, columns] = (top.values - total).exp().cpu().numpy()
    for i, token in enumerate(lens.tokens):
        own = logits[:, token]
        lens.logits[i, rows, columns] = own.cpu().numpy()
        lens.log_probs[i, rows, columns] = (own - total[:, 0]).cpu().numpy()
        lens.ranks[i, rows, columns] = ((logits > own[:, None]).sum(-1) + 1).cpu().numpy()


def logit_lens(
    result: RunResult,
    tokens: Sequence[str] = (),
    *,
    middle: bool = False,
    k: int = 5,
    prompt: int = 0,
) -> Lens:
    """What the model would say if it stopped after each layer, at every position of a prompt.

    Args:
        result: from :func:`circuitboard.run`, ``board.result`` or ``board.baseline``.
        tokens: tokens to follow: their logit, log-probability and rank in every cell.
        middle: also between attention and MLP of each layer.
        k: how many of the most likely tokens to name in each cell.
        prompt: which prompt of the run.

    Raises:
        TargetError: a text is not one token.
        StaleResultError: weights or hooks were changed since the run.
    """
    engine, run = result.engine, result.held
    places = stream_places(engine.model, middle=middle)
    ids = [engine.model.single_token(text) for text in tokens]
    lens = new_lens(engine, places, range(run.lengths[prompt]), ids, k)
    engine.check_fresh(run)
    for _ in fill(engine, run, lens, prompt):
        pass
    return lens
