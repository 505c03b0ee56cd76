"""Directions in the residual stream that a person registers by name, to look along."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from circuitboard.methods.directions import check_width
from circuitboard.models.model import Model
from circuitboard.spec import tensors


class Directions(ABC):
    """The named directions of a board."""

    model: Model
    _directions: dict[str, str]

    def direction(self, name: str, vector: Any) -> None:
        """Registers a vector [d] under a name: the residual view offers it to project on.

        Given again, the name means the new vector. Raises InterventionError for what is not as
        wide as the residual stream, or not made of numbers.
        """
        tensor = tensors.register(vector)
        check_width(self.model, name, tensors.lookup(tensor).size)
        self._directions = {**self._directions, name: tensor}
        self._tell("state")

    @property
    def directions(self) -> dict[str, str]:
        """Registered directions: the tensor name of each, by its own name."""
        return dict(self._directions)

    @abstractmethod
    def _tell(self, event: str) -> None: ...
