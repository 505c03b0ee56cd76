"""The shipped strictly trained models: their weights are as strict as their cards say."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import circuitboard as cb
from circuitboard.recipes.state import stored_identity
from circuitboard.recipes.strict import ship
from circuitboard.recipes.strict.card import render
from circuitboard.recipes.strict.check import check, failures
from circuitboard.recipes.strict.learn import Recipe, train
from circuitboard.recipes.strict.program import Program

NAMES = ("kinds", "recall")
every = pytest.mark.parametrize("name", NAMES)
KINDS_OF_SCORES = ("task", "interchange", "edge", "strict", "outside")


def program(name: str) -> Program:
    return import_module(f"circuitboard.recipes.{name}.program").PROGRAM


def folder(name: str) -> Path:
    return import_module(f"circuitboard.recipes.{name}").FOLDER


def metrics(name: str) -> dict[str, Any]:
    return json.loads((folder(name) / "metrics.json").read_text(encoding="utf-8"))


@every
def test_the_weights_meet_every_requirement(name: str) -> None:
    assert check(program(name), folder(name), n=300, seed=5)["failures"] == []


@every
def test_the_metrics_are_those_of_the_weights(name: str) -> None:
    told = metrics(name)
    assert told["failures"] == told["again"]["failures"] == []
    assert told["trained"] != told["again"]["trained"]
    assert failures(told["again"]["tasks"]) == []
    found = import_module(f"circuitboard.recipes.{name}.check").check(folder(name))
    for kind in KINDS_OF_SCORES:
        assert found["tasks"][kind] == pytest.approx(told["tasks"][kind], abs=5e-3)


@every
def test_the_card_is_written_from_the_metrics(name: str) -> None:
    text = (folder(name) / "README.md").read_text(encoding="utf-8")
    assert text == render(program(name), metrics(name))
    assert all(f"`{edge}`" in text for edge in program(name).edges)


@every
def test_the_folder_is_small_and_holds_no_pickle(name: str) -> None:
    files = [path for path in folder(name).rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".safetensors", ".md"}
    assert sum(path.stat().st_size for path in files) < 500_000


@every
@torch.no_grad()
def test_hugging_face_loads_the_folder_and_it_answers(name: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder(name), local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder(name), local_files_only=True)
    rows = json.loads((folder(name) / "prompts.json").read_text(encoding="utf-8"))
    assert rows == ship.example_prompts(program(name))
    for row in rows:
        for prompt, answer in ((row["prompt"], row["target"]), (row["contrast"], row["foil"])):
            logits = model(**tokenizer(prompt, return_tensors="pt")).logits
            assert tokenizer.decode(logits[0, -1].argmax()) == answer


@every
def test_the_board_opens_on_its_prompt(name: str) -> None:
    board = cb.Board(cb.load(name))
    assert board.result.metric > 3
    rows = json.loads((folder(name) / "reference.json").read_text(encoding="utf-8"))
    assert rows == ship.reference_prompts(program(name))
    assert len(rows) == ship.REFERENCE


def test_a_folder_is_made_of_two_runs(tmp_path: Path) -> None:
    small = Recipe(shape="gpt2", n_layers=2, d_model=16, steps=2, batch=10, check_n=8)
    kinds, runs = program("kinds"), [tmp_path / "first", tmp_path / "second"]
    for seed, run in enumerate(runs):
        train(kinds, small, run, seed=seed)
    assert stored_identity(runs[1])["seed"] == 1
    with pytest.raises(ValueError, match="different seeds"):
        ship.ship(kinds, runs[0], runs[0], tmp_path / "made")
    made = ship.ship(kinds, *runs, tmp_path / "made")
    assert made["failures"]  # two steps teach nothing
    assert {path.name for path in (tmp_path / "made").iterdir()} == {
        path.name for path in folder("kinds").iterdir()
    }
