"""Which heads of ``names`` matter most for indirect objects: writes the table of the README.

python docs/heads.py            # writes it
python docs/heads.py --check    # only says, by its exit code, whether it is current
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np

import circuitboard as cb
from circuitboard.recipes.names import corpus

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- heads: python docs/heads.py -->", "<!-- /heads -->"
PROMPTS = 50
SHOWN = 3


def prompts() -> list[dict[str, str]]:
    """Prompts of all templates whose pair of names was never trained on."""
    rng = random.Random("heads")
    drawn = [corpus.sample(rng, "ioi", from_held_out=True) for _ in range(PROMPTS)]
    return [
        {"prompt": row.prompt, "target": row.roles["IO"], "foil": row.roles["S"]} for row in drawn
    ]


def table() -> str:
    """Head, effect alone, and what is left with it and those above it ablated."""
    model, rows = cb.load("names"), prompts()
    singles = [cb.Zero(head) for head in model.heads]
    effects = np.mean([cb.sweep(model, r["prompt"], singles, **tokens(r)) for r in rows], axis=0)
    baseline = mean(model, rows, [])
    order = [model.heads[i] for i in np.argsort(effects)]
    lines = [
        f"Mean logit difference over {len(rows)} held-out prompts: {baseline:.1f}.",
        "",
        "| ablated | its effect alone | logit difference left, with all above |",
        "|---|---:|---:|",
    ]
    for i, head in enumerate(order[:SHOWN]):
        alone = float(effects[model.heads.index(head)])
        left = mean(model, rows, [cb.Zero(h) for h in order[: i + 1]])
        lines.append(f"| {head} | {alone:+.1f} | {left:+.1f} |")
    return "\n".join(lines)


def tokens(row: dict[str, str]) -> dict[str, str]:
    """Target and foil of a prompt."""
    return {"target": row["target"], "foil": row["foil"]}


def mean(model: cb.Model, rows: list[dict[str, str]], stack: list[cb.Zero]) -> float:
    """Mean logit difference under interventions."""
    return float(np.mean([cb.run(model, r["prompt"], stack, **tokens(r)).metric for r in rows]))


def main() -> None:
    """Writes the table, or checks it."""
    text = README.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    wanted = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if "--check" not in sys.argv[1:]:
        README.write_text(wanted)
    elif wanted != text:
        sys.exit("The table of heads in README.md is stale: run python docs/heads.py")


if __name__ == "__main__":
    main()
