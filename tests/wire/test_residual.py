"""The residual stream's view and the logits' on the wire: what Python's own methods give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_screen import PROMPT, Ear

from circuitboard.engine.run import run
from circuitboard.methods.decomposition import decompose
from circuitboard.methods.logit_lens import logit_lens
from circuitboard.methods.waterfall import waterfall
from circuitboard.spec.errors import InterventionError
from circuitboard.spec.intervention import Add, Zero
from circuitboard.wire.painters import decomposition, lens, stream

LENS = {"kind": "lens", "middle": True}
GRID = {"kind": "logit_grid", "k": 3}
TRAJECTORY = {"kind": "trajectory", "position": 4, "tokens": ["t3", "no such word"]}
WATERFALL = {"kind": "waterfall"}
PARTS = {"kind": "decomposition", "place": "L1.resid_mid", "position": 3, "direction": "metric"}
EMBEDDING = {"kind": "embedding", "position": 2}
DONE = ["L1H1"]


def geometry(what: str, **rest: Any) -> dict[str, Any]:
    return {"kind": "stream", "what": what, "place": "L1.resid_post", "position": 3, **rest}


def shown(view: dict[str, Any], name: str = "gpt2") -> tuple[Ear, dict[str, Any], Any]:
    """One view on a board with a head ablated."""
    ear = Ear(name)
    ear.say("hello", views=[view])
    ear.say("act", 2, verb="ablate", at=DONE)
    data, arrays = ear.view(view["kind"], 2)
    assert data["problem"] is None, data["problem"]
    return ear, data["info"], arrays


def ends(ear: Ear) -> dict[str, Any]:
    model = ear.board.model
    return {
        "now": run(model, PROMPT, [Zero(at) for at in DONE], target="t7", foil="t11"),
        "base": run(model, PROMPT, target="t7", foil="t11"),
    }


def test_the_lens() -> None:
    ear, info, arrays = shown(LENS)
    for end, result in ends(ear).items():
        found = logit_lens(result, ["t7", "t11"], middle=True)
        assert info["places"] == found.places
        np.testing.assert_array_equal(arrays[f"ids_{end}"], found.ids)
        np.testing.assert_allclose(arrays[f"probs_{end}"], found.probabilities, atol=1e-5)
        np.testing.assert_allclose(arrays[f"log_probs_{end}"], found.log_probs, atol=2e-5)
        np.testing.assert_array_equal(arrays[f"ranks_{end}"], found.ranks)
    assert [token["role"] for token in info["followed"]] == ["target", "foil"]
    assert {word["id"]: word["text"] for word in info["words"]}[int(found.ids[0, 0, 0])]


def test_every_position_has_its_top_tokens() -> None:
    ear, info, arrays = shown(GRID)
    words = {word["id"]: word["text"] for word in info["words"]}
    for end, result in ends(ear).items():
        for position in (0, 5, len(arrays["ids_now"]) - 1):
            top = result.top(3, position)
            assert [words[int(i)] for i in arrays[f"ids_{end}"][position]] == [t.text for t in top]
            probabilities = [t.probability for t in top]
            np.testing.assert_allclose(arrays[f"probs_{end}"][position], probabilities, atol=1e-5)


def test_tokens_are_followed_and_what_is_no_token_is_refused() -> None:
    ear, info, arrays = shown(TRAJECTORY)
    ids = [token["id"] for token in info["followed"]]
    assert ids[:3] == [7, 11, 3]
    assert info["followed"][2]["role"] == "typed"
    assert info["refused"][0]["text"] == "no such word"
    assert info["refused"][0]["message"]
    texts = [ear.board.model.token_text(i) for i in ids]
    for end, result in ends(ear).items():
        found = logit_lens(result, texts)
        np.testing.assert_array_equal(arrays[f"ranks_{end}"], found.ranks[:, :, 4])
        np.testing.assert_allclose(arrays[f"log_probs_{end}"], found.log_probs[:, :, 4], atol=2e-5)


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "attn_only"])
def test_the_waterfall(name: str) -> None:
    ear, info, arrays = shown(WATERFALL, name)
    state = ear.until(lambda c: c["t"] == "state" and c["revision"] == 2)
    for end, result in ends(ear).items():
        found = waterfall(result)
        assert [c["at"] for c in info["components"]] == [s.at for s in found.steps]
        np.testing.assert_allclose(
            arrays[f"values_{end}"], [s.value for s in found.steps], atol=1e-5
        )
        metric = state["metric"]["now" if end == "now" else "baseline"]
        assert arrays[f"values_{end}"].sum() == pytest.approx(metric, abs=1e-4)
        assert arrays[f"ends_{end}"][0] == pytest.approx(metric, abs=1e-5)
    assert info["ready"]
    assert info["reached"] == "logit difference"
    assert info["post_norm"] == (name == "gemma2")


def test_a_residual_taken_apart() -> None:
    ear, info, arrays = shown(PARTS)
    for end, result in ends(ear).items():
        found = decompose(result, "L1.resid_mid@3")
        assert [c["at"] for c in info["components"]] == found.names
        np.testing.assert_allclose(arrays[f"values_{end}"], found.projections, atol=1e-5)
        np.testing.assert_allclose(arrays[f"norms_{end}"], found.norms, atol=1e-5)
        np.testing.assert_allclose(
            arrays[f"cosines_{end}"], found.cosines, atol=1e-5, equal_nan=True
        )
        total, constant, error, length = arrays[f"ends_{end}"]
        assert total == pytest.approx(arrays[f"values_{end}"].sum(), abs=1e-4)
        assert constant == pytest.approx(found.constant, abs=1e-5)
        assert error < 1e-4
        assert length == pytest.approx(np.linalg.norm(found.residual), rel=1e-4)
    assert info["unit"] == "logits"


def test_what_is_set_on_the_stream_is_a_part_of_the_run_now_alone() -> None:
    ear = Ear()
    ear.say("hello", views=[{**PARTS, "place": "L2.resid_post", "direction": "self"}])
    ear.board.interventions = [Add("L1.resid_post@3", 2.0)]
    data, arrays = ear.view("decomposition", 2)
    parts = [(c["kind"], c["at"]) for c in data["info"]["components"]]
    at = parts.index(("change", "L1.resid_post"))
    assert arrays["norms_now"][at] == pytest.approx(2 * 32**0.5, rel=1e-4)
    assert arrays["norms_base"][at] == 0
    assert arrays["values_now"].sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["gpt2", "neox"])
def test_the_geometry_of_the_stream(name: str) -> None:
    ear, info, arrays = shown(geometry("norms"), name)
    for end, result in ends(ear).items():
        rows = np.stack([result[place][0] for place in info["places"]])
        np.testing.assert_allclose(
            arrays[f"values_{end}"], np.linalg.norm(rows, axis=-1), rtol=1e-4
        )
    _, _, layers = shown(geometry("layers"), name)
    unit = rows[:, 3] / np.linalg.norm(rows[:, 3], axis=-1, keepdims=True)
    np.testing.assert_allclose(layers["values_base"], unit @ unit.T, atol=1e-5)
    _, _, positions = shown(geometry("positions"), name)
    row = rows[info["places"].index("L1.resid_post")]
    unit = row / np.linalg.norm(row, axis=-1, keepdims=True)
    np.testing.assert_allclose(positions["values_base"], unit @ unit.T, atol=1e-5)


def test_projections_of_the_stream() -> None:
    ear, info, arrays = shown(geometry("projection", direction="metric"))
    assert info["unit"] == "logits"
    for end, result in ends(ear).items():
        constant = decompose(result, "L2.resid_post").constant
        logits = result.logits[0]
        expected = logits[:, 7] - logits[:, 11] - constant
        np.testing.assert_allclose(arrays[f"values_{end}"][-1], expected, atol=1e-4)


def test_embeddings() -> None:
    ear, info, arrays = shown(EMBEDDING)
    assert len(info["nearest"]) == len(info["follows"]) == 10
    own = run(ear.board.model, PROMPT)
    assert info["norm"] == pytest.approx(np.linalg.norm(own["embed@2"]), rel=1e-5)
    np.testing.assert_allclose(
        arrays["pos_norms"], np.linalg.norm(own["pos_embed"][0], axis=-1), rtol=1e-5
    )
    _, _, without = shown(EMBEDDING, "llama")
    assert without == {}


@pytest.mark.parametrize("view", [LENS, WATERFALL, PARTS, geometry("norms"), TRAJECTORY])
def test_long_work_fills_in_and_ends_the_same(
    view: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, quick = shown(view)
    for module in (lens, decomposition, stream):
        monkeypatch.setattr(module, "QUICK", 0)
    ear = Ear("gpt2")
    for run_ in (ear.board.outcome.baseline, ear.board.outcome.now):  # what other boards have read
        run_.values.clear()
    ear.say("hello", views=[view])
    ear.say("act", 2, verb="ablate", at=DONE)
    ear.until(lambda c: c["t"] == "state" and c["revision"] == 2 and not c["busy"])
    ear.until(lambda _: not ear.board.jobs() and not ear.board.worker.busy)

    def last() -> dict[str, np.ndarray]:
        content, buffers = [(c, b) for c, b in list(ear.heard) if c["t"] == "view"][-1]
        return {
            a["name"]: np.frombuffer(buffers[a["buffer"]], a["dtype"]).reshape(a["shape"])
            for a in content["arrays"]
        }

    def known(name: str, values: np.ndarray) -> bool:
        # What is zero, such as an ablated head, has no cosine.
        return name.startswith("cosines") or not np.isnan(values).any()

    ear.until(
        lambda _: last().keys() == quick.keys() and all(known(*pair) for pair in last().items())
    )
    for name, values in last().items():
        np.testing.assert_allclose(values, quick[name], atol=1e-4)


def test_a_vector_of_your_own() -> None:
    ear = Ear()
    vector = np.arange(32) - 7.0
    ear.board.direction("mine", vector)
    state = ear.until(lambda c: c["t"] == "state" and c["directions"] == ["mine"])
    assert state["problem"] is None
    ear.say("hello", views=[{**PARTS, "direction": "vector:mine"}])
    _, arrays = ear.view("decomposition", 1)
    found = decompose(run(ear.board.model, PROMPT), "L1.resid_mid@3", vector)
    np.testing.assert_allclose(arrays["values_now"], found.projections, atol=1e-5)
    lines = [line for line in ear.board.code().splitlines() if "direction" in line]
    space: dict[str, Any] = {"board": ear.board, "np": np}
    exec(lines[0].replace('"mine"', '"again"').replace("'mine'", "'again'"), space)
    assert ear.board.directions["again"] == ear.board.directions["mine"]
    with pytest.raises(InterventionError, match="3 numbers"):
        ear.board.direction("short", [1.0, 2.0, 3.0])


def test_a_direction_that_is_none_is_a_problem_of_the_view() -> None:
    ear = Ear()
    ear.say("hello", views=[{**PARTS, "direction": "vector:gone"}])
    data, _ = ear.view("decomposition", 1)
    assert "vector:gone" in data["problem"]["message"]
