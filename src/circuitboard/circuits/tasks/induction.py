"""What followed the same token before."""

from __future__ import annotations

from circuitboard.circuits.tasks.words import Words, beginning, random_of
from circuitboard.models.model import Model
from circuitboard.spec.errors import TaskError
from circuitboard.spec.task import Pair, Task


def induction(model: Model, n: int = 100, seed: int = 0, *, length: int = 12) -> Task:
    """Random tokens, then the same again up to some place: the next one is due.

    r_1 ... r_T r_1 ... r_j -> r_{j+1}; corrupted: other random tokens in place of the first copy,
    so that nothing repeats; the foil is what stands there in place of r_{j+1}. Elhage 2021, "A
    Mathematical Framework for Transformer Circuits", and Olsson 2022, "In-context Learning and
    Induction Heads", for repeated random tokens; the corrupted side is our own. Works with any
    vocabulary of 2 ``length`` tokens or more. All prompts are of one length.

    Args:
        length: T, at least 3; j is T - 1, so that the whole but the last token is said again.

    Raises:
        TaskError: the vocabulary or the context is too small.
    """
    words, rng = Words(model, "induction"), random_of("induction", seed)
    special = {*model.tokenizer.all_special_ids}
    tokens = [i for i in range(min(len(model.tokenizer), model.facts.d_vocab)) if i not in special]
    start = beginning(model)
    most = (model.facts.n_ctx - len(start) + 1) // 2
    if not 3 <= length <= min(most, len(tokens) // 2):
        raise TaskError(
            f"Repeats of {length} tokens do not fit into {model.facts.name}.",
            f"Take a length from 3 to {min(most, len(tokens) // 2)}.",
        )

    def draw() -> Pair:
        drawn = rng.sample(tokens, 2 * length)
        own, others = drawn[:length], drawn[length:]
        again = own[:-1]
        clean, corrupt = ((*start, *first, *again) for first in (own, others))
        there = len(start) + length - 1
        return Pair(clean, corrupt, (own[-1],), (others[-1],), (("due", there), ("end", -1)))

    about = f"induction on {length} random tokens (Olsson 2022), the first copy replaced"
    return Task("induction", tuple(words.pairs(n, draw)), about=about)
