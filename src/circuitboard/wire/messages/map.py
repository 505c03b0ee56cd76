"""What the map asks for."""

from __future__ import annotations

from typing import Literal

from circuitboard.wire.messages.base import Message

Measure = Literal["attribution", "norm", "effect"]


class MapView(Message, frozen=True, tag="map", tag_field="kind"):
    """The architecture map, coloured by one measure at the metric's position.

    Reply arrays (float32): ``heads_now`` and ``heads_base`` [l, h], ``mlp_now`` and ``mlp_base``
    [l], ``embed_now`` and ``embed_base`` [1], ``resid_now`` and ``resid_base`` [2l+1] (norms of
    the residual stream before each sublayer and at the end). NaN marks a part that does not
    exist or is not computed yet. ``effect`` fills in live while its sweep runs.
    """

    measure: Measure = "attribution"
