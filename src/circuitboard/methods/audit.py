"""Estimates, and the exact numbers beside them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuitboard.engine.sweep import Watch
from circuitboard.spec.errors import AddressError

Floats = NDArray[np.float32]


class Audited(NamedTuple):
    """One place or edge: what was estimated, and what patching it gives."""

    address: str
    estimate: float
    exact: float


class Audit(NamedTuple):
    """Estimates against exact values, in the metric's unit.

    Attributes:
        rows: the largest estimates first.
        pearson, spearman: correlation over these rows alone; NaN for fewer than two, or where
            one side is constant. They say nothing about places that the estimate called small.
    """

    rows: tuple[Audited, ...]
    pearson: float
    spearman: float

    def worst(self, n: int = 3) -> tuple[Audited, ...]:
        """The rows where estimate and exact value differ most, the worst first."""
        order = sorted(self.rows, key=lambda row: -abs(row.estimate - row.exact))
        return tuple(order[:n])

    def __str__(self) -> str:
        wide = max((len(row.address) for row in self.rows), default=7)
        lines = [f"{'address':{wide}}  {'estimate':>10}  {'exact':>10}"]
        lines += [f"{r.address:{wide}}  {r.estimate:>+10.4f}  {r.exact:>+10.4f}" for r in self.rows]
        return "\n".join([*lines, f"Pearson {self.pearson:.3f}, Spearman {self.spearman:.3f}"])

    __repr__ = __str__


class Estimates(ABC):
    """Numbers for many places or edges, each of which can be measured as well."""

    @property
    @abstractmethod
    def addresses(self) -> Sequence[str]:
        """What the numbers are of, in order."""

    @property
    @abstractmethod
    def flat(self) -> Floats:
        """The estimates in that order, [n]."""

    @abstractmethod
    def _exact(self, addresses: Sequence[str], watch: Watch | None) -> Floats:
        """What the numbers estimate, measured, [n]."""

    def _canonical(self, address: str) -> str:
        return address

    def top(self, k: int = 10) -> list[tuple[str, float]]:
        """The k largest estimates, by size, with their signs."""
        return [(self.addresses[i], float(self.flat[i])) for i in self._largest(k)]

    def _largest(self, k: int) -> list[int]:
        order = np.argsort(-np.abs(self.flat), kind="stable")
        return order[: max(k, 0)].tolist()

    def estimate(self, address: str) -> float:
        """The estimate for one address. Raises AddressError for one that is not among them."""
        return float(self.flat[self._index(address)])

    def exact(self, address: str) -> float:
        """What patching one address gives. Raises AddressError for one that is not among them."""
        return float(self._exact([self.addresses[self._index(address)]], None)[0])

    def _index(self, address: str) -> int:
        try:
            return list(self.addresses).index(self._canonical(address))
        except ValueError:
            raise AddressError(
                f"There is no estimate for {address}.", f"There is one for {self.addresses[0]}."
            ) from None

    def audit(self, k: int = 10, watch: Watch | None = None) -> Audit:
        """Measures the k largest estimates, in batches, and compares."""
        picked = self._largest(k)
        names = [self.addresses[i] for i in picked]
        estimates = self.flat[picked].astype(np.float64)
        return audited(names, estimates, self._exact(names, watch).astype(np.float64))


def audited(
    names: Sequence[str], estimates: NDArray[np.float64], exact: NDArray[np.float64]
) -> Audit:
    """Estimates and exact values side by side, both [n]."""
    rows = [Audited(*row) for row in zip(names, estimates.tolist(), exact.tolist(), strict=True)]
    ranked = [_ranks(values) for values in (estimates, exact)]
    return Audit(tuple(rows), _pearson(estimates, exact), _pearson(*ranked))


def _pearson(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts + 1) / 2)[inverse]
