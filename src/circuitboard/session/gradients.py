"""Work with gradients: one pass after the other in the background, and kept."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.methods.contrast import Contrast
from circuitboard.methods.edge_attribution import EdgeAttribution, EdgeScores
from circuitboard.methods.edge_attribution import Method as EdgeMethod
from circuitboard.methods.integrated_gradients import IntegratedGradients, IntegratedSum
from circuitboard.methods.part_gradients import PartGradients, part_gradients
from circuitboard.session.background import Backlog, Sweep
from circuitboard.session.worker import Steps
from circuitboard.spec.address import Address
from circuitboard.spec.metric import Metric

T = TypeVar("T")

#: Points of a path that go through the model side by side: a click waits for one such pass.
TOGETHER = 4


@dataclass
class Pending(Generic[T]):
    """What a sweep will find; None until it is known."""

    found: T | None = None


@dataclass(frozen=True)
class Once(Generic[T]):
    """Something that takes one pass forward and one back.

    Attributes:
        name, label: as a :class:`Sweep` has them.
        key: what it depends on beside the weights.
    """

    name: str
    label: str
    key: Hashable
    compute: Callable[[], T]


def kept_once(backlog: Backlog, viewer: Hashable, engine: Engine, work: Once[T]) -> T | None:
    """The result; None until it is there."""
    epoch = engine.epoch

    def begin() -> Sweep[Pending[T]]:
        pending = Pending[T]()

        def steps() -> Steps:
            with engine.model.lock:
                if engine.epoch != epoch:
                    return
                pending.found = work.compute()
            yield 1

        return Sweep(work.name, work.label, 1, pending, steps())

    return backlog.get(viewer, (work.name, epoch, work.key), begin).found


def kept_parts(
    backlog: Backlog,
    viewer: Hashable,
    engine: Engine,
    metric: Metric,
    run: HeldRun,
    source: Tensor | None = None,
) -> PartGradients | None:
    """Attribution patching of every part of a run: to zero, or from the tokens ``source``."""
    end = "now" if len(run.interventions) else "baseline"
    theirs = None if source is None else tuple(source[0].tolist())
    onto = tuple(run.tokens[0].tolist())
    work = Once(
        f"gradient {end} {hash((onto, theirs))}",
        f"Gradient of the metric ({end})",
        (run.key, metric, theirs),
        lambda: part_gradients(engine, run, metric, source),
    )
    return kept_once(backlog, viewer, engine, work)


def kept_integrated(
    backlog: Backlog, viewer: Hashable, contrast: Contrast, path: tuple[Address, bool, int]
) -> IntegratedGradients | None:
    """Integrated gradients through (place, from zeros, steps), a few points at a time."""
    work = IntegratedSum(contrast, *path)
    label = "Integrated gradients"
    key = ("integrated", contrast.epoch, contrast.onto, contrast.source, contrast.metric, *path)

    def begin() -> Sweep[Pending[IntegratedGradients]]:
        pending = Pending[IntegratedGradients]()

        def finish() -> None:
            pending.found = work.found()

        steps = _locked(contrast, work.passes(TOGETHER), finish)
        return Sweep("integrated", label, work.total, pending, steps)

    return backlog.get(viewer, key, begin).found


def kept_edges(
    backlog: Backlog, viewer: Hashable, contrast: Contrast, method: EdgeMethod, steps: int
) -> EdgeAttribution | None:
    """Scores of all edges, a pass at a time."""
    key = ("edges", contrast.epoch, contrast.onto, contrast.source, contrast.metric, method, steps)

    def begin() -> Sweep[Pending[EdgeAttribution]]:
        pending = Pending[EdgeAttribution]()
        work = EdgeScores(contrast, method, steps)

        def finish() -> None:
            pending.found = work.found()

        passes = _locked(contrast, work.passes(), finish)
        return Sweep("edges", f"Gradients at all edges ({method})", work.total, pending, passes)

    return backlog.get(viewer, key, begin).found


def _locked(contrast: Contrast, passes: Steps, finish: Callable[[], None]) -> Steps:
    """The passes, each under the model's lock; ends early where the model has changed."""
    done, ended = 0, False
    while not ended:
        with contrast.model.lock:
            if contrast.engine.epoch != contrast.epoch:
                return
            try:
                done = next(passes)
            except StopIteration:
                finish()
                ended = True
        yield done
