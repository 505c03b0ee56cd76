"""The weights of one part: circuits over tokens, and singular directions."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from circuitboard.methods import circuit_search as search
from circuitboard.methods import token_circuits
from circuitboard.methods.circuit_eigenvalues import copying_of
from circuitboard.methods.neurons import Words as MethodWords
from circuitboard.methods.singular import WeightPlace
from circuitboard.methods.token_circuits import Ends, Pair
from circuitboard.methods.weight_edits import ScaleDirection, matrix_of, same_target
from circuitboard.models import originals
from circuitboard.models.model import Model
from circuitboard.models.rotary import is_rotary
from circuitboard.models.seen import Lens, seeing
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
    WeightPairsInfo,
    WeightPairsView,
    WeightSvdInfo,
    WeightSvdView,
    Words,
)
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import QUICK, Painter, Scene

#: Pairs in each list.
PAIRS = 12
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
    for side in ("now", "loaded"):
        if view.side not in (side, "difference"):
            continue
        with seeing(_loaded(scene) if side == "loaded" else None):
            found.append(token_circuits.ends_of(model, head, view.circuit, view.fold, view.offset))
    return found


def _loaded(scene: Scene) -> Lens:
    """Sees the weights as they were at first."""
    ledger = ledger_of(scene.model)
    # nobody else has written: no files need be read
    return ledger.before if scene.engine.epoch == ledger.own else originals.first_lens(scene.model)


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
    values = found.eigenvalues
    if values is not None:
        scene.parcel.add("eigenvalues", torch.view_as_real(values).float().numpy())
    return WeightPairsInfo(
        high=pairs_sent(found.found.high),
        low=pairs_sent(found.found.low),
        done=found.done,
        total=found.total,
        copying=None if values is None else copying_of(values),
    )


def pairs_sent(pairs: Sequence[Pair]) -> list[TokenPair]:
    """Pairs as the screen shows them."""
    return [TokenPair(row=p.row_text, column=p.column_text, value=p.value) for p in pairs]


def paint_svd(view: WeightSvdView, scene: Scene) -> WeightSvdInfo:
    """Arrays as :class:`WeightSvdView` names them."""
    model, ledger = scene.model, ledger_of(scene.model)
    place = WeightPlace.parse(model, view.place)
    matrix = matrix_of(model, ScaleDirection(str(place), 0, 1.0, view.fold)).name

    def begin() -> Sweep[search.Directions]:
        found = search.Directions(place.sides)
        steps = search.direction_steps(
            model,
            found,
            lambda: place.factors(model, view.fold),
            view.rows,
            fold=view.fold,
            lens=ledger.before,
        )
        total = search.direction_total(model, place.sides)
        label = f"Singular directions of {place}"
        return Sweep("weight directions", label, total, found, steps, lasting=True)

    f = model.facts
    quick = f.d_vocab * f.d_model * view.rows * 2 + f.d_model**3 * 20 < QUICK
    key = ("weight directions", scene.engine.epoch - ledger.own, view)
    found = scene.backlog.get(view, key, begin, quick=quick)
    if found.values is not None:
        factors = np.ones(len(found.values), np.float32)
        for edit in ledger.edits:
            if isinstance(edit, ScaleDirection) and same_target(
                edit, ScaleDirection(str(place), edit.index, 1.0, view.fold)
            ):
                factors[edit.index] = edit.factor
        scene.parcel.add("values", found.values.float().numpy())
        scene.parcel.add("factors", factors)
    return WeightSvdInfo(
        place=str(place),
        sides=list(place.sides),
        directions=[
            WeightDirection(left=words_sent(left), right=words_sent(right))
            for left, right in found.words
        ],
        matrix=matrix,
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


MATRIX = Painter(paint_matrix, record=record_matrix, axes={"cells": ("row", "column")})
PAIRS_PAINTER = Painter(paint_pairs, record=record_pairs, axes={"eigenvalues": ("value", "part")})
SVD = Painter(
    paint_svd,
    record=record_svd,
    axes={"values": ("direction",), "factors": ("direction",)},
)
