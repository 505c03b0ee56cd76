"""Every view on recorded data looks as it was accepted: ``make gallery-accept`` accepts anew.

The recordings are made here, from real boards. What they hold is checked elsewhere, against
formulae; this is about the picture.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest
from gallery import SIZE, SUBJECTS, address, panel_names, record
from pictures import compare
from playwright.sync_api import Browser, Page, expect
from saved import saved_page

from conftest import RESULTS

ACCEPTED = Path(__file__).parent / "pictures"
ACCEPT = bool(os.environ.get("CIRCUITBOARD_ACCEPT"))
CASES = [
    pytest.param(name, panel, theme, id=f"{name}-{panel}-{theme}".replace(":", "-"))
    for name, subject in SUBJECTS.items()
    for panel in (*(subject.panels or panel_names()), *subject.more)
    for theme in subject.themes
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> functools._lru_cache_wrapper[Path]:
    folder = tmp_path_factory.mktemp("gallery")
    return functools.cache(lambda name: record(name, folder))


def stem(name: str, panel: str, theme: str) -> str:
    """What the picture of a case is called."""
    return f"{name}-{panel}-{theme}".replace(":", "-")


def take(page: Page) -> bytes:
    """The picture, once nothing moves."""
    page.wait_for_timeout(250)
    return page.screenshot(animations="disabled", caret="hide")


@pytest.mark.parametrize(("name", "panel", "theme"), CASES)
def test_a_view_looks_as_it_was_accepted(
    chrome: Browser,
    pages: functools._lru_cache_wrapper[Path],
    name: str,
    panel: str,
    theme: str,
) -> None:
    where = address(SUBJECTS[name], panel, theme)
    with saved_page(chrome, pages(name), size=SIZE, **where) as (page, _):
        said = page.get_by_test_id("board").inner_text()
        assert "Nothing is selected" not in said, f"give {panel} a selection in gallery.py"
        assert "not saved" not in said, f"the painters of {panel} record no example"
        expect(page.locator(".problem")).to_have_count(0)
        picture = take(page)
    accepted = ACCEPTED / f"{stem(name, panel, theme)}.png"
    if ACCEPT:
        ACCEPTED.mkdir(exist_ok=True)
        accepted.write_bytes(picture)
        return
    assert accepted.is_file(), f"no picture of {accepted.stem} is accepted: make gallery-accept"
    found = compare(chrome, accepted.read_bytes(), picture)
    if not found.alike:
        folder = RESULTS / "gallery"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / accepted.name).write_bytes(picture)
        (folder / f"{accepted.stem}-diff.png").write_bytes(found.diff)
        pytest.fail(
            f"{accepted.stem}: {found}. Look at {folder / accepted.name}; "
            "if it is as it should be: make gallery-accept"
        )


def test_no_accepted_picture_is_left_over() -> None:
    wanted = {stem(*map(str, case.values)) for case in CASES}
    assert {path.stem for path in ACCEPTED.glob("*.png")} == wanted


def test_the_list_of_panels_is_the_front_ends(
    chrome: Browser, pages: functools._lru_cache_wrapper[Path]
) -> None:
    with saved_page(chrome, pages("names"), panel="map") as (page, _):
        listed = page.get_by_test_id("board").get_attribute("data-panels") or ""
    assert sorted(listed.split()) == sorted(panel_names())


# What must be noticed: each is a change that a person would see, most of them small.
CHANGES = {
    "a view that is gone": "document.querySelector('.alone').style.visibility = 'hidden'",
    "a legend that is gone": "document.querySelector('.legend').remove()",
    "other colours": "document.querySelector('canvas').style.filter = 'hue-rotate(120deg)'",
    "a picture that moved": "document.querySelector('canvas').style.marginLeft = '24px'",
    "a toolbar that is gone": "document.querySelector('.map-toolbar').remove()",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_real_change_is_noticed(
    chrome: Browser, pages: functools._lru_cache_wrapper[Path], change: str
) -> None:
    where = address(SUBJECTS["names"], "map", "light")
    with saved_page(chrome, pages("names"), size=SIZE, **where) as (page, _):
        before = take(page)
        assert compare(chrome, before, take(page)).alike
        page.evaluate(CHANGES[change])
        found = compare(chrome, before, take(page))
    assert not found.alike, f"{change}: {found}"


def test_another_head_and_another_theme_are_noticed(
    chrome: Browser, pages: functools._lru_cache_wrapper[Path]
) -> None:
    taken: list[bytes] = []
    for select, theme in (("L1H3", "light"), ("L3H3", "light"), ("L1H3", "dark")):
        where = {"panel": "head", "theme": theme, "select": select}
        with saved_page(chrome, pages("names"), size=SIZE, **where) as (page, _):
            taken.append(take(page))
    assert not compare(chrome, taken[0], taken[1]).alike
    assert not compare(chrome, taken[0], taken[2]).alike


def test_fonts_of_another_machine_pass(
    chrome: Browser, pages: functools._lru_cache_wrapper[Path]
) -> None:
    where = address(SUBJECTS["names"], "logits", "light")
    with saved_page(chrome, pages("names"), size=SIZE, **where) as (page, _):
        before = take(page)
        page.evaluate("document.querySelector('.circuitboard').style.letterSpacing = '0.12px'")
        found = compare(chrome, before, take(page))
    assert found.alike, found
