"""The next argument of a function, in its docstring."""

from __future__ import annotations

from circuitboard.circuits.tasks.words import Words, random_of
from circuitboard.models.model import Model
from circuitboard.recipes.names import lexicon as lex
from circuitboard.spec.task import Pair, Task


def docstring(model: Model, n: int = 100, seed: int = 0) -> Task:
    """A function's arguments, then their documentation in the same order.

    'def load(self, files, size, path, name): ``three quotes`` :param files: :param size: :param'
    -> path, not name; corrupted: the two exchanged in the definition. After Heimersheim and Janiak
    2023, "A Circuit for Python Docstrings in a 4-Layer Attention-Only Transformer", on one line and
    with a corrupted side of our own (theirs draws arguments at random). All prompts are of one
    length.

    Raises:
        TaskError: the model lacks the words.
    """
    words, rng = Words(model, "docstring"), random_of("docstring", seed)
    names = words.need(lex.ARGUMENTS, 4, "arguments")

    def draw() -> Pair:
        first, second, third, fourth = rng.sample(names, 4)
        function = rng.choice(lex.FUNCTIONS)
        said = f'"""  :param {first}: :param {second}: :param'.replace("  ", " ")
        clean, corrupt = (
            f"def {function}(self, {first}, {second}, {one}, {other}): {said}"
            for one, other in ((third, fourth), (fourth, third))
        )
        where = [
            (f"{name} defined", words.places(clean, word)[0])
            for name, word in (("C", third), ("D", fourth))
        ]
        answers = (words.answer(third),), (words.answer(fourth),)
        return Pair(clean, corrupt, *answers, (*where, ("end", -1)))

    about = "the next argument in a docstring (after Heimersheim and Janiak 2023)"
    return Task("docstring", tuple(words.pairs(n, draw, one_length=True)), about=about)
