"""Training runs that can go on: state files that are there as a whole, or not at all."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

STATE = "state.safetensors"


def write(path: Path, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
    """Writes a safetensors file so that a reader sees all of it or the one before."""
    part = path.with_suffix(".part")
    save_file(
        {name: t.detach().contiguous() for name, t in tensors.items()},
        part,
        metadata={"format": "pt", "notes": json.dumps(notes)},
    )
    os.replace(part, path)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What :func:`write` wrote."""
    with safe_open(path, framework="pt") as file:
        notes = json.loads(file.metadata()["notes"])
        return {name: file.get_tensor(name) for name in file.keys()}, notes  # noqa: SIM118


def stored_identity(out: Path) -> dict[str, Any]:
    """Recipe, steps, seed and words of the run whose state lies in ``out``.

    Raises:
        OSError: there is no state in ``out``.
    """
    return read(out / STATE)[1]["identity"]


def packed(model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """All tensors of a model and its optimiser."""
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    for index, slots in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{k}": v for k, v in slots.items()}
    return tensors


def unpack(
    tensors: dict[str, Tensor], model: torch.nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    """Gives a model and its optimiser what :func:`packed` took of them."""
    own = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    model.load_state_dict(own)
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".")
            slots.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": slots})


def require_same(path: Path, notes: dict[str, Any], identity: dict[str, Any]) -> None:
    """Raises ValueError where a state file is of a run with other settings."""
    if notes["identity"] != identity:
        raise ValueError(
            f"{path} belongs to a run with other settings; "
            "choose another folder or pass resume=False"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What training tells its caller: each step's loss, and the checks where there are any."""

    step: int
    steps: int
    loss: float
    checks: dict[str, dict[str, float]] | None = None


class Resumable(ABC):
    """A model (of transformers), its optimiser and its history: what a state file holds.

    What a step draws has to depend on the seed and the step alone: no random state is kept.
    """

    out: Path
    model: Any
    optimiser: torch.optim.Optimizer
    step: int
    history: list[dict[str, Any]]

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What a state file must agree on before a run goes on from it."""

    def save(self) -> None:
        """Writes the state file, all of it or none."""
        notes = {"identity": self.identity(), "step": self.step, "history": self.history}
        write(self.out / STATE, packed(self.model, self.optimiser), notes)

    def restore(self) -> None:
        """Goes back to the state file, which must be of a run with the same settings."""
        tensors, notes = read(self.out / STATE)
        require_same(self.out / STATE, notes, self.identity())
        unpack(tensors, self.model, self.optimiser)
        self.step, self.history = notes["step"], notes["history"]
