"""Known circuits: the truth about each is proved edge by edge, by runs that share no code."""

from __future__ import annotations

import random
from functools import lru_cache

import numpy as np
import pytest
import torch
from edge_oracle import Oracle, every_edge
from torch import Tensor

import circuitboard as cb
from circuitboard.circuits.known.blueprint import NOISE
from circuitboard.circuits.known.known import KnownCircuit, known_circuit, known_circuits
from circuitboard.engine.edge_graph import Graph
from circuitboard.engine.masked import MaskedRuns
from circuitboard.spec.errors import CircuitboardError
from circuitboard.spec.wiring import connected

NOTHING, SOMETHING = 1e-5, 0.5


class Proof:
    """One known circuit, the oracle of its task, and the metric of each pair."""

    def __init__(self, name: str) -> None:
        self.known = known_circuit(name)
        model, task = self.known.model, self.known.task
        self.oracle = Oracle(model, task.clean, task.corrupt, self.known.neurons)
        self.targets, self.foils = (
            torch.tensor([model.single_token(str(one[0])) for one in side])
            for side in (task.targets, task.foils)
        )
        self.every = every_edge(model, self.known.neurons)
        self.outside = [edge for edge in self.every if edge not in self.known.edges]

    def metric(self, *removed: list[str]) -> Tensor:
        """Logit differences without each set of edges: [set, pair]."""
        logits = self.oracle.logits(removed)
        rows = torch.arange(len(self.targets))
        return logits[:, rows, self.targets] - logits[:, rows, self.foils]


@lru_cache
def proof(name: str) -> Proof:
    return Proof(name)


every = pytest.mark.parametrize("name", known_circuits(trained=False))


@every
def test_the_oracle_is_the_model(name: str) -> None:
    made = proof(name)
    with torch.no_grad():
        own = made.known.model.bridge(made.oracle.clean, return_type="logits")[:, -1]
    torch.testing.assert_close(made.oracle.logits([[]])[0], own, atol=1e-4, rtol=0)


@every
def test_the_model_solves_its_task_on_both_sides(name: str) -> None:
    known = known_circuit(name, pairs=64)
    model, task = known.model, known.task
    assert task.validate(model) == []
    for prompts, answers in ((task.clean, task.targets), (task.corrupt, task.foils)):
        said = cb.run(model, list(prompts)).logits[:, -1].argmax(-1)
        assert said.tolist() == [model.single_token(str(one[0])) for one in answers]


@every
def test_no_edge_outside_changes_anything(name: str) -> None:
    made = proof(name)
    assert set(made.known.edges) <= set(made.every)
    assert len(made.outside) > 70
    found = made.metric([], made.outside, *([edge] for edge in made.outside))
    assert float((found - found[0]).abs().max()) < NOTHING


@every
def test_no_edge_outside_matters_whatever_else_is_taken_out(name: str) -> None:
    made, dice = proof(name), random.Random(0)
    sets = []
    for _ in range(40):
        inside = [edge for edge in made.known.edges if dice.random() < 0.4]
        outside = [edge for edge in made.outside if dice.random() < 0.7]
        sets += [inside, [*inside, *outside]]
    found = made.metric(*sets)
    assert float((found[::2] - found[1::2]).abs().max()) < NOTHING
    assert float(found.std()) > SOMETHING


@every
def test_each_edge_of_the_circuit_changes_the_metric(name: str) -> None:
    made = proof(name)
    for edge in made.known.edges:
        first = list(made.known.standing_in.get(edge, []))
        without, too = made.metric(first, [*first, edge])
        assert float((without - too).abs().mean()) > SOMETHING, edge
    assert set(made.known.standing_in) <= set(made.known.edges)


@pytest.mark.parametrize("name", ["gates", "backup"])
def test_what_stands_in_hides_an_edge(name: str) -> None:
    made = proof(name)
    for edge in made.known.standing_in:
        whole, without = made.metric([], [edge])
        assert float((whole - without).abs().mean()) < 0.01, edge


@every
def test_the_engine_patches_these_edges_alike(name: str) -> None:
    """Path patching of single edges, against the oracle: in and outside of the circuit."""
    made = proof(name)
    known, dice = made.known, random.Random(1)
    some = [*known.edges, *dice.sample(made.outside, 8)]
    task = known.task
    if known.neurons:
        circuit = cb.Circuit.of(some, neurons=known.neurons)
        found = np.stack([cb.patched_parts(known.model, circuit, task, [edge]) for edge in some])
    else:
        source = cb.Source(task.corrupt)
        found = cb.sweep(
            known.model,
            list(task.clean),
            [cb.InterventionSet((cb.Patch(edge, source),)) for edge in some],
            target=[str(one[0]) for one in task.targets],
            foil=[str(one[0]) for one in task.foils],
            per_prompt=True,
        )
    want = made.metric([], *([edge] for edge in some))
    want = want[1:] - want[0]
    torch.testing.assert_close(torch.tensor(found).float(), want, atol=1e-3, rtol=0)


@every
def test_masked_runs_are_these_sums(name: str) -> None:
    """Any edges live, against plain sums: in the circuit alone, and at random."""
    made, dice = proof(name), random.Random(2)
    known = made.known
    graph = Graph.of(known.model, known.neurons)
    pairs = list(known.task.clean), list(known.task.corrupt)
    runs = MaskedRuns.of(known.model, *pairs, graph=graph)
    sets = [[], made.outside, list(known.edges)]
    sets += [[edge for edge in made.every if dice.random() < 0.3] for _ in range(6)]
    ends = [(str(u), str(v)) for v in runs.graph.receivers for u in runs.graph.senders]
    masks = torch.ones(len(sets), len(runs.graph.receivers), len(runs.graph.senders))
    for mask, gone in zip(masks, sets, strict=True):
        lost = set(gone)
        mask.view(-1)[[i for i, (u, v) in enumerate(ends) if f"{u}->{v}" in lost]] = 0
    found = runs.logits(masks.mT)
    torch.testing.assert_close(found, made.oracle.logits(sets), atol=1e-3, rtol=0)


@every
def test_distractors_are_loud_and_differ(name: str) -> None:
    """What no one hears is as strong as what the circuit writes, and corruption changes it."""
    made = proof(name)
    model, task = made.known.model, made.known.task
    quiet = [p for p in (*model.heads, *model.mlps) if p not in made.known.nodes]
    assert len(quiet) >= 4
    clean = cb.run(model, list(task.clean), keep=quiet)
    corrupt = cb.run(model, list(task.corrupt), keep=quiet)
    changes = [float(abs(clean[part] - corrupt[part]).max()) for part in quiet]
    assert sorted(changes)[len(changes) // 3] > 0.3
    assert min(changes) > 0.0


@every
def test_the_circuit_is_whole(name: str) -> None:
    known = proof(name).known
    assert connected(known.edges) == set(known.edges)
    scored = cb.discover(known.model, known.task, "eap", neurons=known.neurons, size=1.0)
    assert set(scored.edges) == set(proof(name).every)
    assert set(known.nodes) < {*known.model.heads, *known.model.mlps, *known.neurons}


def test_induction_is_the_textbook_circuit() -> None:
    known: KnownCircuit = proof("induction").known
    assert sorted(known.edges) == sorted(
        [
            "embed->L0H1.v",
            "L0H1->L1H2.k",
            "embed->L1H2.q",
            "embed->L1H2.v",
            "L1H2->logits",
        ]
    )
    assert known.nodes == ("L0H1", "L1H2")


def test_neurons_are_nine_of_a_table_and_nine_that_do_other_work() -> None:
    known: KnownCircuit = proof("neurons").known
    assert len(known.neurons) == 18
    assert known.nodes == ("L0H0", "L0H1", *known.neurons[::2])
    clean = cb.run(known.model, list(known.task.clean), keep=list(known.neurons))
    fired = np.array([clean[neuron][:, -1] > 0.5 for neuron in known.neurons])
    assert fired.any(1).all()  # each at some prompt: the others are as loud
    assert (fired.sum(0) == 2).all()


def test_the_unheard_head_speaks_to_the_mlp() -> None:
    """In ``majority`` an edge is there in the weights, and never matters."""
    known = proof("majority").known
    model = known.model
    wrote = model.bridge.blocks[0].attn.W_O[3].detach()
    assert float((wrote @ model.bridge.blocks[1].mlp.W_in.detach()).abs().max()) > 0.1
    assert "L0H3->L1.mlp" not in known.edges


def test_the_same_seed_gives_the_same_model_and_another_another() -> None:
    one, two, other = (known_circuit("lookup", seed=seed) for seed in (3, 3, 4))
    assert one.task == two.task != other.task
    assert one.edges == two.edges == other.edges
    weights = [dict(known.model.parameters()) for known in (one, two, other)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert any(not torch.equal(weights[0][key], weights[2][key]) for key in weights[0])


def test_a_name_that_is_not_known() -> None:
    with pytest.raises(CircuitboardError, match=r"There is no known circuit 'ioi'\. There is: b"):
        known_circuit("known:ioi")


def test_nothing_but_distractors_touches_noise() -> None:
    from circuitboard.circuits.known.gates import shape

    drawn = shape(0, 1).blueprint
    for head in drawn.heads.values():
        assert NOISE not in {space for look in head.looks for space in look[:2]}
        assert NOISE not in {space for move in head.moves for space in move[:2]}
    assert all(NOISE not in (*mlp.reads, *mlp.writes) for mlp in drawn.mlps.values())
