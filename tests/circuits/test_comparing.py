"""Circuits of two models side by side, where it is known which parts correspond."""

from __future__ import annotations

import json
import shutil
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import circuitboard as cb
from circuitboard.circuits.explain import comparing
from circuitboard.circuits.explain.comparing import APART, PLAIN, matches
from circuitboard.models.bundled import bundled_folder
from circuitboard.spec.comparison import Overlap
from circuitboard.spec.errors import CircuitError

NAMES = bundled_folder("names")
#: Where each head of a layer goes.
ORDER = (2, 0, 3, 1)
SIZE = 48


def task(model: cb.Model) -> cb.Task:
    return cb.tasks.ioi(model, n=16)


def explained(model: cb.Model) -> cb.Explanation:
    circuit = cb.discover(model, task(model), "eap", size=SIZE)
    return cb.explain(model, circuit, task(model))


@lru_cache(maxsize=1)
def of_names() -> cb.Explanation:
    return explained(cb.load("names"))


def saved(folder: Path, weights: dict[str, torch.Tensor], **config: int) -> cb.Model:
    """A model like ``names`` with other weights, in a folder of its own."""
    folder.mkdir()
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(NAMES / file, folder / file)
    told = json.loads((NAMES / "config.json").read_text()) | config
    (folder / "config.json").write_text(json.dumps(told))
    whole = {name: value.float().clone() for name, value in weights.items()}
    save_file(whole, folder / "model.safetensors", {"format": "pt"})
    return cb.load(folder)


def checkpoint(folder: Path, step: int) -> cb.Model:
    return saved(folder, load_file(NAMES / "checkpoints" / f"step-{step:05d}.safetensors"))


def reordered() -> dict[str, torch.Tensor]:
    """The weights of ``names`` with the heads of each layer in another order: the same function."""
    weights = load_file(NAMES / "model.safetensors")
    for layer in range(4):
        at = f"transformer.h.{layer}.attn"
        for kind in ("weight", "bias"):
            before = weights[f"{at}.c_attn.{kind}"].unflatten(-1, (3, 4, -1))
            after = before.clone()
            for old, new in enumerate(ORDER):
                after[..., new, :] = before[..., old, :]
            weights[f"{at}.c_attn.{kind}"] = after.flatten(-3)
        before = weights[f"{at}.c_proj.weight"].unflatten(0, (4, -1))
        after = before.clone()
        for old, new in enumerate(ORDER):
            after[new] = before[old]
        weights[f"{at}.c_proj.weight"] = after.flatten(0, 1)
    return weights


def deeper(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """With one more block behind the first, that adds nothing."""
    out = {}
    for name, value in weights.items():
        head, dot, rest = name.removeprefix("transformer.h.").partition(".")
        if not name.startswith("transformer.h."):
            out[name] = value
            continue
        layer = int(head)
        out[f"transformer.h.{layer + (layer > 0)}{dot}{rest}"] = value
        if layer == 1:
            nothing = "c_proj" in rest
            out[f"transformer.h.1.{rest}"] = torch.zeros_like(value) if nothing else value
    return out


def moved(part: str, down: int) -> str:
    """Where a part of ``names`` is in the reordered model with ``down`` more blocks."""
    layer, _, head = part[1:].partition("H") if "H" in part else (part[1:].split(".")[0], "", "")
    there = int(layer) + (down if int(layer) else 0)
    return f"L{there}H{ORDER[int(head)]}" if head else f"L{there}.mlp"


@pytest.mark.parametrize("down", [0, 1])
def test_behaviour_finds_parts_that_were_moved(down: int, tmp_path: Path) -> None:
    """The same function with heads in another order, and with one more block."""
    weights = deeper(reordered()) if down else reordered()
    model = saved(tmp_path / "moved", weights, n_layer=4 + down)
    first, other = of_names(), explained(model)
    assert other.kept.value == pytest.approx(first.kept.value, abs=1e-3)
    found = first.compare(other, None if down else "behaviour")
    assert found.by == "behaviour"
    assert len(found.matches) >= 8
    for match in found.matches:
        assert match.theirs == moved(match.mine, down)
        assert match.apart is not None
        assert match.apart < 1e-3 + 0.2 * down
        assert match.roles is not None
        assert match.roles[0] == match.roles[1]
    assert found.wired.jaccard == 1  # wired alike, all of them
    assert found.linked.jaccard == 1
    assert all(row.effects[0] == pytest.approx(row.effects[1], abs=1e-3) for row in found.roles)
    assert all(len(row.first) == len(row.other) for row in found.roles)
    # Parts without a partner are those that nothing is known of.
    alone = set(first.circuit.nodes) - set(found.match) - {"embed", "logits"}
    known = {part for kind in ("head", "mlp") for part in comparing._known(first, kind)}
    assert not alone & known
    back = other.compare(first, "behaviour")
    assert {(m.theirs, m.mine) for m in back.matches} == set(found.match.items())
    by_hand = first.compare(other, found.match)
    assert (by_hand.by, by_hand.both, by_hand.edges) == ("parts", found.both, found.edges)
    if down:
        assert found.shift is not None
        assert 0 < found.shift < 0.2
        with pytest.raises(CircuitError, match="of another shape"):
            first.circuit.compare(other.circuit)


def test_two_checkpoints_are_compared_by_address(tmp_path: Path) -> None:
    early, late = (checkpoint(tmp_path / f"step-{step}", step) for step in (2800, 8500))
    circuits = [cb.discover(m, task(m), "eap", size=SIZE) for m in (early, late)]
    assert circuits[0].model != circuits[1].model
    one, two = (set(circuit.edges) for circuit in circuits)
    found = circuits[0].compare(circuits[1])
    assert found.by == "address"
    assert found.edges == Overlap(len(one & two), len(one - two), len(two - one))
    assert found.edges.jaccard == circuits[0].jaccard(circuits[1])
    assert 0 < found.edges.jaccard < 1
    # The last checkpoint is the model that is shipped, in float16.
    shipped = of_names().circuit
    assert shipped.jaccard(circuits[1]) > 0.9 > shipped.jaccard(circuits[0])
    explanations = [cb.explain(m, c, task(m)) for m, c in zip((early, late), circuits, strict=True)]
    told = explanations[0].compare(explanations[1])
    assert (told.by, told.both, told.edges) == ("address", found.both, found.edges)
    rows = {row.role: row for row in told.roles}
    for found_by, side in zip(explanations, ("first", "other"), strict=True):
        for group in found_by.groups:
            assert getattr(rows[group.role], side) == group.parts
    assert sum(link.first for link in told.links) == SIZE
    assert sum(link.other for link in told.links) == SIZE


def test_distances_are_those_of_the_numbers_measured() -> None:
    found = of_names()
    pairs = matches(found, found)
    assert all((mine, apart) == (theirs, 0) for mine, theirs, apart in pairs)
    assert {mine for mine, _, _ in pairs} == {
        part.address
        for part in found.parts
        if part.kind == "mlp"
        or (
            part.kind == "head"
            and sum(x * x for x in comparing._numbers(found, part)[0]) >= PLAIN**2
        )
    }
    head = found.part("L2H1")
    own, depth = comparing._numbers(found, head)
    assert head.classes is not None
    span = found.clean.value - found.corrupt.value
    at_end = {look.key: look.attention.value for look in head.looks if look.query == "end"}
    assert own == pytest.approx(
        [
            *(head.classes[name] for name in ("previous", "duplicate", "induction", "first")),
            (head.copying or 0) / 2,
            at_end.get("the target", 0),
            at_end.get("the foil", 0),
            min(1, head.carries.value / span),
        ]
    )
    assert depth == pytest.approx(2 / 3 / 4)
    assert 0 < APART < 1
