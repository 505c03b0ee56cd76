"""The sweep benchmark's results as Markdown, and its growth as a picture."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from meter import Timing

if TYPE_CHECKING:
    from sweeps import Row

HERE = Path(__file__).resolve().parent

#: What the project wants: times faster than the two TransformerLens ways, and than nnsight.
GOALS = "Goals: 4 times for all heads, 6 times for layer x position, 2 times against nnsight, 50 %."


@dataclass
class Section:
    """The rows of one model."""

    title: str
    rows: list[Row] = field(default_factory=list)


def times(peer: Timing, ours: Timing) -> str:
    """How many times faster ours is, on the clock, and by processor time in brackets."""
    if peer.note or not peer.wall or not ours.wall:
        return peer.note or "-"
    by_processor = peer.processor / ours.processor
    return f"**{peer.seconds / ours.seconds:.1f}** ({by_processor:.1f})"


def seconds(timing: Timing) -> str:
    """A median, and the memory beside it."""
    if not timing.wall:
        return timing.note or "-"
    return f"{timing.seconds:.2f} s, {timing.bytes / 2**20:.0f} MB"


def _line(row: Row) -> str:
    if row.note:
        return f"| {row.what} | | {row.note} | | | | | |"
    share = row.least / row.ours.seconds / row.peak
    return (
        f"| {row.what} | {row.runs} | {seconds(row.ours)} | {seconds(row.lens)} | "
        f"{times(row.lens, row.ours)} | {seconds(row.nnsight)} | {times(row.nnsight, row.ours)} | "
        f"{'-' if math.isnan(share) else f'{share:.0%}'} |"
    )


def commit() -> str:
    """The commit that this is, and whether something was changed since."""

    def git(*words: str) -> str:
        found = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True)
        return found.stdout.strip()

    changed = " and changes on top" if git("status", "--porcelain", "--", "../src", ".") else ""
    return (git("rev-parse", "--short", "HEAD") or "an unknown commit") + changed


def report(
    sections: Sequence[Section],
    device: str,
    grown: Sequence[tuple[str, list[int], list[Row]]] = (),
    picture: str = "",
) -> str:
    """The Markdown tables."""
    place = torch.cuda.get_device_name() if device == "cuda" else "the CPU"
    nnsight = "installed" if find_spec("nnsight") else "not installed, so not measured"
    lines = [
        "# Sweeps against the peers",
        "",
        f"Written by `python benchmarks/sweeps.py --device {device}` at {commit()},",
        f"on {place} with {torch.get_num_threads()} threads, float32, torch {torch.__version__}.",
        "One process, the same weights and prompts, random weights; results compared with the",
        "peers' before timing, then all timed in turn; medians. Read the ratios: on the clock, and",
        "in brackets by processor time, which a busy machine disturbs less.",
        "",
        "- TransformerLens: a loop of `run_with_hooks` (all heads), `transformer_lens.patching`",
        "  (layer x position), timed on 12 runs spread evenly and scaled to all.",
        f"- nnsight: one trace of many batched invokes, scaled to all; {nnsight}.",
        "- Share of peak: the least arithmetic that the sweep needs (products with weights in each",
        "  run's cone alone; the docstrings of `least_of_heads` and `least_of_grid` say exactly)",
        "  over our time, as a share of the best large product, of torch or oneDNN, beside it.",
        "- MB: the most memory that the work took on top of what was there.",
        "",
        GOALS,
    ]
    for section in sections:
        lines += [
            "",
            f"## {section.title}",
            "",
            "| sweep | runs | ours | TransformerLens | times faster | nnsight | times faster "
            "| share of peak |",
            "|---|---|---|---|---|---|---|---|",
            *map(_line, section.rows),
        ]
    if grown:
        lines += ["", "## Growth, all heads of a GPT-2 shape of width 384", ""]
        lines += ["| what grows | value | ours, s | TransformerLens, s | times faster |"]
        lines += ["|---|---|---|---|---|"]
        for name, values, rows in grown:
            for value, row in zip(values, rows, strict=True):
                lines.append(
                    f"| {name} | {value} | {row.ours.seconds:.2f} | {row.lens.seconds:.2f} | "
                    f"{times(row.lens, row.ours)} |"
                )
        lines += ["", picture] if picture else []
    return "\n".join(lines) + "\n"


def draw(grown: Sequence[tuple[str, list[int], list[Row]]], path: Path) -> str:
    """Draws growth as an SVG; the Markdown that shows it, or why there is none."""
    if not find_spec("matplotlib"):
        return "The picture needs matplotlib, which is not installed."
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "circuitboard"
    from matplotlib import pyplot
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    figure, axes = pyplot.subplots(1, len(grown), figsize=(10, 3.2), sharey=True)
    for axis, (name, values, rows) in zip(axes, grown, strict=True):
        axis.plot(values, [r.lens.seconds for r in rows], "o--", color="#d55e00", label="loop")
        axis.plot(values, [r.ours.seconds for r in rows], "o-", color="#0072b2", label="ours")
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(values)
        axis.xaxis.set_major_formatter(ScalarFormatter())
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel(name)
        axis.grid(True, alpha=0.3)
    axes[0].set_ylabel("seconds for all heads")
    axes[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return f"![Seconds for all heads as layers, heads and tokens grow]({path.name})"
