"""Recordings: every view worth having, equal to what a screen gets, within a budget, and safe."""

from __future__ import annotations

import itertools
import re
import time
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
import pytest

import circuitboard as cb
import tiny
from circuitboard import offline
from circuitboard.engine.run import run
from circuitboard.session.background import Backlog
from circuitboard.session.board import Board
from circuitboard.session.question import Outcome
from circuitboard.spec.address import Address
from circuitboard.spec.errors import CircuitboardError
from circuitboard.spec.intervention import Zero
from circuitboard.wire import page as pages
from circuitboard.wire.messages import (
    ClassesView,
    DecompositionView,
    EmbeddingView,
    HeadLineView,
    HeadTokensView,
    HeadView,
    LensView,
    LogitGridView,
    LogitsInfo,
    LogitsView,
    MapView,
    Measure,
    MlpView,
    NeuronView,
    NormView,
    OwnInfo,
    OwnView,
    PathView,
    Recording,
    StreamView,
    TrajectoryView,
    View,
    ViewData,
    WaterfallView,
)
from circuitboard.wire.painters import PAINTERS, Scene, paint
from circuitboard.wire.painters.head_gallery import GROUP
from circuitboard.wire.painters.scene import unrecorded
from circuitboard.wire.recording import Recorder, current, to_text, unpack, wanted

PROMPT = tiny.prompt()
END = "L2.resid_post"
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
    for data in _some(recording):
        assert data.problem is None, data.view
        sent, buffers = _sent(b, outcome, data.view)
        assert sent.info == data.info
        assert [a.name for a in sent.arrays] == [a.name for a in data.arrays]
        for told, kept in zip(sent.arrays, data.arrays, strict=True):
            ours = np.frombuffer(buffers[told.buffer], told.dtype)
            theirs = np.frombuffer(unpack(recording, kept.buffer), kept.dtype)
            # sweeps go in steps of whatever length fits: sums differ in their last digits
            named = f"{data.view} {told.name}"
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=named)


def _some(recording: Recording) -> list[ViewData]:
    """The first views of each kind, and the last one."""
    kinds: dict[type, list[ViewData]] = {}
    for data in recording.views:
        kinds.setdefault(type(data.view), []).append(data)
    return [data for found in kinds.values() for data in (*found[:3], found[-1])]


def _sent(b: Board, outcome: Outcome, view: View) -> tuple[ViewData, list[bytes]]:
    """What a screen is sent last, once nothing of the view is swept any more."""
    backlog = Backlog(b.worker, lambda _: None)
    end = time.monotonic() + 30
    while True:
        paint(view, Scene(b, outcome, backlog))
        if not backlog.unfinished(view):
            sent = paint(view, Scene(b, outcome, backlog))
            if not backlog.unfinished(view):  # what was done may be the start of more
                return sent
        assert time.monotonic() < end, view
        time.sleep(0.002)


def test_the_numbers_are_those_of_a_run() -> None:
    b = board()
    recording = Recorder(b).record()
    now = run(b.model, PROMPT, Zero("L1H0"), target="t7", foil="t11")
    base = run(b.model, PROMPT, target="t7", foil="t11")
    for token in range(len(b.tokens)):
        line = arrays(
            recording,
            HeadLineView(layer=2, head=1, value="pattern", skip_first=False, token=token),
        )
        for end, wanted_run in (("now", now), ("base", base)):
            pattern = wanted_run["L2H1.pattern"][0]
            row, column = pattern[token, : token + 1], pattern[token:, token]
            np.testing.assert_allclose(line[f"row_{end}"], row, atol=1e-6)
            np.testing.assert_allclose(line[f"column_{end}"], column, atol=1e-6)
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
    effect = arrays(Recorder(b, wait=False).record(), MapView(measure="effect"))
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
    small = Recorder(b, budget=12_000).record(shown)
    assert small.left_out + len(small.views) == len(whole.views)
    kept = [data.view for data in small.views]
    assert kept[:3] == [*shown, ClassesView(), DecompositionView(place=END, position=2)]
    larger = Recorder(b, budget=60_000).record(shown)
    assert HeadView(layer=0, head=3) in {data.view for data in larger.views}
    assert len(msgspec.json.encode(small)) < 30_000
    assert whole.left_out == 0


def test_what_the_panels_show_comes_first() -> None:
    b = board()
    b.select(["L0H3", "L2H1.pattern"], 2)
    shown = current(b)
    assert {MapView(), HeadView(layer=2, head=1), LogitsView(position=2)} <= set(shown)
    assert len({type(view) for view in shown}) == len(shown)
    heads = [view for view in wanted(b) if isinstance(view, HeadView)]
    assert heads[:2] == [HeadView(layer=2, head=1), HeadView(layer=0, head=3)]
    assert len(set(heads)) == len(heads)
    plain = {head for head in heads if head == HeadView(layer=head.layer, head=head.head)}
    assert len(plain) == len(b.model.heads)
    for kind in {type(view) for view in wanted(b)}:
        views = [view for view in wanted(b) if type(view) is kind]
        assert len(set(views)) == len(views), kind


def test_every_painter_says_what_to_record_and_names_the_axes_of_its_arrays() -> None:
    recorded = {k: painter for k, painter in PAINTERS.items() if painter.record is not unrecorded}
    assert set(PAINTERS) - set(recorded) == {PathView}  # a path that somebody is about to choose
    found: dict[type, set[str]] = {kind: set() for kind in PAINTERS}
    for name in ("gpt2", "llama"):
        b = board(name)
        b.contrast = tiny.prompt(seed=2)
        b.selection = ["L0H1", "L1H2"]
        b.show(np.eye(3), title="Three")
        b.patch("L0H1->L1.mlp", b.contrast)
        b.steer("L1.resid_post", b.make_direction("tokens"), 0.5)
        b.circuit = cb.Circuit.of({"embed->L1H2.q": 0.5, "L1H2->logits": -1.0})
        recorder = Recorder(b)
        outcome = recorder.outcome()
        for kind, painter in recorded.items():
            views = painter.record(b)
            assert views, f"{kind.__name__}: nothing to record"
            for view in views[:: max(1, len(views) // 12)]:
                data, _ = recorder.numbers(view, outcome)
                for array in data.arrays:
                    name = re.sub("_(now|base)$", "", array.name)
                    found[kind].add(name)
                    if name in painter.axes:
                        assert len(painter.axes[name]) == len(array.shape), (view, name)
    for kind, painter in recorded.items():
        assert set(painter.axes) <= found[kind], kind.__name__


SCREEN = Path(__file__).resolve().parents[2] / "web" / "src" / "views"


def test_views_are_recorded_under_the_settings_that_the_screen_asks_for() -> None:
    """Numbers that only the front end knows, read from its own sources."""
    head = (SCREEN / "head" / "state.ts").read_text()
    assert int(re.findall(r"const CHUNK = (\d+)", head)[0]) == GROUP
    assert int(re.findall(r"const TOP = (\d+)", head)[0]) == HeadTokensView(layer=0, head=0).k
    embedding = (SCREEN / "residual" / "state.ts").read_text()
    assert int(re.findall(r"\bk: (\d+)", embedding)[0]) == EmbeddingView(position=0).k
    grid = (SCREEN / "logits" / "state.ts").read_text()
    assert int(re.findall(r"\bk: (\d+)", grid)[0]) == LogitGridView().k
    board_ts = (SCREEN.parent / "state" / "board.ts").read_text()
    assert int(re.findall(r"const TOP = (\d+)", board_ts)[0]) == LogitsView().k


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_place_and_token_of_the_other_views_is_there(name: str) -> None:
    b = board(name)
    others = [a for a in ("L1.mlp.n5", "L1.ln2.scale") if b.model.has(Address.parse(a))]
    b.select([*others, "L1.resid_post"], 2)
    b.wait()
    found = set(wanted(b))
    facts, last = b.model.facts, len(b.tokens) - 1
    everywhere = [*range(last), -1]
    grid = set(itertools.product(range(facts.n_layers), range(facts.n_heads)))
    lines = {v for v in found if isinstance(v, HeadLineView) and v.value == "pattern"}
    assert {(v.layer, v.head) for v in lines} == grid
    assert {v.token for v in lines} == set(range(last + 1))
    assert {TrajectoryView(position=i) for i in everywhere} <= found
    assert {EmbeddingView(position=i) for i in everywhere} <= found
    assert {DecompositionView(place="L1.resid_post", position=i) for i in everywhere} <= found
    for what in get_args(StreamView.__annotations__["what"]) or ("norms", "layers"):
        assert StreamView(what=what, place="L1.resid_post", position=2) in found
    assert {LensView(), LensView(middle=True), LogitGridView(), WaterfallView()} <= found
    has_mlp, has_norm = b.model.has_part("mlp"), b.model.has_part("ln_final.scale")
    assert ({MlpView(layer=i) for i in range(facts.n_layers)} <= found) == has_mlp
    assert (NormView(address="ln_final.scale") in found) == has_norm
    assert (NeuronView(layer=1, neuron=5) in found) or not has_mlp


def test_the_users_views_are_drawn_though_nobody_looks_at_them() -> None:
    b = board()
    b.view("Metric")(lambda result: f"{result.metric:.3f}")
    b.view("Broken")(lambda result: result.nothing)
    recording = Recorder(b).record()
    info = of(recording, OwnView(id="metric")).info
    assert isinstance(info, OwnInfo)
    assert (info.shows, info.text, info.running) == ("text", f"{b.result.metric:.3f}", False)
    broken = of(recording, OwnView(id="broken")).info
    assert isinstance(broken, OwnInfo)
    assert broken.shows == "error"


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
    monkeypatch.setattr(offline, "STATIC", tmp_path)
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
    monkeypatch.setattr(offline, "STATIC", tmp_path)
    with pytest.raises(CircuitboardError, match="not built"):
        pages.page(Recorder(board()).record())
