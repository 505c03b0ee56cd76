"""Prompts of different lengths side by side are what each is alone, however they are handed in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tiny
from circuitboard.engine.engine import Engine
from circuitboard.engine.run import run
from circuitboard.engine.sweep import measure, sweep
from circuitboard.models.load import load
from circuitboard.models.model import Model
from circuitboard.models.tiny import number_tokenizer
from circuitboard.spec import references
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, PromptError
from circuitboard.spec.intervention import (
    AnyIntervention,
    Freeze,
    InterventionSet,
    Mean,
    Patch,
    Resample,
    Scale,
    Zero,
)
from circuitboard.spec.metric import Metric, MetricKind

PROMPTS = [tiny.prompt(9, 1), tiny.prompt(5, 2), tiny.prompt(7, 3)]
OTHERS = [tiny.prompt(9, 4), tiny.prompt(5, 5), tiny.prompt(7, 6)]
LENGTHS = (10, 6, 8)
NAMED = [tiny.prompt(11 + i, 30 + i) for i in range(3)]


def left_padded(name: str) -> Model:
    """A model whose tokenizer pads on the left, with a padding token of its own."""
    tokenizer = number_tokenizer(tiny.VOCABULARY)
    tokenizer.padding_side = "left"
    tokenizer.pad_token = "t1"
    return load(tiny.native(name) if name in tiny.NATIVE else tiny.hf_model(name), tokenizer)


def close(a: Any, b: Any) -> None:
    """Agreement to 2e-5 of the largest number."""
    a, b = np.asarray(a), np.asarray(b)
    assert np.abs(a - b).max() <= 2e-5 * max(1.0, np.abs(b).max())


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_each_row_has_the_logits_of_its_prompt_alone(name: str, side: str) -> None:
    m = left_padded(name) if side == "left" else tiny.model(name)
    together = run(m, PROMPTS)
    for row, (prompt, length) in enumerate(zip(PROMPTS, LENGTHS, strict=True)):
        with torch.no_grad():
            alone = m.bridge.original_model(torch.tensor([m.tokenize(prompt)]))
        alone = alone if isinstance(alone, torch.Tensor) else alone.logits
        close(together.logits[row, :length], alone[0])
        close(together["L1.mlp" if m.has_part("mlp") else "L1.attn"][row, :length],
              run(m, prompt)["L1.mlp" if m.has_part("mlp") else "L1.attn"][0])  # fmt: skip
        close(together["L1H1.pattern"][row, :length, :length], run(m, prompt)["L1H1.pattern"][0])


def stacks(m: Model) -> list[list[AnyIntervention]]:
    """Every way to name positions, every way to borrow, and edges."""
    named = references.register(NAMED)
    found: list[list[AnyIntervention]] = [
        [Zero("L1H0@-1")],
        [Scale("L0.attn@2", 0.5), Zero("L1H1@-2:")],
        [Zero("L0H1.v@1:4"), Scale("L1.resid_pre@:-1", 0.9)],
        [Mean("L1H0@-1", named), Mean("L0.attn", named)],
        [Resample("L0H1@-3:", 1, named)],
        [Freeze("L1H1.pattern"), Zero("L0H0")],
        [Scale("ln_final@-1", 0.5)] if m.has_part("ln_final") else [],
    ]
    return found


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "neox", "opt", "native"])
def test_interventions_on_a_batch_are_those_on_each_prompt(name: str) -> None:
    m = tiny.model(name)
    # Drawing for a prompt depends on the draws before it: one prompt at a time would not be equal.
    for stack in [s for s in stacks(m) if not any(isinstance(i, Resample) for i in s)]:
        together = run(m, PROMPTS, stack)
        for row, (prompt, length) in enumerate(zip(PROMPTS, LENGTHS, strict=True)):
            close(together.logits[row, :length], run(m, prompt, stack).logits[0])
    for at in ("L1H0@-1", "L0.attn", "L1.resid_pre@2", "L0H1->L1H0.k", "L0H1->L1H1@-1",
               "L0.attn->mlps->logits", "embed->L1H1.q@1:3"):  # fmt: skip
        together = run(m, PROMPTS, Patch(at, OTHERS))
        for row, (prompt, other) in enumerate(zip(PROMPTS, OTHERS, strict=True)):
            close(together.logits[row, : LENGTHS[row]], run(m, prompt, Patch(at, other)).logits[0])


def test_resampling_a_batch_takes_tokens_of_reference_prompts_only() -> None:
    m = tiny.model("gpt2")
    value = run(m, PROMPTS, Resample("L1.mlp", 3, references.register(NAMED)))["L1.mlp"]
    known = [run(m, text)["L1.mlp"][0] for text in NAMED]
    for row, length in enumerate(LENGTHS):
        ends = [np.abs(value[row, :length] - k[-length:]).max() for k in known]
        assert min(ends) < 1e-5


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
@pytest.mark.parametrize(
    "kind", ["logit difference", "log-probability", "probability", "loss", "KL divergence"]
)
def test_sweeps_and_metrics_of_a_batch_are_those_of_each_prompt(
    name: str, kind: MetricKind
) -> None:
    m = tiny.model(name)
    metric = Metric(kind, 7, 11)
    sets = [InterventionSet.of(stack) for stack in stacks(m) if len(stack) != 1]
    sets += [InterventionSet.of(Zero(head)) for head in m.heads]
    sets += [InterventionSet.of(Zero(at)) for at in ("L1H0@-1", "L2H1@1:3", "L0H0->L2H1.q@-1")]
    sets += [InterventionSet.of(Scale("ln_final", 0.5))]
    values, begun = measure(m, PROMPTS, sets, metric)
    for row, prompt in enumerate(PROMPTS):
        alone, first = measure(m, prompt, sets, metric)
        close(values[:, row], alone[:, 0])
        close(begun[row], first[0])


def test_loss_sees_interventions_on_the_final_norm() -> None:
    m = tiny.model("gpt2")
    changed = run(m, PROMPTS, Scale("ln_final", 0.5), metric="loss")
    for row, length in enumerate(LENGTHS):
        logits = torch.tensor(changed.logits[row, : length - 1]).log_softmax(-1)
        ids = torch.tensor(changed.tokens[row, 1:length])
        wanted = -logits.gather(1, ids[:, None]).mean()
        assert changed.metrics[row] == pytest.approx(float(wanted), abs=1e-5)
    start = InterventionSet.of(Scale("ln_final", 0.5))
    sets = [InterventionSet((*start.items, Zero("L2H1")))]
    values, _ = measure(m, PROMPTS, sets, Metric("logit difference", 7, 11), start=start)
    alone = run(m, PROMPTS, sets[0], target="t7", foil="t11").metrics
    np.testing.assert_allclose(values[0], alone, atol=1e-4)


def test_token_ids_in_every_form_mean_the_same_prompts() -> None:
    m = tiny.model("llama")
    wanted = run(m, PROMPTS, Zero("L1H0@-1"))
    rows = [m.tokenize(prompt) for prompt in PROMPTS]
    width = max(LENGTHS)
    left = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    right = left.new_tensor([row + [3] * (width - len(row)) for row in rows])
    forms: list[Any] = [
        rows,
        [np.array(row) for row in rows],
        {"input_ids": left, "attention_mask": mask},
        {"input_ids": right, "attention_mask": mask.flip(1)},
    ]
    for padding_side in ("left", "right"):
        tokenizer = number_tokenizer(tiny.VOCABULARY)
        tokenizer.padding_side = padding_side
        forms.append(tokenizer(PROMPTS, padding=True, return_tensors="pt"))
    for form in forms:
        got = run(m, form, Zero("L1H0@-1"))
        assert got.prompts == tuple(tuple(row) for row in rows)
        np.testing.assert_array_equal(got.logits, wanted.logits)
    one = run(m, rows[1], Patch("L0H0@-1", rows[0]))
    np.testing.assert_array_equal(
        one.logits, run(m, PROMPTS[1], Patch("L0H0@-1", PROMPTS[0])).logits
    )
    effects = sweep(m, rows, [Zero("L0H0")], target="t7", foil="t11")
    np.testing.assert_array_equal(
        effects, sweep(m, PROMPTS, [Zero("L0H0")], target="t7", foil="t11")
    )
    assert eval(repr(one.interventions.items[0]), {"Patch": Patch}) == one.interventions.items[0]


def test_what_is_no_prompt_is_told() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(PromptError, match="61 is no token id"):
        run(m, [3, 61])
    with pytest.raises(PromptError, match="no prompt"):
        run(m, [])
    with pytest.raises(PromptError, match="no tokens"):
        run(m, [[3], []])
    with pytest.raises(PromptError, match="float"):
        run(m, [[0.5, 1.0]])
    with pytest.raises(PromptError, match="int is not a prompt"):
        run(m, 7)
    with pytest.raises(PromptError, match="one token"):
        run(m, [5], metric="loss").metric
    result = run(m, PROMPTS)
    assert result["L0H1@-2:"].shape[:2] == (3, 2)
    with pytest.raises(AddressError, match="4 to 8 tokens"):
        result["L0H1@2:"]


def test_a_position_from_the_end_is_each_prompts_own() -> None:
    m = tiny.model("gpt2")
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPTS)
    base = engine.read(engine.baseline(tokens, lengths), [Address.parse("L1.mlp")])["L1.mlp"]
    held, way = engine.run(tokens, lengths, InterventionSet.of(Zero("L1.mlp@-2")))
    now = engine.read(held, [Address.parse("L1.mlp")])["L1.mlp"]
    changed = (now - base).abs().amax(-1) > 0
    assert [row.nonzero().flatten().tolist() for row in changed] == [[n - 2] for n in lengths]
    assert way.position == min(lengths) - 2
