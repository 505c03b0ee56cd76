"""What the views of gradients ask for, and what they get.

Every number is an estimate, or the exact number beside it; see ``methods`` for the formulae. The
fields that several of them have:

``contrast``
    whether values come from the contrast prompt, or are zeros.
``direction``
    with a contrast prompt: ``noising`` runs the prompt and puts values of the contrast in;
    ``denoising`` runs the contrast prompt and puts values of the prompt in.
``steps``
    points on the path of integrated methods.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from circuitboard.wire.messages.base import Message


class TokenGradientsView(Message, frozen=True, tag="token-gradients", tag_field="kind"):
    """One number for each token.

    ``norm``: length of the gradient at its embedding; ``dot``: gradient times embedding;
    ``integrated``: integrated gradients through ``at`` (of the untouched model). Reply arrays
    (float32): ``values_now`` and ``values_base`` [p], the same for ``integrated``; empty until
    known.
    """

    what: Literal["norm", "dot", "integrated"] = "dot"
    at: str = "embed"
    contrast: bool = False
    direction: Literal["noising", "denoising"] = "noising"
    steps: int = 32


class TokenGradientsInfo(Message, frozen=True, tag="token-gradients", tag_field="of"):
    """``start``, ``end``: the metric at the ends of the path; ``total``: sum of the attributions;
    ``gap``: that minus end - start; None where there is no path. ``python``: the line that gives
    the numbers of the untouched model."""

    metric: bool
    python: str
    start: float | None = None
    end: float | None = None
    total: float | None = None
    gap: float | None = None


class PartGradientsView(Message, frozen=True, tag="part-gradients", tag_field="kind"):
    """Estimated effects of patching each place.

    Reply arrays (float32): ``scores_now`` and ``scores_base``, [l, p] or for heads [l, h]; NaN
    until known.
    """

    what: Literal["resid_pre", "attn", "mlp", "head"] = "resid_pre"
    contrast: bool = False
    direction: Literal["noising", "denoising"] = "noising"


class PartGradientsInfo(Message, frozen=True, tag="part-gradients", tag_field="of"):
    """``start_now``, ``start_base``: the metric of the run that is patched."""

    metric: bool
    python: str
    start_now: float | None = None
    start_base: float | None = None


class EdgeGradientsView(Message, frozen=True, tag="edge-gradients", tag_field="kind"):
    """Edge attribution between the prompt and the contrast, on the untouched model.

    Reply arrays (float32): ``scores`` [k], the ``top`` largest; empty until known.
    """

    what: Literal["eap", "eap-ig-inputs", "eap-ig-activations", "eap-ig-senders"] = "eap"
    direction: Literal["noising", "denoising"] = "noising"
    steps: int = 5
    top: int = 100


class EdgeGradientsInfo(Message, frozen=True, tag="edge-gradients", tag_field="of"):
    """``addresses``: of the k edges; ``count``: of all edges, 0 until known; ``share``: of the sum
    of all sizes, what the k have."""

    metric: bool
    python: str
    addresses: list[str]
    count: int
    share: float


class PatternGradientView(Message, frozen=True, tag="pattern-gradient", tag_field="kind"):
    """The gradient of the metric by each attention weight of a head.

    Reply arrays (float32): ``gradient_now``, ``gradient_base``, ``product_now``, ``product_base``
    [p, s]; the product is gradient times pattern, or with ``contrast`` times what the weight is in
    the other prompt minus what it is. NaN until known.
    """

    layer: int
    head: int
    contrast: bool = False
    direction: Literal["noising", "denoising"] = "noising"


class PatternGradientInfo(Message, frozen=True, tag="pattern-gradient", tag_field="of"):
    """``python``: the line that gives the numbers of the untouched model."""

    metric: bool
    python: str


class GradientAuditView(Message, frozen=True, tag="gradient-audit", tag_field="kind"):
    """Estimates of one of the views above, measured: the ``top`` largest that are not zero, and
    those in ``also``.

    ``what``, ``at``, ``contrast``, ``direction``, ``steps`` are that view's; of a ``pattern``,
    ``at`` is its head, and a cell is written ``L1H3.pattern[7,3]``. Reply arrays (float32):
    ``estimate`` and ``exact`` [n], NaN until measured; ``correlation`` [2], Pearson's and
    Spearman's over those of the largest that are measured, NaN where not defined.
    """

    section: Literal["tokens", "parts", "edges", "pattern"]
    what: str
    at: str = "embed"
    contrast: bool = False
    direction: Literal["noising", "denoising"] = "noising"
    steps: int = 0
    side: Literal["now", "baseline"] = "now"
    top: int = 20
    also: tuple[str, ...] = msgspec.field(default=())


class GradientAuditInfo(Message, frozen=True, tag="gradient-audit", tag_field="of"):
    """``addresses`` [n]: the ``top`` largest first, then those asked for."""

    addresses: list[str]
    top: int
