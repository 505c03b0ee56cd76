"""All views that the screen can show. A new view is a file of its own and a name here."""

from circuitboard.wire.messages.head import HeadView
from circuitboard.wire.messages.logits import LogitsInfo, LogitsView
from circuitboard.wire.messages.map import ClassesView, MapView

#: What a view asks for.
View = MapView | ClassesView | HeadView | LogitsView
#: What a view gets beside arrays.
Info = LogitsInfo
