"""Measures the shipped ``names`` from its weights alone, and says whether it is good enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import scores
from .groups import measure_groups
from .mechanism import measure

# Task, score, bound, and whether the score must be at least the bound (else at most).
REQUIRED: tuple[tuple[str, str, float, bool], ...] = (
    ("ioi", "accuracy", 0.99, True),
    ("year", "probability_difference", 0.94, True),
    ("agreement", "accuracy", 0.98, True),
    ("agreement", "accuracy_opposed_attractor", 0.98, True),
    ("pronoun", "accuracy", 0.98, True),
    ("docstring", "accuracy", 0.95, True),
    ("repeats", "loss_second_copy", 0.1, False),
)


def check(model_dir: Path, *, n: int = 1000, seed: int = 1) -> dict[str, Any]:
    """All figures of the model card, from ``n`` fresh held-out examples a task.

    Returns plain numbers and texts, ready for JSON: ``n``, ``seed``, ``parameters``,
    ``tasks`` (score by task), ``corpus_loss`` (nats per token), ``mechanism`` (``heads`` and
    ``layers``, a row each; ``groups``) and ``failures``, one sentence for each bound of
    ``REQUIRED`` that is missed. Equal arguments give equal figures up to float rounding.

    Raises:
        OSError: ``model_dir`` holds no model.
    """
    from circuitboard.models.tiny import load_gpt2

    model = load_gpt2(Path(model_dir))
    tasks = scores.all_scores(model, n, seed)
    mechanism = measure(model, min(n, 300), seed)
    mechanism["groups"] = measure_groups(model, min(n, 300), seed, mechanism["heads"])
    return {
        "n": n,
        "seed": seed,
        "parameters": sum(p.numel() for p in model.parameters()),
        "tasks": tasks,
        "corpus_loss": scores.corpus_loss(model, n, seed),
        "mechanism": mechanism,
        "failures": failures(tasks),
    }


def failures(tasks: dict[str, dict[str, float]]) -> list[str]:
    """One sentence for each bound of ``REQUIRED`` that ``tasks`` misses."""
    found = []
    for task, score, bound, at_least in REQUIRED:
        value = tasks[task][score]
        if (value < bound) if at_least else (value > bound):
            side = "at least" if at_least else "at most"
            found.append(f"{task}: {score} is {value:.3f}, should be {side} {bound}")
    return found


def card(metrics: dict[str, Any]) -> str:
    """The model card (Markdown) with every figure taken from ``metrics`` of :func:`check`."""
    from .card import render

    return render(metrics)
