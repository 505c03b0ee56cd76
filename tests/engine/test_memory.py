"""What held runs take: measured by storage, bounded by a setting, linear in tokens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.held import HeldRun
from circuitboard.engine.run import run
from circuitboard.models.load import load
from circuitboard.models.tiny import new_gpt2, number_tokenizer
from circuitboard.spec.address import Address
from circuitboard.spec.intervention import InterventionSet, Zero

PROMPT = tiny.prompt()
HELP = Path(__file__).with_name("long_prompt.py")


def all_storages(runs: list[HeldRun]) -> int:
    """Bytes of everything that runs hold, found by walking through their attributes."""
    found: dict[int, int] = {}

    def walk(value: object) -> None:
        if isinstance(value, torch.Tensor):
            block = value.untyped_storage()
            found[block.data_ptr()] = block.nbytes()
        elif isinstance(value, dict):
            for item in value.values():
                walk(item)
        elif isinstance(value, list | tuple):
            for item in value:
                walk(item)
        elif hasattr(value, "__dict__"):
            walk(vars(value))

    for held in runs:
        walk(held)
    return sum(found.values())


def test_held_runs_are_weighed_by_what_they_really_keep() -> None:
    m = tiny.model("llama")
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    runs = [engine.baseline(tokens, lengths)]
    alone = engine.shelf.bytes()
    assert alone == all_storages(runs) == runs[0].bytes()
    for item in (Zero("L2H0@6"), Zero("L2H1"), Zero("L0H0->L1H1.q"), Zero("L0H1->logits")):
        runs.append(engine.run(tokens, lengths, InterventionSet.of(item))[0])
        assert engine.shelf.bytes() == all_storages(runs)
    assert engine.shelf.bytes() < sum(held.bytes() for held in runs)
    engine.last_logits(runs[1])
    engine.read(runs[2], [Address.parse(a) for a in ("L1H2.pattern", "L2.mlp")])
    assert engine.shelf.bytes() == all_storages(runs)
    before = engine.shelf.bytes()
    engine.shelf.put(runs[2])
    assert engine.shelf.bytes() == before
    engine.shelf.clear()
    assert (engine.shelf.bytes(), len(engine.shelf)) == (0, 0)


def test_the_bound_is_a_setting_of_the_model() -> None:
    m = load(tiny.hf_model("gpt2"), number_tokenizer(tiny.VOCABULARY), held_memory=1 << 16)
    shelf = engine_of(m).shelf
    assert shelf.limit == m.held_memory == 1 << 16
    for head in m.heads:
        run(m, PROMPT, Zero(head))
        assert shelf.bytes() <= m.held_memory
    assert 2 <= len(shelf) < len(m.heads)
    m.held_memory = 1
    newest = run(m, PROMPT, Zero("L0H0.q"))
    assert len(shelf) == 1
    wanted = run(tiny.model("gpt2"), PROMPT, Zero("L0H0.q")).logits
    np.testing.assert_allclose(newest.logits, wanted, atol=1e-5)


def test_what_was_read_goes_before_the_bound_is_broken() -> None:
    m = tiny.fresh("gpt2")
    engine = engine_of(m)
    tokens, lengths = engine.encode(tiny.prompt(40))
    held = engine.baseline(tokens, lengths)
    engine.last_logits(held)
    m.held_memory = engine.shelf.bytes() + 30_000
    for head in m.heads:
        place = Address.parse(f"{head}.pattern")
        value = engine.read(held, [place])[place.place]
        assert value.sum(-1) == pytest.approx(torch.ones(1, 41), abs=1e-5)
        assert engine.shelf.bytes() <= m.held_memory
    assert len(engine.shelf) == 1


def test_a_held_run_grows_linearly_with_its_tokens() -> None:
    m = load(new_gpt2(61, 1024, 32, 3, 4, seed=0), number_tokenizer(61))
    sizes = []
    for length in (127, 255, 511, 1023):
        engine = Engine(m)
        tokens, lengths = engine.encode(tiny.prompt(length))
        held = engine.baseline(tokens, lengths)
        engine.last_logits(held)
        changed, _ = engine.run(tokens, lengths, InterventionSet.of(Zero("L1H0")))
        engine.last_logits(changed)
        sizes.append((held.bytes(), engine.shelf.bytes()))
    per_token = 4 * 32 * (4 + 2 * 3) + 8  # streams, keys and values in float32; the token's id
    for (one, both), width in zip(sizes, (128, 256, 512, 1024), strict=True):
        assert one <= per_token * width + 20_000
        assert both <= 2 * per_token * width + 40_000
    assert engine.read(held, [Address.parse("L1H0.pattern")])["L1H0.pattern"].shape[1:] == (
        1024, 1024,
    )  # fmt: skip
    assert held.bytes() >= 4 * 1024**2


def test_a_prompt_of_2048_tokens_stays_within_memory() -> None:
    """A run, an intervention and a pattern on the shape of ``names``: peak of a fresh process."""
    done = subprocess.run(
        [sys.executable, str(HELP), "names", "2048"], capture_output=True, text=True, check=True
    )
    before, peak = (int(n) for n in done.stdout.split())
    assert 0 < peak - before < 1 << 30
