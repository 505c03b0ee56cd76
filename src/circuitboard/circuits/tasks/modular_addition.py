"""Addition of two numbers modulo a prime."""

from __future__ import annotations

from circuitboard.circuits.tasks.words import Words, beginning, random_of
from circuitboard.models.model import Model
from circuitboard.spec.errors import TargetError, TaskError
from circuitboard.spec.task import Pair, Task


def modular_addition(model: Model, n: int = 100, seed: int = 0, *, p: int | None = None) -> Task:
    """``a b =`` -> (a + b) mod p; corrupted: another second number.

    Nanda 2023, "Progress measures for grokking via mechanistic interpretability". The foil is the
    answer to the corrupted side.

    Args:
        p: the modulus. Where it is given, the numbers are the token ids 0 to p - 1 and ``=`` is p,
            as in the paper; else numbers are the tokens ``0``, ``1``, ..., as many as there are.

    Raises:
        TaskError: the vocabulary has no such numbers.
    """
    words, rng = Words(model, "modular_addition"), random_of("modular_addition", seed)
    numbers, equals = _read(model) if p is None else (list(range(p)), p)
    numeric = p is not None or model.facts.d_vocab <= 2 * len(numbers) + 16
    if len(numbers) < 3 or equals is None or max(*numbers, equals) >= model.facts.d_vocab:
        numeric = False
    if equals is None or not numeric:
        raise TaskError(
            f"The vocabulary of {model.facts.name} is not numbers 0, 1, 2, ... and = to add with.",
            "Give p= where its numbers are the token ids themselves.",
        )
    start = beginning(model) if p is None else []
    size = len(numbers)

    def draw() -> Pair:
        a, b = rng.randrange(size), rng.randrange(size)
        other = (b + rng.randrange(1, size)) % size
        clean, corrupt = ((*start, numbers[a], numbers[second], equals) for second in (b, other))
        right, wrong = (numbers[(a + second) % size] for second in (b, other))
        where = ("a", len(start)), ("b", len(start) + 1), ("end", -1)
        return Pair(clean, corrupt, (right,), (wrong,), where)

    about = f"addition modulo {size} (Nanda 2023)"
    return Task("modular_addition", tuple(words.pairs(n, draw)), about=about)


def _read(model: Model) -> tuple[list[int], int | None]:
    """The tokens of 0, 1, 2, ... and of the equals sign."""
    numbers: list[int] = []
    try:
        while True:
            numbers.append(model.answer(str(len(numbers))))
    except TargetError:
        pass
    try:
        return numbers, model.answer("=")
    except TargetError:
        return numbers, None
