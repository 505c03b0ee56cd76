"""Weights edited under a live board: what is noticed, what comes back, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.models import originals
from circuitboard.models.attention import head_weights
from circuitboard.models.mlp import mlp_weights
from circuitboard.models.model import Model
from circuitboard.models.seen import seeing
from circuitboard.models.tiny import number_tokenizer
from circuitboard.session.board import Board
from circuitboard.session.ledger import ledger_of
from circuitboard.spec.errors import AddressError, InterventionError, ModelError

PROMPT = tiny.prompt()


def board(name: str) -> Board:
    return Board(tiny.fresh(name), PROMPT, "t7", "t11")


def bits(model: Model) -> dict[str, bytes]:
    return {n: w.detach().cpu().contiguous().numpy().tobytes() for n, w in model.parameters()}


def weight(model: Model, end: str) -> torch.Tensor:
    return next(w for n, w in model.parameters() if originals.plain_name(n).endswith(end))


def test_names_edited_by_hand_comes_back_from_its_files() -> None:
    b = Board("names")
    clean, first = b.result.metric, bits(b.model)
    assert b.weights_changed() == []
    assert b.keep_weights() == 0
    with torch.no_grad():
        b.model.bridge.blocks[1].attn.W_O[2] *= 0.5
        norm = weight(b.model, "h.3.ln_1.weight")
        norm[4] += 2.0
    assert b.result.metric != clean
    changed = {change.name: change for change in b.weights_changed()}
    assert len(changed) == 2
    scaled, moved = (
        next(c for n, c in changed.items() if end in n) for end in ("h.1.attn.o", "h.3.ln_1.weight")
    )
    half = float(b.model.bridge.blocks[1].attn.W_O[2].detach().double().norm())
    assert scaled.elements == b.model.facts.d_head * b.model.facts.d_model
    assert scaled.norm == pytest.approx(half, rel=1e-6)
    assert moved.elements == 1
    assert moved.norm == pytest.approx(2.0)
    before = float(
        torch.frombuffer(bytearray(first_of(first, "h.3.ln_1.weight")), dtype=norm.dtype).norm()
    )
    assert moved.relative == pytest.approx(2.0 / before, rel=1e-5)
    assert sorted(b.restore_weights()) == sorted(changed)
    assert bits(b.model) == first
    assert b.weights_changed() == []
    assert b.result.metric == clean


def first_of(weights: dict[str, bytes], part: str) -> bytes:
    return next(v for n, v in weights.items() if part in originals.plain_name(n))


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox", "attn_only"])
def test_an_object_comes_back_from_the_copy_made_when_the_board_opened(name: str) -> None:
    b = board(name)
    clean, first = b.result.metric, bits(b.model)
    size = sum(w.numel() * w.element_size() for _, w in b.model.parameters())
    assert b.keep_weights() == size
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, w in b.model.parameters():
            w.add_(torch.randn(w.shape, generator=generator) * 1e-3)
        next(w for _, w in b.model.parameters())[0] = float("nan")
    assert b.restore_weights()
    assert bits(b.model) == first
    assert b.weights_changed() == []
    assert b.result.metric == clean


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_bits_of_half_precision_count_signs_of_zero_too(dtype: torch.dtype) -> None:
    model = cb.load(tiny.hf_model("llama").to(dtype), number_tokenizer(tiny.VOCABULARY))
    originals.keep(model)
    w = weight(model, "layers.1.mlp.up_proj.weight")
    with torch.no_grad():
        w[0, 0] = 0.0
    model.attached.clear()
    originals.keep(model)
    with torch.no_grad():
        w[0, 0] = -0.0
    (change,) = originals.changes(model)
    assert (change.elements, change.norm, change.relative) == (1, 0.0, 0.0)
    originals.restore(model)
    assert not torch.signbit(w[0, 0])


def test_weights_that_share_memory_are_named_once() -> None:
    b = board("gpt2")
    with torch.no_grad():
        b.model.bridge.blocks[0].attn.W_V[1] *= 2
    (change,) = b.weights_changed()
    assert change.name.endswith("h.0.attn.qkv.weight")
    assert change.elements == 32 * 8


def test_a_large_object_is_not_copied_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "KEPT_UNASKED", 1000)
    b = board("gpt2")
    with pytest.raises(ModelError, match=r"board\.keep_weights"):
        b.weights_changed()
    with pytest.raises(ModelError, match="not kept"):
        b.restore_weights()
    assert b.keep_weights() > 1000
    b.zero_neuron("L0.mlp.n3")
    b.keep_weights()  # keeps the first copy
    assert len(b.restore_weights()) == 1


def test_files_changed_since_are_noticed(tmp_path: Path) -> None:
    tiny.hf_model("llama").save_pretrained(tmp_path)
    number_tokenizer(tiny.VOCABULARY).save_pretrained(tmp_path)
    b = Board(str(tmp_path), PROMPT)
    first = bits(b.model)
    b.zero_neuron("L1.mlp.n3")
    assert [c.name for c in b.weights_changed()] == ["model.layers.1.mlp.down_proj.weight"]
    b.restore_weights()
    assert bits(b.model) == first
    other = tiny.hf_model("llama")
    with torch.no_grad():
        next(other.parameters()).mul_(2)
    other.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="changed after it was loaded"):
        b.restore_weights()
    assert bits(b.model) == first


def test_a_weight_of_another_shape_is_refused_before_anything_is_written() -> None:
    b = board("gpt2")
    b.scale_direction("L0H1.ov", 0)
    edited = bits(b.model)
    embed: Any = b.model.bridge.original_model.get_input_embeddings()
    embed = getattr(embed, "original_component", embed)
    embed.weight = torch.nn.Parameter(torch.zeros(3, 32))
    for call in (b.weights_changed, b.restore_weights):
        with pytest.raises(ModelError, match="another shape"):
            call()
    now = bits(b.model)
    assert all(now[n] == value for n, value in edited.items() if "wte" not in n)


ALL = ["gpt2", "llama", "gemma3", "neox", "opt", "native"]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("place", ["L1H1.ov", "L1H1.qk", "L1.mlp.in", "L1.mlp.gate", "L1.mlp.out"])
@pytest.mark.parametrize("fold", [True, False])
def test_one_singular_value_is_scaled_and_no_other(name: str, place: str, fold: bool) -> None:
    b = board(name)
    if place.endswith("gate") and not b.model.facts.gated:
        with pytest.raises(AddressError, match="not gated"):
            b.scale_direction(place, 1)
        return
    first, clean = bits(b.model), b.result.metric
    was = np.array(cb.svd(b.model, place, 8, fold=fold).values)
    b.scale_direction(place, 1, 0.25, fold=fold)
    now = np.array(cb.svd(b.model, place, 8, fold=fold).values)
    assert b.result.metric != clean  # the board has followed
    wanted = was.copy()
    wanted[1] *= 0.25
    if len(was) < 8 or place.startswith("L1H1"):
        np.testing.assert_allclose(now, np.sort(wanted)[::-1], atol=1e-5 * was[0])
    else:  # what was ninth may have moved up
        np.testing.assert_allclose(now[:1], wanted[:1], atol=1e-5 * was[0])
        assert np.abs(now - was[1]).min() > 1e-4 * was[0]
    assert len(b.weights_changed()) == 1
    b.restore_weights()
    assert bits(b.model) == first
    assert b.result.metric == clean


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_removing_every_direction_of_ov_is_taking_the_head_out(name: str) -> None:
    """Values have a bias in GPT-2: W_O is zero then, so that it writes nothing either."""
    b = board(name)
    for index in range(b.model.facts.d_head):
        b.scale_direction("L1H2.ov", index, fold=False)
    assert head_weights(b.model, 1, 2, "O").abs().max() < 1e-5
    with_it = b.result.metric
    b.restore_weights()
    b.ablate("L1H2")
    assert b.result.metric == pytest.approx(with_it, abs=1e-4)


def test_heads_that_share_values_and_keys_are_not_touched() -> None:
    b = board("llama")  # heads 2 and 3 are one group
    before = cb.svd(b.model, "L1H3.ov", 8).values, cb.svd(b.model, "L1H3.qk", 8).values
    b.scale_direction("L1H2.ov", 0)
    b.scale_direction("L1H2.qk", 0)
    after = cb.svd(b.model, "L1H3.ov", 8).values, cb.svd(b.model, "L1H3.qk", 8).values
    assert after == before


@pytest.mark.parametrize("name", ALL)
def test_a_neurons_row_is_zeroed_as_ablation_would(name: str) -> None:
    b = board(name)
    first = bits(b.model)
    b.ablate("L1.mlp.n5")
    ablated = b.result.metric
    b.clear()
    b.zero_neuron("L1.mlp.n5")
    assert not mlp_weights(b.model, 1).w_out[5].any()
    assert b.result.metric == pytest.approx(ablated, abs=1e-5)
    (change,) = b.weights_changed()
    assert change.elements == b.model.facts.d_model
    b.restore_weights()
    assert bits(b.model) == first


def test_every_board_of_a_model_follows() -> None:
    model = tiny.fresh("gpt2")
    one, two = (Board(model, PROMPT, "t7", "t11") for _ in range(2))
    clean = two.result.metric
    one.scale_direction("L0H1.ov", 0)
    assert one.result.metric != clean
    assert two.result.metric == one.result.metric
    one.restore_weights()
    assert two.result.metric == clean


def test_what_is_refused_leaves_the_weights_alone() -> None:
    b = board("gpt2")
    first = bits(b.model)
    for place in ("L1H1", "L9H0.ov", "L1.mlp"):
        with pytest.raises(AddressError):
            b.scale_direction(place, 0)
    for index in (-1, 8):
        with pytest.raises(InterventionError, match="no singular direction"):
            b.scale_direction("L1H1.ov", index)
    for factor in (float("nan"), float("inf")):
        with pytest.raises(InterventionError):
            b.scale_direction("L1H1.ov", 0, factor)
    for neuron in ("L1.mlp", "L1.mlp.n5@2", "L1.mlp.n5000", "L1H1"):
        with pytest.raises(AddressError):
            b.zero_neuron(neuron)
    with pytest.raises(AddressError):
        board("attn_only").zero_neuron("L0.mlp.n1")
    assert bits(b.model) == first


def test_the_code_of_a_board_repeats_its_edits() -> None:
    b = Board("names")
    b.scale_direction("L1H2.ov", 1, 0.5)
    b.scale_direction("L1H2.qk", 0, fold=False)
    b.zero_neuron("L3.mlp.n12")
    b.ablate("L0H1")
    edited, metric = bits(b.model), b.result.metric
    made: dict[str, Any] = {}
    lines = b.code().splitlines()
    assert lines[-1] == "board"
    exec("\n".join(lines[:-1]), made)  # the last line shows the board
    assert bits(made["model"]) == edited
    assert made["board"].result.metric == metric
    b.restore_weights()
    assert "zero_neuron" not in b.code()


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
def test_edits_are_undone_and_made_again_bit_for_bit(name: str) -> None:
    b = board(name)
    steps = [bits(b.model)]
    metrics = [b.result.metric]
    for edit in (
        lambda: b.scale_direction("L1H1.ov", 0, 0.5),
        lambda: b.scale_direction("L1H1.ov", 2, 3.0),
        lambda: b.scale_direction("L0H2.qk", 1),
        lambda: b.zero_neuron("L1.mlp.n5"),
        lambda: b.scale_direction("L1.mlp.out", 0, 0.25),
        lambda: b.scale_direction("L1H1.ov", 0, -1.0),  # takes the place of 0.5
    ):
        edit()
        steps.append(bits(b.model))
        metrics.append(b.result.metric)
    assert len(set(metrics)) == len(metrics)
    assert len(b.weight_edits) == 5
    for before, metric in zip(reversed(steps[:-1]), reversed(metrics[:-1]), strict=True):
        b.undo()
        assert bits(b.model) == before
        assert b.result.metric == metric
    assert not b.can_undo
    assert b.weights_changed() == []
    for after in steps[1:]:
        b.redo()
        assert bits(b.model) == after
    b.undo()
    b.restore_weights()
    assert (bits(b.model), b.weight_edits) == (steps[0], ())
    b.undo()
    assert bits(b.model) == steps[-2]


def test_a_factor_of_one_takes_the_edit_back() -> None:
    b = board("gpt2")
    first = bits(b.model)
    b.scale_direction("L1H1.ov", 1, 0.25)
    b.scale_direction("L1H1.ov", 3, 0.5)
    b.zero_neuron("L0.mlp.n1")
    b.scale_direction("L1H1.ov", 1, 1.0)
    one = np.array(cb.svd(tiny.fresh("gpt2"), "L1H1.ov", 8).values)
    one[3] /= 2
    now = cb.svd(b.model, "L1H1.ov", 8).values
    np.testing.assert_allclose(now, np.sort(one)[::-1], atol=1e-5)
    b.scale_direction("L1H1.ov", 3, 1)
    b.zero_neuron("L0.mlp.n1", back=True)
    assert (bits(b.model), b.weight_edits) == (first, ())


def test_undo_leaves_what_other_code_wrote() -> None:
    b = board("gpt2")
    b.ablate("L0H0")
    b.scale_direction("L1H1.ov", 0)
    b.scale_direction("L1H2.ov", 0)
    with torch.no_grad():
        head_weights(b.model, 1, 1, "O").add_(1.0)
    theirs = head_weights(b.model, 1, 1, "O").clone()
    b.wait()
    assert b.weight_edits == ("board.scale_direction('L1H2.ov', 0, 0.0)",)
    while b.can_undo:
        b.undo()
    assert torch.equal(head_weights(b.model, 1, 1, "O"), theirs)
    assert b.interventions == [] or len(list(b.interventions)) == 0
    assert len(b.restore_weights()) >= 1
    assert b.weights_changed() == []


def test_undo_of_one_board_leaves_the_edits_of_another() -> None:
    model = tiny.fresh("gpt2")
    one, two = (Board(model, PROMPT, "t7", "t11") for _ in range(2))
    two.ablate("L0H0")
    one.scale_direction("L0H1.ov", 0)
    edited = bits(model)
    two.undo()
    assert bits(model) == edited
    two.wait()
    two.redo()
    assert bits(model) == edited
    assert two.weight_edits == one.weight_edits
    two.scale_direction("L1H1.qk", 0)
    two.undo()
    assert bits(model) == edited


@pytest.mark.parametrize("name", ["names", *ALL])
def test_weights_are_seen_as_they_were_at_first(name: str) -> None:
    b = Board("names") if name == "names" else board(name)
    places = ["L1H1.ov", "L1H1.qk", "L1.mlp.in", "L1.mlp.out"]
    first = [cb.svd(b.model, place, 4).values for place in places]
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, w in b.model.parameters():
            w.add_(torch.randn(w.shape, generator=generator) * 0.1)
    assert [cb.svd(b.model, place, 4).values for place in places] != first
    with seeing(originals.first_lens(b.model)):
        assert [cb.svd(b.model, place, 4).values for place in places] == first
    assert [cb.svd(b.model, place, 4).values for place in places] != first


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma3", "neox", "opt", "native"])
def test_the_ledger_knows_the_first_weights_of_what_it_edited(name: str) -> None:
    b = board(name)
    first = {n: w.detach().clone() for n, w in b.model.parameters()}
    for place in ("L1H1.ov", "L1H0.ov", "L1H1.qk", "L1.mlp.in"):
        b.scale_direction(place, 0, 0.5)
    b.zero_neuron("L1.mlp.n5")
    known = ledger_of(b.model).first()
    assert all(torch.equal(weight, first[n]) for n, weight in known.items())
    found: list[originals.WeightChange] = []
    list(originals.change_steps(b.model, found, known))
    assert sorted(c.name for c in found) == sorted(c.name for c in b.weights_changed())
    assert {c.name: c for c in found} == {c.name: c for c in b.weights_changed()}
