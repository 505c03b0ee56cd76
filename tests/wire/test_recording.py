"""Recordings: every view worth having, equal to what a screen gets, within a budget, and safe."""

from __future__ import annotations

import itertools
import re
import time
from typing import Any, get_args

import msgspec
import numpy as np
import pytest

import tiny
from circuitboard.engine.run import run
from circuitboard.session.background import Backlog
from circuitboard.session.board import Board
from circuitboard.spec.errors import CircuitboardError
from circuitboard.spec.intervention import Zero
from circuitboard.wire import page as pages
from circuitboard.wire.messages import (
    HeadView,
    LogitsInfo,
    LogitsView,
    MapView,
    Measure,
    Recording,
    View,
    ViewData,
)
from circuitboard.wire.painters import PAINTERS, Scene, paint
from circuitboard.wire.recording import Recorder, current, to_text, unpack, wanted

PROMPT = tiny.prompt()
ARCHITECTURES = ("gpt2", "llama", "attn_only", "gemma2")


def board(name: str = "gpt2") -> Board:
    made = Board(tiny.model(name), PROMPT, "t7", "t11")
    made.ablate("L1H0")
    return made


def of(recording: Recording, view: View) -> ViewData:
    return next(data for data in recording.views if data.view == view)


def arrays(recording: Recording, view: View) -> dict[str, np.ndarray[Any, Any]]:
    return {
        a.name: np.frombuffer(unpack(recording, a.buffer), a.dtype).reshape(a.shape)
        for a in of(recording, view).arrays
    }


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_head_position_and_measure_is_there(name: str) -> None:
    b = board(name)
    found = {data.view for data in Recorder(b).record().views}
    facts = b.model.facts
    grid = itertools.product(range(facts.n_layers), range(facts.n_heads))
    assert {HeadView(layer=layer, head=head) for layer, head in grid} <= found
    assert {MapView(measure=m) for m in get_args(Measure)} <= found
    last = len(b.tokens) - 1
    assert {LogitsView(position=i) for i in (*range(last), -1)} <= found


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_recorded_view_is_what_a_screen_is_sent(name: str) -> None:
    b = board(name)
    recording = Recorder(b).record()
    outcome = b.wait()
    for data in recording.views:
        if data.view == MapView(measure="effect"):
            continue  # its own test: a fresh sweep begins empty
        scene = Scene(b, outcome, Backlog(b.worker, lambda _: None))
        sent, buffers = paint(data.view, scene)
        assert sent.info == data.info
        assert data.problem is None
        assert [a.name for a in sent.arrays] == [a.name for a in data.arrays]
        for told, kept in zip(sent.arrays, data.arrays, strict=True):
            assert buffers[told.buffer] == unpack(recording, kept.buffer), (data.view, told.name)


def test_the_numbers_are_those_of_a_run() -> None:
    b = board()
    recording = Recorder(b).record()
    now = run(b.model, PROMPT, Zero("L1H0"), target="t7", foil="t11")
    base = run(b.model, PROMPT, target="t7", foil="t11")
    head = arrays(recording, HeadView(layer=2, head=1))
    np.testing.assert_allclose(head["pattern_now"], now["L2H1.pattern"][0], atol=1e-6)
    np.testing.assert_allclose(head["pattern_base"], base["L2H1.pattern"][0], atol=1e-6)
    info = of(recording, LogitsView(position=3)).info
    assert isinstance(info, LogitsInfo)
    for row in info.rows:
        assert row.logit_now == pytest.approx(float(now.logits[0, 3, row.id]), abs=1e-4)
    assert recording.state.metric.now == pytest.approx(now.metric, abs=1e-5)
    assert recording.code == b.code()


def test_sweeps_are_waited_for() -> None:
    b = board()
    effect = arrays(Recorder(b).record(), MapView(measure="effect"))
    assert np.isfinite(effect["heads_now"]).all()
    assert np.isfinite(effect["heads_base"]).all()
    base = run(b.model, PROMPT, target="t7", foil="t11").metric
    alone = run(b.model, PROMPT, Zero("L2H3"), target="t7", foil="t11").metric
    assert effect["heads_base"][2, 3] == pytest.approx(alone - base, abs=1e-5)


def test_sweeps_are_left_as_they_are_when_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    b = board()
    b.wait()
    slow(b, monkeypatch, 0.05)
    began = time.monotonic()
    effect = arrays(Recorder(b, wait=False).record(), MapView(measure="effect"))
    assert time.monotonic() - began < 2
    assert np.isnan(effect["heads_now"]).any()
    assert b.jobs() == []  # nobody would see the rest


def test_a_sweep_cancelled_meanwhile_does_not_hold_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    b = board()
    b.wait()
    slow(b, monkeypatch, 0.05)

    def stop(done: int, _total: int) -> None:
        b.worker.cancel()

    recorder = Recorder(b, told=stop)
    b.subscribe(lambda event: b.worker.cancel() if event == "jobs" and b.jobs() else None)
    began = time.monotonic()
    recorder.record([MapView(measure="effect")])
    assert time.monotonic() - began < 10


def slow(b: Board, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    quick = b.engine.run

    def run_slowly(*args: Any, **options: Any) -> Any:
        time.sleep(seconds)
        return quick(*args, **options)

    monkeypatch.setattr(b.engine, "run", run_slowly)


def test_equal_arrays_are_kept_once() -> None:
    b = Board(tiny.model("gpt2"), PROMPT, "t7", "t11")
    recording = Recorder(b).record()
    named = sum(len(data.arrays) for data in recording.views)
    assert len(recording.buffers) < named / 2  # nothing is done to the model: now is the baseline
    assert len(set(recording.buffers)) == len(recording.buffers)


def test_a_budget_leaves_out_the_least_wanted_and_says_how_many() -> None:
    b = board()
    b.select(["L0H3"], 2)
    whole = Recorder(b).record()
    shown = [MapView(measure="norm")]
    small = Recorder(b, budget=2000).record(shown)
    assert small.left_out + len(small.views) == len(whole.views)
    kept = [data.view for data in small.views]
    assert kept[:4] == [*shown, MapView(), HeadView(layer=0, head=3), LogitsView(position=2)]
    assert sum(map(len, small.buffers)) < 5000
    assert whole.left_out == 0


def test_what_the_panels_show_comes_first() -> None:
    b = board()
    b.select(["L0H3", "L2H1.pattern"], 2)
    assert current(b) == [MapView(), HeadView(layer=2, head=1), LogitsView(position=2)]
    heads = [view for view in wanted(b) if isinstance(view, HeadView)]
    assert heads[:2] == [HeadView(layer=2, head=1), HeadView(layer=0, head=3)]
    assert len(set(heads)) == len(heads) == len(b.model.heads)


def test_every_painter_says_what_to_record_and_names_the_axes_of_its_arrays() -> None:
    b = board()
    b.selection = ["L1H2"]
    outcome = b.wait()
    for kind, painter in PAINTERS.items():
        views = painter.record(b)
        assert views, f"{kind.__name__}: nothing to record"
        scene = Scene(b, outcome, Backlog(b.worker, lambda _: None))
        data, _ = paint(views[0], scene)
        for array in data.arrays:
            axes = painter.axes.get(re.sub("_(now|base)$", "", array.name))
            if axes is not None:
                assert len(axes) == len(array.shape), array.name
        found = {re.sub("_(now|base)$", "", array.name) for array in data.arrays}
        assert set(painter.axes) <= found, kind.__name__


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    recording = Recorder(board(), told=lambda done, total: told.append((done, total))).record()
    assert [done for done, _ in told] == list(range(1, len(recording.views) + 1))


def test_a_failed_run_is_raised() -> None:
    b = board()
    with pytest.raises(CircuitboardError):
        b.set("L0H0", [float("nan")])
    b.scale("L0.resid_pre", 1e38)
    b.scale("L1.resid_pre", 1e38)
    with pytest.raises(CircuitboardError, match=r"finite|NaN"):
        Recorder(b).record()


@pytest.fixture
def bundle(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A front end that is small enough to read, with what could end its element early."""
    path = tmp_path / "saved.js"
    path.write_text('console.log("</script><!--");')
    monkeypatch.setattr(pages, "BUNDLE", path)
    return path.read_text()


def test_no_token_ends_the_data(bundle: str) -> None:
    assert bundle
    b = Board(tiny.evil(), " ".join(("t3", *tiny.EVIL, "t4")), "t7", "-7")
    recording = Recorder(b).record()
    assert {token.text for token in recording.state.tokens} >= set(tiny.EVIL)
    text = pages.page(recording)
    data = re.search(r'<script type="application/json" id="[\w-]+">(.*?)</script>', text, re.S)
    assert data
    assert not re.search(r"[<>&]", data[1])
    assert msgspec.json.decode(data[1].encode(), type=Recording) == recording
    assert len(re.findall("</script", text)) == 2
    assert "onerror" not in text.replace(data[1], "").replace(_title(text), "")
    assert "<" not in _title(text)


def _title(text: str) -> str:
    found = re.search("<title>(.*?)</title>", text, re.S)
    assert found
    return found[1]


def test_the_page_forbids_the_network(bundle: str) -> None:
    assert bundle
    policy = re.search(
        'Content-Security-Policy" content="(.*?)">', pages.page(Recorder(board()).record())
    )
    assert policy
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules
    assert re.fullmatch(r"'sha256-[\w+/=]{44}'", rules["script-src"])
    assert "http" not in policy[1]


def test_text_is_json(bundle: str) -> None:
    assert bundle
    recording = Recorder(board()).record()
    assert msgspec.json.decode(to_text(recording).encode(), type=Recording) == recording


def test_a_front_end_that_is_not_built_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(pages, "BUNDLE", tmp_path / "none.js")
    with pytest.raises(CircuitboardError, match="not built"):
        pages.page(Recorder(board()).record())
