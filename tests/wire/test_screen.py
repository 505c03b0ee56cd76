"""The wire: one reply each, errors included; only what is visible; nothing old over new."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny
from circuitboard.engine.batch import Batch
from circuitboard.engine.run import run
from circuitboard.session import effects
from circuitboard.session.board import Board
from circuitboard.spec.intervention import Zero
from circuitboard.wire import codec, messages, typescript
from circuitboard.wire.screen import Screen

PROMPT = tiny.prompt()
MAP = {"kind": "map", "measure": "attribution"}
HEAD = {"kind": "head", "layer": 1, "head": 2}
LOGITS = {"kind": "logits", "position": -1, "k": 5}


class Ear:
    """Collects what a screen would receive."""

    def __init__(self, name: str = "gpt2") -> None:
        self.heard: list[tuple[dict[str, Any], list[bytes]]] = []
        self.board = Board(tiny.model(name), PROMPT, "t7", "t11")
        self.screen = Screen(self.board, lambda c, b: self.heard.append((c, b)))
        self.board.wait()

    def say(self, op: str, number: int = 1, **rest: Any) -> dict[str, Any]:
        self.screen.receive({"op": op, "id": number, **rest})
        return next(c for c, _ in reversed(self.heard) if c["t"] == "reply")

    def until(self, done: Callable[[dict[str, Any]], bool], seconds: float = 20) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for content, _ in list(self.heard):
                if done(content):
                    return content
            time.sleep(0.005)
        raise AssertionError(f"not heard: {[c['t'] for c, _ in self.heard]}")

    def view(self, kind: str, revision: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        found = self.until(
            lambda c: c["t"] == "view" and c["view"]["kind"] == kind and c["revision"] == revision
        )
        buffers = next(b for c, b in self.heard if c is found)
        arrays = {
            a["name"]: np.frombuffer(buffers[a["buffer"]], a["dtype"]).reshape(a["shape"])
            for a in found["arrays"]
        }
        return found, arrays


def test_a_control_aimed_at_changes_nothing_and_refuses_nothing() -> None:
    ear = Ear()
    ear.board.engine.shelf.clear()
    seen = len(ear.heard)
    assert ear.say("foresee", 3, verb="ablate", at=["L1H2"])["problem"] is None
    assert ear.say("foresee", 4, verb="patch", at=["L1H2"])["problem"] is None
    assert ear.say("foresee", 5, verb="ablate", at=["L9H9"])["problem"] is None
    ear.board.worker.submit("the last", lambda _check: None).result(20)
    assert [c["t"] for c, _ in ear.heard[seen:]] == ["reply"] * 3
    assert len(ear.board.interventions) == 0
    ear.say("act", 6, verb="ablate", at=["L1H2"])
    assert ear.board.result.plan.endswith("computed, beforehand")


def test_a_click_brings_state_and_the_data_of_visible_views() -> None:
    ear = Ear()
    assert ear.say("hello", views=[MAP, HEAD, LOGITS])["problem"] is None
    ear.view("logits", 1)
    ear.say("act", 2, verb="ablate", at=["L1H2"])
    _, arrays = ear.view("head", 2)
    now = run(ear.board.model, PROMPT, Zero("L1H2"), target="t7", foil="t11")
    triangle = now["L1H2.pattern"][0][np.tri(len(ear.board.tokens), dtype=bool)]
    np.testing.assert_allclose(arrays["cells_now"] / 254, triangle, atol=0.002)
    logits, _ = ear.view("logits", 2)
    rows = {row["id"]: row for row in logits["info"]["rows"]}
    assert rows[7]["role"] == "target"
    assert rows[11]["role"] == "foil"
    assert rows[7]["logit_now"] == pytest.approx(float(now.logits[0, -1, 7]), abs=1e-5)
    map_data, arrays = ear.view("map", 2)
    assert arrays["heads_now"][1, 2] == 0
    assert arrays["heads_base"][1, 2] != 0
    assert arrays["resid_now"].shape == (2 * 3 + 1,)
    state = ear.until(lambda c: c["t"] == "state" and c["revision"] == 2)
    assert state["entries"][0]["text"] == "ablate L1H2"
    assert state["metric"]["now"] == pytest.approx(now.metric, abs=1e-5)
    assert map_data["problem"] is None


def test_every_request_has_exactly_one_reply_errors_included() -> None:
    ear = Ear()
    asked = [
        {"op": "act", "id": 1, "verb": "ablate", "at": ["L9H9"]},
        {"op": "act", "id": 2, "verb": "dance"},
        {"op": "ask", "id": 3, "prompt": "", "target": "", "foil": ""},
        {"op": "nonsense", "id": 4},
        {"op": "select", "id": 5, "addresses": ["nowhere"]},
        "not even an object",
        {"op": "code", "id": 7},
        {"op": "cancel", "id": 8},
        {"op": "act", "id": 9, "verb": "undo"},
    ]
    for content in asked:
        ear.screen.receive(content)
    replies = [c for c, _ in ear.heard if c["t"] == "reply"]
    assert [r["id"] for r in replies] == [1, 2, 3, 4, 5, 0, 7, 8, 9]
    kinds = [None if r["problem"] is None else r["problem"]["kind"] for r in replies]
    assert kinds == ["address", "message", "prompt", "message", "address", "message"] + [None] * 3
    assert all(r["problem"]["hint"] for r in replies[:6])
    assert replies[6]["text"].startswith("import circuitboard as cb")


def test_state_messages_are_numbered_without_gaps() -> None:
    ear = Ear()
    for i in range(5):
        ear.say("act", i, verb="scale", at=["L0H0"], factor=i / 4)
    ear.board.wait()
    numbers = [c["seq"] for c, _ in ear.heard if c["t"] == "state"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_nothing_old_is_sent_after_something_newer() -> None:
    ear = Ear()
    ear.say("hello", views=[MAP])
    for i in range(20):
        ear.say("act", i, verb="scale", at=["L0H0"], factor=i / 10)
    ear.view("map", 21)
    revisions = [c["revision"] for c, _ in ear.heard if c["t"] == "view"]
    assert revisions == sorted(revisions)


def test_effects_fill_in_and_can_be_cancelled() -> None:
    ear = Ear()
    ear.say("hello", views=[{"kind": "map", "measure": "effect"}])
    ear.until(lambda c: c["t"] == "progress" and bool(c["jobs"]))
    end = time.monotonic() + 20
    while time.monotonic() < end:
        data = [(c, b) for c, b in list(ear.heard) if c["t"] == "view"]
        content, buffers = data[-1]
        heads = np.frombuffer(buffers[0], np.float32).reshape(content["arrays"][0]["shape"])
        if not np.isnan(heads).any():
            break
        time.sleep(0.02)
    base = run(ear.board.model, PROMPT, target="t7", foil="t11").metric
    alone = run(ear.board.model, PROMPT, Zero("L2H3"), target="t7", foil="t11").metric
    assert heads[2, 3] == pytest.approx(alone - base, abs=1e-5)


def test_a_sweep_is_cancelled_at_once_and_leaves_the_rest_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ear = Ear()
    quick = Batch.run

    def slow(*args: Any, **options: Any) -> Any:
        time.sleep(0.2)
        return quick(*args, **options)

    monkeypatch.setattr(Batch, "run", slow)
    monkeypatch.setattr(effects, "STEP_TOKENS", 20)  # two parts in one step
    ear.say("hello", views=[{"kind": "map", "measure": "effect"}])
    heard = ear.until(lambda c: c["t"] == "progress" and any(j["done"] > 2 for j in c["jobs"]))
    assert heard["jobs"][0]["total"] == 3 * (4 + 1 + 1) + 2
    ear.say("cancel", 6)
    assert ear.board.jobs() == []
    time.sleep(0.5)
    content, buffers = [(c, b) for c, b in ear.heard if c["t"] == "view"][-1]
    heads = np.frombuffer(buffers[0], np.float32).reshape(content["arrays"][0]["shape"])
    assert np.isnan(heads[0]).all()
    assert not np.isnan(heads[2]).any()


def test_two_tabs_are_both_served() -> None:
    ear = Ear()
    ear.say("hello", 1, views=[LOGITS], screen="one")
    ear.say("hello", 2, views=[HEAD], screen="two")
    ear.say("act", 3, verb="ablate", at=["L0H0"])
    ear.view("logits", 2)
    ear.view("head", 2)


def test_requests_may_come_from_any_thread() -> None:
    ear = Ear()
    threads = [
        threading.Thread(target=ear.say, args=("act", i), kwargs={"verb": "ablate", "at": [at]})
        for i, at in enumerate(ear.board.model.heads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ear.board.interventions) == len(ear.board.model.heads)
    assert {c["id"] for c, _ in ear.heard if c["t"] == "reply"} == set(range(len(threads)))
    ear.board.wait()  # type checks at work in its thread draw on the random state of the next test


views = st.one_of(
    st.builds(
        messages.MapView,
        measure=st.sampled_from(["attribution", "norm", "effect", "entropy", "induction"]),
        position=st.integers(-9, 99),
    ),
    st.just(messages.ClassesView()),
    st.builds(
        messages.HeadView,
        layer=st.integers(0, 99),
        head=st.integers(0, 99),
        value=st.sampled_from(["pattern", "weighted", "scores", "attribution"]),
    ),
    st.builds(messages.LogitsView, position=st.integers(-9, 99), k=st.integers(1, 50)),
)
requests = st.one_of(
    st.builds(messages.Hello, id=st.integers(0, 10**6), views=st.lists(views, max_size=3)),
    st.builds(messages.Ask, id=st.integers(0), prompt=st.text(), target=st.text(), foil=st.text()),
    st.builds(
        messages.Paint,
        id=st.integers(0),
        head=st.text(),
        cells=st.lists(st.lists(st.integers(0, 99), max_size=2), max_size=3),
        weights=st.lists(st.floats(0, 1), max_size=3),
    ),
    st.builds(messages.Look, id=st.integers(0), view=views),
    st.builds(messages.Select, id=st.integers(0), addresses=st.lists(st.text(), max_size=3)),
)


@given(requests)
def test_a_message_survives_the_round_trip(request: Any) -> None:
    text = msgspec.json.encode(msgspec.to_builtins(request))
    assert codec.decode(msgspec.json.decode(text)) == request


def test_the_typescript_types_are_current() -> None:
    for name, text in typescript.files().items():
        assert (typescript.WEB / name / "types.ts").read_text() == text


def test_the_layout_is_kept_with_the_board_and_given_to_the_next_screen() -> None:
    ear = Ear()
    assert ear.say("hello", views=[])["text"] == ""
    assert ear.say("remember", 2, layout='{"v":1}')["problem"] is None
    assert ear.board.layout == '{"v":1}'
    assert ear.say("hello", 3, views=[], screen="another")["text"] == '{"v":1}'
    assert not ear.board.can_undo
    assert not any(c["t"] == "remembered" for c, _ in ear.heard), "nobody hears an echo"


def test_a_layout_set_in_python_reaches_the_screen() -> None:
    ear, other = Ear(), Ear()
    ear.board.layout = '{"v":1}'
    heard = ear.until(lambda c: c["t"] == "remembered")
    assert heard["layout"] == '{"v":1}'
    other.board.layout = ear.board.layout
    assert other.board.layout == '{"v":1}'
    assert Ear().board.layout == ""


def test_a_layout_that_is_too_long_is_refused_and_the_old_one_stays() -> None:
    ear = Ear()
    ear.board.layout = "short"
    reply = ear.say("remember", 2, layout="x" * 70_000)
    assert "65536" in reply["problem"]["message"]
    assert ear.board.layout == "short"
