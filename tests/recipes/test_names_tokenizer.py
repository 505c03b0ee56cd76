"""The shipped tokenizer: text as people type it, one token a word."""

from __future__ import annotations

import random

import pytest
from transformers import AutoTokenizer

from circuitboard.models.tiny import word_tokenizer
from circuitboard.recipes.names import FOLDER, corpus
from circuitboard.recipes.names import lexicon as lex


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (
            "When Mary and John went to the store, John gave a drink to",
            "When Mary and John went to the store , John gave a drink to",
        ),
        (
            "The war lasted from the year 1743 to the year 17",
            "The war lasted from the year 17 43 to the year 17",
        ),
        (
            'def load(self, files, size, path, name): """ :param files:',
            'def load ( self , files , size , path , name ) : """ : param files :',
        ),
        (" Mary", "Mary"),
        ("Mary", "Mary"),
        ("Mary zzyzx", "Mary <unk>"),
    ],
)
def test_text_becomes_words(tokenizer, text: str, tokens: str) -> None:
    assert tokenizer.convert_ids_to_tokens(tokenizer(text).input_ids) == ["<bos>", *tokens.split()]


@pytest.mark.parametrize("task", corpus.MAKERS)
def test_decoding_gives_back_what_was_typed(tokenizer, task: str) -> None:
    rng = random.Random(1)
    for _ in range(30):
        example = corpus.sample(rng, task, from_held_out=False)
        text = example.prompt
        ids = tokenizer(text).input_ids
        assert tokenizer.convert_ids_to_tokens(ids)[1:] == corpus.split(text)
        shown = tokenizer.decode(ids, skip_special_tokens=True)
        assert corpus.split(shown) == corpus.split(text)
        if task not in ("repeats", "docstring"):
            assert shown == text


def test_the_words_are_those_of_the_corpus(tokenizer) -> None:
    words = lex.vocabulary()
    assert len(tokenizer) == len(words) + 4
    assert tokenizer.convert_tokens_to_ids(list(words)) == list(range(4, len(words) + 4))
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<bos>", "<eos>")
    assert not any(char.isdigit() for word in words if len(word) > 2 for char in word)


def test_words_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="distinct"):
        word_tokenizer(["a", "a"], pattern=corpus.WORD_PATTERN, n_ctx=8)
    with pytest.raises(ValueError, match="not one match"):
        word_tokenizer(["two words"], pattern=corpus.WORD_PATTERN, n_ctx=8)
