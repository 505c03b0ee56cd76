"""What every known circuit is made of, and numbers that they share."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from circuitboard.circuits.known.blueprint import Blueprint
from circuitboard.spec.task import Pair

#: By how much the score of what a head shall attend to exceeds the others': 0.03 % is left over
#: for each, so that gradients do not vanish.
SHARP = 8.0
#: The logit of what is written with strength 1.
GAIN = 8.0


@dataclass(frozen=True)
class Shape:
    """A circuit on paper.

    Attributes:
        blueprint: the model.
        pairs: the task's prompts.
        about: what it does, in a sentence.
        standing_in: for an edge that another makes up for, the edges to take out first, so that
            taking it out too changes the metric.
    """

    blueprint: Blueprint
    pairs: Sequence[Pair]
    about: str
    standing_in: Mapping[str, Sequence[str]] = field(default_factory=dict)


def pair(clean: Sequence[str], corrupt: Sequence[str], target: str, foil: str) -> Pair:
    """A pair of prompts of these words."""
    return Pair(" ".join(clean), " ".join(corrupt), (target,), (foil,))


def positions(blueprint: Blueprint) -> None:
    """The subspaces ``place``, one-hot of the position, and ``one``, always 1; both steady."""
    blueprint.subspace("place", blueprint.n_ctx, steady=True)
    blueprint.place("place", torch.eye(blueprint.n_ctx))
    blueprint.subspace("one", 1, steady=True)
    blueprint.place("one", torch.ones(blueprint.n_ctx, 1))


def mark(blueprint: Blueprint, subspace: str, words: Sequence[str]) -> None:
    """A steady subspace that is 1 at these words, which no corruption touches."""
    blueprint.subspace(subspace, 1, steady=True)
    blueprint.embed(subspace, blueprint.picks(words).sum(1, keepdim=True))


def writes_words(blueprint: Blueprint, subspace: str, words: Sequence[str]) -> None:
    """The subspace one-hot over words gives these words' logits."""
    blueprint.subspace(subspace, len(words))
    blueprint.read_out(subspace, GAIN * blueprint.picks(words).T)


def constant_logit(blueprint: Blueprint, word: str, share: float = 0.5) -> None:
    """A word that is always said a little: what the answer has to beat. Needs ``one``."""
    blueprint.read_out("one", share * GAIN * blueprint.picks([word]).T)


def looks_from(blueprint: Blueprint, places: Mapping[int, int]) -> Tensor:
    """The form place x place of a head that looks from some positions to others."""
    form = torch.zeros(blueprint.n_ctx, blueprint.n_ctx)
    for here, there in places.items():
        form[here, there] = SHARP
    return form


def ones(rows: int, columns: int, value: float = 1.0) -> Tensor:
    """A matrix of one number."""
    return torch.full((rows, columns), value)


def dice(seed: int, name: str) -> random.Random:
    """Chance of its own for each known circuit."""
    return random.Random(f"{name} {seed}")
