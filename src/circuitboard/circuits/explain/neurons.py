"""What a neuron of a circuit writes and reads as tokens, and where on the task it is active."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from circuitboard.circuits.explain.findings import Fires, Measured, Neuron, Said
from circuitboard.engine.result import RunResult
from circuitboard.methods.neurons import Word, neuron_words
from circuitboard.models.model import Model

#: Tokens of each kind, and of the context on either side of a token.
WORDS, AROUND = 5, 4


def neuron_evidence(model: Model, neuron: str, clean: RunResult, corrupt: RunResult) -> Neuron:
    """The evidence about one neuron on some pairs of prompts.

    Raises what :func:`circuitboard.neuron_words` raises.
    """
    words = neuron_words(model, neuron, WORDS)
    return Neuron(
        promotes=_said(words.writes.high),
        suppresses=_said(words.writes.low),
        reads=_said(words.reads.high),
        fires=fires(model, neuron, clean),
        clean=_at_end(clean, neuron),
        corrupt=_at_end(corrupt, neuron),
    )


def _said(words: Iterable[Word]) -> tuple[Said, ...]:
    return tuple(Said(word.text, word.value) for word in words)


def _at_end(result: RunResult, neuron: str) -> Measured:
    values = result[neuron]
    last = [length - 1 for length in result.held.lengths]
    return Measured.of(values[range(len(last)), last])


def fires(model: Model, neuron: str, result: RunResult) -> tuple[Fires, ...]:
    """The tokens at which a neuron's activation is furthest from zero, each where it is most so."""
    values, ids = result[neuron], np.asarray(result.tokens)
    best: dict[int, tuple[float, int, int]] = {}
    for row, length in enumerate(result.held.lengths):
        for position in range(length):
            value, token = float(values[row, position]), int(ids[row, position])
            if token not in best or abs(value) > abs(best[token][0]):
                best[token] = value, row, position
    ranked = sorted(best.values(), key=lambda one: (-abs(one[0]), *one[1:]))[:WORDS]

    def texts(row: int, some: range) -> tuple[str, ...]:
        return tuple(model.token_text(int(ids[row, i])) for i in some)

    found: list[Fires] = []
    for value, row, at in ranked:
        end = min(result.held.lengths[row], at + 1 + AROUND)
        before = texts(row, range(max(0, at - AROUND), at))
        (here,) = texts(row, range(at, at + 1))
        found.append(Fires(row, at, before, here, texts(row, range(at + 1, end)), value))
    return tuple(found)
