"""The map on the wire: every measure, of every part that it is defined for, filled in live."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from test_screen import PROMPT, Ear

from circuitboard.engine.run import run
from circuitboard.methods.copying import copying_scores
from circuitboard.methods.head_scores import head_scores
from circuitboard.spec.intervention import InterventionSet, Zero

ABOUT_WEIGHTS = ("previous", "duplicate", "induction", "current", "first", "copying")


def newest(ear: Ear, kind: str, revision: int) -> dict[str, np.ndarray]:
    """Arrays of the view as it was sent last."""
    content, buffers = [
        (c, b)
        for c, b in list(ear.heard)
        if c["t"] == "view" and c["view"]["kind"] == kind and c["revision"] == revision
    ][-1]
    assert content["problem"] is None
    return {
        a["name"]: np.frombuffer(buffers[a["buffer"]], a["dtype"]).reshape(a["shape"])
        for a in content["arrays"]
    }


def settled(ear: Ear, kind: str = "map", revision: int = 1) -> dict[str, np.ndarray]:
    """Arrays once nothing is under way any more."""
    ear.view(kind, revision)
    end = time.monotonic() + 30
    while time.monotonic() < end and (ear.board.jobs() or ear.board.worker.busy):
        time.sleep(0.01)
    time.sleep(0.15)
    return newest(ear, kind, revision)


def show(ear: Ear, measure: str, **rest: Any) -> dict[str, np.ndarray]:
    ear.heard.clear()
    ear.say("show", 2, views=[{"kind": "map", "measure": measure, **rest}])
    return settled(ear, revision=ear.board.revision)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "attn_only"])
def test_effects_are_those_of_single_runs_whatever_else_is_done(name: str) -> None:
    ear = Ear(name)
    model = ear.board.model
    ear.say("act", 1, verb="ablate", at=["L1H0"])
    found = show(ear, "effect")
    for end, stack in (("base", []), ("now", [Zero("L1H0")])):
        start = run(model, PROMPT, stack, target="t7", foil="t11").metric
        wanted = {
            "L0H1": found[f"heads_{end}"][0, 1],
            "L1H0": found[f"heads_{end}"][1, 0],
            "L1.attn": found[f"attn_{end}"][1],
            "embed": found[f"embed_{end}"][0],
        }
        if model.has_part("mlp"):
            wanted["L0.mlp"] = found[f"mlp_{end}"][0]
        if model.has_part("pos_embed"):
            wanted["pos_embed"] = found[f"embed_{end}"][1]
        for place, value in wanted.items():
            more = InterventionSet.of([*stack, Zero(place)])
            alone = run(model, PROMPT, more, target="t7", foil="t11").metric
            assert value == pytest.approx(alone - start, abs=1e-4), (end, place)
    assert found["heads_now"][1, 0] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "attn_only"])
def test_the_sum_of_attributions_is_the_metric(name: str) -> None:
    ear = Ear(name)
    ear.say("act", 1, verb="scale", at=["L0H0"], factor=0.3)
    found = show(ear, "attribution")
    for end, value in (
        ("base", ear.board.wait().baseline_value),
        ("now", ear.board.wait().now_value),
    ):
        parts = ("attn", "mlp", "embed", "constant")
        total = sum(float(np.nansum(found[f"{part}_{end}"])) for part in parts)
        assert total == pytest.approx(value, abs=2e-3)
        heads = found[f"heads_{end}"].sum(1) + found[f"rest_{end}"]
        np.testing.assert_allclose(heads, found[f"attn_{end}"], atol=1e-4)


def test_shares_and_norms_go_together() -> None:
    ear = Ear()
    norms, shares = show(ear, "norm"), show(ear, "share")
    before = norms["resid_now"][:-1:2]
    np.testing.assert_allclose(shares["heads_now"] * before[:, None], norms["heads_now"], rtol=1e-5)
    np.testing.assert_allclose(
        shares["mlp_now"] * norms["resid_now"][1::2], norms["mlp_now"], rtol=1e-5
    )
    assert norms["scales_now"].shape == norms["resid_now"].shape
    assert not np.isnan(norms["scales_now"]).any()


def test_entropy_is_at_the_position_looked_at() -> None:
    ear = Ear()
    pattern = run(ear.board.model, PROMPT)["L1H2.pattern"][0].astype(np.float64)
    rows = -(pattern * np.log(np.where(pattern > 0, pattern, 1))).sum(-1)
    here = show(ear, "entropy", position=4)
    assert here["heads_now"][1, 2] == pytest.approx(rows[4], abs=1e-5)
    last = show(ear, "entropy", position=-1)
    assert last["heads_base"][1, 2] == pytest.approx(rows[-1], abs=1e-5)
    mean = show(ear, "entropy_mean")
    assert mean["heads_now"][1, 2] == pytest.approx(rows.mean(), abs=1e-5)
    assert np.isnan(mean["mlp_now"]).all()


def test_class_scores_are_kept_for_the_weights_and_change_with_nothing_else() -> None:
    ear = Ear()
    ear.say("hello", views=[{"kind": "classes"}])
    found = settled(ear, "classes")
    scores = head_scores(ear.board.model)
    for name in ABOUT_WEIGHTS[:-1]:
        np.testing.assert_allclose(found[name], getattr(scores, name), atol=1e-6)
    np.testing.assert_allclose(found["copying"], copying_scores(ear.board.model), atol=1e-6)
    ear.say("act", 3, verb="ablate", at=["L0H0"])
    for name in ABOUT_WEIGHTS:
        same = show(ear, name)
        np.testing.assert_array_equal(same["heads_now"], same["heads_base"])
        np.testing.assert_allclose(same["heads_now"], found[name], atol=1e-6)
        assert math.isnan(same["embed_now"][0])
    labels = {j["label"] for c, _ in ear.heard if c["t"] == "progress" for j in c["jobs"]}
    assert not labels  # nothing was computed again


def test_class_scores_go_on_while_the_board_changes() -> None:
    ear = Ear()
    ear.say("hello", views=[{"kind": "classes"}])
    ear.until(lambda c: c["t"] == "progress" and bool(c["jobs"]))
    first = {j.id for j in ear.board.jobs() if j.label.startswith("Head scores")}
    ear.say("act", 2, verb="ablate", at=["L0H0"])
    ear.board.wait()
    later = {j.id for j in ear.board.jobs() if j.label.startswith("Head scores")}
    assert later <= first


def test_the_gradient_arrives_and_follows_what_is_done() -> None:
    ear = Ear()
    ear.say("act", 1, verb="ablate", at=["L1H0"])
    found = show(ear, "gradient")
    assert found["heads_now"][1, 0] == 0
    assert found["heads_base"][1, 0] != 0
    assert not np.isnan(found["heads_now"]).any()
    assert not np.isnan(found["embed_now"]).any()


def test_a_group_is_taken_back_by_one_request() -> None:
    ear = Ear()
    ear.say("act", 1, verb="ablate", at=["L0H0", "L0H1", "L1.mlp"])
    ids = [entry.id for entry in ear.board.question.entries]
    assert len(ids) == 3
    ear.say("act", 2, verb="remove", entries=ids[:2])
    assert [entry.id for entry in ear.board.question.entries] == ids[2:]
    ear.say("act", 3, verb="undo")
    assert len(ear.board.question.entries) == 3
