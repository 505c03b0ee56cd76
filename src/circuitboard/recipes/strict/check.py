"""Measures a shipped model from its weights alone, and says whether it is good enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from circuitboard.recipes.strict.edgewise import Wiring
from circuitboard.recipes.strict.measure import Scores, measure
from circuitboard.recipes.strict.program import Program

#: Each accuracy at least; and how far edges outside may move logits, as a share, at most: all of
#: them, and each against the circuit's weakest edge.
ACCURACY, OUTSIDE, GAP = 0.99, 0.2, 0.5


def check(
    program: Program, folder: Path, *, n: int = 1000, seed: int = 1, trained: int | None = None
) -> dict[str, Any]:
    """All figures of the model's card, from ``n`` fresh prompts.

    Args:
        trained: the seed of the training run, where it shall be told.

    Returns:
        Plain numbers and texts, ready for JSON: ``n``, ``seed``, ``parameters``, ``tasks`` (as
        :func:`circuitboard.recipes.strict.measure.measure` has them) and ``failures``, a sentence
        for each bound that is missed. Equal arguments give equal figures up to float rounding.

    Raises:
        OSError: ``folder`` holds no model.
    """
    from circuitboard.models.tiny import load_model

    model = load_model(Path(folder))
    config = model.config
    wiring = Wiring(config.num_hidden_layers, config.num_attention_heads)
    tasks = measure(model, program, wiring, n, seed)
    return {
        "n": n,
        "seed": seed,
        **({} if trained is None else {"trained": trained}),
        "parameters": sum(p.numel() for p in model.parameters()),
        "edges": len(wiring.edges),
        "tasks": tasks,
        "failures": failures(tasks),
    }


def failures(tasks: Scores) -> list[str]:
    """One sentence for each bound that scores miss."""
    found = [
        f"{kind}: {name} is {value:.3f}, should be at least {ACCURACY}"
        for kind in ("task", "interchange", "edge", "strict")
        for name, value in tasks[kind].items()
        if not value >= ACCURACY
    ]
    outside = tasks["outside"]
    moved, largest = outside["all edges outside"], outside["largest of one outside"]
    most = GAP * outside["smallest of one inside"]
    if not moved <= OUTSIDE:
        found.append(f"outside: all edges move logits by {moved:.3f}, should be at most {OUTSIDE}")
    if not largest <= most:
        found.append(f"outside: one edge moves logits by {largest:.3f}, should be below {most:.3f}")
    return found
