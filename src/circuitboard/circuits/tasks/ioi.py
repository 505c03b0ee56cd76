"""Indirect object identification."""

from __future__ import annotations

from typing import Literal, get_args

from circuitboard.circuits.tasks.words import Words, opened, random_of
from circuitboard.models.model import Model
from circuitboard.recipes.names import lexicon as lex
from circuitboard.spec.errors import TaskError
from circuitboard.spec.task import Pair, Task

Corrupt = Literal["third name", "three names", "swap"]


def ioi(
    model: Model,
    n: int = 100,
    seed: int = 0,
    *,
    corrupt: Corrupt = "third name",
    one_length: bool = False,
) -> Task:
    """Two names, one of them again as the giver: the other one receives.

    "When Mary and John went to the store, John gave a drink to" -> Mary, not John. Wang 2022,
    "Interpretability in the Wild", both orders of the names; sentences of our own.

    Args:
        corrupt: ``third name`` puts another name in place of the second John, as Hanna 2024, "Have
            Faith in Faithfulness"; ``three names`` puts others in place of all three (the ABC
            prompts of Wang 2022); ``swap`` puts Mary in place of the second John.
        one_length: all prompts are of one length, for scores by position.

    Raises:
        TaskError: the model lacks the words.
    """
    if corrupt not in get_args(Corrupt):
        raise TaskError(f"{corrupt!r} is not known.", f"Take {', '.join(get_args(Corrupt))}.")
    words, rng = Words(model, "ioi"), random_of("ioi", seed)
    names = words.need(lex.NAMES, 6, "names")
    things = words.need(lex.OBJECTS, 1, "objects")
    places = words.need(lex.PLACES, 1, "places")

    def draw() -> Pair:
        receiver, giver, third, *others = rng.sample(names, 6)
        slots = {"place": rng.choice(places), "thing": rng.choice(things)}
        first, second = (receiver, giver) if rng.random() < 0.5 else (giver, receiver)
        frame = opened(rng, rng.choice(lex.GIFTS))
        clean = frame.format(A=first, B=second, S=giver, **slots)
        if corrupt == "three names":
            other = frame.format(A=others[0], B=others[1], S=others[2], **slots)
        else:
            again = third if corrupt == "third name" else receiver
            other = frame.format(A=first, B=second, S=again, **slots)
        s1, s2, *_ = words.places(clean, giver)
        where = ("IO", words.places(clean, receiver)[0]), ("S1", s1), ("S2", s2), ("end", -1)
        return Pair(clean, other, (words.answer(receiver),), (words.answer(giver),), where)

    about = f"indirect object identification (Wang 2022), corrupted by: {corrupt}"
    return Task("ioi", tuple(words.pairs(n, draw, one_length=one_length)), about=about)
