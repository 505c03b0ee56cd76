"""Strict training: its runs against the library and the engine, its programs by hand, its loop."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import circuitboard as cb
from circuitboard.engine.edge_graph import Graph
from circuitboard.engine.masked import MaskedRuns
from circuitboard.models.model import Model
from circuitboard.models.plain import plain
from circuitboard.models.tiny import new_gpt2, new_llama, word_tokenizer
from circuitboard.recipes.kinds.program import PROGRAM as KINDS
from circuitboard.recipes.kinds.train import RECIPE as KINDS_RECIPE
from circuitboard.recipes.recall.program import PROGRAM as RECALL
from circuitboard.recipes.recall.train import RECIPE as RECALL_RECIPE
from circuitboard.recipes.strict import learn
from circuitboard.recipes.strict.check import failures
from circuitboard.recipes.strict.edgewise import Swap, Wiring, run
from circuitboard.recipes.strict.program import BOS, FIRST_WORD, NOTHING, Program

LAYERS, HEADS = 2, 4
WIRING = Wiring(LAYERS, HEADS)
WORDS = tuple("abcdefgh")
shapes = pytest.mark.parametrize("shape", ["gpt2", "llama"])
programs = pytest.mark.parametrize("program", [KINDS, RECALL], ids=lambda one: one.name)


def random_model(shape: str) -> Any:
    """Weights large enough that every part matters."""
    new = {"gpt2": new_gpt2, "llama": new_llama}[shape]
    model = new(FIRST_WORD + len(WORDS), 8, 32, LAYERS, HEADS, 0).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            wider = weight * 8 if weight.ndim > 1 else weight
            weight.copy_(wider + torch.randn(weight.shape, generator=generator) * 0.1)
    return model


def drawn(seed: int, n: int = 6) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(FIRST_WORD, FIRST_WORD + len(WORDS), (n, 7), generator=generator)
    tokens[:, 0] = BOS
    return tokens


def opened(model: Any) -> Model:
    return cb.load(model, word_tokenizer(WORDS, pattern=r"\S+", n_ctx=8))


# --- runs --------------------------------------------------------------------------------------


@shapes
@torch.no_grad()
def test_a_run_is_the_librarys(shape: str) -> None:
    model = random_model(shape)
    logits, written = run(plain(model), drawn(0))
    torch.testing.assert_close(logits, model(drawn(0)).logits, atol=2e-4, rtol=1e-4)
    assert len(written) == len(WIRING.senders)


@shapes
@torch.no_grad()
def test_swapped_edges_are_the_engines_masked_runs(shape: str) -> None:
    """Any edges of each prompt exchanged, LayerNorm and RMSNorm: two programs, one number."""
    model = random_model(shape)
    tokens, source = drawn(1), drawn(2)
    generator = torch.Generator().manual_seed(3)
    sets = [torch.rand(WIRING.exists.shape, generator=generator) < share for share in (0, 0.3, 0.9)]
    weights = plain(model)
    other = run(weights, source)[1]
    own = [
        run(weights, tokens, Swap(edges.expand(len(tokens), -1, -1), other))[0][:, -1]
        for edges in sets
    ]
    engine = MaskedRuns.of(opened(model), *(list(x.numpy()) for x in (tokens, source)))
    found = engine.logits(torch.stack([(~edges).float() for edges in sets]))
    torch.testing.assert_close(torch.stack(own), found, atol=1e-3, rtol=1e-3)
    assert float((own[0] - own[1]).abs().max()) > 0.1


@torch.no_grad()
def test_each_prompt_has_edges_of_its_own() -> None:
    weights = plain(random_model("gpt2"))
    tokens, other = drawn(1), run(weights, drawn(2))[1]
    edges = torch.rand(len(tokens), *WIRING.exists.shape) < 0.5
    whole = run(weights, tokens, Swap(edges, other))[0]
    for row in range(len(tokens)):
        alone = Swap(edges[row : row + 1], [x[row : row + 1] for x in other])
        torch.testing.assert_close(run(weights, tokens[row : row + 1], alone)[0][0], whole[row])
    everything = Swap(torch.ones_like(edges), other)
    torch.testing.assert_close(run(weights, tokens, everything)[0], run(weights, drawn(2))[0])


def test_the_wiring_is_the_engines_graph() -> None:
    graph = Graph.of(opened(random_model("llama")))
    assert WIRING.senders == [str(sender) for sender in graph.senders]
    assert WIRING.receivers == [str(receiver) for receiver in graph.receivers]
    np.testing.assert_array_equal(WIRING.exists.numpy(), graph.exists)
    assert len(WIRING.edges) == graph.exists.sum() == 110
    indexed = sorted([*WIRING.index(edge)] for edge in WIRING.edges)
    assert indexed == np.argwhere(graph.exists).tolist()
    assert WIRING.out_of(["L1.mlp"]).sum() == 1


# --- programs ----------------------------------------------------------------------------------


def said(program: Program, text: str, other: str = "", swapped: str = "") -> str:
    """The program's answer at the end, one edge carrying what it carries on another prompt."""
    tokens, source = (
        torch.cat([torch.tensor([BOS]), program.ids(x.split())])[None]
        for x in (text, other or text)
    )
    due = program.answers(tokens, source, {swapped: True} if swapped else {})
    return program.word(int(due[0, -1]))


def test_kinds_by_hand() -> None:
    text, other = "cat oak hen", "owl bee pine"
    assert said(KINDS, text) == "nest"
    assert said(KINDS, other) == "meal"
    assert said(KINDS, "cat oak fern") == "grove"
    assert said(KINDS, "oak fern cat bee") == "herd"
    assert said(KINDS, text, other, "embed->L0.mlp") == "meal"
    assert said(KINDS, text, other, "L0.mlp->L1.mlp") == "grove"
    assert said(KINDS, text, other, "L0.mlp->L1H2.v") == "herd"
    assert said(KINDS, text, other, "L1H2->L1.mlp") == "herd"
    assert said(KINDS, text, other, "L1.mlp->logits") == "meal"
    assert said(KINDS, text, other, "L1H0->L1.mlp") == "nest"


def test_recall_by_hand() -> None:
    text = "Ann red Bob blue Cat gold Bob"
    other = "Bob pink Cat red Ann grey Cat"
    assert said(RECALL, text) == "sky"
    assert said(RECALL, other) == "rose"
    assert said(RECALL, text, other, "embed->L1H2.q") == "sun"
    assert said(RECALL, text, other, "L0H1->L1H2.k") == "rose"
    assert said(RECALL, text, other, "embed->L0H1.v") == "rose"
    assert said(RECALL, text, other, "embed->L1H2.v") == "rose"
    assert said(RECALL, text, other, "L1H2->L1.mlp") == "rose"
    assert said(RECALL, text, other, "L1.mlp->logits") == "rose"
    assert said(RECALL, text, other, "embed->logits") == "sky"


@programs
def test_answers_are_due_where_there_are_some(program: Program) -> None:
    tokens = program.draw(200, torch.Generator().manual_seed(0))
    assert tokens.shape == (200, program.width)
    due = program.answers(tokens, tokens, {})
    assert (due[:, -1] != NOTHING).all()
    assert (due[:, :2] == NOTHING).all()
    assert {program.word(int(token)) for token in due[due != NOTHING]} <= set(program.words)
    assert len(due[:, -1].unique()) == (4 if program is KINDS else 6)


@programs
def test_pairs_tell_every_edge(program: Program) -> None:
    pairs = program.pairs(12, 3)
    assert pairs == program.pairs(12, 3) != program.pairs(12, 4)
    assert pairs[:5] == program.pairs(5, 3)
    for pair in pairs:
        clean, corrupt = str(pair.clean), str(pair.corrupt)
        assert said(program, clean) == pair.targets[0]
        assert said(program, corrupt) == pair.foils[0] != pair.targets[0]
        for edge in program.edges:
            assert said(program, clean, corrupt, edge) != pair.targets[0], edge


# --- training ----------------------------------------------------------------------------------

TINY = learn.Recipe(
    shape="gpt2",
    n_layers=2,
    d_model=16,
    steps=7,
    batch=10,
    warm_up=2,
    state_every=2,
    check_every=3,
    check_n=8,
)


class StopHereError(Exception):
    """Stands for a kill between two steps."""


def stop_after(step: int):
    def callback(progress: learn.Progress) -> None:
        if progress.step == step:
            raise StopHereError

    return callback


@programs
def test_what_is_exchanged_in_turns(program: Program) -> None:
    wiring, n = Wiring(3, 4), 500
    edges, swapped = learn.exchanged(wiring, program, n, torch.Generator().manual_seed(0))
    inside = wiring.mask(program.edges)
    outside = wiring.exists & ~inside
    assert not (edges & ~wiring.exists).any()
    nothing, outer, inner, both, parts = (edges[turn :: learn.TURNS] for turn in range(5))
    assert not nothing.any()
    assert not (outer & inside).any()
    assert not (inner & outside).any()
    assert (both & inside).any()
    assert (both & outside).any()
    shares = (outer & outside).sum((1, 2)) / outside.sum()
    assert float((shares == 1).float().mean()) == pytest.approx(1 / 3, abs=0.12)
    assert 0.2 < float(shares[shares < 1].mean()) < 0.7
    for row in parts:
        whole = row.sum(1)
        assert ((whole == 0) | (whole == wiring.exists.sum(1))).all()
    for edge in program.edges:
        assert torch.equal(swapped[edge], edges[:, *wiring.index(edge)])


def test_an_interrupted_run_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    seen: list[learn.Progress] = []
    whole = learn.train(KINDS, TINY, tmp_path / "whole", progress=seen.append)
    for step in (3, 6):
        with pytest.raises(StopHereError):
            learn.train(KINDS, TINY, tmp_path / "parts", progress=stop_after(step))
    assert learn.train(KINDS, TINY, tmp_path / "parts") == whole
    first, second = (load_file(tmp_path / run / "model.safetensors") for run in ("whole", "parts"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    history = [(tmp_path / run / "history.json").read_text() for run in ("whole", "parts")]
    assert history[0] == history[1]
    assert [p.step for p in seen] == list(range(1, 8))
    assert [p.step for p in seen if p.checks] == [3, 6, 7]
    kinds = {p.suffix for p in tmp_path.rglob("*") if p.is_file()}
    assert kinds == {".safetensors", ".json"}


def test_a_run_with_other_settings_is_not_gone_on_with(tmp_path: Path) -> None:
    small = replace(TINY, steps=2)
    learn.train(KINDS, small, tmp_path)
    with pytest.raises(ValueError, match="other settings"):
        learn.train(KINDS, small, tmp_path, seed=1)
    learn.train(KINDS, small, tmp_path, seed=1, resume=False)


@pytest.mark.parametrize(
    ("program", "recipe"), [(KINDS, KINDS_RECIPE), (RECALL, RECALL_RECIPE)], ids=["kinds", "recall"]
)
def test_a_few_steps_of_the_recipe_make_progress(
    program: Program, recipe: learn.Recipe, tmp_path: Path
) -> None:
    losses: list[float] = []
    short = replace(recipe, steps=40, warm_up=20, check_n=16)
    learn.train(program, short, tmp_path, progress=lambda now: losses.append(now.loss))
    chance = math.log(FIRST_WORD + len(program.words))
    assert losses[0] == pytest.approx(chance, abs=0.6)
    assert np.mean(losses[-5:]) < 0.7 * chance


def test_the_rate_warms_up_and_falls() -> None:
    rates = [learn.learning_rate(KINDS_RECIPE, step) for step in range(KINDS_RECIPE.steps + 1)]
    top = KINDS_RECIPE.warm_up
    assert rates[0] < rates[top // 2] < rates[top] == max(rates[top:])
    assert rates[top] > rates[len(rates) // 2] > rates[-2] > rates[-1] == 0


def test_what_is_not_strict_is_told() -> None:
    good = {
        "task": {"accuracy": 1.0},
        "interchange": {"L0H1": 1.0},
        "edge": {"embed->L0H1.v": 1.0},
        "strict": {"worst part": 1.0},
        "outside": {
            "all edges outside": 0.05,
            "largest of one outside": 0.02,
            "smallest of one inside": 0.9,
        },
    }
    assert failures(good) == []
    bad = {
        **good,
        "edge": {"embed->L0H1.v": 0.5},
        "strict": {"worst part": math.nan},
        "outside": {**good["outside"], "all edges outside": 0.4, "largest of one outside": 0.5},
    }
    told = failures(bad)
    assert told[0] == "edge: embed->L0H1.v is 0.500, should be at least 0.99"
    assert [line.split(":")[0] for line in told] == ["edge", "strict", "outside", "outside"]
