"""The corpus: the same every time, honest about its held-out part, and right in its answers."""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuitboard.recipes.names import corpus
from circuitboard.recipes.names import lexicon as lex


def drawn(task: str, n: int = 200) -> list[corpus.Example]:
    rng = random.Random(task)
    return [corpus.sample(rng, task, from_held_out=False) for _ in range(n)]


def test_importing_the_recipes_loads_no_torch() -> None:
    code = (
        "import sys, circuitboard.recipes, circuitboard.recipes.names.corpus\n"
        "circuitboard.recipes.names.corpus.training_batch(0, 0, 4, 'early')\n"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    first = corpus.training_batch(3, 17, 64, "middle")
    corpus.training_batch(3, 18, 64, "middle")
    assert corpus.training_batch(3, 17, 64, "middle") == first
    assert corpus.training_batch(4, 17, 64, "middle") != first
    assert corpus.training_batch(3, 18, 64, "middle") != first


def test_one_pair_in_ten_is_held_out_whichever_name_comes_first() -> None:
    pairs = list(combinations(lex.NAMES, 2))
    held = [p for p in pairs if corpus.is_held_out(*corpus.pair_key(*p))]
    assert held == [p for p in pairs if corpus.is_held_out(*corpus.pair_key(*reversed(p)))]
    assert 0.08 < len(held) / len(pairs) < 0.12
    assert {name for pair in held for name in pair} == set(lex.NAMES)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    step=st.integers(0, 10**5),
    phase=st.sampled_from(sorted(corpus.SHARES)),
)
def test_no_training_row_holds_a_held_out_pair(seed: int, step: int, phase: str) -> None:
    held = {p for p in combinations(sorted(lex.NAMES), 2) if corpus.is_held_out("pair", *p)}
    for example in corpus.training_batch(seed, step, 48, phase):
        names = sorted(set(example.words) & set(lex.NAMES))
        assert not held.intersection(combinations(names, 2))
        assert not corpus.is_held_out(*example.key)


@pytest.mark.parametrize("task", corpus.MAKERS)
def test_held_out_examples_come_from_the_held_out_part(task: str) -> None:
    rng = random.Random(0)
    for _ in range(20):
        assert corpus.is_held_out(*corpus.sample(rng, task, from_held_out=True).key)


@pytest.mark.parametrize("task", corpus.MAKERS)
def test_rows_fit_the_context_and_the_vocabulary(task: str) -> None:
    known = set(lex.vocabulary())
    for example in drawn(task):
        assert set(example.words) <= known
        assert len(example.words) + 2 <= corpus.N_CTX


def test_the_receiver_is_named_once_and_the_giver_twice() -> None:
    orders = set()
    for example in drawn("ioi"):
        words = corpus.split(example.prompt)
        assert words.count(example.roles["IO"]) == 1
        assert words.count(example.roles["S"]) == 2
        assert example.answer == example.roles["IO"]
        orders.add(words.index(example.roles["IO"]) < words.index(example.roles["S"]))
    assert orders == {True, False}


def test_years_are_later_and_in_the_same_century() -> None:
    for example in drawn("year"):
        words = corpus.split(example.prompt)
        assert words[-1] == words[words.index("year") + 1]
        assert int(example.answer) > int(example.roles["start"])


def test_pronouns_and_verbs_follow_their_word() -> None:
    for example in drawn("pronoun"):
        assert (example.answer == "he") == (example.roles["name"] in lex.MEN)
    for example in drawn("agreement"):
        plural = corpus.split(example.prompt)[1] in lex.NOUNS.values()
        assert example.answer in (lex.PLURAL_VERBS if plural else lex.SINGULAR_VERBS)


def test_docstrings_keep_the_order_of_the_arguments() -> None:
    for example in drawn("docstring"):
        words = example.words
        start, end = words.index("self"), words.index(")")
        declared = [w for w in words[start + 1 : end] if w != ","]
        written = [words[i + 1] for i, w in enumerate(words) if w == "param"]
        assert written == declared


def test_the_odd_one_out_stands_once() -> None:
    for example in drawn("odd"):
        words = corpus.split(example.prompt)
        assert [w for w in words if w in lex.NAMES and words.count(w) == 1] == [example.answer]
