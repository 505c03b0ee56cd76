"""What parts write towards answers of each prompt's own."""

from __future__ import annotations

import numpy as np
import pytest

import circuitboard as cb
import tiny
from circuitboard.methods.direct_logit_attribution import attribute
from circuitboard.methods.part_writing import part_writing

PROMPTS = [tiny.prompt(6, 3), tiny.prompt(9, 4)]


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "neox"])
def test_with_one_answer_for_all_it_is_direct_logit_attribution(name: str) -> None:
    model = tiny.model(name)
    result = cb.run(model, PROMPTS, target="t7", foil="t11")
    metric = result.metric_kind
    assert metric is not None
    found = part_writing(result, [[metric.target]] * 2, [[metric.foil or 0]] * 2)
    wanted = attribute(result.engine, result.held, metric)
    for (layer, head), value in np.ndenumerate(wanted.heads):
        assert found[f"L{layer}H{head}"].mean() == pytest.approx(value, abs=1e-4)
    for layer, value in enumerate(wanted.mlps):
        assert found[f"L{layer}.mlp"].mean() == pytest.approx(value, abs=1e-4)
    both = wanted.embed + float(np.nan_to_num(wanted.pos_embed))
    assert found["embed"].mean() == pytest.approx(both, abs=1e-4)


def test_a_set_of_answers_counts_by_its_mean() -> None:
    model = tiny.model("gpt2")
    result = cb.run(model, PROMPTS)
    alone = [part_writing(result, [[t]] * 2, [[5]] * 2)["L1H2"] for t in (8, 9)]
    both = part_writing(result, [[8, 9], [8, 9]], [[5]] * 2)["L1H2"]
    np.testing.assert_allclose(both, np.mean(alone, 0), atol=1e-5)


def test_prompts_have_answers_of_their_own() -> None:
    model = tiny.model("llama")
    result = cb.run(model, PROMPTS)
    mixed = part_writing(result, [[8], [9]], [[5], []])
    first = part_writing(result, [[8]] * 2, [[5]] * 2)
    second = part_writing(result, [[9]] * 2, [[]] * 2)
    for place, values in mixed.items():
        assert values[0] == pytest.approx(first[place][0], abs=1e-5)
        assert values[1] == pytest.approx(second[place][1], abs=1e-5)
