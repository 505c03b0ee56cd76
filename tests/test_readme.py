"""What the README claims of the bundled model holds."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np

import circuitboard as cb
from circuitboard.recipes.names import corpus

README = Path(__file__).resolve().parent.parent / "README.md"


def test_ablating_the_heads_that_matter_most_removes_the_logit_difference() -> None:
    named = re.findall(r"^\| (L\d+H\d+) \|", README.read_text(), re.MULTILINE)
    assert len(named) >= 2
    model, rng = cb.load("names"), random.Random("readme")
    rows = [corpus.sample(rng, "ioi", from_held_out=True) for _ in range(20)]
    asked = [(row.prompt, {"target": row.roles["IO"], "foil": row.roles["S"]}) for row in rows]
    clean = np.mean([cb.run(model, p, **t).metric for p, t in asked])
    stack = [cb.Zero(head) for head in named[:2]]
    left = np.mean([cb.run(model, p, stack, **t).metric for p, t in asked])
    assert clean > 8
    assert left < 0.1 * clean


def test_the_examples_run() -> None:
    ten, own, plain = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    space: dict[str, object] = {}
    exec(ten, space)
    board = space["board"]
    assert isinstance(board, cb.Board)
    assert board.result.metric < 0.5 * board.baseline.metric
    exec(own, space)
    board.own.finish()
    view = board.own.get("entropy")
    assert view is not None
    assert view.drawing is not None
    assert view.drawing.array_kind == "tokens"
    exec(plain, space)
    assert np.shape(space["effects"]) == (16,)
    assert np.shape(space["grid"]) == (4, 15)
    assert "L0H0->L3H3.q" in space["paths"]  # type: ignore[operator]
