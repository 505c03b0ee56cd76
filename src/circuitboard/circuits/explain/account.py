"""An account of a circuit in plain sentences, each with its number and how to get it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from circuitboard.circuits.explain import roles
from circuitboard.circuits.explain.effects import code_of
from circuitboard.circuits.explain.findings import (
    Claim,
    Group,
    Link,
    Look,
    Measured,
    Outside,
    Part,
    percent,
)
from circuitboard.spec.wiring import ends

#: Edges into and out of a part that the account mentions.
EDGES = 2
#: Sentences about edges leave out what is under this share of the difference.
LEAST = 0.02


class Subject(NamedTuple):
    """What the account is about: the metric's two sides, and the circuit's share of the gap.

    ``neurons``: whether some are nodes of their own.
    """

    clean: Measured
    corrupt: Measured
    kept: Measured
    rest: Measured
    neurons: bool = False

    @property
    def span(self) -> float:
        """Clean minus corrupted."""
        return self.clean.value - self.corrupt.value


def account(
    subject: Subject,
    groups: Iterable[Group],
    parts: dict[str, Part],
    edges: Iterable[Link],
    outside: Iterable[Outside],
) -> tuple[Claim, ...]:
    """All sentences: what is explained, each group in the order of the model, what is left."""
    out, into = list(_opening(subject)), dict[str, list[Link]]()
    for link in edges:
        into.setdefault(ends(link.edge)[1], []).append(link)
    for group in groups:
        out += _of_group(subject, group, [parts[place] for place in group.parts])
        for place in group.parts:
            out += _of_part(subject, group.role, parts[place])
            out += _edges(subject, group.role, into.get(place, []))
    return (*out, *_edges(subject, "", into.get("logits", [])), *_closing(subject, list(outside)))


def _edges(subject: Subject, group: str, links: list[Link]) -> list[Claim]:
    """The strongest edges whose effect is worth a sentence."""
    least = LEAST * abs(subject.span)
    telling = [link for link in links if abs(link.effect.value) >= least]
    return [_edge(group, link, subject) for link in telling[:EDGES]]


def _opening(subject: Subject) -> Iterator[Claim]:
    yield Claim(
        "",
        f"On the clean prompts the metric is {subject.clean}.",
        subject.clean,
        "cb.metric_values(model, task)",
    )
    yield Claim(
        "",
        f"On the corrupted prompts, with the same answers, it is {subject.corrupt}.",
        subject.corrupt,
        "cb.metric_values(model, task, corrupt=True)",
    )
    code = "cb.circuit_metric(model, circuit, task, share=True)"
    text = f"The circuit alone keeps {subject.kept.value:.0%} of the difference between the two."
    yield _judged("", text, subject.kept, code, "it varies as much from prompt to prompt")


def _closing(subject: Subject, outside: list[Outside]) -> Iterator[Claim]:
    if not outside:
        return
    share = subject.rest.value / subject.span if subject.span else 0.0
    places = tuple(each.address for each in outside)
    yield _judged(
        "",
        f"Patching all {len(places)} parts outside the circuit at once changes the metric by "
        f"{subject.rest} ({percent(share)} of the difference).",
        subject.rest,
        code_of(places, subject.neurons),
        "that is no more than its error: nothing measurable is left out",
    )
    most = outside[0]
    yield _judged(
        "",
        f"Of the parts outside, {most.address} matters most when patched alone: {most.alone}.",
        most.alone,
        code_of([most.address], subject.neurons),
        "that is no more than its error",
    )


def _of_group(subject: Subject, group: Group, parts: list[Part]) -> Iterator[Claim]:
    verb = roles.MEANING[group.role]
    names = _listed(group.parts)
    share = group.together.value / subject.span if subject.span else 0.0
    each, them = ("", "it") if len(parts) == 1 else ("Each of ", "all of them")
    yield _judged(
        group.role,
        f"{each}{names} {verb}. With {them} patched from the corrupted prompts, the metric "
        f"changes by {group.together} ({percent(share)} of the difference).",
        group.together,
        code_of(group.parts, subject.neurons),
        "that is no more than its error, so this account does not rest on it",
    )


def _of_part(subject: Subject, role: str, part: Part) -> Iterator[Claim]:
    place = part.address
    if part.looks and part.kind == "head":
        look = _telling(role, part)
        source = "the last token" if look.query == "end" else "a token"
        yield _judged(
            role,
            f"From {source}, {place} gives {look.attention.value:.2f} of its attention to "
            f"{_named(look.key)}.",
            look.attention,
            f'cb.attention_to(model, task, "{place}", "{look.key}", "{look.query}")',
            "it varies as much as it amounts to",
        )
    if abs(part.carries.value) >= roles.SHARE * abs(subject.span):
        more = ", neurons=circuit.neurons" if subject.neurons else ""
        yield _judged(
            role,
            f"{place} writes {part.writes} straight to the answers' logits, which is "
            f"{part.carries} more than on the corrupted prompts.",
            part.carries,
            f'cb.writing_on(model, task{more})["{place}"] '
            f'- cb.writing_on(model, task, corrupt=True{more})["{place}"]',
            "that is no more than its error",
        )
    if part.inside is not None:
        yield _judged(
            role,
            f"Without {place} the circuit's own metric changes by {part.inside}.",
            part.inside,
            f'cb.circuit_metric(model, cb.without_part(circuit, "{place}"), task) '
            "- cb.circuit_metric(model, circuit, task)",
            "that is no more than its error: the circuit may not need it",
        )


def _edge(role: str, link: Link, subject: Subject) -> Claim:
    sender, receiver = link.edge.split("->", 1)
    share = link.effect.value / subject.span if subject.span else 0.0
    into = {"q": "query", "k": "key", "v": "value"}.get(receiver.rpartition(".")[2], "")
    reader = receiver.rpartition(".")[0] if into else receiver
    what = f"the {into} of {reader}" if into else reader
    return _judged(
        role,
        f"{sender} reaches {what}: that path alone, patched, changes the metric by {link.effect} "
        f"({percent(share)}).",
        link.effect,
        code_of([link.edge], subject.neurons),
        "that is no more than its error",
    )


def _telling(role: str, part: Part) -> Look:
    """The look that the role is about, or else the strongest."""
    wanted = {
        roles.MOVER: ("end", "the target"),
        roles.NEGATIVE: ("end", "the target"),
        roles.SUPPRESSOR: ("end", "the foil"),
        roles.READS_TARGET: ("end", "the target"),
        roles.READS_FOIL: ("end", "the foil"),
        roles.PREVIOUS: ("any", "previous token"),
        roles.DUPLICATE: ("any", "earlier copy"),
        roles.INDUCTION: ("any", "after an earlier copy"),
        roles.FIRST: ("any", "first token"),
    }.get(role)
    for look in part.looks:
        if (look.query, look.key) == wanted:
            return look
    return part.looks[0]


def _judged(group: str, text: str, number: Measured, code: str, weak: str) -> Claim:
    """A claim that says so itself where its number is weak."""
    if not number.weak:
        return Claim(group, text, number, code)
    few = "measured on one prompt, it has no error" if number.error is None else weak
    return Claim(group, f"{text} Weak: {few}.", number, code, True)


def _named(key: str) -> str:
    words = {"previous token": "the token before", "earlier copy": "an earlier copy of it"}
    words |= {"after an earlier copy": "the token after an earlier copy of it"}
    words |= {"first token": "the first token"}
    return words.get(key, key)


def _listed(names: Iterable[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last
