"""What the views of gradients show, with all that it takes to measure the same exactly."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from circuitboard.engine.held import HeldRun
from circuitboard.engine.sweep import grid_places
from circuitboard.methods.contrast import Contrast, Direction
from circuitboard.methods.edge_attribution import EdgeAttribution, check_method
from circuitboard.methods.integrated_gradients import IntegratedGradients, checked_place
from circuitboard.methods.pattern_gradient import cells_of, moved, pattern_gradients, set_cell
from circuitboard.methods.saliency import saliency_of
from circuitboard.session.gradients import (
    Once,
    kept_edges,
    kept_integrated,
    kept_once,
    kept_parts,
)
from circuitboard.spec.address import Address
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet, Patch, Source, Zero
from circuitboard.spec.metric import Metric
from circuitboard.wire.painters.scene import Floats, Scene


class AskedWay(Protocol):
    """Where a view takes values from."""

    @property
    def contrast(self) -> bool: ...
    @property
    def direction(self) -> Direction: ...


class Asked(AskedWay, Protocol):
    """What most views have in common."""

    @property
    def what(self) -> str: ...


class AskedSteps(Protocol):
    """A view of an integrated method."""

    @property
    def what(self) -> str: ...
    @property
    def direction(self) -> Direction: ...
    @property
    def steps(self) -> int: ...


class AskedPath(Asked, AskedSteps, Protocol):
    """A view of integrated gradients."""

    @property
    def at(self) -> str: ...


@dataclass(frozen=True)
class Estimated:
    """Numbers for many places or edges of a run, and how each is measured.

    Attributes:
        names, values: of all of them, in one order.
        run, start: the run that is patched, and what is done to it already.
        change: what is done on top for one address; ``sign``: the exact number is that times the
            change of the metric.
    """

    names: Sequence[str]
    values: Floats
    run: HeldRun
    start: InterventionSet
    change: Callable[[str], AnyIntervention]
    sign: int = 1


def metric_of(scene: Scene) -> Metric:
    """The metric. Raises InterventionError where there is none."""
    if scene.outcome.metric is None:
        raise InterventionError("There is no metric.", "Name a target.")
    return scene.outcome.metric


def contrast_of(scene: Scene, direction: Direction) -> Contrast:
    """Prompt and contrast prompt. Raises InterventionError: there is none, or of another length."""
    question = scene.outcome.question
    if not question.contrast:
        raise InterventionError(
            "There is no contrast prompt to compare with.",
            'Give one below the prompt, or in Python: board.contrast = "...".',
        )
    pair = (question.prompt, question.contrast)
    return Contrast.between(scene.model, pair, metric_of(scene), direction)


def onto_run(
    scene: Scene, end: str, contrast: bool, direction: Direction
) -> tuple[HeldRun, InterventionSet, Contrast | None]:
    """The run that is patched, what is done to it, and where values come from (None: zeros)."""
    runs, start = dict(scene.ends), scene.wanted(end)
    if not contrast:
        return runs[end], start, None
    pair = contrast_of(scene, direction)
    if direction == "noising":
        return runs[end], start, pair
    tokens, lengths = scene.engine.encode(pair.onto)
    return scene.engine.run(tokens, lengths, start)[0], start, pair


# --- parts ----------------------------------------------------------------------------------------


def part_estimates(scene: Scene, viewer: Hashable, view: Asked, end: str) -> Floats:
    """[l, p], or [l, h] for heads; NaN until known."""
    run, _, pair = onto_run(scene, end, view.contrast, view.direction)
    source = None if pair is None else scene.engine.encode(pair.source)[0]
    found = kept_parts(scene.backlog, viewer, scene.engine, metric_of(scene), run, source)
    f = scene.model.facts
    if found is None:
        width = f.n_heads if view.what == "head" else run.lengths[0]
        return np.full((f.n_layers, width), np.nan, np.float32)
    return found.head.sum(-1) if view.what == "head" else getattr(found, view.what)


def estimated_parts(scene: Scene, viewer: Hashable, view: Asked, end: str) -> Estimated:
    """The same with their addresses."""
    run, start, pair = onto_run(scene, end, view.contrast, view.direction)
    over = "head" if view.what == "head" else view.what
    names, _ = grid_places(scene.model, over, run.lengths[0])  # pyright: ignore[reportArgumentType]
    values = part_estimates(scene, viewer, view, end).ravel()
    return Estimated(names, values, run, start, _change(pair))


def _change(pair: Contrast | None) -> Callable[[str], AnyIntervention]:
    if pair is None:
        return Zero
    origin = Source(pair.source)
    return lambda place: Patch(place, origin)


# --- tokens ---------------------------------------------------------------------------------------


def saliency_found(
    scene: Scene, viewer: Hashable, end: str, run: HeldRun, metric: Metric
) -> tuple[Floats, Floats] | None:
    """Norm and dot [p] of a run."""
    name = end if len(run.interventions) else "base"
    work = Once(
        f"saliency {name}",
        "Gradient at the embeddings",
        (run.key, metric),
        lambda: saliency_of(scene.engine, run, metric),
    )
    return kept_once(scene.backlog, viewer, scene.engine, work)


def path_found(scene: Scene, viewer: Hashable, view: AskedPath) -> IntegratedGradients | None:
    """Integrated gradients of the untouched model."""
    place = checked_place(scene.model, view.at, view.steps)
    if view.contrast:
        pair = contrast_of(scene, view.direction)
    else:
        prompt = scene.outcome.question.prompt
        pair = Contrast.between(scene.model, (prompt, prompt), metric_of(scene), "noising")
    path = (place, not view.contrast, view.steps)
    return kept_integrated(scene.backlog, viewer, pair, path)


def estimated_tokens(scene: Scene, viewer: Hashable, view: AskedPath, end: str) -> Estimated:
    """Numbers of tokens that estimate something: all but the gradient's length."""
    nothing = np.zeros(0, np.float32)
    if view.what == "integrated":
        found = path_found(scene, viewer, view)
        run, _, pair = onto_run(scene, "base", view.contrast, view.direction)
        names = [] if found is None else found.addresses
        values = nothing if found is None else found.flat
        sign = 1 if view.contrast else -1
        return Estimated(names, values, run, InterventionSet(), _change(pair), sign)
    if view.what != "dot":
        raise InterventionError(
            "The length of a gradient estimates nothing that could be measured.",
            "Take gradient times embedding, or integrated gradients.",
        )
    run = dict(scene.ends)[end]
    both = saliency_found(scene, viewer, end, run, metric_of(scene))
    values = nothing if both is None else both[1]
    names = [f"embed@{p}" for p in range(len(values))]
    return Estimated(names, values, run, scene.wanted(end), Zero, -1)


# --- edges ----------------------------------------------------------------------------------------


def edges_found(scene: Scene, viewer: Hashable, view: AskedSteps) -> EdgeAttribution | None:
    """Scores of all edges of the untouched model."""
    check_method(view.what, view.steps)
    pair = contrast_of(scene, view.direction)
    return kept_edges(scene.backlog, viewer, pair, view.what, view.steps)  # pyright: ignore[reportArgumentType]


def estimated_edges(scene: Scene, viewer: Hashable, view: AskedSteps) -> Estimated:
    """The same with their addresses."""
    found = edges_found(scene, viewer, view)
    run, _, pair = onto_run(scene, "base", True, view.direction)
    names: Sequence[str] = () if found is None else found.edges
    values = np.zeros(0, np.float32) if found is None else found.scores
    return Estimated(names, values, run, InterventionSet(), _change(pair))


# --- a head's pattern -----------------------------------------------------------------------------


@dataclass(frozen=True)
class PatternFound:
    """All [p, s]: the gradient by each weight, the pattern, and the other prompt's (or None)."""

    slope: Floats
    pattern: Floats
    other: Floats | None

    @property
    def estimates(self) -> Floats:
        """Gradient times pattern, or times what the weight changes by."""
        return moved(self.slope, self.pattern, self.other)


def head_pattern(scene: Scene, layer: int, head: int) -> Address:
    """A head's pattern. Raises AddressError where the model has no such head."""
    return scene.model.check(Address("head.pattern", layer, head=head))


def pattern_found(
    scene: Scene, viewer: Hashable, head: Address, view: AskedWay, end: str
) -> PatternFound | None:
    """The gradient by a head's pattern at one end; None until known."""
    run, _, pair = onto_run(scene, end, view.contrast, view.direction)
    engine, metric = scene.engine, metric_of(scene)

    def compute() -> PatternFound:
        slope, pattern = pattern_gradients(engine, run, metric, head)
        if pair is None:
            return PatternFound(slope, pattern, None)
        theirs = engine.baseline(*engine.encode(pair.source))
        other = engine.read(theirs, [head])[head.place][0].float().cpu().numpy()
        return PatternFound(slope, pattern, other)

    source = None if pair is None else pair.source
    work = Once(
        f"pattern gradient {end if len(run.interventions) else 'base'} {hash((head, source))}",
        f"Gradient by the pattern of {head.place.partition('.')[0]}",
        (run.key, metric, head, source),
        compute,
    )
    return kept_once(scene.backlog, viewer, engine, work)


def estimated_pattern(scene: Scene, viewer: Hashable, view: AskedPath, end: str) -> Estimated:
    """Every cell of the pattern of the head that ``view.at`` names, with its name."""
    place = Address.parse(view.at)
    head = head_pattern(scene, place.layer or 0, place.head or 0)
    found = pattern_found(scene, viewer, head, view, end)
    run, start, pair = onto_run(scene, end, view.contrast, view.direction)
    if found is None:
        nothing = np.zeros(0, np.float32)
        return Estimated([], nothing, run, start, Zero)
    names, values = cells_of(head, len(found.pattern)), found.estimates.ravel()

    def change(cell: str) -> AnyIntervention:
        return set_cell(cell, found.pattern, found.other)

    return Estimated(names, values, run, start, change, -1 if pair is None else 1)
