"""Runs of a model in which only the edges of a circuit are live.

Every part reads the residual stream as it would be if all senders outside of the circuit's edges
into it wrote what they write elsewhere, in a corrupted run, on average, or nothing:

    input of v = stream - sum over missing edges u -> v of (a_u - a_u elsewhere),

with a_u what u writes in this run: parts are computed from such inputs, norms anew, one after the
other (Hanna 2024, "Have Faith in Faithfulness", section 3.1; Bhaskar 2024, "Finding Transformer
Circuits with Edge Pruning", section 3, whose masks lie between 0 and 1). All edges give the clean
run, none the run that the values are from. With one edge missing it is path patching of that edge:
the edges are those of :mod:`circuitboard.engine.edges`.

It is computed the other way round, from the stream elsewhere and the changes that edges let pass,
so that it takes only the parts that lie on a live way from the embedding to the logits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.edge_graph import Graph
from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.masked_pass import MaskedPass
from circuitboard.engine.metric import Judge
from circuitboard.engine.mixing import Spot
from circuitboard.engine.outside import How, Outside, outside
from circuitboard.engine.sweep import Watch, check_lengths
from circuitboard.models.executor import constant_weights, run_tail
from circuitboard.models.model import Model
from circuitboard.models.parts import run_parts
from circuitboard.spec.errors import InterventionError, ModelError, StaleResultError
from circuitboard.spec.intervention import InterventionSet
from circuitboard.spec.prompts import Prompts, prompts_of

#: Tokens that several masks together make one pass of, at most.
TOKENS_CPU, TOKENS_GPU = 256, 1 << 14
#: Where a model keeps for which state of its weights :func:`prove` has been through.
PROVED = "masked runs proved"


class MaskedRuns:
    """Some prompts of a model, ready to run with any edges live.

    Attributes:
        graph: the senders (rows) and receivers (columns) of masks.
    """

    def __init__(
        self,
        engine: Engine,
        tokens: Int[Tensor, "b p"],
        lengths: Sequence[int],
        ends: Outside,
        graph: Graph,
    ) -> None:
        refuse(engine)
        self.engine, self.model = engine, engine.model
        self.graph = graph
        self._tokens, self._ends, self._epoch = tokens, ends, engine.epoch
        rows = torch.arange(len(tokens), device=tokens.device)
        self._last = Spot(rows, torch.tensor([n - 1 for n in lengths], device=tokens.device))
        prove(engine, tokens, graph)

    @classmethod
    def of(
        cls,
        model: Model,
        clean: Prompts,
        corrupt: Prompts,
        how: How = "resample",
        reference: Prompts | None = None,
        graph: Graph | None = None,
    ) -> MaskedRuns:
        """For pairs of prompts, each of equal length in tokens.

        Args:
            how, reference: see :func:`circuitboard.engine.outside.outside`; means are over the
                corrupted prompts unless a reference is given.
            graph: with neurons as nodes of their own; of heads and MLPs unless given.

        Raises:
            InterventionError: the prompts differ in length; there are hooks of your own on the
                model. ModelError: its parts cannot be run on their own.
        """
        engine = engine_of(model)
        with model.lock:
            engine.refresh()
            pair = prompts_of(clean), prompts_of(corrupt)
            check_lengths(model, *pair)
            tokens, lengths = engine.encode(pair[0])
            theirs, _ = engine.encode(pair[1])
            over = theirs, lengths
            if reference is not None:
                over = engine.encode(prompts_of(reference))
            graph = Graph.of(model) if graph is None else graph
            ends = outside(engine, theirs, how, over, graph.neurons)
            return cls(engine, tokens, lengths, ends, graph)

    def finals(self, masks: Tensor, *, whole: bool = False, grad: bool = False) -> Tensor:
        """The stream after the last block, at each prompt's last position [n, b, d].

        Args:
            masks: [n, sender, receiver], 0 to 1; or with a last dimension for positions. Where the
                model has no edge they are not read.
            whole: at all positions, [n, b, p, d].
            grad: autograd follows from the masks.

        Raises:
            StaleResultError: weights or hooks were changed since.
        """
        if self._epoch != self.engine.epoch:
            raise StaleResultError(
                "The model's weights or hooks were changed since these prompts were made ready.",
                "Make them ready again.",
            )
        found = MaskedPass(self.graph, self.model, self._tokens, self._ends, masks, grad)
        tokens, split = self._tokens.repeat(len(masks), 1), self.graph.neurons
        with self.model.lock, torch.set_grad_enabled(grad):
            run_parts(self.model, tokens, found, grad=grad, neurons=split)
            with constant_weights(self.model):  # of a norm after attention
                out = found.final(None if whole else self._last)
        return out if whole else out[:, :, 0]

    def logits(self, masks: Tensor, *, grad: bool = False) -> Float[Tensor, "n b v"]:
        """Logits at each prompt's last position; arguments as for :meth:`finals`."""
        finals = self.finals(masks, grad=grad)
        dtype = self._ends.streams[-1].dtype
        logits = run_tail(self.model, finals.to(dtype).flatten(0, 1)[:, None], grad=grad)[:, 0]
        return logits.unflatten(0, finals.shape[:2])

    def judged(self, masks: Tensor, judge: Judge) -> Float[Tensor, "n b"]:
        """A metric of the prompts under each mask; arguments as for :meth:`finals`."""
        finals = self.finals(masks, whole=judge.whole).to(self._ends.streams[-1].dtype)
        values = (judge.loss if judge.whole else judge.last)(finals.flatten(0, 1))
        return values.reshape(len(masks), -1)

    def measure(
        self,
        masks: Sequence[Tensor | NDArray[np.generic]],
        judge: Judge,
        watch: Watch | None = None,
    ) -> Float[Tensor, "n b"]:
        """The same for any number of masks, in portions that fit."""
        watch = watch or Watch()
        most = TOKENS_GPU if self._tokens.is_cuda else TOKENS_CPU
        size = max(1, most // self._tokens.numel())
        found: list[Tensor] = []
        for start in range(0, len(masks), size):
            watch.check()
            some = [torch.as_tensor(mask) for mask in masks[start : start + size]]
            found.append(self.judged(torch.stack(some).to(self._tokens.device), judge))
            watch.progress(min(start + size, len(masks)), len(masks))
        return torch.cat(found)


def refuse(engine: Engine) -> None:
    """Raises where a model's parts cannot be run on their own."""
    if engine.hooked_by_user:
        raise InterventionError(
            "There are hooks of your own on the model: a circuit cannot be run under them.",
            "Take them off: model.bridge.reset_hooks().",
        )
    facts = engine.model.facts
    if facts.full_runs:
        raise ModelError(
            f"The parts of {facts.name} cannot be run on their own: {facts.full_runs}.",
            "Take a model whose blocks do not share keys and values.",
        )
    if not engine.model.has_part("attn"):
        raise ModelError(
            f"What attention adds to the stream cannot be changed in {facts.name}.",
            "Circuits of this architecture cannot be run.",
        )


def prove(engine: Engine, tokens: Int[Tensor, "b p"], graph: Graph) -> None:
    """Tries all edges once for each state of a model's weights: they have to give its own run.

    Raises ModelError where they do not.
    """
    model = engine.model
    known: tuple[int, set[object]] = model.attached.get(PROVED, (-1, set()))
    if known[0] != engine.epoch:
        known = model.attached[PROVED] = engine.epoch, set()
    key = tuple(graph.neurons.items())
    if key in known[1]:
        return
    known[1].add(key)  # while it is tried
    others = torch.cat([tokens[:1, :1], tokens[:1, 1:].flip(1)], 1)
    ends = outside(engine, others, "resample", None, graph.neurons)
    runs = MaskedRuns(engine, tokens[:1], [tokens.shape[1]], ends, graph)
    own = engine.run(tokens[:1], [tokens.shape[1]], InterventionSet(), hold=False)[0].final
    found = runs.finals(torch.ones(1, *graph.exists.shape, device=model.device), whole=True)[0]
    room = max(1e-3, 8 * torch.finfo(own.dtype).eps)
    if float((found - own).abs().max()) > room * float(own.abs().max()):
        known[1].discard(key)
        parts = "heads, MLPs and neurons" if graph.neurons else "heads and MLPs"
        raise ModelError(
            f"{model.facts.name} is not the sum of its {parts}: all edges together give "
            "another run than its own.",
            "Circuits of this architecture cannot be run.",
        )


def run_masked(
    model: Model,
    clean: Prompts,
    corrupt: Prompts,
    mask: Tensor | NDArray[np.generic],
    *,
    how: How = "resample",
    reference: Prompts | None = None,
    neurons: Iterable[str] = (),
    grad: bool = False,
) -> Float[Tensor, "... b v"]:
    """Logits at the last position of the clean prompts with only a circuit's edges live.

    Use :class:`MaskedRuns` for many masks on the same prompts.

    Args:
        clean, corrupt, how, reference: as for :meth:`MaskedRuns.of`.
        mask: [sender, receiver] in the order of :class:`Graph`, of numbers from 0 (missing) to 1
            (live), or [receiver], the same for all that it reads; several with a dimension before,
            positions as a last one. Booleans do too.
        neurons: nodes of their own: ``circuit.neurons`` for a circuit's mask.
        grad: autograd follows from the mask.

    Returns:
        [b, v], or [n, b, v] for several masks.
    """
    runs = MaskedRuns.of(model, clean, corrupt, how, reference, Graph.of(model, neurons))
    given = torch.as_tensor(mask)
    given = given.to(model.device, given.dtype if given.is_floating_point() else torch.float32)
    if given.ndim == 1:
        given = given.expand(len(runs.graph.senders), -1)
    one = given.shape[:2] == runs.graph.exists.shape
    logits = runs.logits(given[None] if one else given, grad=grad)
    return logits[0] if one else logits
