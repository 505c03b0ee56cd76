"""The weights panel over the wire: numbers of the methods; edits made, undone and listed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from test_mlp import filled, latest
from test_screen import PROMPT, Ear

import circuitboard as cb
import tiny
from circuitboard.engine.engine import engine_of
from circuitboard.models.attention import head_weights
from circuitboard.session.board import Board
from circuitboard.session.ledger import ledger_of
from circuitboard.wire.messages import WeightMatrixView, WeightPathView, WeightSvdView
from circuitboard.wire.painters import weights as painter
from circuitboard.wire.recording import Recorder, wanted

HEAD = {"layer": 1, "head": 1}
EDITS = {"kind": "weight-edits"}


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that no other test sees."""
    monkeypatch.setattr(tiny, "model", tiny.fresh)


def until(
    ear: Ear, kind: str, revision: int, done: Callable[[dict[str, Any]], bool]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The newest data of a view once its info is as wanted."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found, arrays = latest(ear, kind, revision)
        if found["problem"] is None and done(found["info"]):
            return found["info"], arrays
        time.sleep(0.02)
    raise AssertionError(f"{kind}: {latest(ear, kind, revision)[0]}")


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "attn_only"])
@pytest.mark.parametrize("circuit", ["ov", "qk"])
def test_circuits_of_a_head(name: str, circuit: str) -> None:
    ear = Ear(name)
    offset = 3 if circuit == "qk" and name == "llama" else 0
    asked = {**HEAD, "circuit": circuit, "offset": offset}
    pairs = {"kind": "weight-pairs", **asked}
    ear.say("hello", views=[{"kind": "weight-matrix", **asked}, pairs])
    found, arrays = ear.view("weight-matrix", 1)
    m, ids = ear.board.model, list(dict.fromkeys(ear.board.tokens))
    assert found["info"]["ids"] == ids
    more = {} if circuit == "ov" else {"offset": offset}
    method: Any = cb.ov_circuit if circuit == "ov" else cb.qk_circuit
    plain = method(m, "L1H1", ids, **more)
    np.testing.assert_allclose(arrays["cells"], plain.matrix, atol=1e-6)
    assert found["info"]["notes"] == list(plain.notes)
    groups = {"llama": ["L1H0", "L1H1"], "gemma2": ["L1H0", "L1H1"]}
    assert found["info"]["group"] == groups.get(name, ["L1H1"])
    info, arrays = until(ear, "weight-pairs", 1, lambda i: i["done"] == i["total"])
    once = method(m, "L1H1", k=painter.PAIRS, **more)
    for mine, theirs in ((info["high"], once.high), (info["low"], once.low)):
        assert [p["value"] for p in mine] == pytest.approx([p.value for p in theirs], rel=1e-4)
        assert [(p["row"], p["column"]) for p in mine[:3]] == [
            (p.row_text, p.column_text) for p in theirs[:3]
        ]
    if circuit == "ov":
        values = cb.ov_eigenvalues(m, "L1H1").numpy()
        np.testing.assert_allclose(np.hypot(*arrays["eigenvalues"].T), np.abs(values), rtol=1e-3)
        assert info["copying"] == pytest.approx(float(cb.copying_scores(m)[1, 1]), abs=2e-3)
    else:
        assert info["copying"] is None
        assert "eigenvalues" not in arrays


def test_a_matrix_over_typed_tokens() -> None:
    ear = Ear("gpt2")
    ear.say("hello", views=[{"kind": "weight-matrix", **HEAD, "text": "t5 t9 t5"}])
    found, arrays = ear.view("weight-matrix", 1)
    ids = list(dict.fromkeys(ear.board.model.tokenize("t5 t9 t5")))
    assert found["info"]["ids"] == ids
    plain = cb.ov_circuit(ear.board.model, "L1H1", ids).matrix
    assert plain is not None
    np.testing.assert_allclose(arrays["cells"], plain, atol=1e-6)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_what_parts_have_to_do_with_each_other(name: str) -> None:
    ear = Ear(name)
    ear.say(
        "hello",
        views=[
            {"kind": "weight-composition", **HEAD},
            {"kind": "weight-overview", "mode": "V"},
            {"kind": "weight-path", "path": "L0H1->L1H1.k"},
        ],
    )
    m = ear.board.model
    info, arrays = until(ear, "weight-overview", 1, lambda i: i["done"] == i["total"])
    whole = cb.composition_scores(m, "V").reshape(12, 12)
    np.testing.assert_allclose(arrays["scores"], whole, atol=1e-5)
    scores = [edge["score"] for edge in info["edges"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(float(np.nanmax(whole)), abs=1e-5)
    first = info["edges"][0]
    at = [int(first[end][1]) * 4 + int(first[end][3]) for end in ("earlier", "later")]
    assert whole[at[0], at[1]] == pytest.approx(scores[0], abs=1e-5)
    end = time.monotonic() + 20
    while np.isnan(latest(ear, "weight-composition", 1)[1]["scores"][:, [0, 2]]).any():
        assert time.monotonic() < end
        time.sleep(0.02)
    _, arrays = latest(ear, "weight-composition", 1)
    for row, kind in enumerate("QKV"):
        all_pairs = cb.composition_scores(m, kind)
        np.testing.assert_allclose(arrays["scores"][row, 0], all_pairs[0, :, 1, 1], atol=1e-5)
        np.testing.assert_allclose(arrays["scores"][row, 2], all_pairs[1, 1, 2], atol=1e-5)
    info, _ = until(ear, "weight-path", 1, lambda i: i["done"] == i["total"])
    plain = cb.virtual_weights(m, "L0H1->L1H1.k")
    assert info["relative"] == pytest.approx(plain.relative, rel=1e-5)
    assert (info["axes"], len(info["high"])) == (["reads", "query"], painter.PAIRS)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_direction_is_scaled_listed_undone_and_restored(name: str) -> None:
    ear = Ear(name)
    svd = {"kind": "weight-svd", "place": "L1H1.ov"}
    pairs = {"kind": "weight-pairs", **HEAD}
    matrix = {"kind": "weight-matrix", **HEAD}
    ear.say("hello", views=[svd, EDITS, pairs, matrix])
    assert ear.view("weight-edits", 1)[0]["info"]["weights"] == []
    m = ear.board.model
    _, before = latest(ear, "weight-svd", 1)
    first, clean = cb.svd(m, "L1H1.ov", 8).values, ear.board.result.metric
    np.testing.assert_allclose(before["values"], first, rtol=1e-5)
    _, loaded = latest(ear, "weight-matrix", 1)
    assert ear.say("edit-weights", 2, place="L1H1.ov", index=1, factor=0.25)["problem"] is None
    ear.view("weight-svd", 2)
    assert ear.board.result.metric != clean
    info, _ = until(ear, "weight-edits", 2, lambda i: i["done"] == i["total"])
    assert info["lines"] == ["board.scale_direction('L1H1.ov', 1, 0.25)"]
    (change,) = info["weights"]
    (plain,) = ear.board.weights_changed()
    assert change["name"] == plain.name
    assert (change["elements"], change["size"]) == (8 * 32, 32 * 32)
    assert change["largest"] == pytest.approx(plain.largest)
    _, arrays = latest(ear, "weight-svd", 2)
    np.testing.assert_allclose(arrays["values"], before["values"])  # as they were before
    assert arrays["factors"].tolist() == [1, 0.25, *[1] * (len(first) - 2)]
    now = sorted((arrays["values"] * arrays["factors"]).tolist(), reverse=True)
    np.testing.assert_allclose(now, cb.svd(m, "L1H1.ov", 8).values, atol=1e-4)
    _, cells = latest(ear, "weight-matrix", 2)
    for side, expected in (
        ("loaded", loaded["cells"]),
        ("difference", cells["cells"] - loaded["cells"]),
    ):
        ear.heard.clear()
        ear.say("show", 3, views=[{**matrix, "side": side}, {**pairs, "side": side}])
        _, found = ear.view("weight-matrix", 2)
        np.testing.assert_allclose(found["cells"], expected, atol=1e-6)
        until(ear, "weight-pairs", 2, lambda i: i["done"] == i["total"])
    ear.say("act", 4, verb="undo")
    assert (ear.board.result.metric, ear.board.weights_changed()) == (clean, [])
    ear.say("act", 5, verb="redo")
    ear.say("edit-weights", 6, restore=True)
    assert (ear.board.result.metric, ear.board.weights_changed()) == (clean, [])


@pytest.mark.usefixtures("own")
def test_a_neurons_row_is_zeroed_and_given_back() -> None:
    ear = Ear("gpt2")
    ear.say("hello", views=[EDITS])
    clean = ear.board.result.metric
    ear.say("edit-weights", 2, neuron="L1.mlp.n5")
    info, _ = until(ear, "weight-edits", 2, lambda i: i["done"] == i["total"])
    assert info["neurons"] == ["L1.mlp.n5"]
    assert ear.board.result.metric == pytest.approx(
        cb.run(ear.board.model, PROMPT, [], target="t7", foil="t11").metric, abs=1e-6
    )
    assert ear.board.result.metric != clean
    ear.say("edit-weights", 3, neuron="L1.mlp.n5", back=True)
    assert ear.board.result.metric == clean
    refused = ear.say("edit-weights", 4, place="L1H1.ov", index=99, factor=0.5)["problem"]
    assert refused["kind"] == "intervention"
    assert ear.board.weight_edits == ()


@pytest.mark.usefixtures("own")
def test_edits_by_other_code_are_listed_and_begin_the_directions_anew() -> None:
    ear = Ear("gpt2")
    ear.say("hello", views=[EDITS, {"kind": "weight-svd", "place": "L1H1.ov"}])
    ear.say("edit-weights", 2, place="L1H1.ov", index=0, factor=0.5)
    ear.board.wait()
    with torch.no_grad():
        head_weights(ear.board.model, 1, 1, "O").mul_(2.0)
    ear.board.check_outside()
    ear.board.wait()
    revision = ear.board.revision
    info, _ = until(ear, "weight-edits", revision, lambda i: i["done"] == i["total"])
    assert (len(info["weights"]), info["lines"]) == (1, [])
    arrays = filled(ear, "weight-svd", revision, "values")
    plain = cb.svd(ear.board.model, "L1H1.ov", 8).values
    np.testing.assert_allclose(arrays["values"], plain, rtol=1e-4)
    assert (arrays["factors"] == 1).all()


@pytest.mark.usefixtures("own")
def test_an_edit_of_a_board_keeps_directions_that_are_known() -> None:
    ear = Ear("gpt2")
    ear.board.scale_direction("L1H1.ov", 0, 0.5)
    model = ear.board.model
    assert engine_of(model).epoch - ledger_of(model).own == 0
    with torch.no_grad():
        head_weights(model, 0, 0, "O").mul_(2.0)
    ear.board.wait()
    assert engine_of(model).epoch - ledger_of(model).own == 1


SIDES = ("now", "loaded", "difference")


def on_sides(ear: Ear, **view: Any) -> dict[str, tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """A view on each side, complete."""
    found: dict[str, tuple[dict[str, Any], dict[str, np.ndarray]]] = {}
    for n, side in enumerate(SIDES):
        ear.heard.clear()
        ear.say("show", 100 + n, views=[{**view, "side": side}])
        ear.view(view["kind"], ear.board.revision)
        end = time.monotonic() + 30
        while ear.board.jobs() and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.1)
        content, arrays = latest(ear, view["kind"], ear.board.revision)
        assert content["problem"] is None
        assert content["view"]["side"] == side
        found[side] = content["info"], arrays
    return found


def edit(ear: Ear, by: str) -> None:
    """Takes a direction of L1H1 down to a quarter, or halves what the head writes."""
    if by == "board":
        ear.board.scale_direction("L1H1.ov", 1, 0.25)
    else:
        with torch.no_grad():
            head_weights(ear.board.model, 1, 1, "O").mul_(0.5)
        ear.board.check_outside()
    ear.board.wait()


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", ["gpt2", "llama"])
@pytest.mark.parametrize("by", ["board", "other code"])
def test_compositions_and_paths_as_loaded_and_the_difference(name: str, by: str) -> None:
    ear = Ear(name)
    ear.say("hello", views=[])
    m = ear.board.model
    first = {kind: cb.composition_scores(m, kind) for kind in "QKV"}
    edit(ear, by)

    found = on_sides(ear, kind="weight-composition", **HEAD)
    for row, kind in enumerate("QKV"):
        for side, scores in (("loaded", first[kind]), ("now", cb.composition_scores(m, kind))):
            shown = found[side][1]["scores"][row]
            np.testing.assert_allclose(shown[0], scores[0, :, 1, 1], atol=1e-5)
            np.testing.assert_allclose(shown[2], scores[1, 1, 2], atol=1e-5)
    now, loaded, difference = (found[side][1]["scores"] for side in SIDES)
    np.testing.assert_allclose(difference, now - loaded, atol=1e-6)

    found = on_sides(ear, kind="weight-overview", mode="V")
    now, loaded, difference = (found[side][1]["scores"] for side in SIDES)
    np.testing.assert_allclose(loaded, first["V"].reshape(12, 12), atol=1e-5)
    np.testing.assert_allclose(difference, now - loaded, atol=1e-6)
    edges = found["difference"][0]["edges"]
    sizes = [abs(edge["score"]) for edge in edges]
    assert sizes == sorted(sizes, reverse=True)
    if edges:
        assert sizes[0] == pytest.approx(float(np.nanmax(np.abs(now - loaded))), abs=1e-6)

    found = on_sides(ear, kind="weight-path", path="L0H1->L1H1.v")
    again = cb.virtual_weights(m, "L0H1->L1H1")
    assert found["now"][0]["relative"] == pytest.approx(again.relative, rel=1e-4)
    assert found["difference"][0]["relative"] == pytest.approx(again.relative, rel=1e-4)
    assert found["difference"][0]["relative_loaded"] == pytest.approx(
        found["loaded"][0]["relative"], rel=1e-5
    )
    assert found["now"][0]["relative_loaded"] is None
    if by == "other code":  # half of the whole path is gone
        half = found["loaded"][0]["norm"] / 2
        assert found["difference"][0]["norm"] == pytest.approx(half, rel=1e-4)
        top = found["loaded"][0]["directions"][0]["value"] / 2
        assert found["difference"][0]["directions"][0]["value"] == pytest.approx(top, rel=1e-4)
        high, low = (found[side][0]["high"][0]["value"] for side in ("loaded", "now"))
        assert low == pytest.approx(high / 2, rel=1e-3)
        assert found["difference"][0]["low"][0]["value"] == pytest.approx(-high / 2, rel=1e-3)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", ["gpt2", "llama"])
@pytest.mark.parametrize("by", ["board", "other code"])
def test_directions_and_eigenvalues_as_loaded_and_the_difference(name: str, by: str) -> None:
    ear = Ear(name)
    ear.say("hello", views=[])
    m = ear.board.model
    values, copying = cb.ov_eigenvalues(m, "L1H1").abs(), float(cb.copying_scores(m)[1, 1])
    dense = cb.svd(m, "L1H1.ov", 8)
    before = dense.values
    whole = (dense.left * torch.tensor(before).double()) @ dense.right.T
    edit(ear, by)

    found = on_sides(ear, kind="weight-svd", place="L1H1.ov")
    np.testing.assert_allclose(found["loaded"][1]["values"], before, rtol=1e-4)
    assert (found["loaded"][1]["factors"] == 1).all()
    assert (found["difference"][1]["factors"] == 1).all()
    again = cb.svd(m, "L1H1.ov", 8)
    moved = (again.left * torch.tensor(again.values).double()) @ again.right.T - whole
    wanted = torch.linalg.svdvals(moved)[: len(found["difference"][1]["values"])]
    np.testing.assert_allclose(found["difference"][1]["values"], wanted, atol=1e-4)
    if by == "board":  # one direction was taken down to a quarter
        assert found["difference"][1]["values"][0] == pytest.approx(0.75 * before[1], rel=1e-3)
        assert (found["difference"][1]["values"][1:] < 1e-4 * before[0]).all()

    found = on_sides(ear, kind="weight-pairs", **HEAD)
    info, arrays = found["difference"]
    np.testing.assert_allclose(np.hypot(*arrays["eigenvalues_loaded"].T), values, rtol=1e-3)
    both = (info["copying"], info["copying_loaded"])
    assert both == pytest.approx((float(cb.copying_scores(m)[1, 1]), copying), abs=2e-3)
    np.testing.assert_allclose(
        np.hypot(*arrays["eigenvalues"].T), cb.ov_eigenvalues(m, "L1H1").abs(), rtol=1e-3
    )
    assert "eigenvalues_loaded" not in found["loaded"][1]
    assert found["loaded"][0]["copying"] == pytest.approx(copying, abs=2e-3)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_neurons_words_as_loaded_and_what_an_edit_took(name: str) -> None:
    ear = Ear(name)
    ear.say("hello", views=[])
    m = ear.board.model
    plain = cb.neuron_words(m, "L1.mlp.n5")
    ear.board.zero_neuron("L1.mlp.n5")
    ear.board.wait()
    found = on_sides(ear, kind="weight-neuron", layer=1, neuron=5)

    def values(side: str, words: str, end: str) -> list[float]:
        return [word["value"] for word in found[side][0][words][end]]

    highest, lowest = ([w.value for w in end] for end in (plain.writes.high, plain.writes.low))
    assert values("loaded", "writes", "high") == pytest.approx(highest, rel=1e-4)
    assert values("now", "writes", "high") == [0.0] * 10
    assert values("difference", "writes", "low") == pytest.approx([-v for v in highest], rel=1e-4)
    assert values("difference", "writes", "high") == pytest.approx([-v for v in lowest], rel=1e-4)
    assert values("difference", "reads", "high") == [0.0] * 10
    assert (found["now"][0]["multiplies"] is not None) == m.facts.gated


@pytest.mark.usefixtures("own")
def test_a_matrix_that_was_not_edited_has_no_difference() -> None:
    ear = Ear("gpt2")
    ear.say("hello", views=[])
    ear.board.zero_neuron("L1.mlp.n5")
    ear.board.wait()
    for place, most in (("L0H1.ov", 0), ("L1.mlp.in", 0), ("L1.mlp.out", 1)):
        info, arrays = on_sides(ear, kind="weight-svd", place=place)["difference"]
        assert len(arrays["values"]) == len(info["directions"]) == most, place
    found = on_sides(ear, kind="weight-overview", mode="K")["difference"]
    assert found[0]["edges"] == []
    assert np.nanmax(np.abs(found[1]["scores"])) == 0


def test_a_saved_board_has_what_the_panel_shows_first() -> None:
    board = Board(tiny.model("llama"), PROMPT, "t7", "t11")
    board.selection = ["L1H2", "L0.mlp.n3"]
    views = {view for view in wanted(board) if type(view).__name__.startswith("Weight")}
    assert WeightPathView(path="L0.mlp->L1H2.k") in views
    assert WeightMatrixView(layer=1, head=2) in views
    assert {v.place for v in views if isinstance(v, WeightSvdView)} == {
        *("L1H2.ov", "L1H2.qk"),
        *("L0.mlp.in", "L0.mlp.gate", "L0.mlp.out"),
    }
    recorder = Recorder(board)
    outcome = recorder.outcome()
    assert all(recorder.paint(view, outcome)[0].problem is None for view in views)
