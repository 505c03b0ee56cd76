"""All views that the screen can show. A new view is a file of its own and a name here."""

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
from circuitboard.wire.messages.logits import LogitsInfo, LogitsView
from circuitboard.wire.messages.map import MapView

#: What a view asks for.
View = (
    MapView
    | HeadView
    | HeadLineView
    | HeadGalleryView
    | HeadTokensView
    | HeadEvidenceView
    | LogitsView
)
#: What a view gets beside arrays.
Info = HeadInfo | HeadGalleryInfo | HeadTokensInfo | HeadEvidenceInfo | LogitsInfo
