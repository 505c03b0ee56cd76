"""Paths over the wire: each edge's effect is that of a plain run, now and at the baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_mlp import filled, latest, metric
from test_screen import PROMPT, Ear

import circuitboard as cb
import tiny
from circuitboard.wire import messages
from circuitboard.wire.recording import Recorder, wanted

CONTRAST = tiny.prompt(9, 5)
INTO = {"kind": "paths", "part": "L2H1"}
ONE = {"kind": "path", "sender": "L0H1", "receiver": "L2H2"}


def ear_of(name: str, views: list[dict[str, Any]], contrast: str = CONTRAST) -> Ear:
    ear = Ear(name)
    ear.say("hello", views=views)
    ear.say("ask", 2, prompt=PROMPT, target="t7", foil="t11", contrast=contrast)
    return ear


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "neox", "attn_only", "native"])
@pytest.mark.parametrize("way", ["into", "from"])
def test_all_edges_of_a_part_now_and_at_the_baseline(name: str, way: str) -> None:
    last = tiny.model(name).facts.n_layers - 1
    part = f"L{last}H1" if way == "into" else "L0H1"
    ear = ear_of(name, [{"kind": "paths", "part": part, "way": way}])
    ear.say("act", 3, verb="scale", at=["L1H0"], factor=0.25)
    arrays = filled(ear, "paths", 3, "effect_now", "effect_base")
    info = latest(ear, "paths", 3)[0]["info"]
    m, done = ear.board.model, [cb.Scale("L1H0", 0.25)]
    assert info["how"] == "patch"
    for end, items in (("now", done), ("base", [])):
        begun = metric(m, items)
        for i in range(0, len(info["edges"]), 6):
            item = cb.Patch(info["edges"][i], CONTRAST)
            alone = metric(m, [*items, item]) - begun
            assert arrays[f"effect_{end}"][i] == pytest.approx(alone, abs=5e-5), info["edges"][i]


def test_numbers_on_screen_are_those_of_path_patching() -> None:
    for mlps in (False, True):
        ear = ear_of("gpt2", [{**INTO, "mlps": mlps}])
        arrays = filled(ear, "paths", 2, "effect_now", "effect_base")
        info = latest(ear, "paths", 2)[0]["info"]
        found: dict[str, float] = {}
        for end in "qkv":
            found |= cb.path_patch(
                ear.board.model, PROMPT, CONTRAST, receiver=f"L2H1.{end}", target="t7",
                foil="t11", mlps="recomputed" if mlps else "frozen",
            )  # fmt: skip
        assert info["edges"] == list(found)
        np.testing.assert_allclose(arrays["effect_base"], list(found.values()), atol=1e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_all_that_can_be_done_to_one_path(name: str) -> None:
    ear = ear_of(name, [ONE])
    ear.say("act", 3, verb="ablate", at=["L1H3"])
    ear.say("act", 4, verb="patch", at=["L0H1->L2H2.k"])
    arrays = filled(ear, "path", 4, "effect_now")
    info = latest(ear, "path", 4)[0]["info"]
    m, done = ear.board.model, [cb.Zero("L1H3")]
    assert len(info["choices"]) == 16
    begun = metric(m, done)
    seen = set()
    for choice, value in zip(info["choices"], arrays["effect_now"], strict=True):
        edge = choice["edge"]
        item = cb.Patch(edge, CONTRAST) if choice["how"] == "patch" else cb.Zero(edge)
        assert value == pytest.approx(metric(m, [*done, item]) - begun, abs=5e-5), choice
        assert ("mlps" in edge) == choice["mlps"]
        assert edge.endswith(f".{choice['input']}" if choice["input"] else "L2H2")
        seen.add((choice["how"], choice["input"], choice["mlps"]))
    assert len(seen) == 16


def test_without_a_contrast_that_fits_zero_is_offered_and_it_is_said_why() -> None:
    for contrast, said in (("", "no contrast prompt"), (tiny.prompt(5, 5), "tokens")):
        ear = Ear("gpt2")
        ear.say("hello", views=[ONE, INTO])
        ear.say("act", 2, verb="scale", at=["L0H0"], factor=0.5)
        if contrast:
            ear.say("ask", 3, prompt=PROMPT, target="t7", foil="t11", contrast=contrast)
        revision = 3 if contrast else 2
        filled(ear, "path", revision, "effect_now")
        info = latest(ear, "path", revision)[0]["info"]
        assert {choice["how"] for choice in info["choices"]} == {"zero"}
        assert said in info["no_patch"]
        assert info["hint"]
        arrays = filled(ear, "paths", revision, "effect_now")
        found = latest(ear, "paths", revision)[0]["info"]
        assert (found["how"], found["no_patch"]) == ("zero", info["no_patch"])
        m, done = ear.board.model, [cb.Scale("L0H0", 0.5)]
        alone = metric(m, [*done, cb.Zero(found["edges"][3])]) - metric(m, done)
        assert arrays["effect_now"][3] == pytest.approx(alone, abs=5e-5)


def test_edges_in_the_list_have_their_effect_alone() -> None:
    ear = ear_of("gpt2", [{"kind": "cables"}])
    ear.say("act", 3, verb="patch", at=["L0H1->L2H2.k", "L0H0->mlps->logits"])
    ear.say("act", 4, verb="ablate", at=["L1H1", "embed->L1H0.v"])
    arrays = filled(ear, "cables", 4, "alone_base")
    entries = ear.board.question.entries
    info = latest(ear, "cables", 4)[0]["info"]
    assert info["entries"] == [entries[i].id for i in (0, 1, 3)]
    m = ear.board.model
    for i, value in zip((0, 1, 3), arrays["alone_base"], strict=True):
        alone = metric(m, [entries[i].item]) - metric(m, [])
        assert value == pytest.approx(alone, abs=5e-5)
    assert [str(e.item) for e in entries[:1]] == [repr(cb.Patch("L0H1->L2H2.k", CONTRAST))]


def test_a_part_without_edges_and_a_board_without_a_metric() -> None:
    ear = ear_of("gpt2", [{"kind": "paths", "part": "L1.ln1"}, INTO])
    assert ear.view("paths", 2)[0]["problem"]["kind"] == "address"
    ear.say("ask", 3, prompt=PROMPT, target="", foil="")
    found = [c for c, _ in ear.heard if c["t"] == "view" and c["view"].get("part") == "L2H1"]
    ear.until(lambda c: c["t"] == "view" and c["view"].get("part") == "L2H1" and c["revision"] == 3)
    found = [c for c, _ in ear.heard if c["t"] == "view" and c["view"].get("part") == "L2H1"][-1]
    assert found["problem"] is None
    assert not found["info"]["metric"]


def test_a_board_with_edges_is_recorded_with_their_numbers() -> None:
    ear = ear_of("gpt2", [])
    board = ear.board
    board.patch("L0H1->L2H2.k", CONTRAST)
    board.selection = ["L2H1"]
    outcome = board.wait()
    views = wanted(board)
    into, out = [view for view in views if isinstance(view, messages.PathsView)][:2]
    assert (into.part, into.way, out.part, out.way) == ("L2H1", "into", "L2H1", "from")
    assert messages.CablesView() in views
    recorder = Recorder(board)
    for view in (into, out, messages.CablesView()):
        data, buffers = recorder.paint(view, outcome)
        assert data.problem is None
        for array in data.arrays:
            values = np.frombuffer(buffers[array.buffer], np.float32)
            assert len(values) > 0
            assert np.isfinite(values).all(), f"{view}: waited for to the end"
    board.clear()
    board.wait()
    assert messages.CablesView() not in wanted(board)
