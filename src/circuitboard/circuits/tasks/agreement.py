"""Agreement of subject and verb."""

from __future__ import annotations

from circuitboard.circuits.tasks.words import Words, random_of
from circuitboard.models.model import Model
from circuitboard.recipes.names import lexicon as lex
from circuitboard.spec.task import Pair, Task


def agreement(model: Model, n: int = 100, seed: int = 0) -> Task:
    """A subject and another noun; then a verb of the subject's number.

    "The keys near the cabinet" -> are, were, ... , not is, was, ...; corrupted: the subject in the
    other number. The difference of probabilities, as for subject-verb agreement in Hanna 2024,
    "Have Faith in Faithfulness" (after Newman 2021, "Refining Targeted Syntactic Evaluation");
    sentences of our own. All prompts are of one length.

    Raises:
        TaskError: the model lacks the words.
    """
    words, rng = Words(model, "agreement"), random_of("agreement", seed)
    plurals = words.single(lex.NOUNS.values())
    nouns = [one for one, many in lex.NOUNS.items() if many in plurals]
    nouns = words.need(nouns or tuple(lex.NOUNS), 2, "nouns in both numbers")
    links = words.need(lex.LINKS, 1, "prepositions")
    verbs = [words.need(verbs, 2, "verbs") for verbs in (lex.SINGULAR_VERBS, lex.PLURAL_VERBS)]
    singular, plural = (tuple(words.answer(verb) for verb in group) for group in verbs)

    def draw() -> Pair:
        subject, other = rng.sample(nouns, 2)
        many = rng.random() < 0.5
        near = f"{rng.choice(links)} the {rng.choice((other, lex.NOUNS[other]))}"
        forms = subject, lex.NOUNS[subject]
        clean, corrupt = (f"The {forms[number]} {near}" for number in (many, not many))
        answers = (plural, singular) if many else (singular, plural)
        where = ("subject", words.places(clean, forms[many])[0]), ("end", -1)
        return Pair(clean, corrupt, *answers, where)

    about = "agreement of subject and verb (Hanna 2024, Newman 2021)"
    pairs = words.pairs(n, draw, one_length=True)
    return Task("agreement", tuple(pairs), "probability difference", about)
