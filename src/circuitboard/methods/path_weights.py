"""Virtual weights between selected parts, with tokens or neurons at both ends.

A path of :func:`circuitboard.virtual_weights` that starts at a head or at an MLP's neurons. What a
first head reads is taken in tokens by W_E, what a last head or MLP gives in tokens by W_U or in
neurons. Where it ends at a head's queries or keys, the other side of that head's QK circuit is
multiplied on, so that this end is in tokens as well: with K, the score of a query token for a key
position whose stream holds what the path has moved there (Elhage 2021, "Virtual weights" and
"Composition"). At distance 0 where positions are rotary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from circuitboard.methods.factors import Factors, before_logits, embedded, key, query, unembedded
from circuitboard.methods.singular import Side
from circuitboard.methods.token_circuits import Ends
from circuitboard.methods.virtual import part_of, places_of, product_of
from circuitboard.models.model import Model
from circuitboard.spec.address import Address


@dataclass(frozen=True)
class PathWeights:
    """The matrix of a path and what its ends are.

    Attributes:
        factors: [a, b], as left times right transposed.
        sides: what rows and columns of ``factors`` are projected on.
        norm, relative: of the path itself, as in :func:`circuitboard.virtual_weights`.
    """

    path: str
    factors: Factors
    sides: tuple[Side, Side]
    norm: float
    relative: float

    def minus(self, other: PathWeights) -> PathWeights:
        """The difference to another path's matrix; ``relative`` stays this one's."""
        factors = self.factors.minus(other.factors)
        return replace(self, factors=factors, norm=factors.norm())

    def ends(self, model: Model, fold: bool) -> Ends | None:
        """The same over tokens at both ends, or None where one end is neurons."""
        if "neurons" in self.sides:
            return None
        left, right = self.factors.left, self.factors.right
        if self.sides[1] == "writes":
            return Ends(embedded(model), left, unembedded(model), before_logits(model, right, fold))
        return Ends(embedded(model), left, embedded(model), right)


def path_weights(model: Model, path: str, *, fold: bool = True) -> PathWeights:
    """Virtual weights along ``"L0H1->L1H2.k"`` or ``"L0.mlp->L1H2"``.

    Raises AddressError: no path of this model; ModelError: an MLP without neurons to show.
    """
    places = places_of(model, path)
    last = places[-1]
    if last.part == "head.v":  # what values carry goes on through W_O
        last = places[-1] = replace(last, part="head")
    end = len(places) - 1
    parts = [part_of(model, place, i == 0, i == end, fold) for i, place in enumerate(places)]
    whole, norm, relative = product_of(model, parts, fold)
    if last.part in ("head.q", "head.k"):
        layer, head = last.layer or 0, last.head or 0
        keys = last.part == "head.q"
        other = key(model, layer, head, fold) if keys else query(model, layer, head, fold)
        whole = Factors(whole.left, other @ whole.right.double())
    first: Side = "neurons" if places[0].part == "mlp" else "reads"
    return PathWeights(path, whole, (first, _end_of(last)), norm, relative)


def _end_of(last: Address) -> Side:
    if last.part == "mlp":
        return "neurons"
    if last.part == "head.q":
        return "key"
    return "query" if last.part == "head.k" else "writes"
