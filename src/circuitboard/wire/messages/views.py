"""All views that the screen can show. A new view is a file of its own and a name here."""

from circuitboard.wire.messages.circuit import CircuitInfo, CircuitView
from circuitboard.wire.messages.gradients import (
    EdgeGradientsInfo,
    EdgeGradientsView,
    GradientAuditInfo,
    GradientAuditView,
    PartGradientsInfo,
    PartGradientsView,
    PatternGradientInfo,
    PatternGradientView,
    TokenGradientsInfo,
    TokenGradientsView,
)
from circuitboard.wire.messages.head import (
    HeadEvidenceInfo,
    HeadEvidenceView,
    HeadGalleryInfo,
    HeadGalleryView,
    HeadInfo,
    HeadLineView,
    HeadTokensInfo,
    HeadTokensView,
    HeadView,
)
from circuitboard.wire.messages.logits import (
    LogitGridInfo,
    LogitGridView,
    LogitsInfo,
    LogitsView,
    TrajectoryInfo,
    TrajectoryView,
    WaterfallInfo,
    WaterfallView,
)
from circuitboard.wire.messages.map import ClassesView, MapView
from circuitboard.wire.messages.mlp import MlpInfo, MlpView, NeuronInfo, NeuronView
from circuitboard.wire.messages.norm import (
    NormDirectionsInfo,
    NormDirectionsView,
    NormInfo,
    NormView,
)
from circuitboard.wire.messages.own import OwnInfo, OwnView
from circuitboard.wire.messages.patching import PatchingInfo, PatchingView
from circuitboard.wire.messages.paths import (
    CablesInfo,
    CablesView,
    PathInfo,
    PathsInfo,
    PathsView,
    PathView,
)
from circuitboard.wire.messages.residual import (
    DecompositionInfo,
    DecompositionView,
    EmbeddingInfo,
    EmbeddingView,
    LensInfo,
    LensView,
    StreamInfo,
    StreamView,
)
from circuitboard.wire.messages.steering import SteeringInfo, SteeringView
from circuitboard.wire.messages.weights import (
    WeightCompositionInfo,
    WeightCompositionView,
    WeightEditsInfo,
    WeightEditsView,
    WeightMatrixInfo,
    WeightMatrixView,
    WeightNeuronInfo,
    WeightNeuronView,
    WeightOverviewInfo,
    WeightOverviewView,
    WeightPairsInfo,
    WeightPairsView,
    WeightPathInfo,
    WeightPathView,
    WeightSvdInfo,
    WeightSvdView,
)

#: What a view asks for.
View = (
    HeadView
    | HeadLineView
    | HeadGalleryView
    | HeadTokensView
    | HeadEvidenceView
    | LogitsView
    | LogitGridView
    | WaterfallView
    | TrajectoryView
    | MapView
    | ClassesView
    | MlpView
    | NeuronView
    | NormView
    | NormDirectionsView
    | OwnView
    | PatchingView
    | PathsView
    | PathView
    | CablesView
    | CircuitView
    | LensView
    | StreamView
    | DecompositionView
    | EmbeddingView
    | SteeringView
    | EdgeGradientsView
    | GradientAuditView
    | PartGradientsView
    | PatternGradientView
    | TokenGradientsView
    | WeightCompositionView
    | WeightEditsView
    | WeightMatrixView
    | WeightNeuronView
    | WeightOverviewView
    | WeightPairsView
    | WeightPathView
    | WeightSvdView
)
#: What a view gets beside arrays.
Info = (
    HeadInfo
    | HeadGalleryInfo
    | HeadTokensInfo
    | HeadEvidenceInfo
    | LogitsInfo
    | LogitGridInfo
    | WaterfallInfo
    | TrajectoryInfo
    | MlpInfo
    | NeuronInfo
    | NormInfo
    | NormDirectionsInfo
    | OwnInfo
    | PatchingInfo
    | PathsInfo
    | PathInfo
    | CablesInfo
    | CircuitInfo
    | LensInfo
    | StreamInfo
    | DecompositionInfo
    | EmbeddingInfo
    | SteeringInfo
    | EdgeGradientsInfo
    | GradientAuditInfo
    | PartGradientsInfo
    | PatternGradientInfo
    | TokenGradientsInfo
    | WeightCompositionInfo
    | WeightEditsInfo
    | WeightMatrixInfo
    | WeightNeuronInfo
    | WeightOverviewInfo
    | WeightPairsInfo
    | WeightPathInfo
    | WeightSvdInfo
)
