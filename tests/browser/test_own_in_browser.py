"""Views that users write: made in a cell, shown as panels, in step with every click."""

from __future__ import annotations

import re

import pytest
from harness import execute, run_cell
from playwright.sync_api import Locator, Page, expect
from steps import ablate, now, show

FIGURES = """
import matplotlib.figure
import numpy as np
import pandas as pd
import plotly.graph_objects as go

@board.view(title="Entropy", needs=["L1H0.pattern"])
def entropy(result):
    p = result["L1H0.pattern"][0]
    figure = matplotlib.figure.Figure(figsize=(4, 2))
    figure.subplots().plot(-(p * np.log(p + 1e-9)).sum(-1))
    return figure

@board.view(title="Top")
def top(result, baseline):
    rows = [(t.text, t.probability) for t in result.top(5)]
    return pd.DataFrame(rows, columns=["token", "probability"])

@board.view(title="Bars")
def bars(result):
    return go.Figure(go.Bar(y=[t.logit for t in result.top(5)]))

@board.view(title="Words")
def words(result, selection):
    return f"{result.metric:.2f} with {', '.join(selection) or 'nothing'} selected"

@board.view(title="Broken")
def broken(result):
    return result["nowhere"]

from IPython.display import Markdown

@board.view(title="Notes")
def notes(result):
    return Markdown("# Found\\n- **L2H1** <img src=x onerror=alert(1)>\\n\\n|a|b|\\n|-|-|\\n|1|2|")

board.show(np.random.default_rng(0).normal(size=(6, 9)), title="Numbers")
board.show(np.linspace(-1, 1, len(board.tokens)), kind="tokens", title="Strip")
board.show([3, -1, 2], kind="bars", title="Three", labels=["a", "b", "<b>c</b>"])
"""


#: What an image shows, whatever its address is called.
BYTES = """async image => {
  const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
  return bytes.reduce((hash, byte) => (hash * 31 + byte) | 0, 17); }"""


@pytest.fixture(autouse=True)
def _tidy(page: Page):
    yield
    execute(page, "for v in list(board.own): board.hide(v.title)")


def own(page: Page, name: str) -> Locator:
    """The panel of one of the user's views, brought in front."""
    show(page, f"own:{name}")
    return page.get_by_test_id(f"own-{name}")


def test_functions_of_the_run_become_panels_and_follow_it(page: Page) -> None:
    run_cell(page, FIGURES)
    for name in ("entropy", "top", "bars", "words", "notes"):
        expect(own(page, name)).to_have_attribute("data-current", "true", timeout=20_000)
    picture = own(page, "entropy").locator("img")
    expect(picture).to_be_visible()
    page.wait_for_function("image => image.naturalWidth > 100", arg=picture.element_handle())
    old = picture.evaluate(BYTES)
    expect(own(page, "words")).to_contain_text(f"{now(page):.2f} with nothing selected")
    ablate(page, "L0H0")
    expect(own(page, "words")).to_contain_text(f"{now(page):.2f} with L0H0 selected")
    expect(own(page, "entropy")).to_have_attribute("data-current", "true", timeout=20_000)
    for _ in range(50):
        if picture.evaluate(BYTES) != old:
            break
        page.wait_for_timeout(100)
    else:
        raise AssertionError("the figure did not follow")
    plot = own(page, "bars").locator("iframe").content_frame
    expect(plot.locator(".bars .point").first).to_be_visible(timeout=20_000)
    assert plot.locator(".bars .point").count() == 5


def test_a_table_sorts_an_error_stays_in_its_panel_and_text_is_never_markup(page: Page) -> None:
    run_cell(page, FIGURES)
    expect(own(page, "broken")).to_contain_text("AddressError")
    expect(own(page, "broken")).to_contain_text("Mend its cell")
    table = own(page, "top")
    expect(table.locator("tbody tr")).to_have_count(5)
    header = table.get_by_role("button", name="token")
    header.click()
    words = table.locator("tbody td:first-child").all_inner_texts()
    assert words == sorted(words, key=str.lower)
    expect(table.get_by_role("columnheader", name=re.compile("token"))).to_have_attribute(
        "aria-sort", "ascending"
    )
    notes = own(page, "notes")
    expect(notes.locator("strong")).to_have_text("L2H1")
    expect(notes).to_contain_text("<img src=x onerror=alert(1)>")
    expect(notes.locator("img")).to_have_count(0)
    expect(own(page, "three")).to_contain_text("<b>c</b>")


def test_arrays_are_drawn_and_read_cell_by_cell(page: Page) -> None:
    run_cell(page, FIGURES)
    numbers = own(page, "numbers")
    numbers.get_by_label("Numbers: arrow keys read the cells").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    value = run_cell(page, "print(f'{np.random.default_rng(0).normal(size=(6, 9))[0, 1]:.5g}')")
    expect(numbers.get_by_role("status").last).to_contain_text(value.strip()[:5])
    expect(own(page, "strip").locator(".own-token")).to_have_count(15)
    run_cell(page, 'board.hide("Numbers")')
    expect(page.get_by_test_id("tab-own:numbers")).to_have_count(0)
