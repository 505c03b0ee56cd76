"""Trains ``kinds`` from nothing, on CPU, so that a killed run can go on where it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from circuitboard.recipes.strict import learn

from .program import PROGRAM

RECIPE = learn.Recipe(shape="gpt2", n_layers=2, steps=500)


def train(
    out: Path,
    *,
    steps: int = RECIPE.steps,
    seed: int = 0,
    resume: bool = True,
    progress: Callable[[learn.Progress], None] | None = None,
) -> dict[str, dict[str, float]]:
    """Trains a model into ``out``, see :func:`circuitboard.recipes.strict.learn.train`."""
    recipe = replace(RECIPE, steps=steps)
    return learn.train(PROGRAM, recipe, out, seed=seed, resume=resume, progress=progress)
