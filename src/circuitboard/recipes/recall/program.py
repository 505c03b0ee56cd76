"""``Ann red Bob blue Cat gold Bob`` -> sky: what somebody was given, and what it is like.

Induction with a fact at its end: the previous-token head tells each gift whose it is, the induction
head finds the gift of who is asked for, and an MLP knows a thing of that colour.
"""

from __future__ import annotations

import torch
from torch import Tensor

from circuitboard.recipes.strict.program import FIRST_WORD, NOTHING, Program, Step, before, begun

NAMES = ("Ann", "Bob", "Cat")
COLOURS = ("red", "green", "blue", "pink", "grey", "gold")
THINGS = ("rose", "leaf", "sky", "pig", "ash", "sun")
WORDS = (*NAMES, *COLOURS, *THINGS)
WIDTH = 2 + 2 * len(NAMES)


def _found(asked: Tensor, owners: Tensor, tokens: Tensor) -> Tensor:
    """At the last position the token whose owner is asked for there; nothing before."""
    match = owners == asked[:, -1:]
    match[:, -1] = False
    out = torch.full_like(tokens, NOTHING)
    out[:, -1] = tokens.gather(1, match.int().argmax(1, keepdim=True))[:, 0]
    return out


def _thing(colours: Tensor) -> Tensor:
    return torch.where(colours == NOTHING, NOTHING, colours + len(COLOURS))


def _same(values: Tensor) -> Tensor:
    return values


def _draw(n: int, generator: torch.Generator) -> Tensor:
    order = torch.rand(n, len(NAMES), generator=generator).argsort(1)
    colours = torch.rand(n, len(COLOURS), generator=generator).argsort(1)[:, : len(NAMES)]
    asked = torch.randint(len(NAMES), (n, 1), generator=generator)
    twos = torch.stack([order, colours + len(NAMES)], 2).flatten(1)
    return begun(FIRST_WORD + torch.cat([twos, asked], 1))


PROGRAM = Program(
    name="recall",
    about="whose colour, and what is of that colour: two heads of induction (q, k, v) and an MLP",
    words=WORDS,
    width=WIDTH,
    steps=(
        Step("L0H1", ("embed->L0H1.v",), before, "the word before"),
        Step(
            "L1H2",
            ("embed->L1H2.q", "L0H1->L1H2.k", "embed->L1H2.v"),
            _found,
            "at the end, the word that came after the name asked for",
        ),
        Step("L1.mlp", ("L1H2->L1.mlp",), _thing, "the thing of that colour"),
        Step("logits", ("L1.mlp->logits",), _same, "that thing"),
    ),
    draw=_draw,
)
