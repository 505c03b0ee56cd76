"""Words that are one token each in a model, and pairs of prompts drawn from them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from circuitboard.models.model import Model
from circuitboard.recipes.names import lexicon as lex
from circuitboard.spec.errors import CircuitboardError, TargetError, TaskError
from circuitboard.spec.task import Answer, Pair

#: Draws for each pair that is wanted, at most, before there are held to be no more.
DRAWS = 50


class Words:
    """The words of one model, as they stand inside of a sentence.

    Args:
        task: what errors call the task.
    """

    def __init__(self, model: Model, task: str) -> None:
        self.model, self.task = model, task
        self._unknown = model.tokenizer.unk_token_id
        self._before = model.tokenize("the")

    def id(self, word: str, before: str = " ") -> int | None:
        """The token that a word is after ``the`` and ``before``; None where it is not just one."""
        ids = self.model.tokenize(f"the{before}{word}")
        width = len(self._before)
        if len(ids) != width + 1 or ids[:width] != self._before or ids[-1] == self._unknown:
            return None
        return ids[-1]

    def single(self, words: Iterable[str]) -> tuple[str, ...]:
        """Those of the words that are one token each."""
        return tuple(word for word in words if self.id(word) is not None)

    def need(self, words: Sequence[str], least: int, what: str) -> tuple[str, ...]:
        """The same, at least so many. Raises TaskError that names the words that are missing."""
        found = self.single(words)
        if len(found) >= least:
            return found
        lacking = [word for word in words if word not in found]
        shown = ", ".join(lacking[:8]) + (", ..." if len(lacking) > 8 else "")
        raise TaskError(
            f"The task {self.task} needs {least} {what} that are one token each; "
            f"{self.model.facts.name} has {len(found)} of {len(words)}, and lacks {shown}.",
            "Take a model that has them, or make a circuitboard.Task of its own words.",
        )

    def answer(self, word: str) -> Answer:
        """A word inside of a sentence as an answer: its text where that is read as this token."""
        found = self.id(word)
        assert found is not None, word
        return self.named(found)

    def named(self, token: int) -> Answer:
        """A token as an answer: its text where that is read as this token, else its id."""
        text = self.model.token_text(token)
        try:
            return text if self.model.answer(text) == token else token
        except TargetError:
            return token

    def text(self, token: int) -> str:
        """What a token writes, without spaces around it."""
        return self.model.token_text(token).strip()

    def places(self, prompt: str, word: str) -> list[int]:
        """Where a word stands in a prompt, in tokens."""
        token = self.id(word)
        return [i for i, other in enumerate(self.model.tokenize(prompt)) if other == token]

    def pairs(self, n: int, draw: Callable[[], Pair], *, one_length: bool = False) -> list[Pair]:
        """``n`` different pairs whose prompts are of equal length.

        Args:
            one_length: all pairs are as long as the first.

        Raises:
            TaskError: there are not so many, or the prompts have words that the model lacks.
        """
        found: dict[Pair, None] = {}
        width = None
        for _ in range(DRAWS * max(n, 1)):
            if len(found) >= n:
                break
            pair = draw()
            if pair in found:
                continue
            sizes = {self._width(side) for side in (pair.clean, pair.corrupt)}
            if len(sizes) == 1 and (not one_length or width is None or sizes == {width}):
                found[pair] = None
                width = sizes.pop()
        if len(found) < n or n < 1:
            raise TaskError(
                f"{self.model.facts.name} has {len(found)} different pairs for the task "
                f"{self.task}, not {n}.",
                "Ask for fewer, one or more.",
            )
        return list(found)

    def _width(self, prompt: str | tuple[int, ...]) -> int:
        ids = self.model.tokenize(prompt)
        if isinstance(prompt, str) and self._unknown in ids[1:]:
            lacking = [word for word in prompt.split() if self._unknown in self._alone(word)]
            raise TaskError(
                f"{self.model.facts.name} lacks words of the task {self.task}: "
                f"{', '.join(dict.fromkeys(lacking))}.",
                "Take a model that has them, or make a circuitboard.Task of its own words.",
            )
        return len(ids)

    def _alone(self, word: str) -> list[int]:
        try:
            return self.model.tokenize(word)[len(beginning(self.model)) :]
        except CircuitboardError:
            return []


def beginning(model: Model) -> list[int]:
    """The token that the model puts before every text, if any."""
    first = model.tokenizer.bos_token_id
    text = model.tokenize("the")
    return [first] if first is not None and text[:1] == [first] else []


def opened(rng: random.Random, text: str) -> str:
    """A sentence with an opening before it where it starts with a name, and else half the time.

    A tokenizer may write a word at the start of a text otherwise than inside.
    """
    if not text.startswith("{"):
        if rng.random() < 0.5:
            return text
        text = text[0].lower() + text[1:]
    return f"{rng.choice(lex.OPENINGS)} {text}"


def random_of(task: str, seed: int) -> random.Random:
    """Random numbers that a task and a seed alone decide."""
    return random.Random(f"{task}/{seed}")
