"""What the weights of parts have to do with each other, and which weights were edited."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from circuitboard.methods import circuit_search as search
from circuitboard.methods import composition as method
from circuitboard.methods.path_weights import PathWeights, path_weights
from circuitboard.methods.weight_edits import ZeroNeuron
from circuitboard.models import originals
from circuitboard.models.originals import WeightChange
from circuitboard.session.background import Sweep
from circuitboard.session.board import Board
from circuitboard.session.ledger import ledger_of
from circuitboard.session.worker import Steps
from circuitboard.spec.address import Address
from circuitboard.spec.errors import CircuitboardError
from circuitboard.wire.messages import (
    ChangedWeight,
    WeightCompositionInfo,
    WeightCompositionView,
    WeightEdge,
    WeightEditsInfo,
    WeightEditsView,
    WeightOverviewInfo,
    WeightOverviewView,
    WeightPathDirection,
    WeightPathInfo,
    WeightPathView,
)
from circuitboard.wire.painters.scene import QUICK, Floats, Painter, Scene
from circuitboard.wire.painters.weights import PAIRS, heads, pairs_sent, words_sent

#: Pairs of heads in the list of the strongest.
EDGES = 24
#: Heads whose every pair is sent.
MOST = 400
#: Directions of a path in words.
ROWS = 6
#: Draws of random heads, and what one costs: with the rest, whether it is done at once.
DRAWN = method.DRAWS * 40


@dataclass
class _Scores:
    """Plain ratios, NaN until known, and what random heads score, None until known."""

    scores: Floats
    random: float | None = None
    done: int = 0

    def less(self) -> Floats:
        """Scores less the random one, once that is known."""
        return self.scores - np.float32(np.nan if self.random is None else self.random)


def paint_composition(view: WeightCompositionView, scene: Scene) -> WeightCompositionInfo:
    """Arrays as :class:`WeightCompositionView` names them."""
    model, f = scene.model, scene.model.facts
    head = str(model.check(Address("head", view.layer, head=view.head)))

    def begin() -> Sweep[_Scores]:
        found = _Scores(np.full((3, f.n_layers, f.n_heads), np.nan, np.float32))
        place = (view.layer, view.head)
        inner = method.head_composition_steps(model, place, found.scores, fold=view.fold)

        def steps() -> Steps:
            yield from _drawn(scene, found)
            yield from _locked(scene, inner)

        label = f"Composition of {head}"
        return Sweep("composition", label, f.n_layers, found, steps(), lasting=True)

    work = f.d_model * f.d_head**2 * (DRAWN + 12 * f.n_layers * f.n_heads)
    key = ("composition", scene.engine.epoch, view)
    found = scene.backlog.get(view, key, begin, quick=work < QUICK)
    scene.parcel.add("scores", found.less())
    return WeightCompositionInfo(random=found.random)


def _drawn(scene: Scene, found: _Scores) -> Steps:
    """What random heads score, a step of nothing done for every few draws."""
    f = scene.model.facts
    for drawn in method.random_score_steps(f.d_model, f.d_head):
        yield 0
        found.random = drawn


def _locked(scene: Scene, steps: Steps) -> Steps:
    """Steps that read weights while nobody edits them, and end when somebody has."""
    epoch = scene.engine.epoch
    while True:
        with scene.model.lock:
            if scene.engine.epoch != epoch:
                return
            done = next(steps, None)
        if done is None:
            return
        yield done


def paint_overview(view: WeightOverviewView, scene: Scene) -> WeightOverviewInfo:
    """Arrays as :class:`WeightOverviewView` names them."""
    model, f = scene.model, scene.model.facts
    total = method.pair_count(model)

    def begin() -> Sweep[_Scores]:
        shape = (f.n_layers, f.n_heads, f.n_layers, f.n_heads)
        found = _Scores(np.full(shape, np.nan, np.float32))

        def steps() -> Steps:
            inner = method.composition_steps(model, view.mode, found.scores, fold=view.fold)
            yield from _drawn(scene, found)
            for done in _locked(scene, inner):
                found.done = done
                yield done

        label = f"{view.mode}-composition of all pairs of heads"
        return Sweep("all compositions", label, total, found, steps(), lasting=True)

    work = f.d_model * f.d_head**2 * (DRAWN + 2 * (f.n_layers * f.n_heads) ** 2)
    key = ("all compositions", scene.engine.epoch, view)
    found = scene.backlog.get(view, key, begin, quick=work < QUICK)
    count = f.n_layers * f.n_heads
    scores = found.less().reshape(count, count)
    if count <= MOST:
        scene.parcel.add("scores", scores)
    return WeightOverviewInfo(
        edges=_edges(scores, f.n_heads), random=found.random, done=found.done, total=total
    )


def _edges(scores: Floats, width: int) -> list[WeightEdge]:
    flat = np.where(np.isnan(scores), -np.inf, scores).ravel()
    some = min(EDGES, len(flat) - 1)
    top = np.argpartition(-flat, some)[:some] if some > 0 else np.array([], int)
    top = top[np.argsort(-flat[top], kind="stable")]

    def name(head: int) -> str:
        return f"L{head // width}H{head % width}"

    return [
        WeightEdge(
            earlier=name(int(i) // len(scores)),
            later=name(int(i) % len(scores)),
            score=float(flat[i]),
        )
        for i in top
        if np.isfinite(flat[i])
    ]


@dataclass
class _Path:
    weights: PathWeights
    directions: search.Directions
    pairs: search.Search


def paint_path(view: WeightPathView, scene: Scene) -> WeightPathInfo:
    """What :class:`WeightPathInfo` says."""
    model, f = scene.model, scene.model.facts
    key = ("weight path", scene.engine.epoch, view)

    def begin() -> Sweep[_Path]:
        weights = path_weights(model, view.path, fold=view.fold)
        found = _Path(weights, search.Directions(weights.sides), search.Search(f.d_vocab))
        ends = weights.ends(model, view.fold)

        def steps() -> Steps:
            first = 0
            inner = search.direction_steps(
                model, found.directions, lambda: weights.factors, ROWS, fold=view.fold
            )
            for first in _locked(scene, inner):
                yield first
            if ends is not None:
                for done in search.search_steps(model, found.pairs, [ends], PAIRS):
                    yield first + done

        total = search.direction_total(model, weights.sides)
        total += 0 if ends is None else search.search_total(model)
        label = f"Virtual weights along {view.path}"
        return Sweep("weight path", label, total, found, steps(), lasting=True)

    quick = f.d_vocab * (f.d_vocab + f.d_model) * f.d_head < QUICK
    found = scene.backlog.get(view, key, begin, quick=quick)
    values = [] if found.directions.values is None else found.directions.values.tolist()
    return WeightPathInfo(
        path=view.path,
        norm=found.weights.norm,
        relative=found.weights.relative,
        axes=list(found.weights.sides),
        high=pairs_sent(found.pairs.found.high),
        low=pairs_sent(found.pairs.found.low),
        directions=[
            WeightPathDirection(value=value, start=words_sent(start), end=words_sent(end))
            for value, (start, end) in zip(values, found.directions.words, strict=False)
        ],
        done=found.pairs.done,
        total=found.pairs.total if "neurons" not in found.weights.sides else 0,
    )


@dataclass
class _Changes:
    found: list[WeightChange] = field(default_factory=list[WeightChange])
    done: int = 0
    problem: CircuitboardError | None = None


def paint_edits(view: WeightEditsView, scene: Scene) -> WeightEditsInfo:
    """What :class:`WeightEditsInfo` says; nothing is compared where nothing was ever edited."""
    model, ledger = scene.model, ledger_of(scene.model)
    compared = scene.engine.epoch > 0 or bool(ledger.edits)
    total = sum(1 for _ in model.parameters()) if compared else 0

    # nobody else has written: what the boards did is all there is
    alone = scene.engine.epoch == ledger.own

    def begin() -> Sweep[_Changes]:
        kept, known = _Changes(), ledger.first() if alone else None

        def steps() -> Steps:
            try:
                for done in originals.change_steps(model, kept.found, known):
                    kept.done = done
                    yield done
            except CircuitboardError as error:
                kept.problem = error
            kept.done = total
            yield total

        label = "Comparing the weights with the loaded ones"
        return Sweep("weight changes", label, total, kept, steps(), lasting=True)

    found = _Changes(done=total)
    if compared:
        quick = alone or originals.weight_bytes(model) < 1 << 24
        found = scene.backlog.get(view, ("changes", scene.engine.epoch), begin, quick=quick)
    problem = found.problem
    return WeightEditsInfo(
        weights=[
            ChangedWeight(
                name=c.name,
                elements=c.elements,
                size=c.size,
                largest=c.largest,
                norm=c.norm,
                relative=c.relative,
            )
            for c in list(found.found)
        ],
        lines=[str(edit) for edit in ledger.edits],
        done=found.done,
        total=total,
        unknown="" if problem is None else problem.message,
        hint="" if problem is None else problem.hint,
        neurons=[edit.neuron for edit in ledger.edits if isinstance(edit, ZeroNeuron)],
    )


# --- what a saved board has -------------------------------------------------------------------


def record_composition(board: Board) -> list[WeightCompositionView]:
    """Of the heads selected."""
    return [WeightCompositionView(layer=layer, head=head) for layer, head in heads(board)]


def record_overview(board: Board) -> list[WeightOverviewView]:
    """By what each later head reads."""
    return [WeightOverviewView(mode=mode) for mode in ("K", "Q", "V")]


def record_path(board: Board) -> list[WeightPathView]:
    """Through the parts selected, by each input of the last one."""
    found: list[tuple[int, bool, str]] = []
    for place in (Address.parse(a) for a in board.selection if "->" not in a):
        layer = place.layer or 0
        if place.head is not None:
            found.append((layer, False, f"L{layer}H{place.head}"))
        elif place.part.startswith("mlp") or place.neuron is not None:
            found.append((layer, True, f"L{layer}.mlp"))
    found.sort(key=lambda part: part[:2])
    parts = list(dict.fromkeys(name for _, _, name in found))
    if len(parts) < 2:
        return []
    path = "->".join(parts)
    ends = [""] if found[-1][1] else [".k", ".q", ".v"]
    return [WeightPathView(path=f"{path}{end}") for end in ends]


def record_edits(board: Board) -> list[WeightEditsView]:
    """Once."""
    return [WeightEditsView()]


COMPOSITION = Painter(
    paint_composition, record=record_composition, axes={"scores": ("mode", "layer", "head")}
)
OVERVIEW = Painter(paint_overview, record=record_overview, axes={"scores": ("earlier", "later")})
PATH = Painter(paint_path, record=record_path)
EDITS = Painter(paint_edits, record=record_edits)
