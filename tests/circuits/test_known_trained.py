"""Known circuits of trained models: the truth by runs of the engine, and what methods find."""

from __future__ import annotations

import random
from functools import lru_cache

import pytest
import torch
from torch import Tensor

import circuitboard as cb
from circuitboard.circuits.known.known import KnownCircuit, known_circuit, known_circuits
from circuitboard.circuits.recovery import every_edge, recovery
from circuitboard.engine.masked import MaskedRuns

TRAINED = known_circuits(trained=True)
every = pytest.mark.parametrize("name", TRAINED)
BEST = "eap-ig"


@lru_cache
def made(name: str) -> KnownCircuit:
    return known_circuit(name, pairs=32)


class Runs:
    """The task's clean prompts, with sets of edges carrying what they carry on the corrupted."""

    def __init__(self, name: str) -> None:
        self.known = made(name)
        model, task = self.known.model, self.known.task
        self.runs = MaskedRuns.of(model, list(task.clean), list(task.corrupt))
        self.targets, self.foils = (
            torch.tensor([model.single_token(str(one[0])) for one in side])
            for side in (task.targets, task.foils)
        )
        self.edges = every_edge(model)
        self.outside = [edge for edge in self.edges if edge not in self.known.edges]

    def logits(self, *removed: list[str]) -> Tensor:
        """[set, pair, v]."""
        graph = self.runs.graph
        masks = torch.ones(len(removed), len(graph.receivers), len(graph.senders))
        ends = [f"{u}->{v}" for v in graph.receivers for u in graph.senders]
        for mask, gone in zip(masks, removed, strict=True):
            lost = set(gone)
            mask.view(-1)[[i for i, edge in enumerate(ends) if edge in lost]] = 0
        return self.runs.logits(masks.mT)

    def metric(self, *removed: list[str]) -> Tensor:
        """Logit differences, [set, pair]."""
        logits, rows = self.logits(*removed), torch.arange(len(self.targets))
        return logits[:, rows, self.targets] - logits[:, rows, self.foils]


@lru_cache
def runs(name: str) -> Runs:
    return Runs(name)


@every
def test_both_sides_are_answered(name: str) -> None:
    known = made(name)
    model, task = known.model, known.task
    assert task.validate(model) == []
    for prompts, answers in ((task.clean, task.targets), (task.corrupt, task.foils)):
        said = cb.run(model, list(prompts)).logits[:, -1].argmax(-1)
        assert said.tolist() == [model.single_token(str(one[0])) for one in answers]


@every
def test_no_edges_outside_change_an_answer_in_any_combination(name: str) -> None:
    own, dice = runs(name), random.Random(0)
    sets = [[e for e in own.outside if dice.random() < share] for share in (0.2, 0.5, 0.8) * 8]
    logits = own.logits(own.outside, *sets, *([edge] for edge in own.outside))
    assert (logits.argmax(-1) == own.targets).all()


@every
def test_edges_outside_hardly_move_what_edges_inside_move(name: str) -> None:
    """The gap that the truth rests on: the circuit's weakest edge against the loudest outside."""
    own = runs(name)
    found = own.metric([], own.edges, own.outside, *([edge] for edge in own.edges))
    moved = (found - found[0]).abs().mean(1) / (found[1] - found[0]).abs().mean()
    by_edge = dict(zip(own.edges, moved[3:].tolist(), strict=True))
    weakest = min(by_edge[edge] for edge in own.known.edges)
    assert max(by_edge[edge] for edge in own.outside) < 0.5 * weakest
    assert float(moved[2]) < 0.2
    assert weakest > 0.2


@every
def test_the_circuit_alone_does_the_task(name: str) -> None:
    own = runs(name)
    whole, alone, empty = own.metric([], own.outside, own.edges).mean(1)
    assert float((alone - empty) / (whole - empty)) == pytest.approx(1, abs=0.1)


@every
@pytest.mark.parametrize("method", ["eap-ig", "edge-patching"])
def test_the_circuit_is_recovered(name: str, method: str) -> None:
    known = known_circuit(name)
    found = recovery(known.model, cb.discover(known.model, known.task, method), known.edges)
    assert found["edges"] >= 0.95
    assert found["nodes"] >= 0.95


def test_saturated_attention_hides_queries_and_keys_from_gradients() -> None:
    known = made("recall")
    for method, least, most in (("eap", 0.5, 0.9), ("eap-ig", 0.95, 1.0)):
        found = recovery(known.model, cb.discover(known.model, known.task, method), known.edges)
        assert least <= found["edges"] <= most, method


@every
def test_norms_and_mlps_are_there(name: str) -> None:
    known = made(name)
    facts = known.model.facts
    assert not facts.attn_only
    assert any(part.endswith(".mlp") for part in known.nodes)
    assert known.standing_in == {}
    assert len(known.edges) == len(set(known.edges)) >= 5


def test_the_seed_changes_prompts_alone() -> None:
    one, other = known_circuit("kinds", pairs=4), known_circuit("known:kinds", seed=1, pairs=4)
    assert one.task != other.task
    assert one.edges == other.edges
    weights = [dict(known.model.parameters()) for known in (one, other)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_lists_of_names() -> None:
    assert set(known_circuits()) == {*TRAINED, *known_circuits(trained=False)}
    assert not {*TRAINED} & {*known_circuits(trained=False)}
    assert known_circuits() == sorted(known_circuits())
