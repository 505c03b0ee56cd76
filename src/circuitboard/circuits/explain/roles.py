"""Roles of parts, by rules over their evidence.

A rule names what was measured and nothing that was not. Heads that carry some of the difference
between clean and corrupted prompts straight to the answers' logits are told apart by what they look
at from the end; the others by what they look at from any token. The rules are tried in the order of
this file, and the first that holds gives the role. Words for roles follow
Wang 2022 ("Interpretability in the Wild") and Olsson 2022 ("In-context Learning and Induction
Heads") where the definition fits; ``suppressor`` is a head that looks at the foil and lowers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from circuitboard.circuits.explain.findings import Look, Measured, percent

#: Attention from which a head is said to look at something (the field's threshold, ARENA 1.2).
ATTENTION = 0.4
#: Share of the difference from which a part is said to carry it straight to the answers.
SHARE = 0.05

MOVER = "movers"
SUPPRESSOR = "suppressors"
NEGATIVE = "negative movers"
WRITER = "direct writers"
AGAINST = "writers against the answer"
PREVIOUS = "previous-token heads"
DUPLICATE = "duplicate-token heads"
INDUCTION = "induction heads"
READS_TARGET = "heads that look at the target"
READS_FOIL = "heads that look at the foil"
FIRST = "heads that rest on the first token"
OTHER = "heads without a role found"
MLPS = "MLPs"
RESTS = "the rest of MLPs"
NEURONS = "neurons"
EMBED = "the embedding"

#: What each role does, in words that follow its rule.
MEANING = {
    MOVER: "looks from the last token at the target and writes for it",
    SUPPRESSOR: "looks from the last token at the foil and writes for the target against it",
    NEGATIVE: "looks from the last token at the target and writes against it",
    WRITER: "writes for the answer, without looking at target or foil",
    AGAINST: "writes against the answer, without looking at the target",
    PREVIOUS: "looks at the token before",
    DUPLICATE: "looks at an earlier copy of the same token",
    INDUCTION: "looks at the token after an earlier copy",
    READS_TARGET: "looks from the last token at the target, for other parts to read",
    READS_FOIL: "looks from the last token at the foil, for other parts to read",
    FIRST: "looks at the first token, where attention rests",
    OTHER: "fits none of the rules",
    MLPS: "works on each position alone",
    RESTS: "is its MLP without the neurons that are nodes of their own",
    NEURONS: "reads one direction of the stream and writes one, at each position alone",
    EMBED: "brings in tokens and positions",
}


_THE = {
    "previous token": "the token before",
    "earlier copy": "an earlier copy",
    "after an earlier copy": "the token after an earlier copy",
}


class Verdict(NamedTuple):
    """A role, and the rule that gave it, with its numbers."""

    role: str
    why: str


class Seen(NamedTuple):
    """What the rules go by: what a head carries, all that there is, and where the head looks."""

    carries: Measured
    span: float
    looks: Sequence[Look]

    def at(self, query: str, key: str) -> float:
        """Attention from a query to a relation; 0 where too small to be kept."""
        for look in self.looks:
            if (look.query, look.key) == (query, key):
                return look.attention.value
        return 0.0


def head_role(seen: Seen) -> Verdict:
    """The role of a head."""
    share = seen.carries.value / seen.span if seen.span else 0.0
    if abs(share) >= SHARE and not seen.carries.weak:
        return _writer(seen, share)
    least = f", carries {percent(share)} of the difference straight to the logits"
    for key, role in (
        ("earlier copy", DUPLICATE),
        ("after an earlier copy", INDUCTION),
        ("previous token", PREVIOUS),
    ):
        weight = seen.at("any", key)
        if weight >= ATTENTION:
            return Verdict(role, f"attention to {_THE[key]} {weight:.2f}{least}")
    for key, role in (("the target", READS_TARGET), ("the foil", READS_FOIL)):
        weight = seen.at("end", key)
        if weight >= ATTENTION:
            return Verdict(role, f"attention from the end to {key} {weight:.2f}{least}")
    rest = seen.at("any", "first token")
    if rest >= ATTENTION:
        return Verdict(FIRST, f"attention to the first token {rest:.2f}{least}")
    return Verdict(OTHER, f"no relation gets {ATTENTION:g} of the attention{least}")


def _writer(seen: Seen, share: float) -> Verdict:
    target, foil = seen.at("end", "the target"), seen.at("end", "the foil")
    written = f"carries {percent(share)} of the difference straight to the logits"
    if target >= ATTENTION and target >= foil:
        return Verdict(
            MOVER if share > 0 else NEGATIVE,
            f"attention from the end to the target {target:.2f}, {written}",
        )
    if foil >= ATTENTION and share > 0:
        return Verdict(SUPPRESSOR, f"attention from the end to the foil {foil:.2f}, {written}")
    return Verdict(WRITER if share > 0 else AGAINST, written)
