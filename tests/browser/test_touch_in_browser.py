"""What a finger does: an edge is drawn, a token dropped on a part, the map moved and zoomed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from harness import execute
from playwright.sync_api import CDPSession, Locator, Page, expect
from steps import (
    entries,
    expect_new_revision,
    expect_painted,
    expect_python,
    expect_still,
    part,
    revision,
)

OTHER = "When Mary and John went to the store, Mary gave a drink to"
#: Where the two prompts differ.
AT = 10

Point = tuple[float, float]


@pytest.fixture
def device() -> dict[str, Any]:
    """A tablet."""
    return {"viewport": {"width": 1600, "height": 1000}, "has_touch": True}


@pytest.fixture(autouse=True)
def ready(page: Page) -> None:
    execute(page, f"board.contrast = {OTHER!r}; board.wait()")
    expect_painted(page.get_by_test_id("map-canvas"), at_least=8)
    expect(page.get_by_test_id(f"contrast-token-{AT}")).to_have_text("Mary")


class Fingers:
    """Touches as the browser gets them from a screen."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._wire: CDPSession = page.context.new_cdp_session(page)

    def put(self, kind: str, points: Sequence[Point]) -> None:
        touches = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        self._wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def drag(self, first: Point, last: Point, *, steps: int = 6, let_go: bool = True) -> None:
        """One finger from a place to another."""
        self.put("touchStart", [first])
        for step in range(1, steps + 1):
            share = step / steps
            at = tuple(a + (b - a) * share for a, b in zip(first, last, strict=True))
            self.put("touchMove", [(at[0], at[1])])
        # A finger that is not at rest throws what it leaves, and the next tap stops that.
        for aside in (1, 0, 1, 0):
            self._page.wait_for_timeout(60)
            self.put("touchMove", [(last[0] + aside, last[1])])
        self._page.wait_for_timeout(60)
        if let_go:
            self.put("touchEnd", [])

    def pinch(self, middle: Point, before: float, after: float, *, steps: int = 6) -> None:
        """Two fingers, apart by so many pixels."""

        def both(apart: float) -> list[Point]:
            return [(middle[0] - apart / 2, middle[1]), (middle[0] + apart / 2, middle[1])]

        self.put("touchStart", both(before))
        for step in range(1, steps + 1):
            self.put("touchMove", both(before + (after - before) * step / steps))
        self.put("touchEnd", [])


@pytest.fixture
def fingers(page: Page) -> Fingers:
    return Fingers(page)


def middle(of: Locator) -> Point:
    box = of.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_finger_draws_an_edge_and_taps_what_it_does(page: Page, fingers: Fingers) -> None:
    ends = middle(part(page, "L2H1")), middle(part(page, "L3H3"))
    fingers.drag(*ends, let_go=False)
    expect(page.get_by_test_id("draft-text")).to_have_text("L2H1 → L3H3")
    fingers.put("touchEnd", [])
    popover = page.get_by_test_id("edge-popover")
    expect(popover.locator("[data-choice]")).to_have_count(16)
    expect(popover).not_to_contain_text("…")
    expect(page.get_by_test_id("head-title")).to_have_count(0)  # a drag selects nothing
    old = revision(page)
    page.get_by_test_id("choice-patch-L2H1->L3H3.q").tap()
    expect_new_revision(page, old)
    popover.get_by_label("Close").tap()
    expect(popover).to_have_count(0)
    part(page, "L1H2").tap()
    expect(page.get_by_test_id("head-title")).to_contain_text("L1H2")
    expect_python(page, "[line.item.at for line in board.interventions] == ['L2H1->L3H3.q']")


def test_a_second_finger_takes_the_edge_back_and_zooms(page: Page, fingers: Fingers) -> None:
    before = part(page, "L2H1").bounding_box()
    assert before
    start, end = middle(part(page, "L2H1")), middle(part(page, "L3H3"))
    fingers.drag(start, end, let_go=False)
    expect(page.get_by_test_id("draft-text")).to_have_count(1)
    fingers.put("touchStart", [end, (end[0] + 40, end[1] + 60)])
    expect(page.get_by_test_id("draft-text")).to_have_count(0)
    fingers.put("touchEnd", [])
    expect(page.get_by_test_id("edge-popover")).to_have_count(0)
    fingers.pinch(middle(page.get_by_test_id("map-canvas")), 60, 160)
    expect_still(page.get_by_test_id("map-canvas"))
    after = part(page, "L2H1").bounding_box()
    assert after
    assert after["width"] > 1.5 * before["width"]
    expect(page.get_by_test_id("edge-popover")).to_have_count(0)


def test_a_finger_beside_the_parts_moves_a_zoomed_map(page: Page, fingers: Fingers) -> None:
    page.get_by_label("Zoom in").tap()
    expect_still(page.get_by_test_id("map-canvas"))
    before = part(page, "L1H1").bounding_box()
    stage = page.locator(".map-stage").bounding_box()
    assert before
    assert stage
    x, y = stage["x"] + 70, stage["y"] + stage["height"] - 8
    fingers.drag((x, y), (x - 40, y - 10))
    expect_still(page.get_by_test_id("map-canvas"))
    after = part(page, "L1H1").bounding_box()
    assert after
    assert after["x"] < before["x"] - 20
    expect_python(page, "board.selection == []")


def test_a_finger_draws_the_brushs_rectangle(page: Page, fingers: Fingers) -> None:
    page.get_by_test_id("map-brush").tap()
    (x, y), (to_x, to_y) = middle(part(page, "L1H0")), middle(part(page, "L2H1"))
    fingers.drag((x - 8, y + 8), (to_x + 8, to_y - 8))
    expect(page.get_by_test_id("group-count")).to_have_text("4 selected")
    expect_python(page, "set(board.selection) == {'L1H0', 'L1H1', 'L2H0', 'L2H1'}")


def test_a_finger_drops_a_token_on_a_part(page: Page, fingers: Fingers) -> None:
    token = page.get_by_test_id(f"contrast-token-{AT}")
    old = revision(page)
    fingers.drag(middle(token), middle(part(page, "L2H1")), let_go=False)
    expect(page.get_by_test_id("drag-ghost")).to_contain_text(f"patch L2H1@{AT}")
    fingers.put("touchEnd", [])
    expect_new_revision(page, old)
    expect(page.get_by_test_id("drag-ghost")).to_have_count(0)
    expect(entries(page)).to_contain_text(f"patch L2H1@{AT}")
    part(page, "L1H3").tap()
    expect(page.get_by_test_id("head-title")).to_contain_text("L1H3")
    token.tap()
    expect(token).to_have_attribute("aria-pressed", "true")
    places = [f"L2H1@{AT}", f"L1H3@{AT}"]
    expect_python(page, f"[line.item.at for line in board.interventions] == {places}")


def test_a_touch_that_is_cancelled_drops_nothing(page: Page, fingers: Fingers) -> None:
    token, end = page.get_by_test_id(f"contrast-token-{AT}"), middle(part(page, "L2H1"))
    fingers.drag(middle(token), end, let_go=False)
    expect(page.get_by_test_id("drag-ghost")).to_have_count(1)
    fingers.put("touchCancel", [])
    expect(page.get_by_test_id("drag-ghost")).to_have_count(0)
    expect_python(page, "len(board.interventions) == 0")
