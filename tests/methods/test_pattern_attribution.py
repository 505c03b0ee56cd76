"""Attribution of the cells of a pattern: estimates by autograd, exact numbers by plain hooks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.methods.pattern_gradient import cells_of, set_cell
from circuitboard.spec import tensors
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, InterventionError, TargetError

CLEAN, CORRUPT = tiny.prompt(7, 1), tiny.prompt(7, 2)
ENDS: dict[str, Any] = {"target": "t7", "foil": "t11"}


def with_cell(m: cb.Model, text: str, head: Address, cell: tuple[int, int], value: float) -> float:
    """The logit difference with one attention weight set by a plain hook."""
    tokens = torch.tensor([m.tokenize(text)])

    def change(pattern: torch.Tensor, hook: object) -> torch.Tensor:
        out = pattern.clone()
        out[0, head.head, cell[0], cell[1]] = value
        return out

    with torch.no_grad():
        logits = m.bridge.run_with_hooks(tokens, fwd_hooks=[(head.hook, change)])
    return float(logits[0, -1, 7] - logits[0, -1, 11])


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox", "attn_only", "gemma2"])
def test_a_cell_set_to_zero_is_what_a_plain_hook_gives(name: str) -> None:
    m = tiny.model(name)
    found = cb.pattern_attribution(m, CLEAN, "L0H1", **ENDS)
    width = len(m.tokenize(CLEAN))
    assert found.scores.shape == (width, width)
    np.testing.assert_allclose(found.pattern, cb.run(m, CLEAN)["L0H1.pattern"][0], atol=1e-6)
    slope = cb.gradient_of_pattern(m, CLEAN, "L0H1", **ENDS)[0]
    np.testing.assert_allclose(found.gradient, slope, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.scores, slope * found.pattern, rtol=1e-4, atol=1e-6)
    begun = cb.run(m, CLEAN, **ENDS).metric
    head = Address("head.pattern", 0, head=1)
    audit = found.audit(6)
    assert [row.address for row in audit.rows] == [address for address, _ in found.top(6)]
    assert not np.isnan(audit.pearson)
    sizes = [abs(row.estimate - row.exact) for row in audit.worst(6)]
    assert sizes == sorted(sizes, reverse=True)
    for row in audit.rows:
        p, s = (int(n) for n in row.address.partition("[")[2][:-1].split(","))
        assert row.estimate == pytest.approx(float(found.scores[p, s]))
        taken = begun - with_cell(m, CLEAN, head, (p, s), 0.0)
        assert row.exact == pytest.approx(taken, abs=2e-5), row.address


@pytest.mark.parametrize("direction", ["noising", "denoising"])
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_cell_set_to_the_other_prompts(name: str, direction: Any) -> None:
    m = tiny.model(name)
    found = cb.pattern_attribution(m, CLEAN, "L1H3", CORRUPT, direction=direction, **ENDS)
    onto, source = (CLEAN, CORRUPT) if direction == "noising" else (CORRUPT, CLEAN)
    mine, theirs = (cb.run(m, text)["L1H3.pattern"][0] for text in (onto, source))
    slope = cb.gradient_of_pattern(m, onto, "L1H3", **ENDS)[0]
    np.testing.assert_allclose(found.scores, slope * (theirs - mine), rtol=1e-3, atol=1e-5)
    begun = cb.run(m, onto, **ENDS).metric
    head = Address("head.pattern", 1, head=3)
    for row in found.audit(4).rows:
        p, s = (int(n) for n in row.address.partition("[")[2][:-1].split(","))
        changed = with_cell(m, onto, head, (p, s), float(theirs[p, s])) - begun
        assert row.exact == pytest.approx(changed, abs=2e-5), row.address


def test_in_the_last_layer_of_a_linear_model_estimates_are_exact() -> None:
    m = tiny.model("attn_only")
    found = cb.pattern_attribution(m, CLEAN, "L1H0", **ENDS)
    last = len(found.scores) - 1
    for s in (0, 3, last):
        cell = f"L1H0.pattern[{last},{s}]"
        assert found.exact(cell) == pytest.approx(found.estimate(cell), abs=1e-5)
        assert found.estimate(f"L1H0[{last}, {s}]") == found.estimate(cell)
    assert np.abs(found.scores[:last]).max() < 1e-6  # other rows never reach the last logits


def test_a_cell_is_one_cell() -> None:
    pattern = np.full((3, 3), 1 / 3, np.float32)
    item = set_cell("L1H0.pattern[2,1]", pattern)
    assert item.at == "L1H0.pattern@2"
    row = tensors.lookup(str(item.value))
    np.testing.assert_array_equal(row, np.array([1 / 3, 0, 1 / 3], np.float32))
    assert cells_of(Address("head.pattern", 1, head=0), 2)[1] == "L1H0.pattern[0,1]"
    for wrong in ("L1H0.pattern[3,0]", "L1H0.pattern", "L1H0.pattern@2", "nothing"):
        with pytest.raises(AddressError, match="no cell"):
            set_cell(wrong, pattern)


def test_what_it_refuses() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(AddressError, match="not a head"):
        cb.pattern_attribution(m, CLEAN, "L1.mlp", **ENDS)
    with pytest.raises(InterventionError, match="one prompt"):
        cb.pattern_attribution(m, [CLEAN, CORRUPT], "L1H0", **ENDS)
    with pytest.raises(InterventionError, match="tokens"):
        cb.pattern_attribution(m, CLEAN, "L1H0", tiny.prompt(5, 2), **ENDS)
    with pytest.raises(TargetError, match="minimum"):
        cb.pattern_attribution(m, CLEAN, "L1H0", metric="KL divergence")
    found = cb.pattern_attribution(m, CLEAN, "L1H0", **ENDS)
    with pytest.raises(AddressError, match="no estimate"):
        found.exact("L1H0.pattern[99,0]")
