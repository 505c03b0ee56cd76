"""Gradients of the metric: at tokens, parts, edges, and at a head's pattern."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import itertools

import msgspec
import numpy as np

from circuitboard.engine.metric import evaluate
from circuitboard.session.board import Board
from circuitboard.wire import messages as m
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.estimates import (
    edges_found,
    head_pattern,
    onto_run,
    part_estimates,
    path_found,
    pattern_found,
    saliency_found,
)
from circuitboard.wire.painters.scene import Painter, Scene

#: How the board asks, as a line of Python.
_ASK = "target=board.target, foil=board.foil, metric=board.metric_name"
#: Heads whose patterns' gradients are recorded for a saved board.
_HEADS = 2
#: What a grid of parts can be over.
PARTS_SHOWN = ("resid_pre", "attn", "mlp", "head")


def paint_tokens(view: m.TokenGradientsView, scene: Scene) -> m.TokenGradientsInfo:
    """Arrays as :class:`TokenGradientsView` names them."""
    metric, info = scene.outcome.metric, m.TokenGradientsInfo(metric=False, python="")
    if metric is None:
        return info
    info = msgspec.structs.replace(info, metric=True, python=_token_line(view))
    if view.what == "integrated":
        found = path_found(scene, view, view)
        scores = np.zeros(0, np.float32) if found is None else found.scores
        for end, _ in scene.ends:
            scene.parcel.add(f"values_{end}", scores)
        if found is None:
            return info
        total = float(scores.sum(dtype=np.float64))
        ends = {"start": found.start, "end": found.end, "total": total, "gap": found.gap}
        return msgspec.structs.replace(info, **ends)
    for end, run in scene.ends:
        both = saliency_found(scene, view, end, run, metric)
        index = 0 if view.what == "norm" else 1
        scores = np.zeros(0, np.float32) if both is None else both[index]
        scene.parcel.add(f"values_{end}", scores)
    return info


def _token_line(view: m.TokenGradientsView) -> str:
    if view.what != "integrated":
        return f"cb.token_saliency(model, board.prompt, {_ASK}).{view.what}"
    other = f'board.contrast, direction="{view.direction}"' if view.contrast else "None"
    place = f'at="{view.at}", steps={view.steps}'
    head, *rest = other.split(", ", 1)
    given = ", ".join(["model, board.prompt", head, *rest, place, _ASK])
    return f"cb.integrated_gradients({given})"


def paint_parts(view: m.PartGradientsView, scene: Scene) -> m.PartGradientsInfo:
    """Arrays as :class:`PartGradientsView` names them."""
    metric = scene.outcome.metric
    if metric is None:
        return m.PartGradientsInfo(metric=False, python="")
    begun: dict[str, float] = {}
    for end, _ in scene.ends:
        run, _, _ = onto_run(scene, end, view.contrast, view.direction)
        scene.parcel.add(f"scores_{end}", part_estimates(scene, view, view, end))
        begun[end] = float(evaluate(metric, scene.engine.last_logits(run)).mean())
    if view.contrast:
        way = f'board.contrast, over="{view.what}", direction="{view.direction}"'
        line = f"cb.attribution_patching(model, board.prompt, {way}, {_ASK})"
    else:
        way = f'over="{view.what}"'
        line = f"-cb.gradient_times_activation(model, board.prompt, {way}, {_ASK}).scores"
    return m.PartGradientsInfo(
        metric=True, python=line, start_now=begun["now"], start_base=begun["base"]
    )


def paint_edges(view: m.EdgeGradientsView, scene: Scene) -> m.EdgeGradientsInfo:
    """Arrays as :class:`EdgeGradientsView` names them."""
    line = (
        f'cb.edge_attribution(model, board.prompt, board.contrast, method="{view.what}", '
        f'direction="{view.direction}", steps={view.steps}, {_ASK})'
    )
    info = m.EdgeGradientsInfo(
        metric=scene.outcome.metric is not None, python=line, addresses=[], count=0, share=0.0
    )
    found = edges_found(scene, view, view) if info.metric else None
    if found is None:
        scene.parcel.add("scores", np.zeros(0, np.float32))
        return info
    top = found.top(max(1, min(view.top, 1000)))
    scene.parcel.add("scores", np.array([score for _, score in top], np.float32))
    sizes = np.abs(found.scores, dtype=np.float64)
    held = sum(abs(score) for _, score in top)
    return msgspec.structs.replace(
        info,
        addresses=[address for address, _ in top],
        count=len(sizes),
        share=held / float(sizes.sum()) if sizes.any() else 0.0,
    )


def paint_pattern(view: m.PatternGradientView, scene: Scene) -> m.PatternGradientInfo:
    """Arrays as :class:`PatternGradientView` names them."""
    head = head_pattern(scene, view.layer, view.head)
    metric = scene.outcome.metric is not None
    for end, run in scene.ends:
        found = pattern_found(scene, view, head, view, end) if metric else None
        blank = np.full((run.lengths[0], run.lengths[0]), np.nan, np.float32)
        scene.parcel.add(f"gradient_{end}", blank if found is None else found.slope)
        scene.parcel.add(f"product_{end}", blank if found is None else found.estimates)
    given = f'model, board.prompt, "L{view.layer}H{view.head}"'
    if view.contrast:
        given += f', board.contrast, direction="{view.direction}"'
    return m.PatternGradientInfo(
        metric=metric, python=f"cb.pattern_attribution({given}, {_ASK}).scores"
    )


# --- a saved board --------------------------------------------------------------------------------


def _sources(board: Board) -> list[tuple[bool, str]]:
    """From the contrast prompt, where there is one of that length, then to zero."""
    text = board.question.contrast
    there = bool(text) and len(board.contrast_tokens) == len(board.tokens)
    both = [(True, "noising"), (True, "denoising")] if there else []
    return [*both, (False, "noising")]


def record_tokens(board: Board) -> list[m.TokenGradientsView]:
    """Saliency, and integrated gradients through the embedding."""
    views = [m.TokenGradientsView(what="dot"), m.TokenGradientsView(what="norm")]
    integrated = [
        m.TokenGradientsView(what="integrated", contrast=contrast, direction=way)  # pyright: ignore[reportArgumentType]
        for contrast, way in _sources(board)
    ]
    return [*views, *integrated]


def record_parts(board: Board) -> list[m.PartGradientsView]:
    """Every grid that the model has."""
    model = board.model
    kinds = [kind for kind in PARTS_SHOWN if kind == "head" or model.has_part(kind)]
    return [
        m.PartGradientsView(what=kind, contrast=contrast, direction=way)  # pyright: ignore[reportArgumentType]
        for (contrast, way), kind in itertools.product(_sources(board), kinds)
    ]


def record_edges(board: Board) -> list[m.EdgeGradientsView]:
    """Those of two methods, where there is a contrast prompt."""
    if not _sources(board)[0][0]:
        return []
    return [m.EdgeGradientsView(what="eap"), m.EdgeGradientsView(what="eap-ig-inputs")]


def record_pattern(board: Board) -> list[m.PatternGradientView]:
    """The heads that are looked at first."""
    return [
        m.PatternGradientView(layer=a, head=b, contrast=contrast, direction=way)  # pyright: ignore[reportArgumentType]
        for (a, b), (contrast, way) in itertools.product(
            wanted.heads(board)[:_HEADS], _sources(board)
        )
    ]


TOKENS = Painter(paint_tokens, record=record_tokens, axes={"values": ("position",)})
PARTS = Painter(paint_parts, record=record_parts, axes={"scores": ("layer", "place")})
EDGES = Painter(paint_edges, record=record_edges, axes={"scores": ("edge",)})
PATTERN = Painter(
    paint_pattern,
    record=record_pattern,
    axes=dict.fromkeys(("gradient", "product"), ("destination", "source")),
)
