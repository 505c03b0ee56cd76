"""The shipped folder: the weights do what the card says, and the parts of it agree."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from circuitboard.models.tiny import load_gpt2
from circuitboard.recipes.names import FOLDER, mechanism, scores
from circuitboard.recipes.names import lexicon as lex
from circuitboard.recipes.names.check import card, failures
from circuitboard.recipes.names.groups import measure_groups
from circuitboard.recipes.names.story import doubts

INDEX = json.loads((FOLDER / "checkpoints" / "index.json").read_text(encoding="utf-8"))
METRICS = json.loads((FOLDER / "metrics.json").read_text(encoding="utf-8"))
PROMPTS = json.loads((FOLDER / "prompts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)


@pytest.fixture(scope="module")
def model():
    return load_gpt2(FOLDER)


def test_the_weights_meet_every_requirement(model) -> None:
    assert failures(scores.all_scores(model, 200, 5)) == []
    assert METRICS["failures"] == []


def test_hugging_face_loads_the_folder(model, tokenizer) -> None:
    plain = AutoModelForCausalLM.from_pretrained(FOLDER, local_files_only=True)
    assert next(plain.parameters()).dtype == torch.float32
    text = "When Mary and John went to the store, John gave a drink to"
    tokens = tokenizer(text, return_tensors="pt")
    logits = plain(**tokens).logits
    assert tokenizer.decode(logits[0, -1].argmax()).strip() == "Mary"
    torch.testing.assert_close(logits, model(**tokens).logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("row", PROMPTS, ids=lambda row: row["name"])
def test_example_prompts_and_their_contrasts_work(model, tokenizer, row) -> None:
    target, foil = (tokenizer.convert_tokens_to_ids(row[key]) for key in ("target", "foil"))
    tokens = [tokenizer(row[key], return_tensors="pt").input_ids for key in ("prompt", "contrast")]
    assert tokens[0].shape == tokens[1].shape
    assert all(tokenizer.unk_token_id not in ids for ids in tokens)
    clean, contrast = (model(ids).logits[0, -1] for ids in tokens)
    gap = clean[target] - clean[foil]
    assert gap > 2
    assert gap > contrast[target] - contrast[foil] + 1
    if row["task"] in ("ioi", "pronoun", "docstring", "repeats"):
        assert clean.argmax() == target
        assert contrast.argmax() == foil


def test_reference_prompts_are_in_the_vocabulary(tokenizer) -> None:
    rows = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))
    assert len(rows) >= 60
    assert len({row["prompt"] for row in rows}) == len(rows)
    for row in rows:
        assert tokenizer.unk_token_id not in tokenizer(row["prompt"]).input_ids


def test_the_card_is_written_from_the_metrics() -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == card(METRICS)
    assert f"{METRICS['tasks']['ioi']['logit_difference']:.3f}" in card(METRICS)


def test_another_run_of_the_recipe_meets_the_bounds_too() -> None:
    again = METRICS["again"]
    assert again["failures"] == failures(again["tasks"]) == []
    assert f"{again['tasks']['year']['probability_difference']:.3f}" in card(METRICS)
    assert "not been run a second time" in card({k: v for k, v in METRICS.items() if k != "again"})


def test_the_story_is_borne_out_by_other_prompts(model) -> None:
    found = mechanism.measure(model, 40, 9)
    found["groups"] = measure_groups(model, 40, 9, found["heads"])
    assert doubts(found) == []
    assert doubts(METRICS["mechanism"]) == []
    for name in ("markers", "matchers", "suppressors", "readers"):
        assert found["groups"][name]["heads"] == METRICS["mechanism"]["groups"][name]["heads"]


def test_a_story_that_does_not_hold_is_doubted() -> None:
    other = copy.deepcopy(METRICS["mechanism"])
    other["groups"]["markers"]["logit_difference"] = other["groups"]["none"]["logit_difference"]
    other["groups"]["control"]["logit_difference"] = 0.0
    assert len(doubts(other)) == 2
    other["groups"]["readers"]["heads"] = []
    assert doubts(other) == ["no head is one of the readers"]


def test_the_metrics_are_those_of_the_weights(model) -> None:
    found = scores.ioi_scores(model, METRICS["n"], METRICS["seed"])
    assert found == pytest.approx(METRICS["tasks"]["ioi"], abs=2e-3)
    repeats = scores.repeat_scores(model, METRICS["n"], METRICS["seed"])
    assert repeats == pytest.approx(METRICS["tasks"]["repeats"], abs=2e-3)


def test_checkpoints_load_and_their_accuracy_rises() -> None:
    rows = INDEX["checkpoints"]
    assert len(rows) == 12
    assert [r["step"] for r in rows] == sorted({r["step"] for r in rows})
    assert rows[0]["step"] == 0
    accuracies, best = [], 0.0
    for row in rows:
        model = load_gpt2(FOLDER, FOLDER / "checkpoints" / row["file"])
        accuracies.append(scores.ioi_scores(model, 200, 1)["accuracy"])
        assert accuracies[-1] == pytest.approx(row["ioi_accuracy"], abs=0.08)
        assert row["ioi_accuracy"] >= best - 0.03
        best = max(best, row["ioi_accuracy"])
    assert accuracies[0] < 0.05
    assert accuracies[-1] > 0.98
    assert sum(0.1 < a < 0.95 for a in accuracies) >= 3


def test_the_last_checkpoint_is_the_model() -> None:
    last = load_file(FOLDER / "checkpoints" / INDEX["checkpoints"][-1]["file"])
    whole = load_file(FOLDER / "model.safetensors")
    assert last.keys() == whole.keys()
    assert all(torch.equal(last[name], whole[name].half()) for name in whole)


def test_direct_writes_add_up_to_the_logit_difference(model) -> None:
    batch = mechanism.prompts(24, 3)
    probe = mechanism.Probe(model)
    with probe.recording():
        model(batch.tokens)
    toward = mechanism._directions(probe, batch)["dla"]
    through_norm = (probe.last_residual[:, -1] * toward).sum(-1)
    columns = model.lm_head.weight
    shift = columns[batch.receiver_id] - columns[batch.giver_id]
    bias = (shift * model.transformer.ln_f.bias).sum(-1)
    assert (through_norm + bias).mean().item() == pytest.approx(probe.gap(batch), abs=1e-3)


def test_heads_are_changed_where_asked_and_put_back(model) -> None:
    batch = mechanism.prompts(24, 3)
    probe = mechanism.Probe(model)
    base = probe.gap(batch)
    with probe.recording():
        model(batch.tokens)
    own = {layer: z[:1] for layer, z in probe.z.items()}
    single = mechanism.Prompts(
        batch.tokens[:1],
        batch.contrast[:1],
        batch.first_giver[:1],
        batch.receiver[:1],
        batch.second_giver,
        batch.receiver_id[:1],
        batch.giver_id[:1],
    )
    alone = probe.gap(single)
    with probe.replacing(1, [0, 1, 2, 3], own[1], batch.places["all"]):
        assert probe.gap(single) == pytest.approx(alone, abs=1e-4)
    with probe.replacing(0, [0, 1, 2, 3], None, batch.places["all"]):
        assert probe.gap(batch) != pytest.approx(base, abs=1e-2)
    assert probe.gap(batch) == base


def test_the_two_first_mentions_stand_where_the_table_says() -> None:
    batch = mechanism.prompts(40, 1)
    rows = batch.rows
    assert torch.equal(batch.tokens[rows, batch.receiver], batch.receiver_id)
    assert torch.equal(batch.tokens[rows, batch.first_giver], batch.giver_id)
    assert torch.equal(batch.tokens[rows, batch.second_giver], batch.giver_id)
    names = {scores.word_ids()[name] for name in lex.NAMES}
    for row in rows.tolist():
        three = {
            batch.contrast[row, place].item()
            for place in (batch.receiver[row], batch.first_giver[row], batch.second_giver)
        }
        assert len(three) == 3
        assert three <= names
