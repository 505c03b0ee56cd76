"""What the map's cables and the paths view ask for, and what they get."""

from __future__ import annotations

from typing import Literal

from circuitboard.wire.messages.base import Message


class PathsView(Message, frozen=True, tag="paths", tag_field="kind"):
    """Every edge into a part (``way`` "into") or out of it, each changed alone.

    Senders' values come from the contrast prompt; with ``zero``, or where there is none that fits,
    they are set to zero. With ``mlps`` the paths through MLPs in between are added.

    Reply arrays (float32): ``effect_now`` and ``effect_base`` [e], change of the metric for each
    edge of :attr:`PathsInfo.edges`; NaN until known, and where there is no metric.
    """

    part: str
    way: Literal["into", "from"] = "into"
    mlps: bool = False
    zero: bool = False


class PathsInfo(Message, frozen=True, tag="paths", tag_field="of"):
    """The edges, how they were changed, and why not by patching (empty where they can be)."""

    edges: list[str]
    how: Literal["patch", "zero"]
    metric: bool
    no_patch: str = ""
    hint: str = ""


class PathView(Message, frozen=True, tag="path", tag_field="kind"):
    """What could be done to the paths from one part to another: all choices at once.

    Reply arrays (float32): ``effect_now`` [c], change of the metric by each of
    :attr:`PathInfo.choices`, on top of all that is on except on these very edges; NaN until known,
    and where there is no metric.
    """

    sender: str
    receiver: str


class PathChoice(Message, frozen=True):
    """An intervention on an edge; ``input`` is "q", "k", "v", or empty for all there is."""

    edge: str
    how: Literal["patch", "zero"]
    input: str
    mlps: bool


class PathInfo(Message, frozen=True, tag="path", tag_field="of"):
    """The choices, and why patching is not among them (empty where it is)."""

    choices: list[PathChoice]
    metric: bool
    no_patch: str = ""
    hint: str = ""


class CablesView(Message, frozen=True, tag="cables", tag_field="kind"):
    """Effects of the edges in the list of interventions, for the map to say.

    Reply arrays (float32): ``alone_base`` [n], change of the metric with that line alone, for each
    of :attr:`CablesInfo.entries`; NaN until known, and where there is no metric.
    """


class CablesInfo(Message, frozen=True, tag="cables", tag_field="of"):
    """Ids of the lines of the list that are about edges, on or off, in their order."""

    entries: list[int]
