"""Measures the shipped ``kinds`` from its weights alone, and says whether it is good enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from circuitboard.recipes.strict import check as strict

from .program import PROGRAM


def check(model_dir: Path, *, n: int = 1000, seed: int = 1) -> dict[str, Any]:
    """All figures of the model card, see :func:`circuitboard.recipes.strict.check.check`."""
    return strict.check(PROGRAM, model_dir, n=n, seed=seed)
