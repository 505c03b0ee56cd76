"""He or she for a name."""

from __future__ import annotations

from circuitboard.circuits.tasks.words import Words, opened, random_of
from circuitboard.models.model import Model
from circuitboard.recipes.names import lexicon as lex
from circuitboard.spec.task import Pair, Task


def pronouns(model: Model, n: int = 100, seed: int = 0, *, one_length: bool = False) -> Task:
    """A name, and the pronoun that is mostly used for it; the other name takes the other pronoun.

    "When Mary arrived at the store," -> she, not he; corrupted: John. After the gendered pronouns
    of Mathwin 2023, "Identifying a Preliminary Circuit for Predicting Gendered Pronouns in GPT-2
    Small"; sentences of our own, and two names in place of a name and a phrase.

    Args:
        one_length: all prompts are of one length, for scores by position.

    Raises:
        TaskError: the model lacks the words.
    """
    words, rng = Words(model, "pronouns"), random_of("pronouns", seed)
    sides = [("he", words.need(lex.MEN, 2, "men's names"))]
    sides.append(("she", words.need(lex.WOMEN, 2, "women's names")))
    words.need(("he", "she"), 2, "pronouns")
    places = words.need(lex.PLACES, 1, "places")

    def draw() -> Pair:
        (target, own), (foil, others) = rng.sample(sides, 2)
        name, other, place = rng.choice(own), rng.choice(others), rng.choice(places)
        frame = opened(rng, rng.choice(lex.PRONOUNS)[0])
        clean, corrupt = (frame.format(name=one, place=place) for one in (name, other))
        where = ("name", words.places(clean, name)[0]), ("end", -1)
        return Pair(clean, corrupt, (words.answer(target),), (words.answer(foil),), where)

    about = "pronouns of names (after Mathwin 2023)"
    return Task("pronouns", tuple(words.pairs(n, draw, one_length=one_length)), about=about)
