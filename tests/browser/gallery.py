"""The gallery: each view on recorded data, in a page without a kernel.

``python tests/browser/gallery.py [FOLDER]`` (``make gallery``) writes it, with an index to open.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import circuitboard as cb
import tiny
from circuitboard.models.tiny import new_gpt2, number_tokenizer

OUT = Path("build") / "gallery"
SIZE = {"width": 640, "height": 600}
PANELS_TS = Path(__file__).resolve().parents[2] / "web" / "src" / "views" / "panels.ts"


@dataclass(frozen=True)
class Subject:
    """A board that is shown in the gallery.

    Attributes:
        make: the board, with something selected and something done to it.
        panels: the panels that are compared with accepted pictures; all of them where empty.
        more: panels of the user's own that are compared beside those.
        themes: the themes that they are compared in.
        select: what is selected for a panel that is about another part than a head.
    """

    make: Callable[[], cb.Board]
    panels: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    themes: tuple[str, ...] = ("light",)
    select: tuple[tuple[str, str], ...] = ()


def names() -> cb.Board:
    """The bundled model on its own prompt, one head ablated."""
    board = cb.Board("names")
    board.ablate("L2H1")
    board.freeze("L0H2.pattern")
    board.selection = ["L1H3"]
    board.show([[0.5, -1.0, 2.0], [1.5, 0.0, -2.0]], title="Numbers")

    @board.view(title="Words")
    def words(result: cb.RunResult) -> str:
        return ", ".join(top.text for top in result.top(5))

    return board


def steered() -> cb.Board:
    """The bundled model, steered away from its answer."""
    board = cb.Board("names")
    name = board.make_direction("tokens")
    board.steer("L1.resid_post@-1", name, -4.0)
    board.steer("L0.mlp", board.make_direction("write", "L2H1"), 1.5, on=False)
    board.steer("L1.resid_post@-1", name, -5.2)
    return board


def gpt2() -> cb.Board:
    """Random weights, twelve layers of twelve heads."""
    vocabulary = 128
    model = new_gpt2(vocabulary, n_ctx=32, d_model=96, n_layers=12, n_heads=12, seed=1)
    model.config.name_or_path = "gpt2-shape"
    prompt = " ".join(f"t{(37 * i + 5) % vocabulary}" for i in range(20))
    board = cb.Board(cb.load(model, number_tokenizer(vocabulary)), prompt, "t7", "t11")
    board.scale("L3H7", 0.5)
    board.selection = ["L5H4"]
    return board


def llama() -> cb.Board:
    """Random weights: gated MLPs, grouped keys and values, RMS norms."""
    board = cb.Board(tiny.model("llama"), tiny.prompt(), "t7", "t11")
    board.ablate("L1.mlp")
    board.selection = ["L1H2"]
    return board


def edges() -> cb.Board:
    """The bundled model with paths patched, taken out, weakened, and switched off."""
    board = cb.Board("names")
    board.patch(["L2H1->L3H3.q", "L0H1->mlps->L2H2.k"], board.contrast)
    board.ablate(["L1.mlp->logits", "embed->L1H0.v"])
    board.scale("L1H1->L1.mlp", 0.5)
    board.patch("L0H3->L1H2", board.contrast, on=False)
    board.selection = ["L3H3"]
    return board


def circuit() -> cb.Board:
    """The bundled model with a circuit, two of its edges pruned, and a second one beside it."""
    board = cb.Board("names")
    task = board.circuit_task()
    board.circuit = found = cb.discover(board.model, task, size=30)
    board.prune_edges([found.edges[4], found.edges[9]])
    board.compare(cb.discover(board.model, task, "clean-corrupted", size=30))
    board.selection = ["L2H1"]
    return board


SUBJECTS = {
    "names": Subject(
        names,
        themes=("light", "dark"),
        more=("own:words", "own:numbers"),
        select=(("mlp", "L2.mlp"), ("norm", "L2.ln1.scale"), ("residual", "L2.resid_post")),
    ),
    "edges": Subject(edges, panels=("map", "paths"), themes=("light", "dark")),
    "circuit": Subject(circuit, panels=("map", "circuit"), themes=("light", "dark")),
    "steered": Subject(steered, panels=("steering",), themes=("light", "dark")),
    "gpt2": Subject(gpt2, panels=("map", "head", "residual", "weights")),
    "llama": Subject(
        llama,
        panels=("map", "head", "mlp", "norm"),
        select=(("mlp", "L1.mlp"), ("norm", "L1.ln2.scale")),
    ),
}


def record(name: str, folder: Path) -> Path:
    """Records one subject into a page."""
    folder.mkdir(parents=True, exist_ok=True)
    return SUBJECTS[name].make().export_html(folder / f"{name}.html", wait=240)


def address(subject: Subject, panel: str, theme: str) -> dict[str, str]:
    """What follows the ``#`` in a page's address, to show one panel."""
    select = dict(subject.select).get(panel)
    return {"panel": panel, "theme": theme, **({"select": select} if select else {})}


def panel_names() -> list[str]:
    """The identifiers of all panels, from the front end's own list."""
    folders = re.findall(r'from "(\./[\w/]+/panel)"', PANELS_TS.read_text())
    files = [PANELS_TS.parent / f"{folder}.ts" for folder in folders]
    texts = [file.read_text() for file in files if file.is_file()]
    return [found[1] for text in texts if (found := re.search(r'^\s*id: "([\w-]+)"', text, re.M))]


def main() -> None:
    """Writes every page and the index."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    lines: list[str] = []
    for name, subject in SUBJECTS.items():
        page = record(name, folder)
        lines.append(f"<h2>{name}</h2><p>{html.escape(subject.make.__doc__ or '')}</p><ul>")
        lines.append(f'<li><a href="{page.name}">the whole board</a></li>')
        for panel in panel_names():
            links: list[str] = []
            for theme in ("light", "dark"):
                where = urlencode(address(subject, panel, theme), safe=",")
                links.append(f'<a href="{page.name}#{html.escape(where)}">{theme}</a>')
            lines.append(f"<li>{panel}: {', '.join(links)}</li>")
        lines.append("</ul>")
    index = folder / "index.html"
    title = (
        "<!doctype html><meta charset=utf-8><title>Circuitboard: gallery</title><h1>Gallery</h1>"
    )
    index.write_text(title + "\n".join(lines) + "\n")
    sys.stdout.write(f"{index.resolve().as_uri()}\n")


if __name__ == "__main__":
    main()
