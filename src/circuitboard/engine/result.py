"""What a run gave, as NumPy, computed when it is asked for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.metric import Judge, OwnMetric
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError
from circuitboard.spec.intervention import InterventionSet
from circuitboard.spec.metric import Metric
from circuitboard.spec.prompts import Prompt

Floats = NDArray[np.float32]


class Top(NamedTuple):
    """One likely next token."""

    text: str
    id: int
    probability: float
    logit: float


class RunResult:
    """One run of the model.

    Values are computed when asked for, by running one block again from the stored residual
    stream: nothing has to be kept beforehand.

    Attributes:
        prompts: the texts, or their token ids.
        interventions: what was done.
        plan: what was computed for this run, in words.
    """

    def __init__(
        self,
        engine: Engine,
        run: HeldRun,
        prompts: tuple[Prompt, ...],
        metric: Metric | OwnMetric | None = None,
        plan: str = "",
    ) -> None:
        self._engine = engine
        self._run = run
        self._metric = metric
        self._logits: Floats | None = None
        self.prompts = prompts
        self.plan = plan

    def __repr__(self) -> str:
        shown = "" if self._metric is None else f", metric={self.metric:.4f}"
        return f"RunResult({self.prompts[0]!r}, {list(self.interventions)}{shown}, {self.plan!r})"

    @property
    def interventions(self) -> InterventionSet:
        """What was done in this run."""
        return self._run.interventions

    @property
    def engine(self) -> Engine:
        """The engine that made it; methods read more of the run with it."""
        return self._engine

    @property
    def held(self) -> HeldRun:
        """The run as the engine keeps it."""
        return self._run

    @property
    def metric_kind(self) -> Metric | None:
        """What target and foil mean; None where none were given, or the metric is one's own."""
        return self._metric if isinstance(self._metric, Metric) else None

    @property
    def tokens(self) -> NDArray[np.int64]:
        """Token ids [b, p], padded on the right."""
        return self._run.tokens.cpu().numpy()

    @property
    def logits(self) -> Floats:
        """Logits [b, p, v], float32; behind the end of a shorter prompt they mean nothing."""
        if self._logits is None:
            place = Address("logits")
            with self._engine.model.lock:
                value = self._engine.read(self._run, [place])["logits"]
            self._logits = value.float().cpu().numpy()
        return self._logits

    @property
    def metric(self) -> float:
        """The metric, the mean over prompts. Raises ValueError where none was given."""
        return float(self.metrics.mean())

    @property
    def metrics(self) -> Floats:
        """The metric of each prompt, float32 [b]. Raises ValueError where none was given."""
        metric, engine, run = self._metric, self._engine, self._run
        if metric is None:
            raise ValueError("this run has no metric: give target= and foil=")
        with engine.model.lock:
            clean = None
            if isinstance(metric, Metric) and metric.kind == "KL divergence":
                clean = engine.last_logits(engine.baseline(run.tokens, run.lengths))
            judge = Judge(engine.model, metric, run.tokens, run.lengths, clean)
            return judge.run(engine, run).float().cpu().numpy()

    def __getitem__(self, address: str | Address) -> Floats:
        """The value of a place in this run, float32.

        The residual stream, attention and MLP outputs [b, p, d]; a head's output [b, p, d], its q,
        k, v, z [b, p, e], its scores and pattern [b, p, s]; a neuron or a norm's scale [b, p]; the
        MLP's pre and post [b, p, n]. With a position (``@-1``), only those positions. Behind the
        end of a shorter prompt the numbers mean nothing.

        Raises:
            AddressError: the model has no such place, or the prompts have more or fewer of these
                positions.
            StaleResultError: weights or hooks were changed since.
        """
        where = Address.parse(address)
        with self._engine.model.lock:
            value = self._engine.read(self._run, [where])[where.place].float().cpu().numpy()
        if where.position is None:
            return value
        picks = [where.position.indices(n) for n in self._run.lengths]
        counts = sorted({len(pick) for pick in picks})
        if len(counts) > 1:
            raise AddressError(
                f"@{where.position} means {counts[0]} to {counts[-1]} tokens in these prompts.",
                "Name positions that all have as many of, such as @-3:, or read the whole place.",
            )
        rows = [value[i, p.start : p.stop : p.step] for i, p in enumerate(picks)]
        return np.stack(rows)

    def top(self, k: int = 10, position: int = -1, prompt: int = 0) -> list[Top]:
        """The k most likely next tokens after a position of one prompt."""
        if position < 0:
            position += self._run.lengths[prompt]
        logits = self._engine.logits_at(self._run, position)[prompt]
        probabilities = logits.softmax(-1)
        best = logits.topk(min(k, logits.shape[-1])).indices.tolist()
        text = self._engine.model.token_text
        return [Top(text(i), i, float(probabilities[i]), float(logits[i])) for i in best]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": repr(self)}
