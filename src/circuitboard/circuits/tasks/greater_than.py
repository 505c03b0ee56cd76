"""A year that is later than another."""

from __future__ import annotations

from circuitboard.circuits.tasks.words import Words, random_of
from circuitboard.models.model import Model
from circuitboard.recipes.names import lexicon as lex
from circuitboard.spec.errors import TaskError
from circuitboard.spec.task import Pair, Task


def greater_than(model: Model, n: int = 100, seed: int = 0, *, low: int = 2) -> Task:
    """A span of years: the second year is later than the first.

    "The war lasted from the year 1743 to the year 17" -> 44 to 99, not 00 to 43: the difference of
    probabilities. Corrupted: the start is the year ``low`` of the century, after which any year
    may come. Hanna 2023, "How does GPT-2 compute greater-than?", where ``low`` is 1; the bundled
    model never saw a start before 02. All prompts are of one length.

    Raises:
        TaskError: the tokenizer does not write years as a century and two digits.
    """
    words, rng = Words(model, "greater_than"), random_of("greater_than", seed)
    events = words.need(lex.EVENTS, 1, "events")
    centuries = {c: token for c in lex.CENTURIES if (token := words.id(c)) is not None}
    split = {(c, y): _split(words, centuries[c], f"{c}{y:02d}") for c in centuries
             for y in range(100)}  # fmt: skip
    digits = {y: token for y in range(100) for c in centuries if (token := split[c, y]) is not None}
    starts = {c: [y for y in range(low + 1, 98) if split[c, y] is not None] for c in centuries}
    usable = [c for c in centuries if starts[c] and split.get((c, low)) is not None]
    if not usable or len(digits) < 50:
        raise TaskError(
            f"{model.facts.name} does not write years such as 1743 as the tokens 17 and 43.",
            "Take a model that does, or make a circuitboard.Task of its own numbers.",
        )
    answers = {year: words.named(token) for year, token in digits.items()}

    def draw() -> Pair:
        century, event = rng.choice(usable), rng.choice(events)
        start = rng.choice(starts[century])
        clean, corrupt = (
            f"The {event} lasted from the year {century}{year:02d} to the year {century}"
            for year in (start, low)
        )
        later = tuple(token for year, token in answers.items() if year > start)
        rest = tuple(token for year, token in answers.items() if year <= start)
        year = model.tokenize(clean).index(digits[start])
        return Pair(clean, corrupt, later, rest, (("start", year), ("end", -1)))

    about = f"a later year (Hanna 2023), corrupted by the start {low:02d}"
    pairs = words.pairs(n, draw, one_length=True)
    return Task("greater_than", tuple(pairs), "probability difference", about)


def _split(words: Words, century: int, year: str) -> int | None:
    """The token of a year's last two digits; None where it is not written as century and digits."""
    ids = words.model.tokenize(f"the {year}")
    return ids[-1] if ids[-2:-1] == [century] and words.text(ids[-1]) == year[-2:] else None
