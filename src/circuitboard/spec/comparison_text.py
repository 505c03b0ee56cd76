"""What a comparison of circuits prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circuitboard.spec.comparison import Comparison, Match


def lines_of(c: Comparison) -> list[str]:
    """A table of counts, then matched parts and roles."""
    named = [f"{one.method} on {one.task!r} in {one.model!r}" for one in (c.first, c.other)]
    lines = [
        f"{named[0]}\nand {named[1]}, by {c.by}",
        f"{'':24}{'both':>6}{'first':>7}{'other':>7}",
    ]
    rows = [("heads and MLPs", c.parts), ("edges", c.edges), ("edges among shared parts", c.wired)]
    if c.links:
        rows.append(("kinds of edges, by role", c.linked))
    lines += [
        f"{name:24}{o.both:>6}{o.first:>7}{o.other:>7}   Jaccard {o.jaccard:.3f}"
        for name, o in rows
        if any(o)
    ]
    if c.shift is not None:
        lines.append(f"shared parts are {c.shift:.2f} of the depth apart")
    if c.by != "address":
        lines += [f"  {m.mine} ~ {m.theirs}{_apart(m)}" for m in c.matches]
    for row in c.roles:
        sides = [", ".join(parts) or "-" for parts in (row.first, row.other)]
        lines.append(
            f"{row.role}: {_side(sides[0], row.effects[0])} | {_side(sides[1], row.effects[1])}"
        )
    return lines


def _apart(match: Match) -> str:
    return "" if match.apart is None else f" ({match.apart:.2f} apart)"


def _side(parts: str, effect: float | None) -> str:
    return parts if effect is None else f"{parts} ({effect:+.0%})"
