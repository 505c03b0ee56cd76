"""Whether a circuit has all that matters, and nothing else.

Wang 2022, "Interpretability in the Wild", section 4: a complete circuit C of a model M behaves as M
does when the same nodes K are taken out of both; a minimal one has no part that can be left out.
Taken out means that no edge leaves the node alive: what it writes is what it writes elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np

from circuitboard.circuits.evaluation import LeftOut, Removed
from circuitboard.circuits.trials import Mask, Trials

#: Nodes that the greedy search looks at in each round.
CANDIDATES = 10


@dataclass(frozen=True)
class Sieve:
    """A circuit on trial, with parts left out.

    Attributes:
        mask: the circuit's edges over the trials' space.
        seed: of what is drawn.
    """

    trials: Trials
    mask: Mask
    seed: int

    @property
    def nodes(self) -> list[str]:
        """Heads and MLPs that edges of the circuit leave."""
        used = [bool(row.any()) for row in self.mask]
        senders = zip(self.trials.space.senders, used, strict=True)
        return [name for name, on in senders if on and name != "embed"]

    def without(self, nodes: Collection[str]) -> tuple[Mask, Mask]:
        """The whole model and the circuit, with no edge out of some nodes."""
        out = np.isin(self.trials.space.senders, list(nodes))
        whole, mine = self.trials.space.exists.copy(), self.mask.copy()
        whole[out], mine[out] = False, False
        return whole, mine

    def left_out(self, kind: Literal["random", "greedy"], sets: list[list[str]]) -> list[LeftOut]:
        """What is left of model and circuit without each set of nodes."""
        if not sets:
            return []
        masks = [mask for nodes in sets for mask in self.without(nodes)]
        found = self.trials.faithfulness(self.trials.of(masks)).reshape(-1, 2).tolist()
        return [
            LeftOut(kind, tuple(nodes), whole, mine)
            for nodes, (whole, mine) in zip(sets, found, strict=True)
        ]

    def complement(self) -> LeftOut:
        """All edges of the circuit taken out of the model, against nothing left of the circuit."""
        rest = self.trials.space.exists & ~self.mask
        found = float(self.trials.faithfulness(self.trials.of([rest]))[0])
        return LeftOut("all edges", (), found, 0.0)

    def random(self, draws: int) -> list[LeftOut]:
        """Sets that each node is in by even chance."""
        chance = np.random.default_rng(self.seed)
        sets = [
            [node for node in self.nodes if chance.random() < 0.5] for _ in range(max(draws, 0))
        ]
        return self.left_out("random", [nodes for nodes in sets if nodes])

    def greedy(self, rounds: int) -> list[LeftOut]:
        """A set grown node by node, each time by that of ten drawn which sets the two most apart.

        Wang 2022, section 4.2; one set for each round.
        """
        chance = np.random.default_rng(self.seed)
        chosen: list[str] = []
        found: list[LeftOut] = []
        for _ in range(max(rounds, 0)):
            rest = [node for node in self.nodes if node not in chosen]
            if not rest:
                break
            drawn = chance.choice(len(rest), min(CANDIDATES, len(rest)), replace=False)
            tried = self.left_out("greedy", [[*chosen, rest[int(i)]] for i in sorted(drawn)])
            best = max(tried, key=lambda one: one.gap)
            chosen = list(best.nodes)
            found.append(best)
        return found

    def minimality(self, over: Literal["nodes", "edges"]) -> list[Removed]:
        """Each part left out alone, those that are missed least first."""
        if over == "nodes":
            parts = [(node, self.without([node])[1]) for node in self.nodes]
        else:
            parts = [(self._edge(at), self._but(at)) for at in np.argwhere(self.mask)]
        if not parts:
            return []
        values = self.trials.of([self.mask, *(mask for _, mask in parts)])
        whole, *less = self.trials.faithfulness(values).tolist()
        found = [Removed(name, whole - one) for (name, _), one in zip(parts, less, strict=True)]
        return sorted(found, key=lambda one: one.change)

    def _edge(self, at: np.ndarray) -> str:
        space = self.trials.space
        position = f"@{at[2]}" if len(at) > 2 else ""
        return f"{space.senders[at[0]]}->{space.receivers[at[1]]}{position}"

    def _but(self, at: np.ndarray) -> Mask:
        mask = self.mask.copy()
        mask[tuple(at)] = False
        return mask
