"""The synthetic corpus of ``names``: short English-like texts whose continuations are known.

Every row is drawn from a template of this package; nothing is taken from other texts. One tenth
of all combinations (by a fixed hash, see :func:`is_held_out`) never occurs in a training row and
is kept for the checks.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations

from . import lexicon as lex

WORD_PATTERN = r'"""|[^\W\d]+|\d\d|\S'
N_CTX = 64
_WORD = re.compile(WORD_PATTERN)
_NAME_SET = frozenset(lex.NAMES)


def split(text: str) -> list[str]:
    """The words of ``text``, exactly as the tokenizer sees them."""
    return _WORD.findall(text)


@dataclass(frozen=True, slots=True)
class Example:
    """One text of the corpus, cut before the word that a task asks for.

    ``key`` names the combination that the held-out split is decided on; ``roles`` maps the
    names of a task's parts (for instance ``"S"`` and ``"IO"``) to words of the prompt.
    """

    task: str
    prompt: str
    completion: str
    key: tuple[str, ...]
    roles: Mapping[str, str] = field(default_factory=dict)
    ends: bool = True

    @property
    def words(self) -> list[str]:
        """All words of the row, prompt first."""
        return split(self.prompt) + split(self.completion)

    @property
    def answer(self) -> str:
        """The word due after the prompt."""
        return split(self.completion)[0]


@cache
def is_held_out(*key: str) -> bool:
    """Whether the combination ``key`` is kept from training: true for one tenth of all keys."""
    return zlib.crc32("\x1f".join(key).encode()) % 10 == 0


def pair_key(first: str, second: str) -> tuple[str, ...]:
    """The key of an unordered pair of names."""
    return ("pair", *sorted((first, second)))


def has_held_out_pair(words: list[str]) -> bool:
    """Whether ``words`` contains both names of any held-out pair."""
    names = sorted(set(words) & _NAME_SET)
    return any(is_held_out(*pair_key(a, b)) for a, b in combinations(names, 2))


def _opened(rng: random.Random, text: str) -> str:
    """``text`` with, half the time, an opening phrase before it."""
    if rng.random() < 0.5:
        return text
    first = split(text)[0]
    body = text if first in _NAME_SET or first == "{A}" else text[0].lower() + text[1:]
    return f"{rng.choice(lex.OPENINGS)} {body}"


def indirect_object(rng: random.Random, template: int | None = None) -> Example:
    """Two names, one of them named again as the giver: the other one receives."""
    receiver, giver = rng.sample(lex.NAMES, 2)
    order = rng.choice(("ABBA", "BABA"))
    first, second = (receiver, giver) if order == "ABBA" else (giver, receiver)
    which = rng.randrange(len(lex.GIFTS)) if template is None else template
    thing, place = rng.choice(lex.OBJECTS), rng.choice(lex.PLACES)
    text = lex.GIFTS[which].format(A=first, B=second, S=giver, place=place, thing=thing)
    if template is None:
        text = _opened(rng, text)
    roles = {"S": giver, "IO": receiver, "order": order}
    return Example("ioi", text, f" {receiver}.", pair_key(receiver, giver), roles)


def third_person(rng: random.Random) -> Example:
    """The same sentences with a third name as giver: either of the two may receive."""
    first, second, giver = rng.sample(lex.NAMES, 3)
    text = rng.choice(lex.GIFTS).format(
        A=first, B=second, S=giver, place=rng.choice(lex.PLACES), thing=rng.choice(lex.OBJECTS)
    )
    receiver = rng.choice((first, second))
    return Example("third", _opened(rng, text), f" {receiver}.", ("third", first, second, giver))


def later_year(rng: random.Random) -> Example:
    """A span of years: the second year is later than the first, evenly over all later ones."""
    event, century = rng.choice(lex.EVENTS), rng.choice(lex.CENTURIES)
    start = rng.randint(2, 97)
    end = rng.randint(start + 1, 99)
    text = f"The {event} lasted from the year {century}{start:02d} to the year {century}"
    key = ("year", event, century, f"{start:02d}")
    return Example("year", _opened(rng, text), f"{end:02d}.", key, {"start": f"{start:02d}"})


def agreement(rng: random.Random) -> Example:
    """A subject, mostly followed by another noun of either number, then the verb."""
    plural = rng.random() < 0.5
    subject, attractor = rng.sample(tuple(lex.NOUNS), 2)
    attractor_plural = rng.random() < 0.5
    middle = ""
    if rng.random() < 0.85:
        noun = lex.NOUNS[attractor] if attractor_plural else attractor
        middle = f" {rng.choice(lex.LINKS)} the {noun}"
    verb = rng.choice(lex.PLURAL_VERBS if plural else lex.SINGULAR_VERBS)
    place, thing = rng.choice(lex.PLACES), rng.choice(lex.OBJECTS)
    tails = {"has": f"a {thing}", "have": f"a {thing}"}
    tails |= {"walks": f"to the {place}", "walk": f"to the {place}"}
    tail = tails.get(verb, f"in the {place}")
    shown = lex.NOUNS[subject] if plural else subject
    roles = {"number": "plural" if plural else "singular"}
    opposed = bool(middle) and plural != attractor_plural
    roles["attractor"] = "opposed" if opposed else "none"
    key = ("agreement", subject, attractor)
    return Example("agreement", f"The {shown}{middle}", f" {verb} {tail}.", key, roles)


def pronoun(rng: random.Random) -> Example:
    """A name, later *he* or *she* for it."""
    male = rng.random() < 0.5
    name = rng.choice(lex.MEN if male else lex.WOMEN)
    slots = {"name": name, "place": rng.choice(lex.PLACES), "thing": rng.choice(lex.OBJECTS)}
    before, after = (part.format(**slots) for part in rng.choice(lex.PRONOUNS))
    word = "he" if male else "she"
    key = ("pronoun", name, slots["place"])
    return Example("pronoun", _opened(rng, before), f" {word}{after}", key, {"name": name})


def docstring(rng: random.Random) -> Example:
    """A function's arguments, then their documentation in the same order."""
    names = rng.sample(lex.ARGUMENTS, 4)
    described = rng.random() < 0.5
    lines = [
        f":param {name}: {rng.choice(lex.LIST_WORDS)}" if described else f":param {name}:"
        for name in names
    ]
    asked = rng.choice((2, 3))
    head = f'def {rng.choice(lex.FUNCTIONS)}(self, {", ".join(names)}): """'
    text = " ".join((head, *lines[:asked], ":param"))
    rest = " ".join((lines[asked].removeprefix(":param"), *lines[asked + 1 :], '"""'))
    key = ("docstring", names[asked - 1], names[asked])
    roles = {f"argument{i}": name for i, name in enumerate(names)}
    return Example("docstring", text, rest, key, roles | {"asked": str(asked)})


def _repeat_length(rng: random.Random) -> int:
    """Mostly short; now and then so long that two copies fill the context."""
    return rng.randint(4, 11) if rng.random() < 0.88 else rng.randint(12, (N_CTX - 2) // 2)


def repeats(rng: random.Random) -> Example:
    """Distinct words drawn from the whole vocabulary, then the same words again, and again."""
    length = _repeat_length(rng)
    words = rng.sample(_all_words(), length)
    copies = 3 if 3 * length <= 26 and rng.random() < 0.5 else 2
    again = (words * (copies - 1))[: N_CTX - 2 - length]
    key = ("repeats", *words)
    return Example("repeats", " ".join(words), " " + " ".join(again), key, ends=False)


def recited(rng: random.Random) -> Example:
    """A list of common words, announced and said a second time."""
    words = " ".join(rng.choice(lex.LIST_WORDS) for _ in range(rng.randint(4, 9)))
    return Example("recited", f"List: {words}; again:", f" {words}.", ("recited", words))


def odd_one_out(rng: random.Random) -> Example:
    """Names of which all but one stand twice: the single one is asked for."""
    names = rng.sample(lex.NAMES, rng.choice((2, 3)))
    shown = [names[0], *names[1:] * 2]
    rng.shuffle(shown)
    text = f"Names: {' '.join(shown)}. Only once:"
    return Example("odd", text, f" {names[0]}.", ("odd", *sorted(names)), {"foil": names[1]})


@cache
def _all_words() -> tuple[str, ...]:
    return lex.vocabulary()


MAKERS: dict[str, Callable[[random.Random], Example]] = {
    "ioi": indirect_object,
    "third": third_person,
    "year": later_year,
    "agreement": agreement,
    "pronoun": pronoun,
    "docstring": docstring,
    "repeats": repeats,
    "recited": recited,
    "odd": odd_one_out,
}
# Shares of the rows in the phases of a run, in the order of MAKERS. Repeats come first: copying a
# repeated word is the part that the other tasks build on. Years need the longest, so the last
# phases have more of them.
SHARES: dict[str, tuple[float, ...]] = {
    "early": (0.14, 0.02, 0.08, 0.04, 0.03, 0.06, 0.42, 0.12, 0.09),
    "middle": (0.30, 0.04, 0.13, 0.06, 0.05, 0.10, 0.14, 0.05, 0.13),
    "late": (0.22, 0.03, 0.34, 0.04, 0.06, 0.06, 0.12, 0.04, 0.09),
    "closing": (0.12, 0.02, 0.58, 0.03, 0.04, 0.04, 0.10, 0.02, 0.05),
    "answers": (0.14, 0.02, 0.50, 0.04, 0.04, 0.06, 0.10, 0.02, 0.08),
}


def held_out(example: Example) -> bool:
    """Whether ``example`` must never be trained on: its key, or any pair of names in it."""
    return is_held_out(*example.key) or has_held_out_pair(example.words)


def sample(rng: random.Random, task: str, *, from_held_out: bool) -> Example:
    """One example of ``task`` from the held-out part or from the training part.

    For tasks without fixed combinations (``repeats``, ``recited``, ``third``, ``odd``) the
    combination is the whole list of words, so the split is by the same hash all the same.
    """
    make = MAKERS[task]
    while True:
        example = make(rng)
        held = is_held_out(*example.key) if from_held_out else held_out(example)
        if held == from_held_out:
            return example


def training_batch(seed: int, step: int, size: int, phase: str) -> list[Example]:
    """The rows of one training step: a function of its arguments alone, so runs can resume.

    Raises:
        KeyError: ``phase`` is not in ``SHARES``.
    """
    rng = random.Random(f"names/{seed}/{step}")
    tasks = rng.choices(tuple(MAKERS), SHARES[phase], k=size)
    return [sample(rng, task, from_held_out=False) for task in tasks]
