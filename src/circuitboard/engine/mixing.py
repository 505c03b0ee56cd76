"""What live senders write in a run of a circuit, and the streams that receivers make of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from circuitboard.models.model import Model
from circuitboard.models.norms import post_normed


@dataclass(frozen=True)
class Spot:
    """The last position of each row: ``rows`` and ``positions`` [b]."""

    rows: Tensor
    positions: Tensor

    def of(self, tensor: Float[Tensor, "... b p d"]) -> Tensor:
        """[..., b, 1, d]; one row or position stands for all."""
        rows = self.rows if tensor.shape[-3] > 1 else self.rows * 0
        positions = self.positions if tensor.shape[-2] > 1 else self.positions * 0
        return tensor[..., rows, positions, :][..., None, :]


@dataclass(frozen=True)
class NormedHeads:
    """Heads whose sum goes through a norm before it reaches the stream (Gemma).

    Attributes:
        start, stop: which of the senders.
        before: what attention writes outside of the circuit, before the norm [b, p, d].
        after: the same after it.
    """

    layer: int
    start: int
    stop: int
    before: Tensor
    after: Tensor


@dataclass
class Written:
    """By how much each live sender's output differs from what it writes outside of the circuit.

    Args:
        senders: how many there will be.
        shape: n masks, b rows, p positions, d.
        grad: autograd follows; nothing is written in place.
    """

    model: Model
    senders: int
    shape: tuple[int, int, int, int]
    grad: bool
    normed: list[NormedHeads] = field(default_factory=list)
    count: int = 0
    _pieces: list[tuple[int, Tensor]] = field(default_factory=list)

    def add(self, change: Float[Tensor, "k n b p d"]) -> None:
        """Puts down the next senders."""
        n, b, p, d = self.shape
        wanted = change.transpose(0, 1)
        if not self.grad:
            if not self._pieces:
                room = change.new_empty(n, self.senders, b, p, d)
                self._pieces.append((0, room))
            self._pieces[0][1][:, self.count : self.count + len(change)] = wanted
        else:
            self._pieces.append((self.count, wanted))
        self.count += len(change)

    def mixed(
        self, weights: Float[Tensor, "n c k ..."], base: Float[Tensor, "_ _ d"], spot: Spot | None
    ) -> Float[Tensor, "n c _ _ d"]:
        """The streams that receivers read: ``base``, and of each sender what its weight lets pass.

        Args:
            weights: for n masks and c receivers, of the first k senders; [n, c, k] or, with
                positions, [n, c, k, p].
            base: the stream outside of the circuit; [1, 1, d] where all are alike.
            spot: the last position of each row alone.

        Returns:
            [n, c, b, p, d], p = 1 with a spot.
        """
        normed = [heads for heads in self.normed if heads.start < weights.shape[2]]
        plain = weights
        if normed:
            keep = torch.ones(weights.shape[2], dtype=torch.bool, device=weights.device)
            for heads in normed:
                keep[heads.start : heads.stop] = False
            plain = weights * keep.reshape(1, 1, -1, *[1] * (weights.ndim - 3)).to(weights)
        out = self._sum(plain, base, (0, weights.shape[2]), spot)
        for heads in normed:
            out = out + self._through_norm(heads, weights, spot)
        return out

    def _through_norm(self, heads: NormedHeads, weights: Tensor, spot: Spot | None) -> Tensor:
        """What the norm makes of the heads that pass, less what it makes outside of the circuit."""
        some = weights[:, :, heads.start : heads.stop]
        summed = self._sum(some, heads.before, (heads.start, heads.stop), spot)
        dtype = heads.before.dtype
        after = post_normed(self.model, heads.layer, summed.to(dtype).flatten(0, 2))
        after = after.to(summed).reshape(summed.shape)
        return after - (heads.after if spot is None else spot.of(heads.after)).to(after)

    def _sum(
        self, weights: Tensor, base: Tensor, span: tuple[int, int], spot: Spot | None
    ) -> Tensor:
        """``base`` plus the weighted senders from ``span[0]`` to ``span[1]``."""
        n, b, p, d = self.shape
        base = base.expand(b, p, d) if spot is None else spot.of(base.expand(b, p, d))
        total = base.to(weights).expand(n, weights.shape[1], *base.shape)
        start, stop = span
        for first, piece in self._pieces:
            low, high = max(start, first), min(stop, first + piece.shape[1])
            if low >= high:
                continue
            values = piece[:, low - first : high - first]
            values = values if spot is None else spot.of(values)
            total = _add(total, weights[:, :, low - start : high - start], values, spot)
        return total


def _add(total: Tensor, weights: Tensor, values: Tensor, spot: Spot | None) -> Tensor:
    """[n, c, b, p, d] plus weights [n, c, k(, p)] times values [n, k, b, p, d]."""
    if weights.ndim == 3:
        flat = torch.baddbmm(total.flatten(2), weights, values.flatten(2))
        return flat.reshape(total.shape)
    if spot is None:
        return total + torch.einsum("nckp,nkbpd->ncbpd", weights, values)
    return total + torch.einsum("nckb,nkbpd->ncbpd", weights[..., spot.positions], values)
