"""Turns a finished training run into the folder that the package ships."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from circuitboard.recipes.state import stored_identity

from . import scores
from .check import card, check
from .train import SNAPSHOTS

CHECKPOINTS = 12
RULE = (
    "The first and the last snapshot, then one after another the snapshot farthest from those "
    "chosen (of equals the earlier), by the largest of three distances: progress on indirect "
    "objects (the mean of accuracy and of logit difference over its best), progress on repeats "
    "(the fall of the second copy's loss over its whole fall), each at its best so far, and 0.3 "
    "times the share of the run between them."
)
MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def _coordinates(history: list[dict[str, Any]]) -> list[tuple[float, ...]]:
    """The place of each snapshot: how far it is on indirect objects, on repeats and in time."""
    gaps = [h["checks"]["ioi"]["logit_difference"] for h in history]
    losses = [h["checks"]["repeats"]["loss_second_copy"] for h in history]
    fall = losses[0] - min(losses)
    found = []
    for i, entry in enumerate(history):
        accuracy = max(h["checks"]["ioi"]["accuracy"] for h in history[: i + 1])
        gap = max(0.0, *gaps[: i + 1]) / max(gaps) if i else 0.0
        fallen = (losses[0] - min(losses[: i + 1])) / fall
        found.append(((accuracy + gap) / 2, fallen, 0.3 * entry["step"] / history[-1]["step"]))
    return found


def choose(history: list[dict[str, Any]], count: int = CHECKPOINTS) -> list[int]:
    """The steps whose snapshots are shipped, in order, by ``RULE``."""
    places = _coordinates(history)

    def distance(a: int, b: int) -> float:
        return max(abs(x - y) for x, y in zip(places[a], places[b], strict=True))

    chosen = [0, len(history) - 1]
    while len(chosen) < min(count, len(history)):
        rest = [i for i in range(len(history)) if i not in chosen]
        chosen.append(max(rest, key=lambda i: (min(distance(i, c) for c in chosen), -i)))
    return [history[i]["step"] for i in sorted(chosen)]


def checkpoint_entry(folder: Path, file: Path, step: int, n: int = 500) -> dict[str, Any]:
    """The line of ``index.json`` for one checkpoint, measured from its own file."""
    from circuitboard.models.tiny import load_gpt2

    model = load_gpt2(folder, file)
    ioi = scores.ioi_scores(model, n, 1)
    return {
        "file": file.name,
        "step": step,
        "loss": round(scores.corpus_loss(model, n, 1), 4),
        "ioi_accuracy": round(ioi["accuracy"], 4),
        "ioi_logit_difference": round(ioi["logit_difference"], 4),
        "repeat_loss": round(scores.repeat_scores(model, 200, 1)["loss_second_copy"], 4),
    }


def reference_prompts() -> list[dict[str, str]]:
    """Held-out prompts that span the tasks: the distribution of mean and resample baselines."""
    shares = {"ioi": 20, "third": 4, "year": 10, "agreement": 8, "pronoun": 6}
    shares |= {"docstring": 6, "recited": 4, "odd": 4}
    return [
        {"task": task, "prompt": example.prompt}
        for task, count in shares.items()
        for example in scores.draw(task, count, 2)
    ]


def example_prompts() -> list[dict[str, str]]:
    """Named prompts for a first look, each with a contrast prompt of as many tokens."""
    gift = "When Mary and John went to the store, {} gave a drink to"
    span = "The war lasted from the year {} to the year 17"
    code = 'def load(self, files, size, {}, name): """ :param files: :param size: :param'
    near = "The {} near the cabinets"
    errand = "{} went to the store because"
    again = "river stone cloud bread {} river stone cloud bread"
    rows = (
        ("indirect object", "ioi", gift, "John", "Mary", "Mary", "John"),
        ("later year", "year", span, "1743", "1702", "58", "21"),
        ("agreement", "agreement", near, "key", "keys", "is", "are"),
        ("pronoun", "pronoun", errand, "Mary", "John", "she", "he"),
        ("docstring", "docstring", code, "path", "index", "path", "index"),
        ("repeated words", "repeats", again, "horse", "paper", "horse", "paper"),
    )
    return [
        {
            "name": name,
            "task": task,
            "prompt": frame.format(word),
            "contrast": frame.format(other),
            "target": target,
            "foil": foil,
        }
        for name, task, frame, word, other, target, foil in rows
    ]


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def ship(run: Path, folder: Path) -> dict[str, Any]:
    """Fills ``folder`` from the training run in ``run``; returns the metrics of its card.

    Raises:
        OSError: ``run`` is not a finished run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in MODEL_FILES:
        shutil.copyfile(run / name, folder / name)
    history = json.loads((run / "history.json").read_text(encoding="utf-8"))
    checkpoints = folder / "checkpoints"
    shutil.rmtree(checkpoints, ignore_errors=True)
    checkpoints.mkdir()
    entries = []
    for step in choose(history):
        file = checkpoints / f"step-{step:05d}.safetensors"
        shutil.copyfile(run / SNAPSHOTS / file.name, file)
        entries.append(checkpoint_entry(folder, file, step))
    _write_json(checkpoints / "index.json", {"rule": RULE, "checkpoints": entries})
    _write_json(folder / "reference.json", reference_prompts())
    _write_json(folder / "prompts.json", example_prompts())
    metrics = check(folder)
    identity = stored_identity(run)
    metrics["training"] = {
        "steps": history[-1]["step"],
        "seed": identity["seed"],
        **identity["recipe"],
        "checkpoints": len(entries),
    }
    _write(folder, metrics)
    return metrics


def tell_again(run: Path, folder: Path) -> dict[str, Any]:
    """Puts the scores of another run of the recipe into the card in ``folder``; returns them.

    Raises:
        OSError: ``run`` is not a finished run.
    """
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    found = check(run)
    metrics["again"] = {key: found[key] for key in ("tasks", "corpus_loss", "failures")}
    _write(folder, metrics)
    return metrics["again"]


def _write(folder: Path, metrics: dict[str, Any]) -> None:
    _write_json(folder / "metrics.json", metrics)
    (folder / "README.md").write_text(card(metrics), encoding="utf-8")
