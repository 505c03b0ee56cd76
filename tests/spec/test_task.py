"""Tasks: what they are made from, how they are cut, and what a model says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from circuitboard.models.load import load
from circuitboard.models.model import Model
from circuitboard.spec.errors import TaskError
from circuitboard.spec.task import Pair, Task, task_of

CLEAN = "When Mary and John went to the store, John gave a drink to"
CORRUPT = "When Mary and John went to the store, Mary gave a drink to"
IOI = Pair(CLEAN, CORRUPT, ("Mary",), ("John",), (("end", -1),))


@pytest.fixture(scope="module")
def model() -> Model:
    return load("names")


def many(n: int = 10) -> Task:
    pairs = tuple(Pair((1, i), (2, i), (3, i), (4,)) for i in range(n))
    return Task("many", pairs, "probability difference", "ten of a kind")


def test_json_and_lines_give_equal_tasks(tmp_path: Path) -> None:
    for task in (many(), Task("ioi", (IOI,))):
        assert Task.from_json(task.to_json()) == task
        task.to_jsonl(tmp_path / "task.jsonl")
        again = Task.from_jsonl(tmp_path / "task.jsonl")
        assert again == task
        assert again.digest == task.digest
        (tmp_path / "task.json").write_text(task.to_json())
        assert task_of(tmp_path / "task.json") == task_of(tmp_path / "task.jsonl") == task
    assert many().digest != many(9).digest


def test_lines_without_a_head_take_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "giving.jsonl"
    path.write_text('{"clean": "a b", "corrupted": "a c", "target": "x", "foil": ["y", "z"]}\n\n')
    task = task_of(str(path))
    assert task == Task("giving", (Pair("a b", "a c", ("x",), ("y", "z")),))
    assert Task.from_jsonl(path, name="other", metric="probability").metric == "probability"


def test_a_table_holds_several_answers_in_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "years.csv"
    path.write_text('prompt,corrupt,targets,foil\n"from 17, to",from 02 to,18|19,16\n')
    task = Task.from_csv(path, metric="probability difference", columns={"clean": "prompt"})
    pairs = (Pair("from 17, to", "from 02 to", ("18", "19"), ("16",)),)
    assert task == Task("years", pairs, "probability difference")


class Dataset:
    """What goes through as Hugging Face's data sets do."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def __iter__(self) -> Any:
        return iter(self.rows)


ROW = {"clean": "a b", "corrupt": "a c", "targets": ["x", 7], "foils": "y"}


@pytest.mark.parametrize(
    "rows",
    [
        [("a b", "a c", ["x", 7], "y")],
        [Pair("a b", "a c", ("x", 7), ("y",))],
        [ROW],
        Dataset([ROW]),
        pd.DataFrame([ROW]),
    ],
)
def test_rows_of_every_kind(rows: Any) -> None:
    assert Task.from_rows(rows, name="t").pairs == (Pair("a b", "a c", ("x", 7), ("y",)),)


def test_rows_of_ids_and_arrays() -> None:
    frame = pl.DataFrame({"clean": [[1, 2]], "corrupt": [[1, 3]], "targets": [4], "foils": [[5]]})
    array = [{"clean": np.array([1, 2]), "corrupt": [1, 3], "targets": 4, "foils": np.array([5])}]
    for rows in (frame, array):
        assert Task.from_rows(rows, name="t").pairs == (Pair((1, 2), (1, 3), (4,), (5,)),)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "has no pairs"),
        ("text", "A str is not rows"),
        ([("only one",)], "Row 0 is not a pair"),
        ([ROW, {"clean": "a", "wrong": "b"}], "Row 1 has no 'corrupt'; it has clean, wrong"),
        ([("a", ["b", "c"], "x", "y")], "Row 0: A side of a pair is one prompt"),
        ([("a", "b", 1.5, "y")], "answer that is neither text nor a token id"),
        ([("a", "b", [1.5], "y")], "answer that is neither text nor a token id"),
        ([("a", "b", "x")], "Pair 0 of 't' has no foils"),
        ([("a", "b")], "Pair 0 of 't' has no targets"),
    ],
)
def test_what_is_wrong_with_rows_is_said(rows: Any, said: str) -> None:
    with pytest.raises(TaskError, match=said):
        Task.from_rows(rows, name="t")


def test_what_is_wrong_with_files_is_said(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("{}\n{nope\n")
    with pytest.raises(TaskError, match=r"Line 2 of .* is not JSON"):
        Task.from_jsonl(tmp_path / "bad.jsonl")
    with pytest.raises(TaskError, match="cannot be read"):
        Task.from_csv(tmp_path / "none.csv")
    with pytest.raises(TaskError, match="not a Task"):
        Task.from_json("[]")
    for given in ("task.txt", 7):
        with pytest.raises(TaskError, match="is not a task"):
            task_of(given)
    with pytest.raises(TaskError, match="no part of a pair"):
        Task.from_rows([ROW], name="t", columns={"prompt": "clean"})
    with pytest.raises(TaskError, match="'nonsense' is not a metric"):
        many().with_metric("nonsense")  # type: ignore[arg-type]


def test_splits_share_nothing_and_depend_on_the_seed_alone() -> None:
    task = many()
    one, other = task.split(0.3, seed=1)
    assert (len(one), len(other)) == (3, 7)
    assert set(one) | set(other) == set(task)
    assert not set(one) & set(other)
    assert task.split(0.3, seed=1) == (one, other)
    assert task.split(0.3, seed=2)[0] != one
    assert one.metric == task.metric
    assert task.head(4).pairs == task.pairs[:4]
    for fraction in (0, 1, 0.01):
        with pytest.raises(TaskError, match="leaves one side empty"):
            task.split(fraction)
    with pytest.raises(TaskError, match="has no pairs"):
        task.head(0)


def test_a_good_task_has_no_complaints(model: Model) -> None:
    task = Task("ioi", (IOI,))
    assert task.validate(model) == []
    assert task.require(model) is task


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (Pair(CLEAN, "Mary", ("Mary",), ("John",)), "its prompts have 15 and 2 tokens"),
        (Pair(CLEAN, "", ("Mary",), ("John",)), "its corrupt prompt cannot be read. .* empty"),
        (Pair(CLEAN, CORRUPT, ("Marylebone",), ("John",)), "'Marylebone' is not in the vocabulary"),
        (Pair(CLEAN, CORRUPT, ("Mary Ann",), ("John",)), r"'Mary Ann' is 2 tokens here: 'Mary'"),
        (Pair(CLEAN, CORRUPT, ("Mary", 99999), ("John",)), "99999 is no token id"),
        (Pair(CLEAN, CORRUPT, ("Mary",), (" Mary",)), r"token \d+ is a target and a foil"),
        (Pair(CLEAN, CORRUPT, ("Mary",), ("John",), (("S2", 15),)), "'S2' is 15, of 15 tokens"),
    ],
)
def test_each_complaint_names_its_pair_and_says_what_to_do(
    model: Model, pair: Pair, said: str
) -> None:
    task = Task("ioi", (IOI, pair))
    first = task.validate(model)[0]
    assert first.pair == 1
    assert first.hint
    with pytest.raises(TaskError, match=f"Pair 1 of 'ioi': .*{said}"):
        task.require(model)
    with pytest.raises(TaskError, match="Pair 1"):
        task.check(model)


def test_check_counts_what_the_model_gets_right(model: Model) -> None:
    wrong = Pair(CLEAN, CORRUPT, ("John",), ("Mary",))
    third = Pair(CLEAN, CORRUPT, ("John", "Mary"), ("the",))
    found = Task("ioi", (IOI, wrong, third)).check(model)
    assert (found.right, found.top, found.total, found.wrong) == (2, 2, 3, (1,))
    assert found.share == pytest.approx(2 / 3)
    assert "2 of 3 right" in str(found)


def test_check_judges_by_the_metric_of_the_task(model: Model) -> None:
    """One answer far ahead beside some far behind: ahead by probability, behind by mean logit."""
    ids = {word: model.single_token(word) for word in ("Mary", "John")}
    logits = model.last_logits([CLEAN])[0]
    behind = logits.argsort()[:9].tolist()
    pair = Pair(CLEAN, CORRUPT, ("Mary", *behind), ("John",))
    mean = logits[[ids["Mary"], *behind]].mean() - logits[ids["John"]]
    assert mean < 0 < logits[ids["Mary"]] - logits[ids["John"]]
    task = Task("t", (pair,))
    assert task.check(model).right == 0
    assert task.with_metric("probability difference").check(model).right == 1
    assert task.with_metric("log-probability").check(model).right == 1
    assert Task("t", (Pair(CLEAN, CORRUPT, ("Mary",)),), "probability").check(model).right == 1


def test_last_logits_are_those_of_each_prompt_alone(model: Model) -> None:
    prompts = [CLEAN, "Mary", (1, 9, 8), CORRUPT]
    together = model.last_logits(prompts)
    for row, prompt in zip(together, prompts, strict=True):
        assert row == pytest.approx(model.last_logits([prompt])[0], abs=1e-5)
