"""Runs of circuits with neurons as nodes of their own: against the definition in plain hooks."""

from __future__ import annotations

import circuit_oracle
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

import circuitboard as cb
import tiny
from circuitboard.engine.edge_graph import Graph
from circuitboard.engine.engine import engine_of
from circuitboard.engine.masked import MaskedRuns
from circuitboard.models.load import load
from circuitboard.models.model import Model
from circuitboard.models.tiny import number_tokenizer
from circuitboard.spec.errors import AddressError, CircuitboardError, ModelError

CLEAN = [tiny.prompt(7, 1), tiny.prompt(7, 2)]
CORRUPT = [tiny.prompt(7, 4), tiny.prompt(7, 5)]
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
#: LayerNorm, RMSNorm with gates, the same with grouped heads, in parallel, no bridge of its own.
NAMES = ("gpt2", "llama", "qwen2", "neox", "opt", "native")


def some_neurons(model: Model, seed: int = 0, count: int = 3) -> list[str]:
    """So many of each layer but the first, whose MLP stays whole; in a layer, in order."""
    dice = np.random.default_rng(seed)
    layers = range(1, model.facts.n_layers)
    drawn = {n: sorted(dice.choice(model.facts.d_mlp, count, replace=False)) for n in layers}
    return [f"L{layer}.mlp.n{n}" for layer, numbers in drawn.items() for n in numbers]


def runs_of(model: Model, neurons: list[str], how: str = "resample") -> MaskedRuns:
    return MaskedRuns.of(model, CLEAN, CORRUPT, how, graph=Graph.of(model, neurons))  # type: ignore[arg-type]


def drawn_mask(graph: Graph, seed: int, share: float) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(graph.exists.shape, generator=generator) < share).float()


@pytest.mark.parametrize("name", NAMES)
def test_all_edges_are_the_clean_run_and_none_the_corrupted(name: str) -> None:
    model = tiny.model(name)
    runs = runs_of(model, some_neurons(model))
    shape = runs.graph.exists.shape
    found = runs.logits(torch.stack([torch.ones(shape), torch.zeros(shape)]))
    for got, prompts in zip(found, (CLEAN, CORRUPT), strict=True):
        wanted = torch.tensor(cb.run(model, prompts).logits[:, -1])
        torch.testing.assert_close(got, wanted, **CLOSE)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 999), share=st.sampled_from([0.1, 0.3, 0.7, 0.95]))
@pytest.mark.parametrize("name", NAMES)
def test_any_mask_is_the_definition(name: str, seed: int, share: float) -> None:
    model = tiny.model(name)
    neurons = some_neurons(model, seed)
    tokens, _ = engine_of(model).encode(CLEAN)
    theirs, _ = engine_of(model).encode(CORRUPT)
    runs = runs_of(model, neurons)
    mask = drawn_mask(runs.graph, seed, share)
    mask[0] = 1  # else few masks would leave a way from the embedding
    real = torch.rand(mask.shape, generator=torch.Generator().manual_seed(seed))
    values = circuit_oracle.written(model, theirs, neurons)
    wanted = circuit_oracle.logits(model, tokens, values, [mask, real], neurons)
    torch.testing.assert_close(runs.logits(torch.stack([mask, real])), torch.stack(wanted), **CLOSE)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
@pytest.mark.parametrize("how", ["mean", "positional mean", "zero"])
def test_any_mask_with_other_values_elsewhere(name: str, how: str) -> None:
    model = tiny.model(name)
    neurons = some_neurons(model, 5)
    tokens, _ = engine_of(model).encode(CLEAN)
    theirs, _ = engine_of(model).encode(CORRUPT)
    values = circuit_oracle.written(model, theirs, neurons)
    for place, value in values.items():
        dims = (0, 1) if how == "mean" else (0,)
        mean = value.mean(dims, keepdim=True).expand_as(value)
        bias = place.startswith("bias")
        values[place] = mean if how != "zero" or bias else torch.zeros_like(value)
    runs = runs_of(model, neurons, how)
    mask = drawn_mask(runs.graph, 1, 0.5)
    mask[0] = 1  # a norm of exact zeros blows up rounding
    (wanted,) = circuit_oracle.logits(model, tokens, values, [mask], neurons)
    torch.testing.assert_close(runs.logits(mask[None])[0], wanted, **CLOSE)


@pytest.mark.parametrize("name", ["gpt2", "neox"])
def test_masks_with_positions(name: str) -> None:
    model = tiny.model(name)
    neurons = some_neurons(model, 2)
    tokens, _ = engine_of(model).encode(CLEAN)
    theirs, _ = engine_of(model).encode(CORRUPT)
    runs = runs_of(model, neurons)
    generator = torch.Generator().manual_seed(5)
    shape = *runs.graph.exists.shape, tokens.shape[1]
    mask = (torch.rand(shape, generator=generator) < 0.6).float()
    values = circuit_oracle.written(model, theirs, neurons)
    (wanted,) = circuit_oracle.logits(model, tokens, values, [mask], neurons)
    torch.testing.assert_close(runs.logits(mask[None])[0], wanted, **CLOSE)


@pytest.mark.parametrize("name", NAMES)
def test_an_mlp_whose_nodes_are_kept_together_is_the_whole_mlp(name: str) -> None:
    """Every edge as its MLP's has it: the run without neurons."""
    model = tiny.model(name)
    plain = MaskedRuns.of(model, CLEAN, CORRUPT)
    runs = runs_of(model, some_neurons(model))
    mask = drawn_mask(plain.graph, 3, 0.5)
    mask[0] = 1
    rows, columns = (
        [[str(end) for end in whole].index(str(end).partition(".n")[0]) for end in apart]
        for whole, apart in (
            (plain.graph.senders, runs.graph.senders),
            (plain.graph.receivers, runs.graph.receivers),
        )
    )
    spread = mask[rows][:, columns]
    torch.testing.assert_close(runs.logits(spread[None]), plain.logits(mask[None]), **CLOSE)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
def test_what_is_left_out_changes_nothing(name: str) -> None:
    """With gradients every part is computed on its own; without, dead ones and twins are not."""
    model = tiny.model(name)
    runs = runs_of(model, some_neurons(model))
    for share in (0.02, 0.1, 0.4):
        mask = drawn_mask(runs.graph, 7, share)[None]
        torch.testing.assert_close(runs.logits(mask), runs.logits(mask, grad=True), **CLOSE)


def test_a_neuron_alone_is_a_patch_of_it() -> None:
    """All edges but those out of one neuron: that neuron's activation from the corrupted run."""
    model = tiny.model("llama")
    neurons = some_neurons(model)
    runs = runs_of(model, neurons)
    names = [str(sender) for sender in runs.graph.senders]
    for neuron in neurons[::2]:
        mask = torch.ones(1, *runs.graph.exists.shape)
        mask[0, names.index(neuron)] = 0
        items = [cb.Patch(neuron, cb.Source(tuple(CORRUPT)))]
        wanted = torch.tensor(cb.run(model, CLEAN, items).logits[:, -1])
        torch.testing.assert_close(runs.logits(mask)[0], wanted, **CLOSE)


def test_every_neuron_apart_leaves_the_bias_alone() -> None:
    model = tiny.model("native")
    neurons = [f"L1.mlp.n{n}" for n in range(model.facts.d_mlp)]
    runs = runs_of(model, neurons)
    mask = torch.ones(1, *runs.graph.exists.shape)
    row = [str(sender) for sender in runs.graph.senders].index("L1.mlp")
    whole = runs.logits(mask)
    mask[0, row] = 0  # the same in every run
    torch.testing.assert_close(runs.logits(mask), whole, **CLOSE)


def test_half_precision() -> None:
    model = load(tiny.hf_model("llama").bfloat16(), number_tokenizer(tiny.VOCABULARY))
    runs = runs_of(model, some_neurons(model))
    found = runs.logits(torch.ones(1, *runs.graph.exists.shape)).float()[0]
    wanted = torch.tensor(cb.run(model, CLEAN).logits[:, -1])
    torch.testing.assert_close(found, wanted, rtol=0.05, atol=0.1)


def test_the_graph_names_neurons_after_their_mlp() -> None:
    model = tiny.model("gpt2")
    graph = Graph.of(model, ["L1.mlp.n7", "L1.mlp.n3", "L1.mlp.n7"])
    names = [str(sender) for sender in graph.senders]
    assert names[names.index("L1.mlp") :][:4] == ["L1.mlp", "L1.mlp.n3", "L1.mlp.n7", "L2H0"]
    column = [str(receiver) for receiver in graph.receivers].index("L1.mlp.n3")
    read = [name for name, on in zip(names, graph.exists[:, column], strict=True) if on]
    assert read == names[: names.index("L1.mlp")]
    assert len(graph.senders) == len(Graph.of(model).senders) + 2


def test_what_cannot_be_a_node_says_so() -> None:
    model = tiny.model("gpt2")
    with pytest.raises(AddressError, match=r"no L1\.mlp\.n999"):
        Graph.of(model, ["L1.mlp.n999"])
    with pytest.raises(AddressError, match="not a neuron"):
        Graph.of(model, ["L1.mlp"])
    with pytest.raises(CircuitboardError):
        Graph.of(tiny.model("attn_only"), ["L1.mlp.n1"])
    with pytest.raises(ModelError, match="a norm follows its MLPs"):
        Graph.of(tiny.model("gemma2"), ["L1.mlp.n1"])
