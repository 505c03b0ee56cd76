"""Computes what each visible view draws: one file, and one line here, for each kind of view."""

from __future__ import annotations

from circuitboard.models.model import Model
from circuitboard.spec.address import Address
from circuitboard.wire import messages as m
from circuitboard.wire.codec import Buffers
from circuitboard.wire.painters import (
    circuit,
    decomposition,
    gradient_audit,
    gradients,
    head,
    head_evidence,
    head_gallery,
    head_tokens,
    lens,
    logits,
    map,
    mlp,
    neuron,
    norm,
    own,
    patching,
    paths,
    steering,
    stream,
    weight_relations,
    weights,
)
from circuitboard.wire.painters.scene import Painter, Scene

PAINTERS: dict[type, Painter] = {
    m.CablesView: paths.CABLES,
    m.CircuitView: circuit.PAINTER,
    m.ClassesView: map.CLASSES,
    m.DecompositionView: decomposition.DECOMPOSITION,
    m.EdgeGradientsView: gradients.EDGES,
    m.EmbeddingView: stream.EMBEDDING,
    m.GradientAuditView: gradient_audit.PAINTER,
    m.HeadEvidenceView: head_evidence.PAINTER,
    m.HeadGalleryView: head_gallery.PAINTER,
    m.HeadLineView: head.LINE,
    m.HeadTokensView: head_tokens.PAINTER,
    m.HeadView: head.PAINTER,
    m.LensView: lens.LENS,
    m.LogitGridView: lens.LOGIT_GRID,
    m.LogitsView: logits.PAINTER,
    m.MapView: map.PAINTER,
    m.MlpView: mlp.PAINTER,
    m.NeuronView: neuron.PAINTER,
    m.NormDirectionsView: norm.DIRECTIONS,
    m.NormView: norm.PAINTER,
    m.OwnView: own.PAINTER,
    m.PatchingView: patching.PAINTER,
    m.SteeringView: steering.PAINTER,
    m.PartGradientsView: gradients.PARTS,
    m.PatternGradientView: gradients.PATTERN,
    m.PathView: paths.PATH,
    m.PathsView: paths.PAINTER,
    m.StreamView: stream.STREAM,
    m.TokenGradientsView: gradients.TOKENS,
    m.TrajectoryView: lens.TRAJECTORY,
    m.WaterfallView: decomposition.WATERFALL,
    m.WeightCompositionView: weight_relations.COMPOSITION,
    m.WeightEditsView: weight_relations.EDITS,
    m.WeightMatrixView: weights.MATRIX,
    m.WeightNeuronView: weights.NEURON,
    m.WeightOverviewView: weight_relations.OVERVIEW,
    m.WeightPairsView: weights.PAIRS_PAINTER,
    m.WeightPathView: weight_relations.PATH,
    m.WeightSvdView: weights.SVD,
}


def needs(view: m.View, model: Model) -> list[Address]:
    """Places that a view reads in the run now, those that the model has."""
    found = PAINTERS[type(view)].needs(view, model)
    return [address for address in found if model.has(address)]


def paint(view: m.View, scene: Scene) -> tuple[m.ViewData, Buffers]:
    """Data of one view. Raises CircuitboardError where the model has no such part."""
    info = PAINTERS[type(view)].paint(view, scene)
    parcel = scene.parcel
    data = m.ViewData(view=view, revision=scene.outcome.revision, arrays=parcel.arrays, info=info)
    return data, parcel.buffers


__all__ = ["PAINTERS", "Painter", "Scene", "needs", "paint"]
