"""Makes the documentation's pictures: ``make screenshots``.

The real command, in a headless Chromium: the board beside a notebook in JupyterLab's light theme
and in the dark one, then each view alone, then boards on random models of other shapes. With names
of pictures it makes those alone: ``python docs/screenshots.py view-head view-mlp``.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from harness import chromium, execute, find_browser, server, wait_for_board  # noqa: E402
from playwright.sync_api import Browser, Locator, Page, expect  # noqa: E402

IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1400, 900
#: A panel beside the map is as high as this window lets it be.
TALL = 1080
Theme = Literal["light", "dark"]
THEMES: dict[Theme, str] = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
BOARDS: dict[Theme, set[str]] = {"light": {"board-light", "board-close"}, "dark": {"board-dark"}}
HEAD = "L2H1"
CELLS = ("board.selection", "board.result.top(5)")
SETTLE_MS = 1200
JOB_MS = 120_000
OWN = '''
import matplotlib.figure
import numpy as np

@board.view(title="Entropy of attention", needs=["L2H1.pattern"])
def entropy(result, baseline):
    """Nats at each destination, now and at baseline."""
    figure = matplotlib.figure.Figure(figsize=(5.4, 2.6), layout="constrained")
    axes = figure.subplots()
    for name, run in (("baseline", baseline), ("now", result)):
        pattern = run["L2H1.pattern"][0]
        axes.plot(-(pattern * np.log(pattern + 1e-9)).sum(-1), label=name)
    axes.set(xlabel="destination", ylabel="nats", title="L2H1")
    axes.legend(frameon=False)
    return figure
'''


@dataclass(frozen=True)
class Picture:
    """One picture of a view.

    Attributes:
        panel: the panel that comes to the front.
        arrange: what is done on the page before.
        shown: what must be on screen before it is taken, by test id.
        height: of the window, in CSS pixels.
    """

    panel: str
    arrange: Callable[[Page], None]
    shown: str
    height: int = TALL


def press(*names: str) -> Callable[[Page], None]:
    """Clicks controls, one after the other, by test id."""

    def click(page: Page) -> None:
        for name in names:
            page.get_by_test_id(name).click()

    return click


def select(address: str) -> Callable[[Page], None]:
    """Selects a part in the kernel, as a line of Python does."""
    return lambda page: execute(page, f"board.selection = {address!r}")


def open_table(page: Page) -> None:
    """The map's numbers as a table, and what a search finds."""
    page.get_by_test_id("map-table-toggle").click()


def search(page: Page) -> None:
    """Types into the map's search."""
    page.get_by_test_id("map-search").fill("previous")
    expect(page.get_by_test_id("map-results")).not_to_contain_text("being computed", timeout=JOB_MS)


def weights(page: Page) -> None:
    """A head's directions, one of them made smaller."""
    execute(page, f"board.selection = {HEAD!r}")
    page.get_by_test_id("tab-weights").click()
    page.get_by_test_id("weights-tab-directions").click()
    execute(page, f"board.scale_direction({HEAD + '.ov'!r}, 0, 0.5); board.wait()")


def show_own(page: Page) -> None:
    """A view of the user's own."""
    execute(page, OWN)


def steer(page: Page) -> None:
    """A direction from the tokens compared, and some of it added."""
    name = 'board.make_direction("tokens")'
    execute(page, f'board.clear(); board.steer("L1.resid_post@-1", {name}, -5.2)')
    execute(page, "board.wait()")


def draw_edge(page: Page) -> None:
    """A drag from one part to another."""
    ends = [page.get_by_test_id(f"part-{part}").bounding_box() for part in ("L1.mlp", "L3H3")]
    places = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in ends if box]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()


def feed(page: Page) -> None:
    """Who feeds the logits."""
    page.get_by_test_id("part-logits").click()
    page.get_by_test_id("map-paths-into").click()


VIEWS = {
    "view-map-search": Picture("map", search, "map-results", 760),
    "view-map-table": Picture("map", open_table, "map-table", 760),
    "view-edge": Picture("map", draw_edge, "edge-popover", 860),
    "view-wires": Picture("map", feed, "map-edges", 760),
    "view-head": Picture("head", select(HEAD), "pattern-canvas"),
    "view-mlp": Picture("mlp", select("L1.mlp"), "neuron-table"),
    "view-norm": Picture("norm", select("L2.ln1"), "norm-view"),
    "view-residual": Picture("residual", press("tab-residual"), "lens-grid-canvas"),
    "view-weights": Picture("weights", weights, "weight-direction", 900),
    "view-parts": Picture(
        "residual", press("tab-residual", "residual-parts"), "decomposition", 900
    ),
    "view-logits": Picture("logits", press("tab-logits"), "logit-row", 760),
    "view-attribution": Picture(
        "logits", press("tab-logits", "logits-attribution"), "waterfall-sum", 900
    ),
    "view-patching": Picture("patching", press("tab-patching"), "patching-grid-canvas", 1180),
    "view-gradients": Picture("gradients", press("tab-gradients"), "gradients-scatter", 900),
    "view-own": Picture("own:entropy-of-attention", show_own, "own-entropy-of-attention", 640),
    # The last one: it takes back what is done in the others.
    "view-steering": Picture("steering", steer, "steering-curve", 1280),
}


def main() -> None:
    """Takes all pictures, or those that are named."""
    if find_browser() is None:
        sys.exit("No Chromium or Chrome was found.")
    wanted = set(sys.argv[1:])
    known = {*VIEWS, *SHAPES, REPORT}.union(*BOARDS.values())
    if unknown := wanted - known:
        sys.exit(f"No such picture: {sorted(unknown)}. There are: {sorted(known)}")
    names = wanted or known
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for theme, pictures in BOARDS.items():
            if names & pictures:
                take_board(browser, theme)
        if chosen := {name: VIEWS[name] for name in VIEWS if name in names}:
            take_views(browser, chosen)
        for name in SHAPES:
            if name in names:
                take_shape(browser, name)
        if REPORT in names:
            take_report(browser)


@contextmanager
def lab(browser: Browser, theme: Theme, *command: str) -> Iterator[Page]:
    """A page of JupyterLab with the board painted."""
    settings = {"@jupyterlab/apputils-extension/themes": {"theme": THEMES[theme]}}
    with server("open", *command, settings=settings) as running:
        context = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=theme, device_scale_factor=1
        )
        page = context.new_page()
        page.goto(running.workspace("pictures"))
        wait_for_board(page)
        yield page
        context.close()


def settle(page: Page) -> None:
    """Until no sweep is at work and the picture rests."""
    page.wait_for_timeout(SETTLE_MS)
    expect(page.get_by_test_id("progress")).to_have_count(0, timeout=JOB_MS)
    page.wait_for_timeout(SETTLE_MS // 2)


def take_board(browser: Browser, theme: Theme) -> None:
    """The board beside its notebook: a head ablated, two cells run."""
    with lab(browser, theme, "names") as page:
        page.get_by_test_id(f"part-{HEAD}").click()
        page.get_by_test_id("ctl-ablate").click()
        expect(page.get_by_test_id("interventions")).to_contain_text(HEAD)
        cells = page.locator(".jp-NotebookPanel:visible .jp-CodeCell")
        for index, code in enumerate(CELLS):
            cell = cells.nth(index)
            cell.locator(".cm-content").click()
            page.keyboard.press("Control+a")
            page.keyboard.type(code)
            page.keyboard.press("Shift+Enter")
            expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"^\[\d+\]:$"))
        settle(page)
        page.screenshot(path=IMAGES / f"board-{theme}.png")
        if theme == "light":
            page.get_by_test_id("board").screenshot(path=IMAGES / "board-close.png")


def take_views(browser: Browser, pictures: dict[str, Picture]) -> None:
    """Each view in its dock, with one head ablated: baseline and now differ."""
    with lab(browser, "light", "names") as page:
        execute(page, f"board.ablate({HEAD!r}); board.wait()")
        for name, picture in pictures.items():
            page.set_viewport_size({"width": WIDTH, "height": picture.height})
            picture.arrange(page)
            # A map alone in its dock has no tab.
            if (tab := page.get_by_test_id(f"tab-{picture.panel}")).count():
                tab.click()
            expect(page.get_by_test_id(picture.shown).first).to_be_visible()
            settle(page)
            dock(page, picture.panel).screenshot(path=IMAGES / f"{name}.png")
            tidy(page)


def dock(page: Page, panel: str) -> Locator:
    """The dock that holds a panel, with its tabs."""
    return page.locator(".dock", has=page.locator(f".panel-host[data-panel='{panel}']")).last


def tidy(page: Page) -> None:
    """The weights and the map as they were: no table, nothing searched for."""
    if page.get_by_test_id("map-table").count():
        page.get_by_test_id("map-table-toggle").click()
    execute(page, "board.restore_weights()")
    if page.get_by_test_id("edge-popover").count():
        page.get_by_test_id("edge-popover").get_by_label("Close").click()
    if (fed := page.get_by_test_id("map-paths-into")).get_attribute("aria-pressed") == "true":
        fed.click()
    page.get_by_test_id("map-search").fill("")
    page.get_by_test_id("map-search").blur()


def numbers(count: int) -> str:
    """A prompt for a tokenizer of numbered tokens."""
    return " ".join(f"t{7 * i + 5}" for i in range(count))


def gpt2(folder: Path) -> str:
    """Random weights of GPT-2 small's shape; the part that is selected."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from circuitboard.models.tiny import number_tokenizer

    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(bos_token_id=0, eos_token_id=0)).save_pretrained(folder)
    number_tokenizer(50257).save_pretrained(folder)
    return "L6H3"


def llama(folder: Path) -> str:
    """Random weights of a small Llama: gated MLPs, grouped heads, RMS norms."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from circuitboard.models.tiny import number_tokenizer

    vocabulary = 2000
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=344,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    number_tokenizer(vocabulary).save_pretrained(folder)
    return "L3.mlp"


REPORT = "report"


def take_report(browser: Browser) -> None:
    """The report of the circuit for indirect objects, with a part chosen."""
    import circuitboard as cb

    model = cb.load("names")
    task = cb.tasks.ioi(model, n=64)
    circuit = cb.discover(model, task, size=60).connected()
    evaluation = cb.evaluate(model, circuit, task, subsets=4, greedy=1)
    found = cb.explain(model, circuit, task, evaluation=evaluation)
    with tempfile.TemporaryDirectory() as place:
        found.save(Path(place) / "report.html")
        page = browser.new_page(viewport={"width": 1080, "height": 1040})
        page.goto(f"file://{place}/report.html#theme=light")
        page.get_by_test_id(f"part-{HEAD}").click()
        page.mouse.move(4, 4)
        page.screenshot(path=IMAGES / f"{REPORT}.png")


SHAPES = {"shape-gpt2": gpt2, "shape-llama": llama}


def take_shape(browser: Browser, name: str) -> None:
    """The whole board on a random model, something selected and ablated."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / name.removeprefix("shape-")
        part = SHAPES[name](folder)
        asked = ("--prompt", numbers(16), "--target", "t7", "--foil", "t11")
        with lab(browser, "light", str(folder), *asked) as page:
            execute(page, f"board.selection = {part!r}; board.ablate({part!r}); board.wait()")
            settle(page)
            page.get_by_test_id("board").screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
