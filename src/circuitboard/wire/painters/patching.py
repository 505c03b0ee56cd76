"""Activation patching between the board's two prompts: grids of places, patched one at a time."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuitboard.engine.held import HeldRun
from circuitboard.methods.attribution_patching import attribution_patching
from circuitboard.methods.patch_cells import Cells, cells, neuron_cells
from circuitboard.session.background import Sweep
from circuitboard.session.board import Board
from circuitboard.session.probes import Case, Probe, probe_effects
from circuitboard.session.worker import Steps
from circuitboard.spec.address import Address
from circuitboard.spec.errors import InterventionError, TargetError
from circuitboard.spec.intervention import InterventionSet, Patch, Source
from circuitboard.wire.messages import PatchingInfo, PatchingView
from circuitboard.wire.painters import wanted
from circuitboard.wire.painters.scene import Floats, Painter, Scene

#: Neurons of the largest estimate that are patched.
TOP = 64
#: Multiplications of one grid up to which a saved board has them all.
SOON = 20_000_000_000
#: Layers of heads by position that a saved board has, beside all at once.
LAYERS = 4
_WORDS = {
    "resid_pre": "the residual stream", "attn": "attention", "mlp": "MLPs", "head": "heads",
    "head position": "heads at each token", "q": "queries", "k": "keys", "v": "values",
    "pattern": "patterns", "neuron": "neurons",
}  # fmt: skip


@dataclass(frozen=True)
class _Pair:
    """The run that is patched, and where values come from: prompts and metrics."""

    run: HeldRun
    onto: str
    source: str
    begun: float
    theirs: float


def paint(view: PatchingView, scene: Scene) -> PatchingInfo:
    """The array as :class:`PatchingView` names it."""
    pair = _pair(view, scene)
    where, whole = _cells(view, scene, pair)
    patched = _swept(view, scene, pair, where)
    scene.parcel.add("patched", patched)
    return PatchingInfo(
        over=view.over,
        direction=view.direction,
        places=list(where.places),
        rows=list(where.rows),
        columns=where.columns,
        run=pair.begun,
        source=pair.theirs,
        done=int(np.isfinite(patched).sum()),
        whole=whole,
    )


def _pair(view: PatchingView, scene: Scene) -> _Pair:
    """Raises InterventionError or TargetError where there is nothing to compare."""
    outcome, question = scene.outcome, scene.outcome.question
    if not question.contrast:
        raise InterventionError(
            "Patching takes values from a second prompt.",
            "Give a contrast prompt below the prompt: best one that differs in a token.",
        )
    if outcome.baseline_value is None or outcome.contrast_value is None:
        raise TargetError("Patching needs a number to watch.", "Give a target token, and a foil.")
    tokens, lengths = scene.engine.encode(question.contrast)
    mine, theirs = outcome.baseline.lengths[0], lengths[0]
    if mine != theirs:
        raise InterventionError(
            f"The prompt has {mine} tokens, the contrast prompt {theirs}.",
            "A grid needs prompts of equal length. Single tokens can still be patched: click or "
            "drag one in the contrast row.",
        )
    ends = (outcome.baseline_value, outcome.contrast_value)
    if view.direction == "noising":
        return _Pair(outcome.baseline, question.prompt, question.contrast, *ends)
    other = scene.engine.baseline(tokens, lengths)
    return _Pair(other, question.contrast, question.prompt, *ends[::-1])


def _cells(view: PatchingView, scene: Scene, pair: _Pair) -> tuple[Cells, int]:
    """The places, and how many neurons they were chosen from."""
    layer = min(view.layer, scene.model.facts.n_layers - 1)
    if view.over != "neuron":
        one = layer if layer >= 0 else None
        return cells(scene.model, view.over, pair.run.lengths[0], one), 0
    scores = _estimates(view, scene, pair)
    if scores is None:
        return neuron_cells(max(0, layer), []), scene.model.facts.d_mlp
    order = np.argsort(-np.abs(scores[max(0, layer)]), kind="stable")
    return neuron_cells(max(0, layer), order[:TOP].tolist()), scores.shape[1]


@dataclass
class _Pending:
    scores: Floats | None = None


def _estimates(view: PatchingView, scene: Scene, pair: _Pair) -> Floats | None:
    """Attribution patching of every neuron [l, n]; None until it is known."""
    question, engine = scene.outcome.question, scene.engine
    scene.model.check(Address("mlp", 0))
    metric = scene.outcome.metric
    assert metric is not None

    def begin() -> Sweep[_Pending]:
        pending = _Pending()

        def steps() -> Steps:
            if engine.epoch == pair.run.epoch:
                pending.scores = attribution_patching(
                    scene.model, pair.source, pair.onto, metric.kind, over="neuron",
                    target=question.target, foil=question.foil, direction="denoising",
                ).scores  # fmt: skip
            yield 1

        label = "Gradient of the metric (neurons)"
        return Sweep(f"patching estimate {view.direction}", label, 1, pending, steps(), True)

    key = ("patching estimate", pair.source, pair.run.key, metric, engine.epoch)
    return scene.backlog.get(view, key, begin).scores


def _swept(view: PatchingView, scene: Scene, pair: _Pair, where: Cells) -> Floats:
    """The metric of each patched run [row, column]; NaN until known."""
    metric = scene.outcome.metric
    if metric is None or not where.places:
        return np.full((len(where.rows), 0), np.nan, np.float32)
    source = Source((pair.source,))
    sets = [InterventionSet((Patch(place, source),)) for place in reversed(where.places)]
    probe = Probe(
        f"patching {view.over} {view.direction}",
        f"Patching {_WORDS[view.over]} ({view.direction})",
        (pair.source, where.places),
        [Case(InterventionSet(), sets)],
        lasting=True,
    )
    # The last layers come first: they take the fewest blocks.
    changes = probe_effects(scene.backlog, view, scene.engine, metric, pair.run, probe)[0, ::-1]
    return (changes + np.float32(pair.begun)).reshape(where.shape)


def record(board: Board) -> list[PatchingView]:
    """Every grid in both directions where that is soon done, else the one shown first."""
    if not board.contrast or len(board.tokens) != len(board.contrast_tokens):
        return []
    has_mlp = board.model.has_part("mlp")
    plain = ["resid_pre", "attn", *(["mlp"] if has_mlp else []), "head", "q", "k", "v", "pattern"]
    layers = list(dict.fromkeys(layer for layer, _ in wanted.heads(board)))[:LAYERS]
    asked: list[tuple[str, int]] = [(over, -1) for over in plain]
    asked += [("head position", layer) for layer in layers]
    asked += [("neuron", layer) for layer in layers[:1] if has_mlp]
    f, width = board.model.facts, len(board.tokens)
    block = 4 * f.d_model * f.d_model + 3 * f.d_model * f.d_mlp
    if f.n_layers**2 * max(width, f.n_heads) * width * block > SOON:
        return [PatchingView()]
    return [
        PatchingView(over=over, direction=direction, layer=layer)  # pyright: ignore[reportArgumentType]
        for direction in ("noising", "denoising")
        for over, layer in asked
    ]


PAINTER = Painter(paint, record=record, axes={"patched": ("row", "column")})
