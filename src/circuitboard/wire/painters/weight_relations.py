"""What the weights of parts have to do with each other, and which weights were edited."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from circuitboard.methods import circuit_search as search
from circuitboard.methods import composition as method
from circuitboard.methods.path_weights import PathWeights, path_weights
from circuitboard.methods.token_circuits import Ends
from circuitboard.methods.weight_edits import ZeroNeuron
from circuitboard.models import originals
from circuitboard.models.originals import WeightChange
from circuitboard.models.seen import Lens, seeing
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
from circuitboard.wire.painters.weight_sides import One, ends_of, lens_of, weights_of
from circuitboard.wire.painters.weights import PAIRS, heads, pairs_sent, words_sent

#: Pairs of heads in the list of the strongest.
EDGES = 24
#: Heads whose every pair is sent.
MOST = 400
#: Directions of a path in words.
ROWS = 6
#: Draws of random heads, and what one costs: with the rest, whether it is done at once.
DRAWN = method.DRAWS * 40
#: What labels of work say of a side.
_SAID = {"now": "", "loaded": " as loaded"}


@dataclass
class _Scores:
    """Plain ratios, NaN until known, and what random heads score, None until known."""

    scores: Floats
    random: float | None = None
    done: int = 0


def _shown(found: Sequence[_Scores]) -> Floats:
    """Scores less the random one, once that is known; of two sides the difference."""
    first, *others = found
    random = np.nan if first.random is None else first.random
    less = others[0].scores if others else np.float32(random)
    return first.scores - less


def paint_composition(view: WeightCompositionView, scene: Scene) -> WeightCompositionInfo:
    """Arrays as :class:`WeightCompositionView` names them."""
    scene.model.check(Address("head", view.layer, head=view.head))
    found = [_of_head(view, scene, side) for side in ends_of(view.side)]
    scene.parcel.add("scores", _shown(found))
    return WeightCompositionInfo(random=found[0].random)


def _of_head(view: WeightCompositionView, scene: Scene, side: One) -> _Scores:
    model, f = scene.model, scene.model.facts
    place = (view.layer, view.head)

    def begin() -> Sweep[_Scores]:
        found = _Scores(np.full((3, f.n_layers, f.n_heads), np.nan, np.float32))
        lens = lens_of(scene, side)
        inner = method.head_composition_steps(model, place, found.scores, fold=view.fold)

        def steps() -> Steps:
            yield from _drawn(scene, found)
            yield from _locked(scene, inner, side, lens)

        label = f"Composition of L{view.layer}H{view.head}{_SAID[side]}"
        return Sweep(f"composition {side}", label, f.n_layers, found, steps(), lasting=True)

    work = f.d_model * f.d_head**2 * (DRAWN + 12 * f.n_layers * f.n_heads)
    key = ("composition", weights_of(scene, side), place, view.fold)
    return scene.backlog.get(view, key, begin, quick=work < QUICK)


def _drawn(scene: Scene, found: _Scores) -> Steps:
    """What random heads score, a step of nothing done for every few draws."""
    f = scene.model.facts
    for drawn in method.random_score_steps(f.d_model, f.d_head):
        yield 0
        found.random = drawn


def _locked(scene: Scene, steps: Steps, side: One = "now", lens: Lens | None = None) -> Steps:
    """Steps that read a side's weights while nobody edits them, and end when somebody has."""
    begun = weights_of(scene, side)
    while True:
        with scene.model.lock, seeing(lens):
            if weights_of(scene, side) != begun:
                return
            done = next(steps, None)
        if done is None:
            return
        yield done


def paint_overview(view: WeightOverviewView, scene: Scene) -> WeightOverviewInfo:
    """Arrays as :class:`WeightOverviewView` names them."""
    f, total = scene.model.facts, method.pair_count(scene.model)
    found = [_of_all(view, scene, side) for side in ends_of(view.side)]
    count = f.n_layers * f.n_heads
    scores = _shown(found).reshape(count, count)
    if count <= MOST:
        scene.parcel.add("scores", scores)
    return WeightOverviewInfo(
        edges=_edges(scores, f.n_heads, sized=view.side == "difference"),
        random=found[0].random,
        done=min(one.done for one in found),
        total=total,
    )


def _of_all(view: WeightOverviewView, scene: Scene, side: One) -> _Scores:
    model, f = scene.model, scene.model.facts
    total = method.pair_count(model)

    def begin() -> Sweep[_Scores]:
        shape = (f.n_layers, f.n_heads, f.n_layers, f.n_heads)
        found, lens = _Scores(np.full(shape, np.nan, np.float32)), lens_of(scene, side)

        def steps() -> Steps:
            inner = method.composition_steps(model, view.mode, found.scores, fold=view.fold)
            yield from _drawn(scene, found)
            for done in _locked(scene, inner, side, lens):
                found.done = done
                yield done

        label = f"{view.mode}-composition of all pairs of heads{_SAID[side]}"
        return Sweep(f"all compositions {side}", label, total, found, steps(), lasting=True)

    work = f.d_model * f.d_head**2 * (DRAWN + 2 * (f.n_layers * f.n_heads) ** 2)
    key = ("all compositions", weights_of(scene, side), view.mode, view.fold)
    return scene.backlog.get(view, key, begin, quick=work < QUICK)


def _edges(scores: Floats, width: int, *, sized: bool = False) -> list[WeightEdge]:
    """The highest scores, or with ``sized`` the largest whatever their sign."""
    ranked = np.abs(scores) if sized else scores
    flat = np.where(np.isnan(scores), -np.inf, ranked).ravel()
    some = min(EDGES, len(flat) - 1)
    top = np.argpartition(-flat, some)[:some] if some > 0 else np.array([], int)
    top = top[np.argsort(-flat[top], kind="stable")]

    def name(head: int) -> str:
        return f"L{head // width}H{head % width}"

    return [
        WeightEdge(
            earlier=name(int(i) // len(scores)),
            later=name(int(i) % len(scores)),
            score=float(scores.ravel()[i]),
        )
        for i in top
        if np.isfinite(flat[i]) and (flat[i] > 0 or not sized)
    ]


@dataclass
class _Path:
    weights: PathWeights
    directions: search.Directions
    pairs: search.Search
    loaded: PathWeights | None = None


def paint_path(view: WeightPathView, scene: Scene) -> WeightPathInfo:
    """What :class:`WeightPathInfo` says."""
    model, f = scene.model, scene.model.facts
    key = ("weight path", scene.engine.epoch, view)

    def begin() -> Sweep[_Path]:
        weights, ends = _path_sides(view, scene)
        found = _Path(weights[0], search.Directions(weights[0].sides), search.Search(f.d_vocab))
        if len(weights) > 1:
            found.weights, found.loaded = weights[0].minus(weights[1]), weights[1]

        def steps() -> Steps:
            first = 0
            inner = search.direction_steps(
                model, found.directions, lambda: found.weights.factors, ROWS, fold=view.fold
            )
            for first in _locked(scene, inner):
                yield first
            if ends:
                for done in search.search_steps(model, found.pairs, ends, PAIRS):
                    yield first + done

        total = search.direction_total(model, weights[0].sides)
        total += search.search_total(model, len(ends)) if ends else 0
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
        relative_loaded=None if found.loaded is None else found.loaded.relative,
    )


def _path_sides(view: WeightPathView, scene: Scene) -> tuple[list[PathWeights], list[Ends]]:
    """A path on each side that is shown; and over tokens, where both its ends are."""
    weights: list[PathWeights] = []
    found: list[Ends] = []
    for side in ends_of(view.side):
        with seeing(lens_of(scene, side)):
            weights.append(path_weights(scene.model, view.path, fold=view.fold))
            ends = weights[-1].ends(scene.model, view.fold)
            found += [] if ends is None else [ends]
    return weights, found


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
