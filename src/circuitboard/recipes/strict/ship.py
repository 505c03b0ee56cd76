"""Turns two finished training runs into the folder that the package ships."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from circuitboard.recipes.state import stored_identity
from circuitboard.recipes.strict.card import render
from circuitboard.recipes.strict.check import check
from circuitboard.recipes.strict.program import Program

MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
#: Pairs for a first look, and prompts for means and resampling; of seeds of their own.
EXAMPLES, REFERENCE = 4, 64
EXAMPLE_SEED, REFERENCE_SEED = 101, 102


def example_prompts(program: Program) -> list[dict[str, str]]:
    """Prompts for a first look, each with a contrast prompt of as many tokens."""
    return [
        {
            "name": f"{program.name} {number + 1}",
            "task": program.name,
            "prompt": str(pair.clean),
            "contrast": str(pair.corrupt),
            "target": str(pair.targets[0]),
            "foil": str(pair.foils[0]),
        }
        for number, pair in enumerate(program.pairs(EXAMPLES, EXAMPLE_SEED))
    ]


def reference_prompts(program: Program) -> list[dict[str, str]]:
    """Prompts for mean and resample baselines."""
    pairs = program.pairs(REFERENCE, REFERENCE_SEED)
    return [{"task": program.name, "prompt": str(pair.clean)} for pair in pairs]


def ship(program: Program, run: Path, again: Path, folder: Path) -> dict[str, Any]:
    """Fills ``folder`` from the training run in ``run``; returns the metrics of its card.

    Args:
        again: a run of the same recipe from another seed, whose scores the card tells too.

    Raises:
        OSError: one of them is not a finished run.
        ValueError: they are not of one recipe, or of one seed.
    """
    first, second = stored_identity(run), stored_identity(again)
    if first["recipe"] != second["recipe"] or first["seed"] == second["seed"]:
        raise ValueError("the two runs must be of the same recipe, from different seeds")
    folder.mkdir(parents=True, exist_ok=True)
    for name in MODEL_FILES:
        shutil.copyfile(run / name, folder / name)
    examples = example_prompts(program)
    _write_json(folder / "prompts.json", examples)
    _write_json(folder / "reference.json", reference_prompts(program))
    metrics = check(program, folder, trained=first["seed"])
    other = check(program, again, trained=second["seed"])
    metrics["again"] = {key: other[key] for key in ("trained", "tasks", "failures")}
    metrics["training"] = first["recipe"]
    metrics["example"] = {"prompt": examples[0]["prompt"], "answer": examples[0]["target"]}
    _write_json(folder / "metrics.json", metrics)
    (folder / "README.md").write_text(render(program, metrics), encoding="utf-8")
    return metrics


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
