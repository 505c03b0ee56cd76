"""Steering on the wire: what the panel gets, while it is steered and while a curve fills in."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from test_screen import Ear

import circuitboard as cb
import tiny

AT = "L1.resid_post@-1"
VIEW = {"kind": "steering", "at": "", "direction": "", "reach": 0.0}


def ear(name: str = "gpt2") -> Ear:
    made = Ear(name)
    made.board.direction("one", np.linspace(-1, 1, made.board.model.facts.d_model))
    return made


def newest(e: Ear) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The newest picture, once its curve is complete."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = [(c, b) for c, b in list(e.heard) if c["t"] == "view"]
        if found:
            content, buffers = found[-1]
            arrays = {
                a["name"]: np.frombuffer(buffers[a["buffer"]], a["dtype"]).reshape(a["shape"])
                for a in content["arrays"]
            }
            current = content["revision"] == e.board.revision
            if content["problem"] or (current and not np.isnan(arrays["metric"]).any()):
                return content, arrays
        time.sleep(0.01)
    raise AssertionError("no complete picture was heard")


@pytest.mark.parametrize("name", ["gpt2", "llama", "attn_only"])
def test_the_panel_gets_the_curve_the_stream_and_the_point_now(name: str) -> None:
    e = ear(name)
    at = "L0.resid_post@-1"
    e.say("hello", views=[VIEW])
    assert e.say("steer", 2, at=at, direction="one", coefficient=1.5)["problem"] is None
    content, arrays = newest(e)
    info = content["info"]
    assert (info["at"], info["direction"], info["coefficient"]) == (at, "one", 1.5)
    vector = np.linspace(-1, 1, e.board.model.facts.d_model, dtype=np.float32)
    baseline, now = e.board.baseline, e.board.result
    place = at.removesuffix("@-1")
    stream = {"base": baseline[place][0], "now": now[place][0]}
    for end, values in stream.items():
        np.testing.assert_allclose(arrays[f"norms_{end}"], np.linalg.norm(values, axis=-1), 1e-5)
        along = values @ vector / np.linalg.norm(vector)
        np.testing.assert_allclose(arrays[f"projection_{end}"], along, atol=1e-5)
    assert info["stream"] == pytest.approx(np.linalg.norm(stream["base"][-1]), rel=1e-5)
    swept = cb.steering_sweep(
        e.board.model, e.board.prompt, at, vector, arrays["coefficients"], target="t7", foil="t11"
    )
    np.testing.assert_allclose(arrays["metric"], swept.metric, atol=1e-5)
    np.testing.assert_allclose(arrays["target"], swept.target, atol=1e-6)
    np.testing.assert_allclose(arrays["foil"], swept.foil, atol=1e-6)
    assert arrays["here"][0] == pytest.approx(now.metric, abs=1e-5)
    assert arrays["coefficients"][0] == -info["reach"]
    read = cb.token_direction(e.board.model, "t7", "t11")
    cosine = vector @ read / np.linalg.norm(vector) / np.linalg.norm(read)
    assert info["directions"][0]["cosine"] == pytest.approx(cosine, abs=1e-5)
    assert info["directions"][0]["length"] == pytest.approx(np.linalg.norm(vector), rel=1e-5)


def test_the_curve_is_on_top_of_everything_else_and_stays_while_the_slider_moves() -> None:
    e = ear()
    e.say("act", 1, verb="ablate", at=["L0H1"])
    e.say("hello", 2, views=[VIEW | {"at": AT, "direction": "one", "reach": 2.0}])
    _, before = newest(e)
    for i, c in enumerate((0.5, 1.0, 1.5)):
        e.say("steer", 3 + i, at=AT, direction="one", coefficient=c, step="drag")
    e.board.wait()
    content, after = newest(e)
    np.testing.assert_array_equal(before["metric"], after["metric"])
    vector = np.linspace(-1, 1, 32)
    alone = cb.run(
        e.board.model, e.board.prompt, [cb.Zero("L0H1"), cb.Add(AT, vector, 2.0)],
        target="t7", foil="t11",
    )  # fmt: skip
    assert after["metric"][-1] == pytest.approx(alone.metric, abs=1e-5)
    assert content["info"]["lines"][0]["coefficient"] == 1.5
    e.say("act", 9, verb="undo")
    assert list(e.board.interventions) == [cb.Zero("L0H1")], "a drag is one step"


def test_the_list_names_the_direction() -> None:
    e = ear()
    e.say("steer", 1, at=AT, direction="one", coefficient=4)
    e.board.add("L1H0", 2.0)
    e.board.add("L1.mlp@-1", np.ones(32), 0.5)
    e.board.wait()
    state = [c for c, _ in e.heard if c["t"] == "state"][-1]
    assert [entry["text"] for entry in state["entries"]] == [
        f"add 4 × 'one' to {AT}",
        "add 2 to L1H0",
        "add 0.5 × a vector to L1.mlp@-1",
    ]


def test_directions_are_made_renamed_and_forgotten_by_requests() -> None:
    e = ear()
    e.say("hello", views=[VIEW])
    newest(e)
    reply = e.say("make-direction", 2, how="tokens", tokens=["t7", "t11"])
    assert reply["text"] == "t7-t11"
    e.until(
        lambda c: c["t"] == "view" and any(d["name"] == "t7-t11" for d in c["info"]["directions"])
    )
    assert e.say("keep-direction", 3, name="t7-t11", new="difference")["problem"] is None
    e.until(
        lambda c: (
            c["t"] == "view" and any(d["name"] == "difference" for d in c["info"]["directions"])
        )
    )
    assert e.say("keep-direction", 4, name="difference")["problem"] is None
    assert list(e.board.directions) == ["one"]
    refused = e.say("make-direction", 5, how="contrast", at=AT)
    assert "no contrast prompt" in refused["problem"]["message"]
    refused = e.say("steer", 6, at=AT, direction="gone", coefficient=1)
    assert "no direction 'gone'" in refused["problem"]["message"]


def test_a_place_that_does_not_fit_says_so() -> None:
    e = ear()
    e.say("hello", views=[VIEW | {"at": "L1H0.z@-1"}])
    content, _ = newest(e)
    assert "not as wide" in content["problem"]["message"]
    e.say("show", 2, views=[VIEW | {"at": "L1.resid_post@40"}])
    e.until(lambda c: c["t"] == "view" and "no token" in ((c["problem"] or {}).get("message", "")))


def test_without_a_direction_the_panel_says_where_it_would_steer() -> None:
    e = Ear("llama")
    e.say("hello", views=[VIEW])
    content = e.until(lambda c: c["t"] == "view")
    assert content["info"]["direction"] == ""
    assert content["info"]["at"] == "L1.resid_post@-1"
    assert content["info"]["directions"] == []


def test_every_position_is_steered_where_none_is_named() -> None:
    e = ear()
    e.board.steer("L0.mlp", "one", -1.0)
    e.say("hello", views=[VIEW])
    content, arrays = newest(e)
    moved = e.board.result["L0.mlp"] - e.board.baseline["L0.mlp"]
    expected = np.broadcast_to(-np.linspace(-1, 1, 32), moved[0].shape)
    np.testing.assert_allclose(moved[0], expected, atol=1e-5)
    norms = np.linalg.norm(e.board.baseline["L0.mlp"][0], axis=-1)
    assert content["info"]["stream"] == pytest.approx(np.median(norms), rel=1e-5)
    assert tiny.model("gpt2") is e.board.model
    assert len(arrays["norms_now"]) == len(e.board.tokens)
