"""What the map asks for."""

from __future__ import annotations

from typing import Literal

from circuitboard.wire.messages.base import Message

Measure = Literal[
    "attribution", "effect", "gradient", "gradient_contrast", "norm", "share",
    "entropy", "entropy_mean", "previous", "duplicate", "induction", "current", "first", "copying",
]  # fmt: skip


class MapView(Message, frozen=True, tag="map", tag_field="kind"):
    """The architecture map, coloured by one measure.

    ``attribution`` (direct logit attribution), ``effect`` (ablation effect), ``gradient``
    (attribution patching towards zero) and ``gradient_contrast`` (towards what each part is on the
    contrast prompt, which must be as long as the prompt) are about the metric; ``norm``
    and ``share`` (of the residual norm) about its position; ``entropy`` is that of the attention
    from ``position``, ``entropy_mean`` the mean over all positions, in nats; ``previous``,
    ``duplicate``, ``induction``, ``current``, ``first`` are scores on random repeats and
    ``copying`` is that of the OV circuit: these belong to the weights, and are the same now and at
    baseline.

    Reply arrays (float32), each ending in ``_now`` or ``_base``: ``heads`` [l, h]; ``mlp`` [l];
    ``attn`` [l], all of a layer's attention; ``rest`` [l], what of that is of no head (b_O);
    ``embed`` [2], embedding and position embedding; ``constant`` [1], what the final norm's bias
    and the unembedding's bias add; ``resid`` [2l+1], norms of the residual stream before each
    sublayer and at the end; ``scales`` [2l+1], what ln1 and ln2 of each layer and the final norm
    divide by. NaN marks what does not exist, is not defined or is not computed yet.
    """

    measure: Measure = "attribution"
    position: int = -1


class ClassesView(Message, frozen=True, tag="classes", tag_field="kind"):
    """Head class scores of all heads, which belong to the weights; swept in the background.

    Reply arrays (float32) [l, h]: ``previous``, ``duplicate``, ``induction``, ``current``,
    ``first`` (on random repeats), ``copying`` (of the OV circuit). NaN: not computed yet.
    """
