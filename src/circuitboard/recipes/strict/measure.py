"""How strictly a model computes its program where it shall."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from circuitboard.models.plain import Plain, plain
from circuitboard.recipes.strict.edgewise import Swap, Wiring, run
from circuitboard.recipes.strict.program import NOTHING, Program

Scores = dict[str, dict[str, float]]
#: Prompts on which all edges are exchanged one by one, at most.
FEW = 100


class _Probe:
    """Some prompts, others to exchange with, and how often the model answers as the program."""

    def __init__(self, model: Any, program: Program, wiring: Wiring, n: int, seed: int) -> None:
        self.weights: Plain = plain(model)
        self.program, self.wiring = program, wiring
        generator = torch.Generator().manual_seed(seed + (1 << 40))
        self.tokens, self.source = (program.draw(n, generator) for _ in range(2))
        self.generator = generator
        self.other = run(self.weights, self.source)[1]
        self.right = program.answers(self.tokens, self.source, {})
        self.due = self.right != NOTHING

    def logits(self, edges: Tensor) -> Tensor:
        """With these edges exchanged, [u, r] or [n, u, r]: [n, p, v]."""
        whole = edges.expand(len(self.tokens), *edges.shape[-2:])
        return run(self.weights, self.tokens, Swap(whole, self.other))[0]

    def answers(self, edges: Tensor) -> Tensor:
        """What the program says then, [n, p]."""
        inner = {
            edge: edges[..., *self.wiring.index(edge)].expand(len(self.tokens))
            for edge in self.program.edges
        }
        return self.program.answers(self.tokens, self.source, inner)

    def agreement(self, edges: Tensor, *, moved: bool = False) -> float:
        """The share of answers that are the program's, or of those that the exchange changes."""
        want = self.answers(edges)
        counted = self.due & (want != self.right) if moved else self.due
        good = self.logits(edges).argmax(-1) == want
        return float(good[counted].float().mean())


@torch.no_grad()
def measure(model: Any, program: Program, wiring: Wiring, n: int, seed: int) -> Scores:
    """Scores of ``n`` fresh prompts, by kind and name.

    ``task``: accuracy as it is; with any edges exchanged at random (each with probability 1/2).
    ``interchange``: of each part of the circuit, all its edges exchanged, the share of answers that
    are the program's, among those that this changes (interchange accuracy, Geiger 2021).
    ``edge``: the same of each edge of the circuit. ``strict``: accuracy with a part exchanged that
    is not in the circuit, the worst; with all of these, with all edges outside, and with half of
    these. ``outside``: by how much this moves logits (:func:`_moved`), of ``FEW`` prompts at most.
    """
    probe = _Probe(model, program, wiring, n, seed)
    inside = wiring.mask(program.edges)
    outside = wiring.exists & ~inside
    parts = [part for part in wiring.senders[1:] if part not in program.parts]
    shape = n, *inside.shape
    coin = torch.rand(shape, generator=probe.generator) < 0.5
    return {
        "task": {
            "accuracy": probe.agreement(torch.zeros_like(inside)),
            "any edges exchanged": probe.agreement(coin & wiring.exists),
        },
        "interchange": {
            part: probe.agreement(wiring.out_of([part]), moved=True) for part in program.parts
        },
        "edge": {edge: probe.agreement(wiring.mask([edge]), moved=True) for edge in program.edges},
        "strict": {
            "worst part": min(probe.agreement(wiring.out_of([part])) for part in parts),
            "all other parts": probe.agreement(wiring.out_of(parts)),
            "all edges outside": probe.agreement(outside),
            "half of them": probe.agreement(coin & outside),
        },
        "outside": _moved(_Probe(model, program, wiring, min(n, FEW), seed), outside),
    }


def _moved(probe: _Probe, outside: Tensor) -> dict[str, float]:
    """By how much exchanges move the logit of the right answer less the mean of all logits.

    Mean sizes over the prompts' last positions, as shares of what exchanging everything moves it
    where that changes the answer: all edges outside; the most that one of them does; the least that
    one edge of the circuit does where it changes the answer.
    """
    plain_logits = probe.logits(torch.zeros_like(outside))
    last = probe.right[:, -1:]

    def shift(edges: Tensor, *, moved: bool = False) -> float:
        change = probe.logits(edges)[:, -1] - plain_logits[:, -1]
        sizes = (change.gather(1, last)[:, 0] - change.mean(1)).abs()
        rows = probe.answers(edges)[:, -1] != last[:, 0] if moved else slice(None)
        return float(sizes[rows].mean())

    wiring = probe.wiring
    whole = shift(wiring.exists, moved=True)
    ends: Iterable[str] = (edge for edge in wiring.edges if edge not in probe.program.edges)
    return {
        "all edges outside": shift(outside) / whole,
        "largest of one outside": max(shift(wiring.mask([edge])) for edge in ends) / whole,
        "smallest of one inside": min(
            shift(wiring.mask([edge]), moved=True) for edge in probe.program.edges
        )
        / whole,
    }
