"""The patching panel and the contrast prompt on the wire."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from test_screen import PROMPT, Ear

import tiny
from circuitboard.engine.run import run
from circuitboard.engine.sweep import patch_grid
from circuitboard.methods.attribution_patching import attribution_patching
from circuitboard.wire.painters import patching

OTHER = tiny.prompt(seed=2)
QUESTION: dict[str, Any] = {"target": "t7", "foil": "t11"}
GRIDS = ("resid_pre", "attn", "mlp", "head", "q", "k", "v", "pattern")


def ear(name: str = "gpt2", contrast: str = OTHER) -> Ear:
    made = Ear(name)
    made.board.contrast = contrast
    made.board.wait()
    return made


def view(over: str, direction: str = "noising", layer: int = -1) -> dict[str, Any]:
    return {"kind": "patching", "over": over, "direction": direction, "layer": layer}


def filled(made: Ear, asked: dict[str, Any], seconds: float = 40) -> tuple[dict[str, Any], Any]:
    """The view once all of its cells are known."""
    made.say("show", views=[asked])
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for content, buffers in reversed(list(made.heard)):
            if content["t"] != "view" or content["view"] != asked:
                continue
            assert content["problem"] is None, content["problem"]
            info = content["info"]
            if info["done"] and info["done"] == len(info["places"]):
                array = content["arrays"][0]
                shape = array["shape"]
                return info, np.frombuffer(buffers[array["buffer"]], "float32").reshape(shape)
        time.sleep(0.01)
    raise AssertionError("the grid did not fill in")


@pytest.mark.parametrize("direction", ["noising", "denoising"])
@pytest.mark.parametrize("name", ["gpt2", "llama", "neox", "attn_only"])
def test_grids_are_those_of_patch_grid(name: str, direction: str) -> None:
    made = ear(name)
    made.board.ablate("L0H0")  # does not come in
    made.board.wait()
    m = made.board.model
    for over in [g for g in GRIDS if g != "mlp" or m.has_part("mlp")]:
        info, found = filled(made, view(over, direction))
        wanted = patch_grid(m, PROMPT, OTHER, over=over, direction=direction, **QUESTION)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, wanted, atol=1e-4, err_msg=over)
        ends = [run(m, p, **QUESTION).metric for p in (PROMPT, OTHER)]
        ends = ends if direction == "noising" else ends[::-1]
        assert [info["run"], info["source"]] == pytest.approx(ends, abs=1e-5)
        assert info["columns"] == ("position" if "@" in info["places"][0] else "head")


def test_heads_by_position_of_one_layer_and_of_all() -> None:
    made = ear()
    wanted = patch_grid(
        made.board.model, PROMPT, OTHER, over="head position", direction="noising", **QUESTION
    )
    info, found = filled(made, view("head position", layer=1))
    np.testing.assert_allclose(found, wanted[1], atol=1e-4)
    assert info["rows"] == ["L1H0", "L1H1", "L1H2", "L1H3"]
    info, found = filled(made, view("head position"))
    np.testing.assert_allclose(found, wanted.reshape(12, -1), atol=1e-4)
    assert info["places"][len(found[0])] == "L0H1@0"


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_neurons_of_the_largest_estimate(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patching, "TOP", 10)
    made = ear(name)
    m = made.board.model
    info, found = filled(made, view("neuron", layer=1))
    wanted = patch_grid(m, PROMPT, OTHER, over="neuron", direction="noising", **QUESTION)[1]
    chosen = [int(place.removeprefix("L1.mlp.n")) for place in info["places"]]
    np.testing.assert_allclose(found[0], wanted[chosen], atol=1e-4)
    scores = attribution_patching(m, PROMPT, OTHER, over="neuron", direction="noising", **QUESTION)
    assert sorted(chosen) == sorted(np.argsort(-np.abs(scores.scores[1]))[:10].tolist())
    assert info["whole"] == m.facts.d_mlp


def test_a_grid_goes_on_when_the_model_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ear()
    asked = view("head position")
    begun = made.board.engine.run
    runs = 0

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal runs
        runs += 1
        time.sleep(0.01)
        return begun(*args, **options)

    monkeypatch.setattr(made.board.engine, "run", counted)
    made.say("show", views=[asked])
    made.until(lambda c: c["t"] == "view" and c["info"] and c["info"]["done"] > 0)
    made.board.ablate("L0H0")
    made.board.wait()
    some = [c for c, _ in made.heard if c["t"] == "view" and c["view"] == asked]
    assert some[-1]["info"]["done"] >= some[0]["info"]["done"]
    filled(made, asked)
    dones = [c["info"]["done"] for c, _ in made.heard if c["t"] == "view" and c["view"] == asked]
    assert dones == sorted(dones)  # it was not begun again


def problem(made: Ear) -> dict[str, Any]:
    made.say("show", views=[view("head")])
    revision = made.board.wait().revision
    found = made.until(
        lambda c: c["t"] == "view" and c["revision"] == revision and c["problem"] is not None
    )
    return found["problem"]


def test_what_is_missing_is_said() -> None:
    assert "contrast prompt" in problem(ear(contrast=""))["hint"]
    assert "contrast prompt 7" in problem(ear(contrast=tiny.prompt(6, 3)))["message"]
    without = ear()
    without.board.ask(target="", foil="")
    assert "target" in problem(without)["hint"]


def test_a_click_patches_and_swaps_and_is_undone() -> None:
    made = ear()
    assert made.say("act", 2, verb="patch", at=["L1H2@3"])["problem"] is None
    state = last_state(made)
    assert [(e["at"], e["text"], e["elsewhere"]) for e in state["entries"]] == [
        ("L1H2@3", "patch L1H2@3", False)
    ]
    made.say("act", 3, verb="swap")
    state = last_state(made)
    assert (state["prompt"], state["contrast"]) == (OTHER, PROMPT)
    assert state["entries"][0]["elsewhere"] is False
    made.board.contrast = tiny.prompt(seed=5)
    entry = last_state(made)["entries"][0]
    assert entry["elsewhere"] is True
    assert entry["text"].startswith("patch L1H2@3 from “t")
    for _ in range(3):
        made.say("act", 4, verb="undo")
    assert last_state(made)["prompt"] == PROMPT
    assert last_state(made)["entries"] == []


def test_the_state_has_both_prompts_their_alignment_and_metric() -> None:
    made = ear()
    state = last_state(made)
    assert [t["text"] for t in state["contrast_tokens"]][1:] == OTHER.split()
    assert [(a["mine"], a["theirs"], a["at"]) for a in state["alignment"]] == [
        (i, i, str(i)) for i in range(10)
    ]
    wanted = run(made.board.model, OTHER, **QUESTION).metric
    assert state["metric"]["contrast"] == pytest.approx(wanted, abs=1e-5)
    made.board.contrast = None
    state = last_state(made)
    assert (state["contrast_tokens"], state["alignment"]) == ([], [])
    assert state["metric"]["contrast"] is None
    made.board.contrast = tiny.prompt(6, 3)
    gaps = [a for a in last_state(made)["alignment"] if a["theirs"] < 0]
    assert len(gaps) == 3
    assert {a["at"] for a in gaps} == {""}
    refused = made.say("act", 5, verb="patch", at=["L1H2"])["problem"]
    assert "cannot be patched at all of them" in refused["message"]


def last_state(made: Ear) -> dict[str, Any]:
    """The state as it is once the model has answered."""
    made.board.wait()
    revision = made.board.revision
    made.until(lambda c: c["t"] == "state" and c["revision"] == revision and not c["busy"])
    return next(c for c, _ in reversed(made.heard) if c["t"] == "state")
