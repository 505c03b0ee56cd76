"""The head view's data: codes near the truth, exact lines, and no more bytes than it draws."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import transformers as hf
from test_screen import Ear

import circuitboard as cb
import tiny
from circuitboard.engine.run import run
from circuitboard.methods.head_pattern import edited, without_first
from circuitboard.models.load import load
from circuitboard.models.tiny import number_tokenizer
from circuitboard.session.board import Board
from circuitboard.spec.intervention import Set, Zero
from circuitboard.wire.screen import Screen

PROMPT = tiny.prompt()
HEAD = {"kind": "head", "layer": 1, "head": 2}
NAMES = ["gpt2", "llama", "gemma2", "neox", "opt", "attn_only"]


def matrix(codes: np.ndarray, info: dict[str, Any], size: int) -> np.ndarray:
    """A packed triangle of codes as the screen reads it; NaN where nothing is shown."""
    out = np.full((size, size), np.nan)
    part = codes / 254 * (info["high"] - info["low"]) + info["low"]
    out[np.tri(size, dtype=bool)] = np.where(codes == 255, np.nan, part)
    return out


def shown(ear: Ear, view: dict[str, Any], revision: int = 1) -> tuple[dict, dict]:
    """What a view gets."""
    assert ear.say("show", 9, views=[view])["problem"] is None
    return ear.view(view["kind"], revision)


def arrays_of(ear: Ear, content: dict[str, Any]) -> dict[str, np.ndarray]:
    """The arrays that came with a message."""
    buffers = next(b for c, b in ear.heard if c is content)
    return {
        a["name"]: np.frombuffer(buffers[a["buffer"]], a["dtype"]).reshape(a["shape"])
        for a in content["arrays"]
    }


def lower(values: np.ndarray) -> np.ndarray:
    return np.where(np.tri(values.shape[-1], dtype=bool), values, np.nan)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("skip", [False, True])
def test_patterns_in_codes_are_half_a_step_from_the_truth(name: str, skip: bool) -> None:
    ear = Ear(name)
    head = {**HEAD, "head": 1}
    data, arrays = shown(ear, {**head, "skip_first": skip})
    info, size = data["info"], len(ear.board.tokens)
    true = run(ear.board.model, PROMPT)["L1H1.pattern"][0]
    true = lower(without_first(true) if skip else true)
    got = matrix(arrays["cells_now"], info["now"], size)
    np.testing.assert_allclose(got, true, atol=0.5 / 254 + 1e-6)
    assert info["tokens"] == info["thumb"] == size
    small = matrix(arrays["thumbs_now"][1], {"low": 0, "high": 1}, size)
    np.testing.assert_allclose(
        small, np.where(np.tri(size), np.nan_to_num(true), np.nan), atol=0.01
    )
    received = np.nansum(np.nan_to_num(true), axis=0)
    np.testing.assert_allclose(arrays["tokens_now"][1][1:], received[1:], atol=1e-4)
    assert info["unchanged"]
    assert info["base"] is None


def test_values_are_weighted_by_their_length() -> None:
    ear = Ear("llama")
    data, arrays = shown(ear, {**HEAD, "value": "weighted"})
    found = run(ear.board.model, PROMPT)
    true = lower(found["L1H2.pattern"][0] * np.linalg.norm(found["L1H2.v"][0], axis=-1))
    got = matrix(arrays["cells_now"], data["info"]["now"], len(true))
    np.testing.assert_allclose(got, true, atol=data["info"]["now"]["high"] / 500)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_scores_are_those_before_the_softmax_and_masked_cells_are_blank(name: str) -> None:
    ear = Ear(name)
    data, arrays = shown(ear, {**HEAD, "value": "scores"})
    now = data["info"]["now"]
    got = matrix(arrays["cells_now"], now, len(ear.board.tokens))
    pattern = run(ear.board.model, PROMPT)["L1H2.pattern"][0]
    weights = np.exp(np.nan_to_num(got, nan=-np.inf))
    weights /= weights.sum(1, keepdims=True)
    np.testing.assert_allclose(weights, pattern, atol=(now["high"] - now["low"]) / 200)
    hidden = np.isnan(got) & np.tri(len(got), dtype=bool)
    assert hidden.any() == (name == "gemma2" and not np.all(pattern[np.tril_indices(9)] > 0))


def test_attribution_by_source_sums_to_the_maps_number() -> None:
    ear = Ear()
    view = {**HEAD, "value": "attribution"}
    data, arrays = shown(ear, view)
    now = data["info"]["now"]
    ear.say("show", 2, views=[{"kind": "map", "measure": "attribution"}])
    _, on_map = ear.view("map", 1)
    assert now["total"] == pytest.approx(float(on_map["heads_now"][1, 2]), abs=1e-5)
    assert now["rest"] == 0
    got = matrix(arrays["cells_now"], now, len(ear.board.tokens))
    assert np.nansum(got[-1]) == pytest.approx(now["total"], abs=0.05)
    ear.say("look", 3, view={"kind": "head_line", **line(9, value="attribution")})
    _, exact = ear.view("head_line", 1)
    assert exact["row_now"].sum() == pytest.approx(now["total"], abs=1e-5)


def line(token: int, **rest: Any) -> dict[str, Any]:
    given = {"layer": 1, "head": 2, "value": "pattern", "skip_first": False, "token": token}
    return {**given, **rest}


def test_a_look_brings_one_tokens_exact_cells_of_both_runs() -> None:
    ear = Ear()
    ear.say("act", 2, verb="ablate", at=["L0H1"])
    ear.board.wait()
    assert ear.say("look", 3, view={"kind": "head_line", **line(5)})["problem"] is None
    _, arrays = ear.view("head_line", 2)
    ends = {"base": run(ear.board.model, PROMPT), "now": run(ear.board.model, PROMPT, Zero("L0H1"))}
    for end, found in ends.items():
        true = found["L1H2.pattern"][0]
        np.testing.assert_allclose(arrays[f"row_{end}"], true[5, :6], atol=1e-6)
        np.testing.assert_allclose(arrays[f"column_{end}"], true[5:, 5], atol=1e-6)
    assert np.abs(arrays["row_now"] - arrays["row_base"]).max() > 1e-4
    before = len(ear.heard)
    ear.say("act", 4, verb="undo")
    ear.board.wait()
    assert not [c for c, _ in ear.heard[before:] if c["t"] == "view"], "a look is not kept"


def test_the_baseline_comes_only_where_it_is_asked_for_and_differs() -> None:
    ear = Ear()
    ear.say("act", 2, verb="ablate", at=["L0H1"])
    ear.board.wait()
    _, arrays = shown(ear, HEAD, 2)
    assert {name for name in arrays if name.endswith("base")} == set()
    ear.say("show", 3, views=[{**HEAD, "base": True, "skip_first": True}])
    both = ear.until(lambda c: c["t"] == "view" and c["view"].get("base", False))
    arrays = arrays_of(ear, both)
    true = lower(without_first(run(ear.board.model, PROMPT)["L1H2.pattern"][0]))
    got = matrix(arrays["cells_base"], both["info"]["base"], len(ear.board.tokens))
    np.testing.assert_allclose(got, true, atol=0.5 / 254 + 1e-6)
    assert not both["info"]["unchanged"]


def test_what_cannot_be_shown_says_why() -> None:
    board = Board(tiny.model("gpt2"), PROMPT)
    heard: list[dict[str, Any]] = []
    screen = Screen(board, lambda c, _: heard.append(c))
    board.wait()
    screen.receive({"op": "hello", "id": 1, "views": [HEAD, {**HEAD, "value": "attribution"}]})
    end = time.monotonic() + 10
    while len(views := [c for c in heard if c["t"] == "view"]) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    assert "target" in views[0]["info"]["no_attribution"]
    assert "target" in views[1]["problem"]["message"]


def long_board(tokens: int) -> tuple[Board, list[tuple[dict[str, Any], list[bytes]]]]:
    """GPT-2's twelve heads at so many tokens; narrow, since bytes do not depend on the width."""
    config = hf.GPT2Config(
        vocab_size=61, n_embd=48, n_layer=2, n_head=12, bos_token_id=0, eos_token_id=0
    )
    model = load(hf.GPT2LMHeadModel(config).eval(), number_tokenizer(61))
    board = Board(model, tiny.prompt(tokens - 1), "t7", "t11")
    heard: list[tuple[dict[str, Any], list[bytes]]] = []
    screen = Screen(board, lambda c, b: heard.append((c, b)))
    board.wait()
    screen.receive({"op": "hello", "id": 1, "views": [{**HEAD, "head": 3}]})
    end = time.monotonic() + 60
    while not any(c["t"] == "view" for c, _ in list(heard)) and time.monotonic() < end:
        time.sleep(0.01)
    return board, heard


def test_twelve_heads_of_512_tokens_cost_at_most_a_byte_and_a_tenth_for_each_visible_cell() -> None:
    board, heard = long_board(512)
    assert len(board.tokens) == 512
    content, buffers = next((c, b) for c, b in heard if c["t"] == "view")
    thumb = content["info"]["thumb"]
    visible = 512 * 513 // 2 + 12 * thumb * (thumb + 1) // 2
    sent = sum(map(len, buffers)) + len(str(content))
    assert sent / visible <= 1.1, f"{sent} bytes for {visible} cells"
    # All that the page draws is there: the head at every cell, the twelve at their pixels.
    sizes = {a["name"]: a["shape"] for a in content["arrays"]}
    assert sizes["cells_now"] == [512 * 513 // 2]
    assert sizes["thumbs_now"] == [12, thumb * (thumb + 1) // 2]


def test_the_gallery_fills_in_and_leaves_nothing_behind() -> None:
    ear = Ear()
    view = {"kind": "head_gallery", "first": 0, "count": 4}
    kept = set(ear.board.wait().now.values)
    ear.say("show", 2, views=[view])
    done = ear.until(
        lambda c: (
            c["t"] == "view" and c["view"]["kind"] == "head_gallery" and c["info"]["done"] == 3
        )
    )
    assert set(ear.board.wait().now.values) == kept
    size = len(ear.board.tokens)
    codes = arrays_of(ear, done)["thumbs"]
    assert codes.shape[:2] == (3, 4)
    found = run(ear.board.model, PROMPT)
    for address in ("L0H0", "L2H3"):
        layer, head = int(address[1]), int(address[3])
        got = matrix(codes[layer, head], {"low": 0, "high": 1}, size)
        np.testing.assert_allclose(got, lower(found[f"{address}.pattern"][0]), atol=0.003)


def test_tokens_are_summed_up_and_what_is_written_there_is_named() -> None:
    ear = Ear()
    view = {"kind": "head_tokens", "layer": 1, "head": 2, "position": 4, "k": 5}
    ear.say("show", 2, views=[view])
    done = ear.until(
        lambda c: (
            c["t"] == "view"
            and c["view"]["kind"] == "head_tokens"
            and all(c["info"]["tops_now"])
            and all(c["info"]["tops_base"])
        )
    )
    arrays = arrays_of(ear, done)
    found = run(ear.board.model, PROMPT, target="t7", foil="t11")
    out = cb.head_output(found, "L1H2", position=4, k=5)
    info = done["info"]
    assert [row["id"] for row in info["promoted"]] == [t.id for t in out.promoted]
    assert [row["id"] for row in info["suppressed"]] == [t.id for t in out.suppressed]
    assert info["promoted"][0]["now"] == pytest.approx(out.promoted[0].effect, abs=1e-5)
    assert info["tops_now"][4] == out.promoted[0].text
    assert arrays["top_now"][4] == pytest.approx(out.promoted[0].effect, abs=1e-5)
    total = cb.head_attribution(found, "L1H2").total
    np.testing.assert_allclose(arrays["total_now"], total, atol=1e-5)
    pattern = found["L1H2.pattern"][0]
    assert arrays["summary_now"][1].tolist() == pattern.argmax(1).tolist()
    np.testing.assert_allclose(arrays["summary_now"][3], pattern.sum(0), atol=1e-5)


def test_the_evidence_arrives_with_its_pattern() -> None:
    ear = Ear()
    ear.say("show", 2, views=[{"kind": "head_evidence", "layer": 1, "head": 2}])
    done = ear.until(
        lambda c: (
            c["t"] == "view"
            and c["view"]["kind"] == "head_evidence"
            and c["info"]["tried"] == c["info"]["wanted"]
        )
    )
    found = cb.head_evidence(ear.board.model, "L1H2")
    pattern = arrays_of(ear, done)["pattern"]
    np.testing.assert_allclose(pattern, found.pattern, atol=1e-6)
    values = {s["name"]: s["value"] for s in done["info"]["scores"]}
    assert values == pytest.approx({s.name: s.value for s in found.scores})
    assert done["info"]["top5"] == found.copying.top5


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
def test_painted_cells_are_set_in_one_step_and_written_as_python(name: str) -> None:
    ear = Ear(name)
    before = run(ear.board.model, PROMPT)["L1H2.pattern"][0]
    cells = [[3, 1], [5, 0], [5, 5]]
    paint = {"head": "L1H2", "cells": cells, "weights": [0.9, 0.2, 0.3], "normalise": True}
    assert ear.say("paint", 2, **paint)["problem"] is None
    expected = edited(before, {(3, 1): 0.9, (5, 0): 0.2, (5, 5): 0.3}, normalise=True)
    np.testing.assert_allclose(ear.board.result["L1H2.pattern"][0], expected, atol=1e-6)
    whole = run(ear.board.model, PROMPT, Set("L1H2.pattern", expected)).logits
    np.testing.assert_allclose(ear.board.result.logits, whole, atol=1e-5)
    (entry,) = ear.board.interventions
    assert entry.item.at == "L1H2.pattern"
    space: dict[str, Any] = {}
    code = ear.board.code().replace(f"cb.load({ear.board.model.source!r})", "MODEL")
    exec(code, space | {"MODEL": ear.board.model}, space)
    assert list(space["board"].interventions) == list(ear.board.interventions)
    np.testing.assert_array_equal(space["board"].result.logits, ear.board.result.logits)
    ear.say("act", 3, verb="undo")
    assert list(ear.board.interventions) == []


def test_painting_again_goes_on_from_what_is_there() -> None:
    ear = Ear()
    ear.say("paint", 2, head="L1H2", cells=[[3, 1]], weights=[0.9])
    ear.say("paint", 3, head="L1H2", cells=[[4, 1]], weights=[0.8])
    after = ear.board.result["L1H2.pattern"][0]
    assert after[3, 1] == pytest.approx(0.9)
    assert after[4, 1] == pytest.approx(0.8)
    assert len(ear.board.interventions) == 1


def test_impossible_paint_is_refused_and_changes_nothing() -> None:
    ear = Ear()
    for cells, weights in ([[1, 4]], [0.5]), ([[2, 1]], [-1.0]):
        problem = ear.say("paint", 2, head="L1H2", cells=cells, weights=weights)["problem"]
        assert problem["kind"] == "intervention"
    assert ear.say("paint", 3, head="L9H0", cells=[[1, 0]], weights=[1.0])["problem"]
    assert list(ear.board.interventions) == []
