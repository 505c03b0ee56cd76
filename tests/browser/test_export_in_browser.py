"""The board as one file: opened from disk, offline, and still answering; pictures of its views."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Server
from pictures import compare
from playwright.sync_api import Browser, Page, expect
from saved import saved_page
from steps import choose, entries, expect_new_picture, expect_painted, number, part, picture

import circuitboard as cb
import tiny

SVG = "{http://www.w3.org/2000/svg}"
HEAD = "L1H0"


@pytest.fixture(scope="module")
def board() -> cb.Board:
    made = cb.Board("names")
    made.ablate("L2H1")
    made.selection = [HEAD]
    return made


@pytest.fixture(scope="module")
def file(board: cb.Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return board.export_html(tmp_path_factory.mktemp("saved") / "names.html")


@pytest.fixture
def opened(chrome: Browser, file: Path) -> Iterator[Page]:
    with saved_page(chrome, file) as (page, _):
        yield page


def test_it_opens_as_it_was_saved(opened: Page, board: cb.Board) -> None:
    shown = number(opened.get_by_test_id("metric-now").inner_text())
    assert shown == pytest.approx(board.result.metric, abs=0.006)
    expect(opened.get_by_test_id("head-title")).to_contain_text(HEAD)
    expect(entries(opened)).to_have_count(1)
    expect_painted(opened.get_by_test_id("map-canvas"), at_least=8)
    expect_painted(opened.get_by_test_id("pattern-canvas"))


def test_hover_shows_exact_numbers(opened: Page, board: cb.Board) -> None:
    part(opened, "L3H3").hover()
    tip = opened.locator(".tooltip")
    expect(tip).to_contain_text("L3H3")
    values = [float(v) for v in re.findall(r"[+-]?\d+\.\d{4}", tip.inner_text().replace("−", "-"))]
    from circuitboard.methods.direct_logit_attribution import attribute

    outcome = board.wait()
    assert outcome.metric
    now, base = (
        attribute(board.engine, run, outcome.metric).heads[3, 3]
        for run in (outcome.now, outcome.baseline)
    )
    assert values[:2] == pytest.approx([float(base), float(now)], abs=1e-4)


@pytest.mark.parametrize("head", ["L0H2", "L3H1", "L2H1"])
def test_any_head_can_be_selected(opened: Page, board: cb.Board, head: str) -> None:
    choose(opened, head)
    expect_painted(opened.get_by_test_id("pattern-canvas"))
    text = opened.get_by_test_id("head-text")
    expect(text.locator("[data-weight]").first).to_be_visible()
    opened.wait_for_timeout(200)
    shown = text.locator("[data-weight]").evaluate_all("all => all.map(t => +t.dataset.weight)")
    want = board.result[f"{head}.pattern"][0, -1]
    assert shown == pytest.approx(want.tolist(), abs=1e-5)


def test_a_token_locks_and_unlocks(opened: Page) -> None:
    canvas = opened.get_by_test_id("pattern-canvas")
    canvas.hover(position={"x": 80, "y": 60})
    canvas.click(position={"x": 80, "y": 60})
    expect(opened.get_by_test_id("head-text")).to_have_attribute("data-locked", "true")
    opened.mouse.move(5, 5)
    expect(opened.get_by_test_id("head-text")).to_have_attribute("data-locked", "true")
    canvas.click(position={"x": 80, "y": 60})
    expect(opened.get_by_test_id("head-text")).to_have_attribute("data-locked", "false")


def test_the_map_zooms_and_changes_its_measure(opened: Page) -> None:
    canvas = opened.get_by_test_id("map-canvas")
    old = picture(canvas)
    opened.get_by_label("Zoom in").click()
    expect_new_picture(canvas, old)
    old = picture(canvas)
    opened.get_by_test_id("measure-select").select_option("effect")
    expect_new_picture(canvas, old)
    expect(part(opened, "L0H0")).to_have_attribute("aria-label", re.compile("now [+−0]"))


def test_every_position_has_its_next_tokens(opened: Page, board: cb.Board) -> None:
    opened.get_by_test_id("token-4").click()
    expect(opened.get_by_test_id("logits-view")).to_have_attribute("data-position", "4")
    rows = opened.get_by_test_id("logit-row")
    first = board.result.top(1, position=4)[0]
    expect(rows.first).to_have_attribute("data-token", first.text)
    shown = float(rows.first.get_attribute("data-prob-now") or "nan")
    assert shown == pytest.approx(first.probability, abs=1e-6)


def test_what_needs_a_model_is_off_and_says_so(opened: Page) -> None:
    for control in ("ctl-ablate", "ctl-release", "ctl-scale", "undo", "clear", "apply-prompt"):
        expect(opened.get_by_test_id(control)).to_be_disabled()
    expect(opened.get_by_test_id("saved-board")).to_be_visible()
    part(opened, HEAD).focus()
    opened.keyboard.press("a")
    expect(opened.get_by_test_id("problem")).to_contain_text("open it with a kernel")
    expect(entries(opened)).to_have_count(1)


def test_the_code_that_rebuilds_it_is_in_it(opened: Page, board: cb.Board) -> None:
    opened.evaluate("navigator.clipboard.writeText = text => { window.copied = text; }")
    opened.get_by_test_id("copy-code").click()
    opened.wait_for_function("window.copied !== undefined")
    assert opened.evaluate("window.copied") == board.code()


def test_the_page_may_connect_to_nothing(chrome: Browser, file: Path) -> None:
    with saved_page(chrome, file) as (page, diary):
        refused = page.evaluate(
            """() => new Promise(done => {
              document.addEventListener('securitypolicyviolation', e => done(e.effectiveDirective));
              fetch('http://127.0.0.1:9/').catch(() => setTimeout(done, 2000, 'nothing')); })"""
        )
        assert refused == "connect-src"
        diary.said.clear()  # the refusal itself
        diary.asked.clear()


def test_one_panel_can_be_shown_alone(chrome: Browser, file: Path) -> None:
    with saved_page(chrome, file, panel="logits") as (page, _):
        expect(page.get_by_test_id("logits-view")).to_be_visible()
        expect(page.get_by_test_id("map")).to_have_count(0)


def test_token_text_is_text(chrome: Browser, tmp_path: Path) -> None:
    prompt = " ".join(("t3", *tiny.EVIL, "t4"))
    file = cb.Board(tiny.evil(), prompt, "t7", "-7").export_html(tmp_path / "evil.html")
    with saved_page(chrome, file) as (page, _):
        expect(page.get_by_test_id("token-2")).to_have_text(tiny.EVIL[0])
        assert page.locator("img").count() == 0
        svg = save(page, "board", "svg").read_text()
        texts = {t.text for t in ElementTree.fromstring(svg).iter(f"{SVG}text")}
        assert tiny.EVIL[0] in texts


def save(page: Page, what: str, kind: str) -> Path:
    """Saves a picture through the dialog."""
    page.get_by_test_id("save").click()
    with page.expect_download() as download:
        page.get_by_test_id(f"save-{what}-{kind}").click()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("save-board-svg")).to_have_count(0)
    return Path(download.value.path())


@pytest.mark.parametrize("panel", ["map", "head", "logits", "interventions"])
def test_a_panel_as_svg_has_its_text_and_asks_nobody(opened: Page, panel: str) -> None:
    text = save(opened, panel, "svg").read_text()
    drawing = ElementTree.fromstring(text)
    words = " ".join(t.text or "" for t in drawing.iter(f"{SVG}text"))
    assert {"map": "Baseline", "head": "looks at", "logits": "Mary", "interventions": "L2H1"}[
        panel
    ] in words
    tags = {node.tag for node in drawing.iter()}
    assert f"{SVG}script" not in tags
    assert f"{SVG}foreignObject" not in tags
    links = re.findall(r'(?:href|src)="([^"]{0,20})|url\(([^)]*)\)', text)
    assert all(a.startswith("data:image/png") or b.startswith("#") for a, b in links), links


@pytest.mark.parametrize("kind", ["svg", "png"])
@pytest.mark.parametrize("panel", ["board", "map", "head"])
def test_a_picture_looks_like_the_screen(
    opened: Page, chrome: Browser, panel: str, kind: str
) -> None:
    opened.mouse.move(1, 1)
    if panel == "head":  # all of it on screen: a picture holds what is scrolled away, too
        opened.set_viewport_size({"width": 1400, "height": 2600})
    own = {"board": ".cb-root", "map": "[data-testid=map]", "head": "[data-testid=head-view]"}
    screen = opened.locator(own[panel]).screenshot()
    saved = save(opened, panel, kind)
    page = chrome.new_page()
    box = opened.locator(own[panel]).bounding_box()
    assert box
    size = {name: round(box[name]) for name in ("width", "height")}
    page.set_viewport_size(size)  # type: ignore[arg-type]
    source = f"data:image/{'svg+xml' if kind == 'svg' else 'png'};base64,{encoded(saved)}"
    page.set_content(
        f"<style>*{{margin:0}}</style><img src='{source}' width={size['width']} "
        f"height={size['height']} style='display:block'>"
    )
    page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth > 0")
    found = compare(chrome, screen, page.screenshot())
    page.close()
    assert found.share < 0.05, found  # text may stand half a pixel lower
    assert found.mean < 4, found


def encoded(path: Path) -> str:
    import base64

    return base64.b64encode(path.read_bytes()).decode()


def test_two_different_pictures_are_told_apart(opened: Page, chrome: Browser) -> None:
    one = opened.screenshot()
    opened.get_by_test_id("tab-residual").click()
    expect(opened.get_by_test_id("residual-view")).to_be_visible()
    opened.wait_for_timeout(300)
    assert not compare(chrome, one, opened.screenshot()).alike
    assert compare(chrome, one, one).alike


def test_the_live_board_saves_itself_beside_the_notebook(
    page: Page, lab: Server, chrome: Browser, tmp_path: Path
) -> None:
    choose(page, "L1H2")
    page.get_by_test_id("save").click()
    page.get_by_test_id("save-html").click()
    expect(page.get_by_test_id("saved-as")).to_contain_text(".html", timeout=60_000)
    [written] = list(lab.root.glob("*.html"))
    assert written.name in page.get_by_test_id("saved-as").inner_text()
    with page.expect_download() as download:
        page.get_by_test_id("download").click()
    copy = tmp_path / "copy.html"
    download.value.save_as(copy)
    assert copy.read_bytes() == written.read_bytes()
    with saved_page(chrome, copy) as (saved, _):
        expect(saved.get_by_test_id("head-title")).to_contain_text("L1H2")


def test_the_live_board_saves_its_numbers(page: Page, lab: Server) -> None:
    page.get_by_test_id("save").click()
    page.get_by_test_id("save-npz").click()
    expect(page.get_by_test_id("saved-as")).to_contain_text(".npz", timeout=60_000)
    import numpy as np

    [written] = list(lab.root.glob("*.npz"))
    with np.load(written, allow_pickle=False) as data:
        assert data["map-attribution.heads_now"].shape == (4, 4)
