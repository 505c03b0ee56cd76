"""Runs of circuits: against the definition in plain hooks, path patching, and EAP's gradients."""

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
from circuitboard.engine.masked import MaskedRuns, run_masked
from circuitboard.models.load import load
from circuitboard.models.model import Model
from circuitboard.models.tiny import number_tokenizer
from circuitboard.spec.errors import CircuitboardError, InterventionError

CLEAN = [tiny.prompt(7, 1), tiny.prompt(7, 2)]
CORRUPT = [tiny.prompt(7, 4), tiny.prompt(7, 5)]
CLOSE = {"rtol": 1e-4, "atol": 2e-5}


def without_a_zero_row(name: str) -> Model:
    """A model whose padding token has an embedding: a norm of exact zeros blows up rounding."""
    model = tiny.fresh(name)
    with torch.no_grad():
        model.embedding()[0] = model.embedding()[1] * 0.5
    engine_of(model).refresh()
    return model


def last_logits(model: Model, prompts: list[str], items: list | None = None) -> Tensor:
    result = cb.run(model, prompts, items)
    ends = [len(model.tokenize(prompt)) - 1 for prompt in prompts]
    return torch.tensor(np.stack([result.logits[row, end] for row, end in enumerate(ends)]))


def drawn(graph: Graph, seed: int, share: float) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(graph.exists.shape, generator=generator) < share).float()


def some_edges(graph: Graph, count: int, seed: int = 0) -> list[tuple[int, int]]:
    pairs = np.argwhere(graph.exists)
    chosen = np.random.default_rng(seed).choice(len(pairs), count, replace=False)
    return [(int(u), int(v)) for u, v in pairs[chosen]]


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_all_edges_are_the_clean_run_and_none_the_corrupted(name: str) -> None:
    model = tiny.model(name)
    clean, corrupt = [*CLEAN, tiny.prompt(4, 6)], [*CORRUPT, tiny.prompt(4, 7)]
    runs = MaskedRuns.of(model, clean, corrupt)
    shape = runs.graph.exists.shape
    found = runs.logits(torch.stack([torch.ones(shape), torch.zeros(shape)]))
    torch.testing.assert_close(found[0], last_logits(model, clean), **CLOSE)
    torch.testing.assert_close(found[1], last_logits(model, corrupt), **CLOSE)


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_one_edge_missing_is_that_edge_patched(name: str) -> None:
    model = tiny.model(name)
    runs = MaskedRuns.of(model, CLEAN, CORRUPT)
    origin = cb.Source(tuple(CORRUPT))
    pairs = [*some_edges(runs.graph, 6), (0, len(runs.graph.receivers) - 1)]
    masks = torch.ones(len(pairs), *runs.graph.exists.shape)
    for n, (u, v) in enumerate(pairs):
        masks[n, u, v] = 0
    found = runs.logits(masks)
    for got, (u, v) in zip(found, pairs, strict=True):
        edge = f"{runs.graph.senders[u]}->{runs.graph.receivers[v]}"
        wanted = last_logits(model, CLEAN, [cb.Patch(edge, origin)])
        torch.testing.assert_close(got, wanted, **CLOSE, msg=edge)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
@pytest.mark.parametrize("how", ["mean", "zero"])
def test_means_and_zeros_are_those_of_interventions(name: str, how: str) -> None:
    model = without_a_zero_row(name)
    reference = (tiny.prompt(5, 8), tiny.prompt(8, 9))
    runs = MaskedRuns.of(model, CLEAN, CORRUPT, how, reference)
    for u, v in some_edges(runs.graph, 5, seed=3):
        mask = torch.ones(1, *runs.graph.exists.shape)
        mask[0, u, v] = 0
        edge = f"{runs.graph.senders[u]}->{runs.graph.receivers[v]}"
        item = (
            cb.Mean(edge, reference=cb.register_reference(reference))
            if how == "mean"
            else cb.Zero(edge)
        )
        wanted = last_logits(model, CLEAN, [item])
        torch.testing.assert_close(runs.logits(mask)[0], wanted, **CLOSE, msg=edge)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 999), share=st.sampled_from([0.1, 0.3, 0.7, 0.95]))
@pytest.mark.parametrize("name", ["gpt2", "llama", "neox", "gemma2", "opt", "attn_only"])
def test_any_mask_is_the_definition(name: str, seed: int, share: float) -> None:
    model = tiny.model(name)
    tokens, _ = engine_of(model).encode(CLEAN)
    theirs, _ = engine_of(model).encode(CORRUPT)
    runs = MaskedRuns.of(model, CLEAN, CORRUPT)
    mask = drawn(runs.graph, seed, share)
    mask[0] = 1  # else few masks would leave a way from the embedding
    real = torch.rand(mask.shape, generator=torch.Generator().manual_seed(seed))
    wanted = circuit_oracle.logits(
        model, tokens, circuit_oracle.written(model, theirs), [mask, real]
    )
    found = runs.logits(torch.stack([mask, real]))
    torch.testing.assert_close(found, torch.stack(wanted), **CLOSE)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
@pytest.mark.parametrize("how", ["mean", "positional mean", "zero"])
def test_any_mask_with_other_values_elsewhere(name: str, how: str) -> None:
    model = without_a_zero_row(name)
    tokens, _ = engine_of(model).encode(CLEAN)
    theirs, _ = engine_of(model).encode(CORRUPT)
    values = circuit_oracle.written(model, theirs)
    for place, value in values.items():
        dims = (0, 1) if how == "mean" else (0,)
        mean = value.mean(dims, keepdim=True).expand_as(value)
        bias = place.startswith("bias")
        values[place] = mean if how != "zero" or bias else torch.zeros_like(value)
    runs = MaskedRuns.of(model, CLEAN, CORRUPT, how)
    for mask in (drawn(runs.graph, 1, 0.5), drawn(runs.graph, 2, 0.05)):
        (wanted,) = circuit_oracle.logits(model, tokens, values, [mask])
        torch.testing.assert_close(runs.logits(mask[None])[0], wanted, **CLOSE)


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "neox"])
def test_masks_with_positions(name: str) -> None:
    model = tiny.model(name)
    tokens, _ = engine_of(model).encode(CLEAN)
    theirs, _ = engine_of(model).encode(CORRUPT)
    runs = MaskedRuns.of(model, CLEAN, CORRUPT)
    width = tokens.shape[1]
    generator = torch.Generator().manual_seed(5)
    mask = (torch.rand(*runs.graph.exists.shape, width, generator=generator) < 0.6).float()
    (wanted,) = circuit_oracle.logits(model, tokens, circuit_oracle.written(model, theirs), [mask])
    torch.testing.assert_close(runs.logits(mask[None])[0], wanted, **CLOSE)
    plain = drawn(runs.graph, 5, 0.5)
    spread = plain[..., None].expand(*plain.shape, width)
    found = run_masked(model, CLEAN, CORRUPT, spread)
    torch.testing.assert_close(found, runs.logits(plain[None])[0], **CLOSE)


def test_several_masks_in_one_call_are_each_alone() -> None:
    model = tiny.model("llama")
    runs = MaskedRuns.of(model, CLEAN, CORRUPT)
    masks = [drawn(runs.graph, seed, share) for seed, share in enumerate((0.05, 0.3, 0.8))]
    together = run_masked(model, CLEAN, CORRUPT, torch.stack(masks))
    for n, mask in enumerate(masks):
        alone = run_masked(model, CLEAN, CORRUPT, mask.bool().numpy())
        torch.testing.assert_close(together[n], alone, **CLOSE)


def test_a_mask_of_receivers_is_the_same_for_all_that_they_read() -> None:
    model = tiny.model("gpt2")
    graph = Graph.of(model)
    which = torch.tensor([i % 3 > 0 for i in range(len(graph.receivers))])
    found = run_masked(model, CLEAN, CORRUPT, which)
    spread = which.expand(len(graph.senders), -1)
    torch.testing.assert_close(found, run_masked(model, CLEAN, CORRUPT, spread), **CLOSE)


@pytest.mark.parametrize("name", ["gpt2", "qwen2", "neox", "gemma2"])
def test_what_is_left_out_changes_nothing(name: str) -> None:
    """With gradients every part is computed on its own; without, dead ones and twins are not."""
    model = tiny.model(name)
    runs = MaskedRuns.of(model, CLEAN, CORRUPT)
    for share in (0.02, 0.1, 0.4):
        mask = drawn(runs.graph, 7, share)[None]
        torch.testing.assert_close(runs.logits(mask), runs.logits(mask, grad=True), **CLOSE)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox", "opt", "native", "attn_only"])
def test_gradients_of_a_mask_are_edge_attribution_turned_round(name: str) -> None:
    """At all edges, d metric / d mask = (a_u - a_u corrupted) . d metric / d input: minus EAP."""
    model = tiny.model(name)
    target, foil = 3, 5
    texts = {"target": "t3", "foil": "t5"}
    scores = cb.edge_attribution(model, CLEAN, CORRUPT, **texts, method="eap")
    runs = MaskedRuns.of(model, CLEAN, CORRUPT)
    mask = torch.ones(1, *runs.graph.exists.shape, requires_grad=True)
    logits = runs.logits(mask, grad=True)[0]
    (logits[:, target] - logits[:, foil]).mean().backward()
    assert mask.grad is not None
    there = torch.tensor(runs.graph.exists)
    wanted = torch.tensor(scores.matrix)[there]
    torch.testing.assert_close(-mask.grad[0][there], wanted, rtol=1e-3, atol=1e-5)
    assert not mask.grad[0][~there].any()


def test_gradients_through_a_norm_after_attention() -> None:
    model = tiny.model("gemma2")
    runs = MaskedRuns.of(model, CLEAN, CORRUPT)
    generator = torch.Generator().manual_seed(0)
    mask = torch.rand(1, *runs.graph.exists.shape, generator=generator).requires_grad_()
    way = torch.randn(mask.shape, generator=generator)

    def value(at: Tensor, grad: bool = False) -> Tensor:
        logits = runs.logits(at, grad=grad)[0].double()
        return (logits[:, 3] - logits[:, 5]).sum()

    value(mask, grad=True).backward()
    assert mask.grad is not None
    step = 1e-2
    slope = (value(mask.detach() + step * way) - value(mask.detach() - step * way)) / (2 * step)
    assert float((mask.grad * way).sum()) == pytest.approx(float(slope), rel=2e-2)


def test_live_edges_lie_between_the_embedding_and_the_logits() -> None:
    model = tiny.model("attn_only")  # two layers of two heads
    graph = Graph.of(model)
    rows = {str(u): i for i, u in enumerate(graph.senders)}
    columns = {str(v): i for i, v in enumerate(graph.receivers)}

    def mask(*edges: str) -> np.ndarray:
        out = np.zeros(graph.exists.shape, bool)
        for edge in edges:
            sender, _, receiver = edge.partition("->")
            out[rows[sender], columns[receiver]] = True
        return out

    way = ["embed->L0H0.v", "L0H0->L1H1.k", "L1H1->logits"]
    dead_end, no_source = "embed->L0H1.q", "L0H1->logits"
    np.testing.assert_array_equal(graph.live(mask(*way, dead_end)), mask(*way))
    np.testing.assert_array_equal(graph.live(mask(*way, no_source)), mask(*way))
    both = mask(*way, no_source)
    np.testing.assert_array_equal(graph.live(both, constant=False), both)
    np.testing.assert_array_equal(graph.live(mask(*way[1:])), mask())
    np.testing.assert_array_equal(graph.live(~mask()), graph.exists)


def test_a_circuit_without_a_way_runs_no_block() -> None:
    model = tiny.model("gpt2")
    runs = MaskedRuns.of(model, CLEAN, CORRUPT)
    called: list[int] = []
    handles = [
        block.original_component.register_forward_hook(lambda *_: called.append(1))
        for block in model.bridge.blocks
    ]
    mask = torch.zeros(1, *runs.graph.exists.shape)
    mask[0, 1:, :] = 1  # nothing reads the embedding
    try:
        found = runs.logits(mask)[0]
    finally:
        for handle in handles:
            handle.remove()
    assert not called
    torch.testing.assert_close(found, last_logits(model, CORRUPT), **CLOSE)


def test_half_precision() -> None:
    model = load(tiny.hf_model("llama").bfloat16(), number_tokenizer(tiny.VOCABULARY))
    runs = MaskedRuns.of(model, CLEAN, CORRUPT)
    shape = runs.graph.exists.shape
    found = runs.logits(torch.stack([torch.ones(shape), torch.zeros(shape)])).float()
    torch.testing.assert_close(found[0], last_logits(model, CLEAN), rtol=0.05, atol=0.1)
    torch.testing.assert_close(found[1], last_logits(model, CORRUPT), rtol=0.05, atol=0.1)


def test_what_cannot_be_run_says_so() -> None:
    model = tiny.fresh("gpt2")
    with pytest.raises(InterventionError, match="16 senders and 40 receivers"):
        run_masked(model, CLEAN, CORRUPT, torch.ones(3, 4))
    uneven = [tiny.prompt(4, 1), tiny.prompt(7, 2)]
    with pytest.raises(InterventionError, match="one length"):
        MaskedRuns.of(model, uneven, uneven, "positional mean")
    with pytest.raises(InterventionError, match="equal length"):
        MaskedRuns.of(model, CLEAN, [tiny.prompt(5, 1), tiny.prompt(5, 2)])
    model.bridge.blocks[0].hook_out.add_hook(lambda tensor, hook: tensor * 2)
    with pytest.raises(CircuitboardError, match="hooks of your own"):
        MaskedRuns.of(model, CLEAN, CORRUPT)
