"""The evidence behind a head's class: its pattern on repeated random tokens, and what it copies.

Scores of the pattern on ``[BOS] r_1 .. r_T r_1 .. r_T`` as ARENA 2.0 (chapter 1, part 2) defines
them: previous-token the mean of the diagonal -1, duplicate-token of -T, induction of -(T-1), and
first-token the mean of column 0. A plain mean over a diagonal takes queries of the first copy in:
a perfect induction head scores a little less than 1.

Copying as Wang 2022 ("Interpretability in the Wild") measures it: the stream after block 0 at a
token (for a head of block 0, its embedding) goes through the head's norm, W_V and W_O as if the
head looked at that token alone, then the final norm and the unembedding; the score is the share of
tokens that come out among the five highest logits, or the five lowest for negative copying.
"""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.held import HeldRun
from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError
from circuitboard.spec.intervention import InterventionSet

Floats = NDArray[np.float32]
ScoreName = Literal["previous", "duplicate", "induction", "first"]

#: Longest repeat: longer ones say no more, and do not fit on screen.
LONGEST = 24
#: How many tokens of the vocabulary copying is measured on, at most.
SAMPLE = 256
#: Tokens in one step of that.
STEP = 32
SHOWN = 8
TOP = 5


@dataclass(frozen=True)
class Score:
    """One score of the pattern.

    Attributes:
        name: ``previous``, ``duplicate``, ``induction`` or ``first``.
        value: the mean of what it is about, 0 to 1.
        offset: the diagonal that it averages over (source minus destination); None for column 0.
    """

    name: ScoreName
    value: float
    offset: int | None


@dataclass(frozen=True)
class Copied:
    """One token that was put in, and the token whose logit came out highest."""

    token: int
    top: int
    rank: int


@dataclass
class Copying:
    """What a head copies, of the tokens tried so far.

    Attributes:
        tried: how many tokens; wanted: how many there will be.
        top1, top5: how many came out first, or among the first five.
        bottom5: how many came out among the last five.
        examples: the tokens whose own logit came out highest, best rank first.
    """

    wanted: int
    tried: int = 0
    top1: int = 0
    top5: int = 0
    bottom5: int = 0
    examples: list[Copied] = field(default_factory=list[Copied])

    def share(self, count: int) -> float:
        """A count as a share of what was tried; NaN before the first."""
        return count / self.tried if self.tried else float("nan")


@dataclass
class HeadEvidence:
    """The evidence for one head.

    Attributes:
        head: its address.
        period: T, the length of the repeated part.
        tokens: [p] token ids, p = 2T + 1.
        pattern: [p, s] attention, row = destination; empty until the model has run.
        scores: of that pattern.
        copying: see :class:`Copying`.
    """

    head: str
    period: int
    tokens: NDArray[np.int64]
    copying: Copying
    pattern: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    scores: list[Score] = field(default_factory=list[Score])


def repeats(model: Model, *, period: int | None = None, seed: int = 0) -> NDArray[np.int64]:
    """``[BOS] r r``: token ids [2T + 1], r drawn without special tokens, each once if they suffice.

    A model without a BOS token begins with its end-of-text token, or else with token 0.
    """
    most = (model.facts.n_ctx - 1) // 2
    size = max(2, min(LONGEST if period is None else period, most))
    pool = _ordinary(model)
    rng = np.random.default_rng(seed)
    drawn = rng.choice(pool, size, replace=len(pool) < size)
    given = (model.tokenizer.bos_token_id, model.tokenizer.eos_token_id, 0)
    first = next(i for i in given if i is not None)
    return np.concatenate([[first], drawn, drawn]).astype(np.int64)


def _ordinary(model: Model) -> NDArray[np.int64]:
    special = set(model.tokenizer.all_special_ids)
    known = min(model.facts.d_vocab, len(model.tokenizer))
    return np.array([i for i in range(known) if i not in special] or [0], np.int64)


def pattern_scores(pattern: Floats) -> list[Score]:
    """The four scores of a pattern [p, p] on ``[BOS] r r``, p = 2T + 1."""
    period = (len(pattern) - 1) // 2
    offsets: dict[ScoreName, int] = {"previous": -1, "duplicate": -period, "induction": 1 - period}
    scores = [Score(n, float(np.diagonal(pattern, o).mean()), o) for n, o in offsets.items()]
    return [*scores, Score("first", float(pattern[:, 0].mean()), None)]


def head_evidence(
    model: Model, head: str, *, period: int | None = None, seed: int = 0
) -> HeadEvidence:
    """The evidence for one head's class, of the model as it is, with nothing done to it.

    Args:
        model: from :func:`circuitboard.load`.
        head: such as ``"L1H0"``.
        period: T; at most 24, and at most what the context holds twice, unless given.
        seed: of the random tokens.

    Raises AddressError where the model has no such head.
    """
    engine = engine_of(model)
    with model.lock:
        engine.refresh()
    found, steps = begin(engine, Address.parse(head), period=period, seed=seed)
    for _ in steps:
        pass
    return found


def begin(
    engine: Engine, head: Address, *, period: int | None = None, seed: int = 0
) -> tuple[HeadEvidence, Generator[int, None, None]]:
    """Evidence that fills in, and the steps that fill it, yielding how many are done."""
    model = engine.model
    model.check(head)
    if head.layer is None or head.part != "head":
        raise AddressError(f"{head} is not a head.", "Write for example L2H1.")
    tokens = repeats(model, period=period, seed=seed)
    pool = _ordinary(model)
    rng = np.random.default_rng(seed)
    tried = pool if len(pool) <= SAMPLE else rng.choice(pool, SAMPLE, replace=False)
    found = HeadEvidence(head.place, (len(tokens) - 1) // 2, tokens, Copying(len(tried)))
    return found, _steps(engine, head, found, tried)


def steps_of(found: HeadEvidence) -> int:
    """How many steps fill the evidence in."""
    return 1 + -(-found.copying.wanted // STEP)


def _steps(
    engine: Engine, head: Address, found: HeadEvidence, tried: NDArray[np.int64]
) -> Generator[int, None, None]:
    epoch = engine.epoch
    with engine.model.lock:
        ids = torch.from_numpy(found.tokens)[None].to(engine.model.device)
        run, _ = engine.run(ids, [ids.shape[1]], InterventionSet(), hold=False)
        place = Address("head.pattern", head.layer, head=head.head)
        found.pattern = engine.read(run, [place])[place.place][0].float().cpu().numpy()
    found.scores = pattern_scores(found.pattern)
    yield 1
    for step, start in enumerate(range(0, len(tried), STEP)):
        with engine.model.lock:
            if engine.epoch != epoch:
                return
            some = torch.from_numpy(tried[start : start + STEP]).to(engine.model.device)
            _count(found.copying, some, copied_logits(engine, head, some))
        yield 2 + step


def copied_logits(engine: Engine, head: Address, tokens: Tensor) -> Tensor:
    """Logits [n, v] that a head writes, looking at each of some tokens [n] alone.

    The final norm is applied to the head's output itself; biases of W_V are in, others are not.
    """
    model, layer = engine.model, head.layer
    assert layer is not None
    assert head.head is not None
    first = int(repeats(model, period=2)[0])
    ids = torch.stack([torch.full_like(tokens, first), tokens], dim=1)
    lengths = [2] * len(tokens)
    run, _ = engine.run(ids, lengths, InterventionSet(), hold=False)
    moved = HeldRun(ids, lengths, InterventionSet(), engine.epoch)
    moved.streams = [run.stream(min(1, layer))] * (layer + 1)
    place = Address("head.v", layer, head=head.head)
    value = engine.read(moved, [place])[place.place][:, 1].float()
    out = value @ model.output_weights(layer)[head.head].detach().float()
    after = model.post_gain(layer, "ln1_post")
    if after is not None:
        out = out * after
    out = _normed(model, out)
    gain = model.final_gain()
    if gain is not None:
        out = out * gain
    matrix = model.unembedding()
    return (out.to(matrix.dtype) @ matrix.T).float()


def _normed(model: Model, out: Tensor) -> Tensor:
    """Centred where the final norm centres, at root mean square 1: no rank depends on its size."""
    if model.facts.norm == "LN" and model.has_part("ln_final"):
        out = out - out.mean(-1, keepdim=True)
    return out / out.pow(2).mean(-1, keepdim=True).sqrt().clamp_min(1e-20)


def _count(found: Copying, tokens: Tensor, logits: Tensor) -> None:
    own = logits.gather(1, tokens[:, None])
    above = (logits > own).sum(1)
    below = (logits < own).sum(1)
    found.tried += len(tokens)
    found.top1 += int((above == 0).sum())
    found.top5 += int((above < TOP).sum())
    found.bottom5 += int((below < TOP).sum())
    best = logits.argmax(1)
    rows = zip(tokens.tolist(), best.tolist(), (above + 1).tolist(), strict=True)
    found.examples += [Copied(*row) for row in rows]
    found.examples = sorted(found.examples, key=lambda c: (c.rank, c.token))[:SHOWN]
