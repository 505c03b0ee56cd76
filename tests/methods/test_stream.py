"""Norms, cosines and projections of the stream, and embeddings, against NumPy and the weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tiny
from circuitboard.engine.run import run
from circuitboard.methods.embeddings import direct_path, nearest, position_vectors
from circuitboard.methods.stream import (
    cosines,
    is_known,
    norms,
    read_steps,
    stacked,
    stream_places,
)
from circuitboard.spec.intervention import Scale, Zero

PROMPT = tiny.prompt()


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_places_are_read_as_what_follows_reads_them(name: str) -> None:
    m = tiny.model(name)
    result = run(m, PROMPT, [Zero("L0H1@4"), Scale("L0.resid_pre@2", 0.5)])
    engine, held = result.engine, result.held
    places = stream_places(m, middle=True)
    blank = stacked(engine, held, places)
    middle = [i for i, place in enumerate(places) if place.part == "resid_mid"]
    assert torch.isnan(blank[middle]).all()
    missing = [place for place in places if not is_known(held, place)]
    assert list(read_steps(engine, held, missing)) == list(range(1, len(middle) + 1))
    found = stacked(engine, held, places)
    for place, stream in zip(places, found, strict=True):
        np.testing.assert_allclose(stream, result[place][0], atol=1e-5)
    own = np.linalg.norm(result[places[-1]][0], axis=-1)
    np.testing.assert_allclose(norms(found)[-1], own, rtol=1e-5)
    column = found[:, 3].numpy()
    unit = column / np.linalg.norm(column, axis=-1, keepdims=True)
    np.testing.assert_allclose(cosines(found[:, 3]), unit @ unit.T, atol=1e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "native"])
def test_the_nearest_tokens(name: str) -> None:
    m = tiny.model(name)
    engine = run(m, PROMPT).engine
    table = m.embedding().float().numpy()
    lengths = np.linalg.norm(table, axis=-1)
    cosine = table @ table[7] / np.maximum(lengths * lengths[7], 1e-12)
    cosine[7] = -2
    found = nearest(engine, 7, 5)
    assert [n.token for n in found] == list(np.argsort(-cosine)[:5])
    np.testing.assert_allclose([n.value for n in found], np.sort(cosine)[::-1][:5], atol=1e-5)


def test_the_direct_path_is_the_embedding_alone_through_norm_and_unembedding() -> None:
    m = tiny.model("gpt2")
    result = run(m, PROMPT)
    model = m.bridge.original_model
    token = int(result.tokens[0, 4])
    with torch.no_grad():
        logits = model.lm_head(model.transformer.ln_f(m.embedding()[token]))
    top = logits.topk(3)
    found = direct_path(result.engine, result.held, 4, 3)
    assert [n.token for n in found] == top.indices.tolist()
    np.testing.assert_allclose([n.logit for n in found], top.values, atol=1e-5)
    probabilities = logits.softmax(-1)[top.indices]
    np.testing.assert_allclose([n.value for n in found], probabilities, atol=1e-5)


def test_position_embeddings_are_those_of_the_prompt() -> None:
    m = tiny.model("gpt2")
    result = run(m, PROMPT)
    found = position_vectors(result.engine, result.held)
    assert found is not None
    length = result.held.lengths[0]
    table = m.bridge.original_model.transformer.wpe.weight.detach()
    np.testing.assert_allclose(found, table[:length], atol=1e-6)
    rotary = run(tiny.model("llama"), PROMPT)
    assert position_vectors(rotary.engine, rotary.held) is None
