"""Half precision: what is computed in part agrees with the model's own full run in that precision.

Tolerances are in units of the number format's step (bfloat16 2^-7, float16 2^-10, relative to the
largest logit): a partial pass multiplies matrices of other shapes, so sums round in another order.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tiny
from circuitboard.engine.engine import Engine
from circuitboard.engine.run import run
from circuitboard.engine.sweep import measure
from circuitboard.models.load import load
from circuitboard.models.model import Model
from circuitboard.models.tiny import number_tokenizer
from circuitboard.spec.address import Address
from circuitboard.spec.intervention import AnyIntervention, InterventionSet, Patch, Scale, Zero
from circuitboard.spec.metric import Metric

PROMPT, OTHER = tiny.prompt(9, 1), tiny.prompt(9, 2)
CASES = [
    (name, dtype) for name in ("gpt2", "llama", "gemma2", "gemma3", "neox")
    for dtype in (torch.bfloat16, torch.float16)
]  # fmt: skip
#: Roundings of the last place that may add up over three blocks.
STEPS = 6


def half(name: str, dtype: torch.dtype) -> Model:
    """A model in half precision, whose numbers stay far from its bounds."""
    original = tiny.hf_model(name)
    with torch.no_grad():
        for weight in original.parameters():
            if weight.ndim > 1:
                weight.div_(3.0)
    return load(original.to(dtype), number_tokenizer(tiny.VOCABULARY))


def close(got: np.ndarray, wanted: torch.Tensor, dtype: torch.dtype) -> None:
    """Agreement to some steps of the number format."""
    wanted = wanted.float()
    bound = STEPS * torch.finfo(dtype).eps * max(float(wanted.abs().max()), 1e-3)
    assert np.abs(got - wanted.numpy()).max() <= bound


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_runs_whole_and_in_part_agree_with_the_models_own(name: str, dtype: torch.dtype) -> None:
    m = half(name, dtype)
    assert (m.facts.full_runs, m.facts.all_positions) == ("", "")
    engine = Engine(m)
    tokens, _ = engine.encode(PROMPT)
    with torch.no_grad():
        original = m.bridge.original_model(tokens).logits
    base = run(m, PROMPT)
    assert original.dtype == dtype
    assert base.logits.dtype == np.float32
    close(base.logits, original, dtype)
    for items in (
        [Zero("L1H1")], [Zero("L2H0@6"), Scale("L1.mlp@4:", 0.5)], [Scale("L1.ln2.scale", 1.5)],
        [Scale("L2H1.pattern@-1", 0.5)],
    ):  # fmt: skip
        result = run(m, PROMPT, items)
        assert "layers" in result.plan
        close(result.logits, tiny.oracle(m, tokens, items), dtype)
    for place in ("L1H1.pattern", "L1H2", "L2.mlp", "L2.ln1.scale", "L0H1.q", "ln_final"):
        assert run(m, PROMPT)[place].dtype == np.float32
    assert run(m, PROMPT, target="t7", foil="t11").metrics.dtype == np.float32


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_sweeps_and_edges_agree_with_runs(name: str, dtype: torch.dtype) -> None:
    m = half(name, dtype)
    items: list[AnyIntervention] = [Zero(head) for head in m.heads[:6]]
    items += [Patch(f"L1.resid_pre@{p}", OTHER) for p in (3, 7)]
    items += [Patch(edge, OTHER) for edge in ("L0H1->L2H2.k", "L0H1->mlps->L2H2.q")]
    items += [Patch("L1H1->logits", OTHER), Patch("L0H1->L1.mlp", OTHER)][m.facts.parallel :]
    sets = [InterventionSet.of(item) for item in items]
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    for kind in ("logit difference", "loss"):
        values, _ = measure(m, PROMPT, sets, Metric(kind, 7, 11))  # type: ignore[arg-type]
        assert values.dtype == np.float32
        for wanted, value in zip(sets, values[:, 0], strict=True):
            held, _ = engine.run(tokens, lengths, wanted)
            logits = engine.read(held, [Address("logits")])["logits"].float()
            scale = max(float(logits.abs().max()), 1e-3)
            p = logits[0, :-1].log_softmax(-1).gather(-1, tokens[0, 1:, None])
            alone = logits[0, -1, 7] - logits[0, -1, 11] if kind[:3] == "log" else -p.mean()
            assert abs(value - float(alone)) <= 2 * STEPS * torch.finfo(dtype).eps * scale, wanted


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_an_edge_from_the_same_prompt_changes_nothing(dtype: torch.dtype) -> None:
    m = half("llama", dtype)
    base = torch.tensor(run(m, PROMPT).logits)
    for text in ("L0H1->L2H2.k", "L0H1->mlps->L2.mlp"):
        close(run(m, PROMPT, Patch(text, PROMPT)).logits, base, dtype)
        moved = run(m, PROMPT, Patch(text, OTHER)).logits
        assert np.abs(moved - base.numpy()).max() > 0
