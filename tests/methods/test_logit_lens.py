"""The logit lens against TransformerLens: a residual put in place of the last one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tiny
from circuitboard.engine.run import run
from circuitboard.methods import logit_lens as module
from circuitboard.methods.logit_lens import Known, fill, logit_lens, new_lens
from circuitboard.methods.stream import stream_places
from circuitboard.spec.errors import StaleResultError, TargetError
from circuitboard.spec.intervention import Add, Patch, Scale, Zero

PROMPT = tiny.prompt()
SOME = [Zero("L1H1"), Scale("L0.resid_post", 1.3), Add("L1H0@-1", 0.5)]
TAIL = [Scale("ln_final.scale", 2.0), Add("logits@3", 0.5)]


def put_last(m: Any, tokens: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
    """Logits of a bridge run whose last residual is replaced."""

    def replace(tensor: torch.Tensor, hook: Any) -> torch.Tensor:
        return residual.reshape(tensor.shape)

    name = f"blocks.{m.facts.n_layers - 1}.hook_resid_post"
    with torch.no_grad():
        return m.bridge.run_with_hooks(tokens, fwd_hooks=[(name, replace)], return_type="logits")


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_each_layer_is_what_the_model_makes_of_its_residual(name: str) -> None:
    m = tiny.model(name)
    result = run(m, PROMPT)
    lens = logit_lens(result, ["t7", "t11"], k=4)
    tokens = torch.tensor(result.tokens)
    _, cache = m.bridge.run_with_cache(tokens)
    streams = [cache["blocks.0.hook_resid_pre"]]
    streams += [cache[f"blocks.{i}.hook_resid_post"] for i in range(m.facts.n_layers)]
    assert lens.places[0] == "L0.resid_pre"
    assert lens.places[-1] == f"L{m.facts.n_layers - 1}.resid_post"
    assert lens.complete
    for row, residual in enumerate(streams):
        logits = put_last(m, tokens, residual)[0].float()
        probs = logits.softmax(-1)
        for t, token in enumerate((7, 11)):
            np.testing.assert_allclose(lens.logits[t, row], logits[:, token], atol=2e-5)
            np.testing.assert_allclose(
                lens.log_probs[t, row], logits.log_softmax(-1)[:, token], atol=2e-5
            )
            above = (logits > logits[:, token, None] + 1e-4).sum(-1) + 1
            below = (logits > logits[:, token, None] - 1e-4).sum(-1)
            assert (lens.ranks[t, row] >= above.numpy()).all()
            assert (lens.ranks[t, row] <= np.maximum(below.numpy(), 1)).all()
        np.testing.assert_allclose(lens.probabilities[row], probs.topk(4).values, atol=2e-5)
        for column in range(len(lens.positions)):
            own = probs[column, torch.tensor(lens.ids[row, column]).long()]
            np.testing.assert_allclose(lens.probabilities[row, column], own, atol=2e-5)


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
@pytest.mark.parametrize("done", [[], SOME, TAIL], ids=["baseline", "inside", "tail"])
def test_the_last_row_is_the_model_itself_bit_for_bit(name: str, done: list[Any]) -> None:
    m = tiny.model(name)
    kept = [i for i in done if m.has(i.address)]
    result = run(m, PROMPT, kept)
    lens = logit_lens(result, ["t7", "t11"], middle=True)
    np.testing.assert_array_equal(lens.logits[:, -1], result.logits[0][:, [7, 11]].T)
    top = result.top(1, position=4)[0]
    assert lens.ids[-1, 4, 0] == top.id


def test_what_edges_into_the_logits_add_counts_in_the_last_row_alone() -> None:
    m = tiny.model("gpt2")
    plain = logit_lens(run(m, PROMPT), ["t7"])
    result = run(m, PROMPT, Patch("L1H1->logits", tiny.prompt(seed=2)))
    lens = logit_lens(result, ["t7"])
    np.testing.assert_array_equal(lens.logits[0, -1], result.logits[0][:, 7])
    assert np.abs(lens.logits[0, -1] - plain.logits[0, -1]).max() > 1e-3
    np.testing.assert_array_equal(lens.logits[0, :-1], plain.logits[0, :-1])


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "attn_only"])
def test_small_batches_give_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    m = tiny.model(name)
    whole = logit_lens(run(m, PROMPT), ["t7"], middle=True)
    monkeypatch.setattr(module, "BUDGET", 3 * m.facts.d_vocab)
    pieces = logit_lens(run(m, PROMPT), ["t7"], middle=True)
    assert pieces.complete
    np.testing.assert_allclose(pieces.logits, whole.logits, atol=2e-5)
    np.testing.assert_allclose(pieces.probabilities, whole.probabilities, atol=2e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
def test_cells_that_are_equal_in_another_run_are_taken_from_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    m = tiny.model(name)
    baseline, now = run(m, PROMPT), run(m, PROMPT, Zero("L1H1@5"))
    base, alone = logit_lens(baseline, ["t7"]), logit_lens(now, ["t7"])
    engine = now.engine
    lens = new_lens(engine, stream_places(m), range(now.held.lengths[0]), [7], 5)
    seen: list[int] = []
    quick = engine.tail
    monkeypatch.setattr(engine, "tail", lambda rows: (seen.append(len(rows)), quick(rows))[1])
    for _ in fill(engine, now.held, lens, known=Known(baseline.held, base)):
        pass
    np.testing.assert_allclose(lens.logits, alone.logits, atol=2e-5)
    np.testing.assert_allclose(lens.probabilities, alone.probabilities, atol=2e-5)
    # After the head's own layer one position differs (others by rounding at most), and nothing
    # before it; after the next ones, all from there on.
    changed = now.held.lengths[0] - 5
    layers = m.facts.n_layers
    assert 1 + changed * (layers - 2) <= sum(seen) <= changed * (layers - 1)


def test_a_token_that_is_none_and_a_run_that_is_stale_are_refused() -> None:
    m = tiny.fresh("gpt2")
    result = run(m, PROMPT)
    with pytest.raises(TargetError):
        logit_lens(result, ["no such"])
    with torch.no_grad():
        m.bridge.blocks[0].mlp.original_component.c_fc.weight.mul_(1.5)
    result.engine.refresh()
    with pytest.raises(StaleResultError):
        logit_lens(result)
