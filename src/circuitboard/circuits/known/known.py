"""Known circuits by name: a model, a task that it solves, and the truth about how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module

from circuitboard.circuits.known.shape import Shape
from circuitboard.models.load import load
from circuitboard.models.model import Model
from circuitboard.spec.address import Edge
from circuitboard.spec.errors import CircuitboardError
from circuitboard.spec.task import Task

#: What a model or a task of this kind is called in plans: ``known:induction``.
PREFIX = "known:"
NAMES = ("backup", "gates", "induction", "lookup", "majority", "neurons", "relay", "suppression")
#: Bundled models that were trained to have their circuit: :mod:`circuitboard.recipes.strict`.
TRAINED = ("kinds", "recall")
PAIRS = 16


@dataclass(frozen=True)
class KnownCircuit:
    """A transformer with hand-set weights, or trained to a program, and its circuit.

    An edge is in the circuit when patching it from the corrupted prompts changes the metric,
    alone or after others (``standing_in``); nothing else changes it, in whatever combination: not
    at all with hand-set weights, and not the answer in a trained model, whose card says by how
    much logits move. What is the same in clean and corrupted prompts, such as positions, flows on
    no edge.

    Attributes:
        name: what :func:`known_circuit` calls it.
        about: what it does, in a sentence.
        model: the model, 2 or 3 layers of 4 heads; in hand-set ones there are distractors.
        task: pairs that it answers right, the corrupted side too.
        edges: all edges of the circuit, from the embedding to the logits.
        standing_in: for an edge that another makes up for, edges to take out before it.
        neurons: those that are nodes of their own, where edges are of neurons: all that have
            something to do, in the circuit or not.
    """

    name: str
    about: str
    model: Model
    task: Task
    edges: tuple[str, ...]
    standing_in: Mapping[str, Sequence[str]]
    neurons: tuple[str, ...] = ()

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Heads, MLPs and neurons of the circuit."""
        senders = {Edge.parse(edge).sender.place for edge in self.edges}
        every = [*self.model.heads, *self.model.mlps, *self.neurons]
        return tuple(node for node in every if node in senders)


def known_circuits(*, trained: bool | None = None) -> list[str]:
    """Names of the known circuits: all, those of trained models, or those of hand-set ones."""
    chosen = {None: NAMES + TRAINED, True: TRAINED, False: NAMES}[trained]
    return sorted(chosen)


def known_circuit(name: str, *, seed: int = 0, pairs: int = PAIRS) -> KnownCircuit:
    """Makes a known circuit: the same name, seed and number give the same in every bit.

    Args:
        name: one of :func:`known_circuits`, with or without ``known:`` before it.
        seed: of the prompts, and of distractors' weights; trained weights are as they are.
        pairs: how many prompts the task has.

    Raises:
        CircuitboardError: there is none of that name.
    """
    if name.removeprefix(PREFIX) in TRAINED:
        return _trained(name.removeprefix(PREFIX), seed, pairs)
    drawn = _shape(name.removeprefix(PREFIX), seed, pairs)
    plan = drawn.blueprint
    name = plan.name
    return KnownCircuit(
        name=name,
        about=drawn.about,
        model=plan.build(),
        task=Task(f"{PREFIX}{name}", tuple(drawn.pairs), about=drawn.about),
        edges=tuple(plan.edges()),
        standing_in=drawn.standing_in,
        neurons=tuple(n for layer in sorted(plan.apart) for n in plan.neurons(layer)),
    )


def _shape(name: str, seed: int, pairs: int) -> Shape:
    if name not in NAMES:
        raise CircuitboardError(
            f"There is no known circuit {name!r}.", f"There is: {', '.join(known_circuits())}."
        )
    return import_module(f"circuitboard.circuits.known.{name}").shape(seed, pairs)


def _trained(name: str, seed: int, pairs: int) -> KnownCircuit:
    program = import_module(f"circuitboard.recipes.{name}.program").PROGRAM
    task = Task(f"{PREFIX}{name}", tuple(program.pairs(pairs, seed)), about=program.about)
    return KnownCircuit(name, program.about, load(name), task, program.edges, {})
