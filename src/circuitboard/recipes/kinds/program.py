"""``cat oak fern`` -> grove: what a word and the one before make, by their kinds."""

from __future__ import annotations

import torch
from torch import Tensor

from circuitboard.recipes.strict.program import FIRST_WORD, NOTHING, Program, Step, before, begun

ANIMALS = ("cat", "dog", "fox", "hen", "owl", "bee")
PLANTS = ("oak", "fern", "moss", "reed", "rose", "pine")
THINGS = (*ANIMALS, *PLANTS)
#: Animal after animal, plant after animal, animal after plant, plant after plant.
SCENES = ("herd", "meal", "nest", "grove")
WORDS = (*THINGS, *SCENES)
WIDTH = 9


def _kind(tokens: Tensor) -> Tensor:
    return (tokens >= FIRST_WORD + len(ANIMALS)).long()


def _scene(this: Tensor, previous: Tensor) -> Tensor:
    return this + 2 * previous


def _answer(scene: Tensor) -> Tensor:
    """Token ids, from the second word on."""
    due = FIRST_WORD + len(THINGS) + scene
    due[:, :2] = NOTHING
    return due


def _draw(n: int, generator: torch.Generator) -> Tensor:
    words = torch.randint(len(THINGS), (n, WIDTH - 1), generator=generator)
    return begun(FIRST_WORD + words)


PROGRAM = Program(
    name="kinds",
    about="what two words make, each an animal or a plant: two MLPs and a head (values)",
    words=WORDS,
    width=WIDTH,
    steps=(
        Step("L0.mlp", ("embed->L0.mlp",), _kind, "animal or plant"),
        Step("L1H2", ("L0.mlp->L1H2.v",), before, "what is said of the word before"),
        Step("L1.mlp", ("L0.mlp->L1.mlp", "L1H2->L1.mlp"), _scene, "which of four both make"),
        Step("logits", ("L1.mlp->logits",), _answer, "the word for it, from the second word on"),
    ),
    draw=_draw,
)
