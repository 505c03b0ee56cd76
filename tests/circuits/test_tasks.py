"""Built-in tasks: for the bundled model, for a tokenizer of word pieces, and where words lack."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import tiny
from circuitboard.circuits import tasks
from circuitboard.models.load import load
from circuitboard.models.model import Model
from circuitboard.models.tiny import word_tokenizer
from circuitboard.recipes.names import corpus
from circuitboard.recipes.names import lexicon as lex
from circuitboard.spec.errors import TaskError
from circuitboard.spec.task import Task

Make = Callable[..., Task]
SPOKEN: dict[str, Make] = {
    name: make for name, make in tasks.BUILT_IN.items() if name != "modular_addition"
}


@pytest.fixture(scope="module")
def names() -> Model:
    return load("names")


@pytest.fixture(scope="module")
def pieces() -> Model:
    """A random GPT-2 with byte-level word pieces; the corpus' rarer words are several."""
    rng = random.Random(0)
    texts = [corpus.sample(rng, "ioi", from_held_out=False).prompt for _ in range(200)]
    for task in ("year", "agreement", "pronoun", "docstring"):
        texts += [corpus.sample(rng, task, from_held_out=False).prompt for _ in range(60)]
    texts += [f" {' '.join(lex.SINGULAR_VERBS + lex.PLURAL_VERBS)} he she"] * 30
    texts += [f"The{' near the'.join(f' {word}' for word in lex.NOUNS.values())}"] * 30
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=720, special_tokens=["<end>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    inner.train_from_iterator(texts, trainer)
    kept = hf.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<end>", eos_token="<end>", pad_token="<end>"
    )
    config = hf.GPT2Config(
        vocab_size=len(kept), n_embd=16, n_layer=1, n_head=2, n_positions=96,
        bos_token_id=kept.bos_token_id, eos_token_id=kept.eos_token_id,
    )  # fmt: skip
    return load(hf.GPT2LMHeadModel(config), kept)


def same_width(m: Model, task: Task) -> set[int]:
    """The lengths of a task's prompts in tokens, each pair's two alike."""
    widths = [(len(m.tokenize(p.clean)), len(m.tokenize(p.corrupt))) for p in task]
    assert all(one == other for one, other in widths)
    return {one for one, _ in widths}


@pytest.mark.parametrize("name", SPOKEN)
def test_the_bundled_model_does_each_task(names: Model, name: str) -> None:
    """It answers the clean side; corrupted, the answers no longer come before the foils by much."""
    task = SPOKEN[name](names, n=60, seed=3)
    assert (task.name, len(task), len(set(task))) == (name, 60, 60)
    assert task.validate(names) == []
    assert task.check(names).share >= 0.98
    turned = Task.from_rows(
        [(p.corrupt, p.clean, p.targets, p.foils) for p in task], name="t", metric=task.metric
    )
    assert turned.check(names).share < 0.75
    same_width(names, task)
    assert all(any("end" in place for place in pair.positions) for pair in task)


@pytest.mark.parametrize("name", SPOKEN)
def test_seeds_decide_everything(names: Model, name: str) -> None:
    make = SPOKEN[name]
    assert make(names, n=8, seed=1) == make(names, n=8, seed=1)
    assert make(names, n=8, seed=1) != make(names, n=8, seed=2)
    assert make(names, n=16, seed=1).head(8) == make(names, n=8, seed=1)


@pytest.mark.parametrize("name", ["agreement", "induction", "ioi", "pronouns"])
def test_word_pieces_do_too(pieces: Model, name: str) -> None:
    """Only words that are one token inside a sentence are taken, and answers are those tokens."""
    task = SPOKEN[name](pieces, n=20)
    assert task.validate(pieces) == []
    same_width(pieces, task)
    for pair in task:
        text = pair.clean if isinstance(pair.clean, str) else None
        for answer in (*pair.targets, *pair.foils):
            token = pieces.answer(answer)
            if text is not None:
                whole = pieces.tokenize(text + pieces.token_text(token))
                assert whole == [*pieces.tokenize(text), token]


def test_names_that_are_several_pieces_are_left_out(pieces: Model) -> None:
    some = tasks.ioi(pieces, n=100)
    used = {str(answer).strip() for pair in some for answer in (*pair.targets, *pair.foils)}
    assert 2 < len(used) < len(lex.NAMES)
    assert used <= set(lex.NAMES)


def test_positions_are_where_the_words_are(names: Model) -> None:
    for pair in tasks.ioi(names, n=20):
        ids, where = names.tokenize(pair.clean), dict(pair.positions)
        assert ids[where["IO"]] == names.answer(pair.targets[0])
        assert ids[where["S1"]] == ids[where["S2"]] == names.answer(pair.foils[0])
        assert where["S1"] < where["S2"]
    for pair in tasks.greater_than(names, n=20):
        start = names.token_text(names.tokenize(pair.clean)[dict(pair.positions)["start"]])
        assert {int(t) for t in pair.targets} == set(range(int(start) + 1, 100))
        assert {int(t) for t in pair.foils} == set(range(int(start) + 1))
    for pair in tasks.agreement(names, n=20):
        subject = names.token_text(names.tokenize(pair.clean)[dict(pair.positions)["subject"]])
        assert ("are" in pair.targets) == (subject.strip() in lex.NOUNS.values())
    for pair in tasks.docstring(names, n=20):
        ids, where = names.tokenize(pair.clean), dict(pair.positions)
        assert ids[where["C defined"]] == names.answer(pair.targets[0])
        assert ids[where["D defined"]] == names.answer(pair.foils[0])
    for pair in tasks.induction(names, n=20):
        assert pair.clean[dict(pair.positions)["due"]] == pair.targets[0]
        assert pair.corrupt[dict(pair.positions)["due"]] == pair.foils[0]


@pytest.mark.parametrize("corrupt", ["third name", "three names", "swap"])
def test_the_ways_to_corrupt_names(names: Model, corrupt: Any) -> None:
    task = tasks.ioi(names, n=20, corrupt=corrupt)
    for pair in task:
        sides = [names.tokenize(side) for side in (pair.clean, pair.corrupt)]
        changed = [i for i, (a, b) in enumerate(zip(*sides, strict=True)) if a != b]
        where = dict(pair.positions)
        assert changed == (
            sorted([where["IO"], where["S1"], where["S2"]])
            if corrupt == "three names"
            else [where["S2"]]
        )
        again = sides[1][where["S2"]] == names.answer(pair.targets[0])
        assert again == (corrupt == "swap")
    with pytest.raises(TaskError, match="not known"):
        tasks.ioi(names, corrupt="nothing")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["ioi", "pronouns"])
def test_all_of_one_length_where_asked(names: Model, name: str) -> None:
    assert len(same_width(names, SPOKEN[name](names, n=30))) > 1
    assert len(same_width(names, SPOKEN[name](names, n=30, one_length=True))) == 1


@pytest.mark.parametrize("name", ["agreement", "docstring", "greater_than", "ioi", "pronouns"])
def test_a_model_without_the_words_is_told_which(name: str) -> None:
    with pytest.raises(TaskError, match=r"needs \d+ .* one token each; gpt2 has 0 of \d+") as told:
        SPOKEN[name](tiny.model("gpt2"))
    assert re.search(r"lacks \w+", told.value.message)


def test_words_of_a_frame_that_lack_are_named() -> None:
    """The slots' words are there, the sentences' are not."""
    words = [*lex.NAMES, *lex.OBJECTS, *lex.PLACES, "the", "and"]
    kept = word_tokenizer(words, pattern=corpus.WORD_PATTERN, n_ctx=48)
    config = hf.GPT2Config(vocab_size=len(kept), n_embd=16, n_layer=1, n_head=2, n_positions=48,
                           bos_token_id=1, eos_token_id=2)  # fmt: skip
    with pytest.raises(TaskError, match=r"lacks words of the task ioi: .*\w"):
        tasks.ioi(load(hf.GPT2LMHeadModel(config), kept))


@pytest.mark.parametrize("name", ["gpt2", "llama", "attn_only"])
def test_induction_takes_any_vocabulary(name: str) -> None:
    m = tiny.model(name)
    task = tasks.induction(m, n=10, length=6)
    assert task.validate(m) == []
    for pair in task:
        ids = list(pair.clean)
        assert ids[0] == 0
        assert ids[1:6] == ids[7:12]
        assert pair.targets == (ids[6],)
        assert not set(pair.corrupt[1:7]) & set(ids)
        assert pair.corrupt[7:] == pair.clean[7:]
    with pytest.raises(TaskError, match="Repeats of 40 tokens do not fit"):
        tasks.induction(m, length=40)


def test_sums_are_modulo_the_numbers_that_there_are() -> None:
    m = tiny.model("gpt2")
    for pair in tasks.modular_addition(m, n=30, p=7):
        (a, b, sign), (_, other, _) = pair.clean, pair.corrupt
        assert (sign, pair.targets, pair.foils) == (7, ((a + b) % 7,), ((a + other) % 7,))
        assert b != other
    with pytest.raises(TaskError, match="is not numbers"):
        tasks.modular_addition(m)
    with pytest.raises(TaskError, match="different pairs"):
        tasks.modular_addition(m, n=100, p=3)
    written = word_tokenizer([*map(str, range(11)), "=", "+"], pattern=r"\d+|=|\+", n_ctx=16)
    config = hf.GPT2Config(vocab_size=len(written), n_embd=16, n_layer=1, n_head=2, n_positions=16,
                           bos_token_id=1, eos_token_id=2)  # fmt: skip
    m = load(hf.GPT2LMHeadModel(config), written)
    for pair in tasks.modular_addition(m, n=30):
        start, a, b, sign = (m.token_text(i) for i in pair.clean)
        assert (start, sign) == ("<bos>", "=")
        assert m.token_text(pair.targets[0]) == str((int(a) + int(b)) % 11)
