"""The weights of one part: circuits over tokens, and singular directions."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from circuitboard.methods import circuit_search as search
from circuitboard.methods import token_circuits
from circuitboard.methods.circuit_eigenvalues import copying_of
from circuitboard.methods.factors import Factors
from circuitboard.methods.neurons import Words as MethodWords
from circuitboard.methods.neurons import neuron_scores, words_of
from circuitboard.methods.singular import WeightPlace
from circuitboard.methods.token_circuits import Ends, Pair
from circuitboard.methods.weight_edits import ScaleDirection, matrix_of, same_target
from circuitboard.models.model import Model
from circuitboard.models.rotary import is_rotary
from circuitboard.models.seen import seeing
from circuitboard.session.background import Sweep
from circuitboard.session.board import Board
from circuitboard.session.ledger import ledger_of
from circuitboard.spec.address import Address
from circuitboard.wire.messages import (
    ScoredWord,
    TokenPair,
    WeightDirection,
    WeightMatrixInfo,
    WeightMatrixView,
    WeightNeuronInfo,
    WeightNeuronView,
    WeightPairsInfo,
    WeightPairsView,
    WeightSvdInfo,
    WeightSvdView,
    Words,
)
from circuitboard.wire.painters import neuron, wanted
from circuitboard.wire.painters.scene import QUICK, Floats, Painter, Scene
from circuitboard.wire.painters.weight_sides import ends_of, lens_of, weights_of

#: Pairs in each list.
PAIRS = 12
#: Tokens at each end of a neuron's lists.
WORDS = 10
#: Tokens over which a matrix is shown at most.
TOKENS = 96


def paint_matrix(view: WeightMatrixView, scene: Scene) -> WeightMatrixInfo:
    """Arrays as :class:`WeightMatrixView` names them."""
    model = scene.model
    model.check(Address("head", view.layer, head=view.head))
    given = model.tokenize(view.text) if view.text else scene.board.tokens
    ids = tuple(dict.fromkeys(int(i) for i in given))[:TOKENS]
    ends = _ends(view, scene)
    cells = ends[0].over(ids).dense()
    if len(ends) > 1:
        cells = cells - ends[1].over(ids).dense()
    scene.parcel.add("cells", cells)
    said = token_circuits.notes(model, view.layer, view.circuit, view.fold, view.offset)
    return WeightMatrixInfo(
        tokens=[model.token_text(i) for i in ids],
        ids=list(ids),
        notes=list(said),
        rotary=is_rotary(model, view.layer),
        group=_group(model, view.layer, view.head),
    )


def _group(model: Model, layer: int, head: int) -> list[str]:
    size = model.facts.n_heads // model.facts.n_kv_heads
    first = head // size * size
    return [f"L{layer}H{h}" for h in range(first, first + size)]


def _ends(view: WeightMatrixView | WeightPairsView, scene: Scene) -> list[Ends]:
    """The circuit on the side that is shown; of a difference both, now first."""
    model, head = scene.model, (view.layer, view.head)
    found: list[Ends] = []
    for side in ends_of(view.side):
        with seeing(lens_of(scene, side)):
            found.append(token_circuits.ends_of(model, head, view.circuit, view.fold, view.offset))
    return found


def paint_pairs(view: WeightPairsView, scene: Scene) -> WeightPairsInfo:
    """Arrays as :class:`WeightPairsView` names them."""
    model, f = scene.model, scene.model.facts
    head = str(model.check(Address("head", view.layer, head=view.head)))
    parts = 2 if view.side == "difference" else 1
    total = search.search_total(model, parts)

    def begin() -> Sweep[search.Search]:
        found, ends = search.Search(f.d_vocab), _ends(view, scene)
        steps = search.search_steps(model, found, ends, PAIRS, eigen=view.circuit == "ov")
        label = f"{view.circuit.upper()} circuit of {head} over the vocabulary"
        return Sweep("weight pairs", label, total, found, steps, lasting=True)

    key = ("weight pairs", scene.engine.epoch, view)
    quick = f.d_vocab * (f.d_vocab + f.d_model) * f.d_head * parts < QUICK
    found = scene.backlog.get(view, key, begin, quick=quick)
    values = found.eigenvalues if len(found.eigenvalues) == parts else []
    for name, some in zip(("eigenvalues", "eigenvalues_loaded"), values, strict=False):
        scene.parcel.add(name, torch.view_as_real(some).float().numpy())
    return WeightPairsInfo(
        high=pairs_sent(found.found.high),
        low=pairs_sent(found.found.low),
        done=found.done,
        total=found.total,
        copying=copying_of(values[0]) if values else None,
        copying_loaded=copying_of(values[1]) if len(values) > 1 else None,
    )


def pairs_sent(pairs: Sequence[Pair]) -> list[TokenPair]:
    """Pairs as the screen shows them."""
    return [TokenPair(row=p.row_text, column=p.column_text, value=p.value) for p in pairs]


def paint_svd(view: WeightSvdView, scene: Scene) -> WeightSvdInfo:
    """Arrays as :class:`WeightSvdView` names them."""
    model, ledger = scene.model, ledger_of(scene.model)
    place = WeightPlace.parse(model, view.place)
    matrix = matrix_of(model, ScaleDirection(str(place), 0, 1.0, view.fold)).name
    # a board's own edits are told as factors: what they are of stays the same
    lens = ledger.before if view.side == "now" else lens_of(scene, "loaded")

    def factors() -> Factors:
        seen = place.factors(model, view.fold)
        if view.side != "difference":
            return seen
        with seeing(None):
            return place.factors(model, view.fold).minus(seen)

    def begin() -> Sweep[search.Directions]:
        found = search.Directions(place.sides)
        steps = search.direction_steps(model, found, factors, view.rows, fold=view.fold, lens=lens)
        total = search.direction_total(model, place.sides)
        label = f"Singular directions of {place}"
        return Sweep("weight directions", label, total, found, steps, lasting=True)

    f = model.facts
    quick = f.d_vocab * f.d_model * view.rows * 2 + f.d_model**3 * 20 < QUICK
    weights = weights_of(scene, "now" if view.side == "difference" else "loaded")
    key = ("weight directions", weights, view)
    found = scene.backlog.get(view, key, begin, quick=quick)
    if found.values is not None:
        scene.parcel.add("values", found.values.float().numpy())
        scene.parcel.add("factors", _factors(view, scene, str(place), len(found.values)))
    return WeightSvdInfo(
        place=str(place),
        sides=list(place.sides),
        directions=[
            WeightDirection(left=words_sent(left), right=words_sent(right))
            for left, right in found.words
        ],
        matrix=matrix,
    )


def _factors(view: WeightSvdView, scene: Scene, place: str, count: int) -> Floats:
    """What each singular value is multiplied by, [k]."""
    out = np.ones(count, np.float32)
    for edit in ledger_of(scene.model).edits if view.side == "now" else ():
        if isinstance(edit, ScaleDirection) and same_target(
            edit, ScaleDirection(place, edit.index, 1.0, view.fold)
        ):
            out[edit.index] = edit.factor
    return out


def paint_neuron(view: WeightNeuronView, scene: Scene) -> WeightNeuronInfo:
    """What :class:`WeightNeuronInfo` says."""
    model = scene.model
    place = model.check(Address("neuron", view.layer, neuron=view.neuron))
    found: list[list[Tensor]] = []
    for side in ends_of(view.side):
        with seeing(lens_of(scene, side)):
            found.append(neuron_scores(model, place))
    if len(found) > 1:
        found[0] = [now - loaded for now, loaded in zip(*found, strict=True)]
    words = words_of(model, found[0], WORDS)
    return WeightNeuronInfo(
        writes=words_sent(words.writes),
        reads=words_sent(words.reads),
        multiplies=None if words.multiplies is None else words_sent(words.multiplies),
    )


def words_sent(words: MethodWords) -> Words:
    """Words as the screen shows them."""
    high, low = (
        [ScoredWord(id=w.id, text=w.text, value=w.value) for w in end]
        for end in (words.high, words.low)
    )
    return Words(high=high, low=low)


# --- what a saved board has -------------------------------------------------------------------


def heads(board: Board) -> list[tuple[int, int]]:
    """The heads selected, the last one first, or else the strongest one."""
    chosen = len({a for a in board.selection if Address.parse(a).head is not None})
    return wanted.heads(board)[: max(1, chosen)]


def places(board: Board) -> list[str]:
    """Matrices of the parts selected, or of the strongest head."""
    found = wanted.selected(board, r"L(\d+)\.mlp")
    if board.model.has_part("mlp.post"):
        sides = ("in", "gate", "out") if board.model.facts.gated else ("in", "out")
        mlps = [f"L{one[1]}.mlp.{side}" for one in found for side in sides]
    else:
        mlps = []
    return [f"L{layer}H{h}.{kind}" for layer, h in heads(board) for kind in ("ov", "qk")] + mlps


def record_matrix(board: Board) -> list[WeightMatrixView]:
    """Both circuits of the heads selected over the prompt."""
    return [
        WeightMatrixView(layer=layer, head=head, circuit=kind)
        for layer, head in heads(board)
        for kind in ("ov", "qk")
    ]


def record_pairs(board: Board) -> list[WeightPairsView]:
    """Both circuits of the heads selected."""
    return [
        WeightPairsView(layer=layer, head=head, circuit=kind)
        for layer, head in heads(board)
        for kind in ("ov", "qk")
    ]


def record_svd(board: Board) -> list[WeightSvdView]:
    """All matrices of the parts selected."""
    return [WeightSvdView(place=place) for place in places(board)]


def record_neuron(board: Board) -> list[WeightNeuronView]:
    """Of the neurons selected, or of the strongest one."""
    chosen = wanted.selected(board, r"L(\d+)\.mlp\.n(\d+)")
    found = neuron.record(board)[: max(1, len(chosen))]
    return [WeightNeuronView(layer=view.layer, neuron=view.neuron) for view in found]


MATRIX = Painter(paint_matrix, record=record_matrix, axes={"cells": ("row", "column")})
PAIRS_PAINTER = Painter(paint_pairs, record=record_pairs, axes={"eigenvalues": ("value", "part")})
NEURON = Painter(paint_neuron, record=record_neuron)
SVD = Painter(
    paint_svd,
    record=record_svd,
    axes={"values": ("direction",), "factors": ("direction",)},
)
