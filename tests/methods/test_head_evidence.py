"""The evidence for a head's class: patterns made by hand, and the library's own hooks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.engine.engine import engine_of
from circuitboard.engine.run import run
from circuitboard.methods.head_evidence import (
    copied_logits,
    head_evidence,
    pattern_scores,
    repeats,
)
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError

T = 5
SIZE = 2 * T + 1


def looks(source: int) -> np.ndarray:
    """A head whose destinations look that far back, and at the first token where there is none."""
    pattern = np.zeros((SIZE, SIZE), np.float32)
    for row in range(SIZE):
        pattern[row, max(0, row - source)] = 1
    return pattern


def test_a_head_of_each_class_scores_on_its_diagonal() -> None:
    for name, back in {"previous": 1, "duplicate": T, "induction": T - 1}.items():
        scores = {s.name: s for s in pattern_scores(looks(back))}
        assert scores[name].value == 1
        assert scores[name].offset == -back
        others = {"previous", "duplicate", "induction"} - {name}
        assert max(scores[other].value for other in others) <= 1 / T
    first = {s.name: s for s in pattern_scores(looks(SIZE))}["first"]
    assert first.value == 1
    assert first.offset is None


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "attn_only"])
def test_the_pattern_is_the_models_own_on_repeated_tokens(name: str) -> None:
    m = tiny.model(name)
    found = head_evidence(m, "L1H1", period=6, seed=3)
    assert found.period == 6
    assert found.tokens[1:7].tolist() == found.tokens[7:].tolist()
    assert len(set(found.tokens[1:7].tolist())) == 6
    text = " ".join(f"t{i}" for i in found.tokens[1:])
    np.testing.assert_allclose(found.pattern, run(m, text)["L1H1.pattern"][0], rtol=1e-4, atol=1e-5)
    by_name = {s.name: s.value for s in found.scores}
    assert by_name["induction"] == pytest.approx(found.pattern.diagonal(-5).mean(), abs=1e-6)
    assert by_name["duplicate"] == pytest.approx(found.pattern.diagonal(-6).mean(), abs=1e-6)
    assert head_evidence(m, "L1H1", period=6, seed=3).tokens.tolist() == found.tokens.tolist()


def test_repeats_fit_the_context_and_hold_no_special_token() -> None:
    m = tiny.model("native")
    tokens = repeats(m)
    assert len(tokens) == 2 * ((m.facts.n_ctx - 1) // 2) + 1
    assert tokens[0] == m.tokenizer.bos_token_id
    assert not set(tokens[1:].tolist()) & set(m.tokenizer.all_special_ids)


@pytest.mark.parametrize(
    ("name", "head"), [("gpt2", "L2H3"), ("gpt2", "L0H1"), ("llama", "L2H3"), ("attn_only", "L1H0")]
)
def test_what_is_copied_is_what_the_librarys_hooks_give(name: str, head: str) -> None:
    m = tiny.model(name)
    address = Address.parse(head)
    tokens = torch.tensor([5, 17, 40])
    ids = torch.stack([torch.zeros(3, dtype=torch.long), tokens], 1)
    layer, index = address.layer or 0, address.head or 0
    start = "blocks.0.hook_resid_post" if layer else "blocks.0.hook_resid_pre"
    kept: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        _, cache = m.bridge.run_with_cache(ids)

        def keep(value: torch.Tensor, hook: object) -> None:
            kept["v"] = value

        m.bridge.run_with_hooks(
            ids,
            fwd_hooks=[
                (f"blocks.{layer}.hook_resid_pre", lambda x, hook: cache[start]),
                (f"blocks.{layer}.attn.hook_v", keep),
            ],
        )
        v = kept["v"][:, 1, index * kept["v"].shape[2] // m.facts.n_heads]
        out = v @ m.output_weights(layer)[index]
        final = m.bridge.ln_final(out[:, None] * 100)[:, 0] if m.has_part("ln_final") else out
        bias = m.final_bias()
        final = final if bias is None else final - bias
        expected = final @ m.bridge.W_U
        given = copied_logits(engine_of(m), address, tokens)
    alike = torch.nn.functional.cosine_similarity(given, expected, dim=-1)
    assert float(alike.min()) > 0.9999


def test_counts_of_what_was_copied() -> None:
    m = tiny.model("gpt2")
    found = head_evidence(m, "L2H3")
    tokens = torch.tensor([i for i in range(61) if i not in m.tokenizer.all_special_ids])
    logits = copied_logits(engine_of(m), Address.parse("L2H3"), tokens)
    order = logits.argsort(dim=-1, descending=True)
    rank = (order == tokens[:, None]).int().argmax(-1)
    assert found.copying.tried == found.copying.wanted == len(tokens)
    assert found.copying.top1 == int((rank == 0).sum())
    assert found.copying.top5 == int((rank < 5).sum())
    assert found.copying.bottom5 == int((rank >= 56).sum())
    best = found.copying.examples[0]
    assert best.rank == int(rank.min()) + 1
    assert best.top == int(order[tokens.tolist().index(best.token), 0])


def test_the_bundled_models_induction_head_is_told_by_its_evidence() -> None:
    m = cb.load("names")
    by_head = {
        head: {s.name: s.value for s in cb.head_evidence(m, head).scores} for head in m.heads
    }
    assert max(scores["induction"] for scores in by_head.values()) > 0.4


def test_only_heads_have_evidence() -> None:
    with pytest.raises(AddressError):
        head_evidence(tiny.model("gpt2"), "L1.mlp")
    with pytest.raises(AddressError):
        head_evidence(tiny.model("gpt2"), "L7H0")
