"""All views that the screen can show. A new view is a file of its own and a name here."""

from circuitboard.wire.messages.head import HeadView
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
from circuitboard.wire.messages.map import MapView
from circuitboard.wire.messages.own import OwnInfo, OwnView
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

#: What a view asks for.
View = (
    MapView
    | HeadView
    | LogitsView
    | LogitGridView
    | WaterfallView
    | TrajectoryView
    | LensView
    | StreamView
    | DecompositionView
    | EmbeddingView
    | OwnView
)
#: What a view gets beside arrays.
Info = (
    LogitsInfo
    | LogitGridInfo
    | WaterfallInfo
    | TrajectoryInfo
    | LensInfo
    | StreamInfo
    | DecompositionInfo
    | EmbeddingInfo
    | OwnInfo
)
