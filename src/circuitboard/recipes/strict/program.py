"""Programs that a model is trained to compute, each step in one part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from circuitboard.spec.task import Pair

#: Where no answer is due.
NOTHING = -100


@dataclass(frozen=True)
class Step:
    """What one part computes.

    Attributes:
        part: who: a head, an MLP, or the logits.
        edges: by which edges it reads, ``sender->receiver``.
        compute: from what these carry, each [n, p], to what it writes, [n, p].
        about: the same in words.
    """

    part: str
    edges: tuple[str, ...]
    compute: Callable[..., Tensor]
    about: str


@dataclass(frozen=True)
class Program:
    """A program with its parts aligned to those of a transformer.

    Attributes:
        name: of the model.
        about: what it does, in a sentence.
        words: the vocabulary beside the special tokens.
        width: tokens of a prompt, the beginning of sequence among them.
        steps: in the order of the model, the logits last: they write the answers' token ids,
            ``NOTHING`` where none is due.
        draw: ``(n, generator)`` to prompts' token ids, [n, p].
    """

    name: str
    about: str
    words: tuple[str, ...]
    width: int
    steps: tuple[Step, ...]
    draw: Callable[[int, torch.Generator], Tensor]

    @property
    def edges(self) -> tuple[str, ...]:
        """The circuit."""
        return tuple(edge for step in self.steps for edge in step.edges)

    @property
    def parts(self) -> tuple[str, ...]:
        """Heads and MLPs of the circuit."""
        return tuple(step.part for step in self.steps[:-1])

    def values(self, tokens: Tensor) -> dict[str, Tensor]:
        """What the embedding and each part write, by name, each [n, p]."""
        return self._run(tokens, {}, {})

    def answers(
        self, tokens: Tensor, source: Tensor, swapped: Mapping[str, Tensor | bool]
    ) -> Tensor:
        """Token ids [n, p] that are due when edges carry what they carry on another prompt.

        Args:
            tokens, source: the prompts and the others, [n, p].
            swapped: by edge, in which prompts [n], or in all; edges of the program alone count.
        """
        return self._run(tokens, self.values(source), swapped)["logits"]

    def _run(
        self, tokens: Tensor, others: Mapping[str, Tensor], swapped: Mapping[str, Tensor | bool]
    ) -> dict[str, Tensor]:
        found = {"embed": tokens}
        for step in self.steps:
            reads = []
            for edge in step.edges:
                sender = edge.partition("->")[0]
                value = found[sender]
                if edge in swapped:
                    chosen = torch.as_tensor(swapped[edge]).reshape(-1, 1)
                    value = torch.where(chosen, others[sender], value)
                reads.append(value)
            found[step.part] = step.compute(*reads)
        return found

    # --- the task -------------------------------------------------------------------------------

    def pairs(self, count: int, seed: int) -> list[Pair]:
        """Pairs of prompts: every edge of the circuit, exchanged alone, changes the answer."""
        found = self._pairs(seed)
        return [next(found) for _ in range(count)]

    def _pairs(self, seed: int, pool: int = 256) -> Iterator[Pair]:
        generator = torch.Generator().manual_seed(seed)
        while True:
            clean, corrupt = self.draw(pool, generator), self.draw(pool, generator)
            right, wrong = (self.answers(x, x, {})[:, -1] for x in (clean, corrupt))
            moved = [self.answers(clean, corrupt, {e: True})[:, -1] != right for e in self.edges]
            told = torch.stack([right != wrong, *moved]).all(0)
            for row in range(pool):
                if told[row]:
                    yield Pair(
                        self.text(clean[row].tolist()),
                        self.text(corrupt[row].tolist()),
                        (self.word(int(right[row])),),
                        (self.word(int(wrong[row])),),
                    )

    # --- words ----------------------------------------------------------------------------------

    def ids(self, words: Sequence[str]) -> Tensor:
        """Token ids of words, [words]."""
        return torch.tensor([FIRST_WORD + self.words.index(word) for word in words])

    def word(self, token: int) -> str:
        """The word of a token id."""
        return self.words[token - FIRST_WORD]

    def text(self, tokens: Sequence[int]) -> str:
        """A prompt without its beginning of sequence."""
        return " ".join(self.word(token) for token in tokens[1:])


#: The ids of the beginning of sequence and of the first word, as ``models.tiny`` has them.
BOS, FIRST_WORD = 1, 4


def before(values: Tensor, first: int = 0) -> Tensor:
    """At each position what is at the one before: [n, p]; ``first`` where there is none."""
    return torch.cat([torch.full_like(values[:, :1], first), values[:, :-1]], 1)


def begun(words: Tensor) -> Tensor:
    """Prompts' tokens [n, p - 1] with the beginning of sequence before them."""
    return torch.cat([torch.full_like(words[:, :1], BOS), words], 1)
