"""Tensors that interventions name: kept once, under the hash of their content.

A spec stays small and printable because it holds the name (``sha256:…``), never the numbers.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitboard.spec.errors import InterventionError

_kept: dict[str, NDArray[np.float32]] = {}


def register(values: Any) -> str:
    """Keeps an array (any array-like, a torch tensor too) as float32 and returns its name.

    Raises InterventionError for values that are not numbers, or not finite.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().float().numpy()
    try:
        array = np.array(values, dtype=np.float32, order="C")
    except (TypeError, ValueError) as error:
        raise InterventionError(
            f"A value of type {type(values).__name__} is not an array of numbers.",
            "Give a number, a NumPy array or a torch tensor.",
        ) from error
    if np.isnan(array).any():
        raise InterventionError(
            "The value holds NaNs.", "Replace them before it goes into the model."
        )
    array.setflags(write=False)
    digest = hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
    name = f"sha256:{digest[:32]}"
    _kept.setdefault(name, array)
    return name


def lookup(name: str) -> NDArray[np.float32]:
    """The array of that name. Raises InterventionError when this process does not hold it."""
    try:
        return _kept[name]
    except KeyError:
        raise InterventionError(
            f"No tensor is registered as {name}.",
            "Register it first: circuitboard.register_tensor(array) returns its name.",
        ) from None
