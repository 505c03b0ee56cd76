"""The part of the card that tells how ``names`` finds the indirect object.

Its figures and its lists of heads come from the metrics. Its sentences say what was found in the
shipped weights; :func:`doubts` says where other weights would not bear them out.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any

from .groups import GROUPS

GROUP_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("logit_difference", "logit difference", "+.2f"),
    ("top_is_receiver", "top is receiver", ".0%"),
    ("top_is_giver", "top is giver", ".0%"),
    ("matchers_s2_to_after_s1", "matchers S2→S1+1", ".2f"),
    ("suppressors_end_to_s2", "suppressors END→S2", ".2f"),
    ("readers_end_to_names", "readers END→IO or S1", ".2f"),
)

TEXT = """
## The mechanism, as found

How the shipped weights find the indirect object, measured on {prompts} prompts of one template
("When A and B went to the PLACE, S gave a THING to", held-out pairs, both orders of mention). S1
and S2 are the giver's two mentions, IO the receiver's only one, END the last word. Logit
difference: {gap:.2f}; on prompts with three different names: {gap_three:+.2f}. A replaced output
is set to its mean, at the same position, over such prompts with three names. Groups of heads are
formed by rules, which stand below the table.

1. **Markers** ({markers}) attend to the word before ({marker_previous:.2f} on random words). At
   the words after the two first mentions they note which name stood there. Replaced at those two
   words alone, the logit difference falls from {gap_group:.2f} to {markers_gap:+.2f}, and the
   matchers' attention to the place they look for from {match_before:.2f} to {match_after:.2f}.
2. **Matchers** ({matchers}) are induction heads. At S2 they attend to the word after S1, where
   the marker has noted the same name: S2 learns that it was said before. Replaced at S2 alone,
   the logit difference falls to {matchers_gap:+.2f}, and the suppressors' attention to S2 from
   {look_before:.2f} to {look_after:.2f}.
3. **Suppressors** ({suppressors}) attend from END to S2, and what they copy comes out negative
   (copying {suppressor_copying}): directly, {strongest} writes {strongest_giver:+.2f} to the
   giver and {strongest_receiver:+.2f} to the receiver. Replaced at END, the logit difference is
   {suppressors_gap:+.2f}: the model no longer knows which of the two to leave out.
4. **Readers** ({readers}) attend from END to the first mentions, most of them to one fixed place
   each, the first or the second name, whoever that is, and copy it. They raise both names: their
   direct effect on the difference is {readers_direct:+.2f} in all, on the receiver
   {readers_receiver:+.2f} and on the giver {readers_giver:+.2f}. Replaced at END, the difference
   is {readers_gap:+.2f}, and the receiver is the top token in only {readers_top:.0%} of prompts.

The later MLPs then widen what the heads began: at END, directly, {mlps}.

So the model proposes both names and strikes out the one that was said twice. Some heads of layer
1 are matchers at S2 and readers at END; which of the two matters shows only when a head is
replaced at one position. All heads of no group ({control}), replaced together and everywhere,
leave the difference at {control_gap:+.2f}.

**Where the evidence is weak.** One template and one seed: other templates and other runs may
share the work out differently, and nothing is claimed about other models. Single readers and
single matchers can stand in for one another, so their lone effects say little; the groups'
effects say more. The direct numbers hold the final LayerNorm's scale as it was. That the markers
act through the matchers, and these through the suppressors, is inferred from attention that goes
away when the earlier group is replaced, not from patching each path. Zero ablation takes away
more than the information on names: some heads of layer 0 matter when set to zero and not when
set to their mean. The MLP of layer 0 at its mean costs the whole effect ({first_mlp:+.2f}); what
it does to names was not examined. What computes later years, verbs, pronouns and docstrings has
not been taken apart.

"""


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table, first column to the left and the others to the right."""
    lines = [header, ("---", *("---:" for _ in header[1:])), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _names(heads: list[str]) -> str:
    return ", ".join(heads) if heads else "none"


def render_story(mechanism: dict[str, Any]) -> str:
    """The section on the mechanism, in Markdown, with a table of the groups."""
    groups = mechanism["groups"]
    rows = {h["head"]: h for h in mechanism["heads"]}
    none = groups["none"]

    def total(group: str, key: str) -> float:
        return sum(rows[head][key] for head in groups[group]["heads"])

    strongest = min(groups["suppressors"]["heads"], key=lambda h: rows[h]["dla_giver"])
    figures: dict[str, Any] = {g: _names(groups[g]["heads"]) for g in groups}
    figures |= {f"{g}_gap": groups[g]["logit_difference"] for g in groups}
    figures |= {
        "prompts": mechanism["prompts"],
        "gap": mechanism["logit_difference"],
        "gap_three": mechanism["logit_difference_three_names"],
        "gap_group": none["logit_difference"],
        "marker_previous": max(rows[h]["previous"] for h in groups["markers"]["heads"]),
        "match_before": none["matchers_s2_to_after_s1"],
        "match_after": groups["markers"]["matchers_s2_to_after_s1"],
        "look_before": none["suppressors_end_to_s2"],
        "look_after": groups["matchers"]["suppressors_end_to_s2"],
        "suppressor_copying": ", ".join(
            f"{rows[h]['copying']:+.2f}" for h in groups["suppressors"]["heads"]
        ),
        "strongest": strongest,
        "strongest_giver": rows[strongest]["dla_giver"],
        "strongest_receiver": rows[strongest]["dla_receiver"],
        "readers_direct": total("readers", "dla"),
        "readers_receiver": total("readers", "dla_receiver"),
        "readers_giver": total("readers", "dla_giver"),
        "readers_top": groups["readers"]["top_is_receiver"],
        "first_mlp": mechanism["layers"][0]["mean_mlp"],
        "mlps": ", ".join(
            f"layer {row['layer']} {row['dla_mlp']:+.2f}"
            for row in mechanism["layers"]
            if row["dla_mlp"] > 0.5
        ),
    }
    return _wrapped(TEXT.format(**figures)) + _group_table(groups)


def _wrapped(text: str) -> str:
    """``text`` with its paragraphs and numbered points filled anew to an even width."""
    blocks = []
    for block in text.strip().split("\n\n"):
        points = re.split(r"\n(?=\d\. )", block)
        blocks.append("\n".join(_filled(point) for point in points))
    return "\n" + "\n\n".join(blocks) + "\n\n"


def _filled(point: str) -> str:
    indent = "   " if re.match(r"\d\. ", point) else ""
    return textwrap.fill(
        " ".join(point.split()),
        98,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _group_table(groups: dict[str, Any]) -> str:
    body = [
        (
            "nothing" if name == "none" else name,
            *(format(found[key], form) if key in found else "" for key, _, form in GROUP_COLUMNS),
        )
        for name, found in groups.items()
    ]
    rules = "".join(f"- *{name}*: {g['rule']}.\n" for name, g in groups.items() if g["rule"])
    return table(("replaced", *(label for _, label, _ in GROUP_COLUMNS)), body) + "\n" + rules


def doubts(mechanism: dict[str, Any]) -> list[str]:
    """The claims of the story that ``mechanism`` does not bear out; empty for shipped weights."""
    groups = mechanism["groups"]
    missing = [name for name in GROUPS if not groups[name]["heads"]]
    if missing:
        return [f"no head is one of the {name}" for name in missing]
    base = groups["none"]["logit_difference"]
    found = [
        f"without the {name} the logit difference stays high"
        for name in ("markers", "matchers", "suppressors")
        if groups[name]["logit_difference"] > 0.25 * base
    ]
    if groups["readers"]["top_is_receiver"] > 0.5:
        found.append("without the readers the receiver stays the top token")
    if groups["markers"]["matchers_s2_to_after_s1"] > 0.3:
        found.append("without the markers the matchers still find their place")
    if groups["matchers"]["suppressors_end_to_s2"] > 0.3:
        found.append("without the matchers the suppressors still find S2")
    if abs(groups["control"]["logit_difference"] - base) > 0.2 * base:
        found.append("heads of no group matter")
    return found
