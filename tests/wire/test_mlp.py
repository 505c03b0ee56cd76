"""The MLP view over the wire: its arrays are what plain runs give, whatever is on."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from test_screen import PROMPT, Ear

import circuitboard as cb

ASKED = {"target": "t7", "foil": "t11"}
MLP = {"kind": "mlp", "layer": 1, "every": False}
NEURON = {"kind": "neuron", "layer": 1, "neuron": 6}


def latest(ear: Ear, kind: str, revision: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The newest data of a view at a revision."""
    ear.view(kind, revision)
    found, buffers = [
        (c, b)
        for c, b in list(ear.heard)
        if c["t"] == "view" and c["view"]["kind"] == kind and c["revision"] == revision
    ][-1]
    return found, {
        a["name"]: np.frombuffer(buffers[a["buffer"]], a["dtype"]).reshape(a["shape"])
        for a in found["arrays"]
    }


def filled(ear: Ear, kind: str, revision: int, *names: str) -> dict[str, np.ndarray]:
    """The arrays of a view once its sweeps are done."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        _, arrays = latest(ear, kind, revision)
        if not any(np.isnan(arrays[name]).any() for name in names):
            return arrays
        time.sleep(0.02)
    raise AssertionError(f"{names} did not fill in")


def metric(m: cb.Model, items: list[Any]) -> float:
    return cb.run(m, PROMPT, items, **ASKED).metric


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "neox", "opt", "native"])
def test_neurons_now_and_at_baseline(name: str) -> None:
    ear = Ear(name)
    ear.say("hello", views=[MLP])
    ear.say("act", 2, verb="scale", at=["L0H1"], factor=0.25)
    arrays = filled(ear, "mlp", 2, "ablation_now", "ablation_base")
    found, _ = latest(ear, "mlp", 2)
    m, done = ear.board.model, [cb.Scale("L0H1", 0.25)]
    for end, items in (("now", done), ("base", [])):
        result = cb.run(m, PROMPT, items, **ASKED)
        plain = cb.neuron_attribution(m, PROMPT, 1, **ASKED, interventions=items)
        neurons = arrays["neurons"].astype(int).tolist()
        np.testing.assert_allclose(arrays[f"direct_{end}"], plain.neurons[neurons], atol=1e-5)
        np.testing.assert_allclose(
            arrays[f"act_{end}"], result["L1.mlp.post"][0][:, neurons].T, atol=1e-5
        )
        np.testing.assert_allclose(
            arrays[f"norm_{end}"], np.linalg.norm(result["L1.mlp"][0], axis=-1), rtol=1e-4
        )
        np.testing.assert_array_equal(
            arrays[f"active_{end}"], (result["L1.mlp.post"][0] > 0).sum(-1)
        )
        total = found["info"][end]
        assert total["total"] == pytest.approx(plain.total, abs=1e-5)
        assert total["rest"] == pytest.approx(0, abs=1e-4)
        whole = arrays[f"sum_{end}"][-1] + total["bias"] + total["rest"]
        assert whole == pytest.approx(plain.total, abs=1e-4)
        assert set(plain.top(20)) <= set(neurons)
        begun = metric(m, items)
        for i in (0, 5, len(neurons) - 1):
            alone = metric(m, [*items, cb.Zero(f"L1.mlp.n{neurons[i]}")])
            assert arrays[f"ablation_{end}"][i] == pytest.approx(alone - begun, abs=1e-5)


def test_every_neuron_is_ablated_when_asked_for() -> None:
    ear = Ear("gpt2")
    ear.say("hello", views=[{**MLP, "every": True}])
    arrays = filled(ear, "mlp", 1, "ablation_now")
    m = ear.board.model
    effects = cb.sweep(m, PROMPT, [cb.Zero(f"L1.mlp.n{i}") for i in range(m.facts.d_mlp)], **ASKED)
    neurons = arrays["neurons"].astype(int)
    np.testing.assert_allclose(arrays["ablation_now"], effects[neurons], atol=1e-5)
    assert set(np.argsort(-np.abs(effects))[:20]) <= set(neurons.tolist())


def test_the_ablation_of_neurons_can_be_cancelled() -> None:
    ear = Ear("gpt2")
    ear.say("hello", views=[{**MLP, "every": True}])
    ear.say("cancel", 2)
    assert ear.board.jobs() == []


def test_without_a_metric_there_are_activations_alone() -> None:
    ear = Ear("gpt2")
    ear.say("hello", views=[MLP, NEURON])
    ear.board.ask(PROMPT, "", "")
    found, arrays = ear.view("mlp", 2)
    assert found["problem"] is None
    assert found["info"]["now"] is None
    assert np.isnan(arrays["direct_now"]).all()
    assert arrays["act_now"].shape == (len(arrays["neurons"]), len(ear.board.tokens))
    neuron, _ = ear.view("neuron", 2)
    assert neuron["info"]["direct_now"] is None


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "opt"])
def test_one_neuron(name: str) -> None:
    ear = Ear(name)
    ear.say("hello", views=[NEURON])
    ear.say("act", 2, verb="ablate", at=["L1.mlp.n6", "L0.mlp"])
    ear.until(
        lambda c: (
            c["t"] == "view"
            and c["revision"] == 2
            and c["info"]["ablation_now"] is not None
            and c["info"]["ablation_base"] is not None
        )
    )
    found, arrays = latest(ear, "neuron", 2)
    m, done = ear.board.model, [cb.Zero("L1.mlp.n6"), cb.Zero("L0.mlp")]
    info = found["info"]
    for end, items in (("now", done), ("base", [])):
        result = cb.run(m, PROMPT, items, **ASKED)
        np.testing.assert_allclose(arrays[f"pre_{end}"], result["L1.mlp.pre"][0][:, 6], atol=1e-5)
        np.testing.assert_allclose(arrays[f"post_{end}"], result["L1.mlp.n6"][0], atol=1e-5)
        ablated = metric(m, [*items, cb.Zero("L1.mlp.n6")])
        assert info[f"ablation_{end}"] == pytest.approx(ablated - metric(m, items), abs=1e-5)
        plain = cb.neuron_attribution(m, PROMPT, 1, **ASKED, interventions=items)
        assert info[f"direct_{end}"] == pytest.approx(float(plain.neurons[6]), abs=1e-6)
    assert info["gated"] == m.facts.gated
    if m.facts.gated:
        product = arrays["dot_base"] * arrays["up_base"]
        np.testing.assert_allclose(product, arrays["post_base"], atol=1e-4, rtol=1e-3)
    else:
        assert "up_base" not in arrays
        np.testing.assert_array_equal(arrays["dot_base"], arrays["post_base"])
    heights = np.interp(arrays["pre_base"], arrays["curve_x"], arrays["curve_y"])
    np.testing.assert_allclose(heights, arrays["dot_base"], atol=0.02)
    words = cb.neuron_words(m, "L1.mlp.n6")
    assert [w["id"] for w in info["writes"]["high"]] == [w.id for w in words.writes.high]
    assert [w["id"] for w in info["reads"]["low"]] == [w.id for w in words.reads.low]
    assert (info["multiplies"] is None) != m.facts.gated


def test_what_does_not_exist_is_a_problem_of_the_view_alone() -> None:
    ear = Ear("attn_only")
    ear.say("hello", views=[MLP, NEURON, {"kind": "norm", "address": "L0.ln1.scale"}])
    for kind in ("mlp", "neuron", "norm"):
        found, _ = ear.view(kind, 1)
        assert found["problem"]["kind"] == "address"
        assert found["problem"]["hint"]
    ear = Ear("gpt2")
    ear.say("hello", views=[{**MLP, "layer": -1}, {**NEURON, "neuron": 999}])
    ear.say("act", 2, verb="ablate", at=["L0H0"])
    for kind in ("mlp", "neuron"):
        assert ear.view(kind, 2)[0]["problem"]["kind"] == "address"


def test_a_set_of_neurons_is_done_to_at_once() -> None:
    ear = Ear("gpt2")
    both = ["L1.mlp.n3", "L1.mlp.n7"]
    ear.say("select", 1, addresses=both)
    assert ear.board.selection == both
    for number, verb in enumerate(("ablate", "freeze", "scale"), 2):
        ear.say("act", number, verb=verb, at=both, factor=0.5)
    ear.board.wait()
    entries = [str(line.item) for line in ear.board.interventions]
    assert len(entries) == 6
    assert 'board.scale(["L1.mlp.n3", "L1.mlp.n7"], 0.5)' in ear.board.code() or (
        ear.board.code().count("L1.mlp.n3") == 3
    )
    ear.say("act", 9, verb="release", at=["L1.mlp"])
    assert len(ear.board.interventions) == 0
