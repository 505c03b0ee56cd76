"""Heads of ``names`` sorted into groups by what was measured of them, and each group's effect."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch

from .mechanism import Probe, Prompts, prompts

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """Heads with one part in the task: which they are, and where in the prompt they play it."""

    rule: str
    fits: Callable[[Row], bool]
    at: str


GROUPS: dict[str, Group] = {
    "markers": Group(
        "previous-token score above 0.4; replaced at the words after the first mentions",
        lambda h: h["previous"] > 0.4,
        "after",
    ),
    "matchers": Group(
        "induction score and attention from S2 to the word after S1 above 0.4; replaced at S2",
        lambda h: h["induction"] > 0.4 and h["s2_to_after_s1"] > 0.4,
        "s2",
    ),
    "suppressors": Group(
        "attention from END to S2 above 0.5 and copying below -0.5; replaced at END",
        lambda h: h["end_to_s2"] > 0.5 and h["copying"] < -0.5,
        "end",
    ),
    "readers": Group(
        "attention from END to the first mentions above 0.5 in sum and copying above +0.5; "
        "replaced at END",
        lambda h: h["end_to_io"] + h["end_to_s1"] > 0.5 and h["copying"] > 0.5,
        "end",
    ),
}


def sort_heads(heads: list[Row]) -> dict[str, list[str]]:
    """The heads that each rule picks, in the order of the table; ``control`` is all others."""
    found = {name: [h["head"] for h in heads if g.fits(h)] for name, g in GROUPS.items()}
    taken = {head for members in found.values() for head in members}
    return found | {"control": [h["head"] for h in heads if h["head"] not in taken]}


def _place(name: str) -> tuple[int, int]:
    layer, head = name.removeprefix("L").split("H")
    return int(layer), int(head)


@torch.no_grad()
def _outcome(probe: Probe, batch: Prompts, groups: dict[str, list[str]]) -> dict[str, float]:
    """What the model answers now, and where three of the groups look."""
    run = probe.model(batch.tokens, output_attentions=True)
    logits, rows = run.logits[:, -1], batch.rows
    receiver, giver = logits[rows, batch.receiver_id], logits[rows, batch.giver_id]
    top = logits.argmax(-1)
    found = {
        "logit_difference": receiver - giver,
        "top_is_receiver": (top == batch.receiver_id).float(),
        "top_is_giver": (top == batch.giver_id).float(),
    }
    end, s2 = batch.places["end"][0], batch.second_giver
    after = batch.first_giver + 1
    for group, label, query, keys in (
        ("matchers", "matchers_s2_to_after_s1", s2, [after]),
        ("suppressors", "suppressors_end_to_s2", end, [torch.full_like(after, s2)]),
        ("readers", "readers_end_to_names", end, [batch.receiver, batch.first_giver]),
    ):
        looks = [
            run.attentions[layer][rows, head, query, key]
            for layer, head in map(_place, groups[group])
            for key in keys
        ]
        if looks:
            found[label] = torch.stack(looks).sum(0) / len(groups[group])
    return {k: v.mean().item() for k, v in found.items()}


@torch.no_grad()
def measure_groups(model: Any, n: int, seed: int, heads: list[Row]) -> dict[str, Any]:
    """For each group: its rule, its heads, and what the model does with them at their mean.

    The mean is per position, over prompts with three different names; a group is replaced only
    where its rule says, ``control`` everywhere. ``none`` is the model as it is.
    """
    batch = prompts(n, seed)
    probe = Probe(model)
    with probe.recording():
        model(batch.contrast)
    means = {layer: z.mean(0, keepdim=True) for layer, z in probe.z.items()}
    groups = sort_heads(heads)
    found: dict[str, Any] = {"none": {"rule": "", "heads": [], **_outcome(probe, batch, groups)}}
    for name, members in groups.items():
        known = GROUPS.get(name)
        at = batch.places[known.at if known else "all"]
        rule = known.rule if known else "the heads of no other group; replaced everywhere"
        with ExitStack() as stack:
            for layer, head in map(_place, members):
                stack.enter_context(probe.replacing(layer, [head], means[layer], at))
            found[name] = {"rule": rule, "heads": members, **_outcome(probe, batch, groups)}
    return found
