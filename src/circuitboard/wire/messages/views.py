"""All views that the screen can show. A new view is a file of its own and a name here."""

from circuitboard.wire.messages.head import HeadView
from circuitboard.wire.messages.logits import LogitsInfo, LogitsView
from circuitboard.wire.messages.map import MapView
from circuitboard.wire.messages.mlp import MlpInfo, MlpView, NeuronInfo, NeuronView
from circuitboard.wire.messages.norm import (
    NormDirectionsInfo,
    NormDirectionsView,
    NormInfo,
    NormView,
)

#: What a view asks for.
View = MapView | HeadView | LogitsView | MlpView | NeuronView | NormView | NormDirectionsView
#: What a view gets beside arrays.
Info = LogitsInfo | MlpInfo | NeuronInfo | NormInfo | NormDirectionsInfo
