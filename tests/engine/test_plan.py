"""What is computed anew, and where everything is because less could not be proved."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf

import tiny
from circuitboard.engine.engine import Engine, engine_of
from circuitboard.engine.run import run
from circuitboard.engine.sweep import sweep
from circuitboard.models.load import load
from circuitboard.models.model import Model
from circuitboard.models.proof import mixing, window
from circuitboard.models.tiny import number_tokenizer
from circuitboard.spec.errors import ModelError, PromptError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet, Patch, Scale, Zero

PROMPT, OTHER = tiny.prompt(9, 1), tiny.prompt(9, 2)
G: dict[str, Any] = tiny._GROUPED
_SHAPE: dict[str, Any] = {"head_dim": 8, "vocab_size_per_layer_input": tiny.VOCABULARY}


def _gemma4(shared: int) -> Any:
    config = hf.Gemma4TextConfig(
        **{**G, "num_hidden_layers": 4},
        **_SHAPE,
        global_head_dim=8,
        hidden_size_per_layer_input=8,
        num_kv_shared_layers=shared,
        layer_types=["sliding_attention", "full_attention"] * 2,
        sliding_window=64,
    )
    return hf.Gemma4ForCausalLM(config)


#: Model, and the reason that its plans give ("" where a cone is exact).
UNUSUAL: dict[str, tuple[Callable[[], Any], str]] = {
    "mistral, window 6": (
        lambda: hf.MistralForCausalLM(hf.MistralConfig(**G, sliding_window=6)), "sliding window",
    ),
    "mistral, window 16": (
        lambda: hf.MistralForCausalLM(hf.MistralConfig(**G, sliding_window=16)), "",
    ),
    "gpt-neo, local 6": (
        lambda: hf.GPTNeoForCausalLM(hf.GPTNeoConfig(
            vocab_size=61, hidden_size=32, num_layers=2, num_heads=4, max_position_embeddings=48,
            window_size=6, attention_types=[[["global", "local"], 1]], bos_token_id=0,
            eos_token_id=0)), "sliding window",
    ),
    "llama 4, chunks of 4": (
        lambda: hf.Llama4ForCausalLM(hf.Llama4TextConfig(
            **G, head_dim=8, attention_chunk_size=4, num_local_experts=2,
            intermediate_size_mlp=48)), "sliding window",
    ),
    "gemma 3, both ways": (
        lambda: hf.Gemma3ForCausalLM(hf.Gemma3TextConfig(
            **G, head_dim=8, sliding_window=64, use_bidirectional_attention=True)),
        "attention looks ahead",
    ),
    "falcon h1": (
        lambda: hf.FalconH1ForCausalLM(hf.FalconH1Config(
            **G, mamba_d_ssm=32, mamba_n_heads=4, mamba_d_head=8, mamba_d_state=4,
            mamba_n_groups=1)), "state-space layers",
    ),
    "gemma 4, no sharing": (lambda: _gemma4(0), ""),
    "gemma 4, shared keys": (lambda: _gemma4(2), "2 layers share keys and values"),
    "bloom": (
        lambda: hf.BloomForCausalLM(hf.BloomConfig(
            vocab_size=61, hidden_size=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0)),
        "",
    ),
    "mixtral": (lambda: hf.MixtralForCausalLM(hf.MixtralConfig(**G, num_local_experts=2)), ""),
}  # fmt: skip


def unusual(name: str) -> Model:
    torch.manual_seed(0)
    model = UNUSUAL[name][0]().eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(4.0)
    return load(model, number_tokenizer(tiny.VOCABULARY))


@pytest.mark.parametrize("name", UNUSUAL)
@pytest.mark.filterwarnings("ignore:.*")
def test_a_run_is_exact_and_says_why_it_is_not_smaller(name: str) -> None:
    m, reason = unusual(name), UNUSUAL[name][1]
    run(m, PROMPT)
    for items in ([Zero("L1H1@5")], [Scale("L0H0", 0.5), Zero("L1.mlp@3:6")], [Zero("L1H0.k@-2")]):
        result = run(m, PROMPT, items)
        wanted = tiny.oracle(m, torch.tensor(result.tokens), items)
        error = float(np.abs(result.logits - wanted.numpy()).max())
        assert error < 1e-4 * max(1.0, float(wanted.abs().max()))
    plan = run(m, PROMPT, Zero("L1H1@7")).plan
    if reason:
        assert reason in plan
        assert "10 of 10 positions" in plan or plan.startswith("full run")
    else:
        assert "3 of 10 positions" in plan
    patched = run(m, PROMPT, Patch("L0H0->L1H1.q", OTHER))
    base = run(m, PROMPT)
    assert np.abs(patched["L1H1.q"] - base["L1H1.q"]).max() > 1e-5
    np.testing.assert_allclose(patched["L1H1.k"], base["L1H1.k"], atol=1e-5)
    np.testing.assert_allclose(patched["L1H0.q"], base["L1H0.q"], atol=1e-5)
    heads: list[AnyIntervention] = [Zero(f"L1H{h}@4") for h in range(4)]
    effects = sweep(m, PROMPT, heads, target="t7", foil="t11")
    start = run(m, PROMPT, target="t7", foil="t11").metric
    for head, effect in zip(heads, effects, strict=True):
        alone = run(m, PROMPT, head, target="t7", foil="t11").metric
        assert effect == pytest.approx(alone - start, abs=1e-4)


@pytest.mark.filterwarnings("ignore:.*")
def test_edges_into_blocks_that_read_shared_keys() -> None:
    m = unusual("gemma 4, shared keys")
    assert m.facts.full_runs
    assert m.facts.n_layers == 4
    base = run(m, PROMPT)
    for text in ("L0H1->L3H1.q", "L1H0->L3.mlp", "L0H1->mlps->L3H2.q", "L2H1->logits"):
        got = run(m, PROMPT, Patch(text, OTHER)).logits
        assert np.abs(got - base.logits).max() > 1e-6
        same = run(m, PROMPT, Patch(text, PROMPT)).logits
        np.testing.assert_allclose(same, base.logits, atol=1e-5)
    before = run(m, PROMPT, [Patch("L0.attn->L3H1.q", OTHER)])["L3H1.q"]
    shift = run(m, OTHER)["L0.attn"] - base["L0.attn"]
    stream = torch.tensor(base["L3.resid_pre"] + shift)
    block = m.bridge.blocks[3]
    with torch.no_grad():
        scaled = block.ln1(stream)
    wanted = run(m, PROMPT, _set("L3.ln1", scaled))["L3H1.q"]
    np.testing.assert_allclose(before, wanted, atol=1e-4)


def _set(at: str, value: torch.Tensor) -> AnyIntervention:
    from circuitboard.spec.intervention import Set

    return Set(at, value.numpy())


@pytest.mark.filterwarnings("ignore:.*")
def test_prompts_of_unequal_length_are_refused_where_attention_looks_ahead() -> None:
    m = unusual("gemma 3, both ways")
    with pytest.raises(PromptError, match="looks ahead"):
        run(m, [PROMPT, tiny.prompt(4, 3)])
    assert run(m, [PROMPT, OTHER]).logits.shape[0] == 2


@pytest.mark.filterwarnings("ignore:.*")
def test_blocks_without_attention_are_refused_by_number() -> None:
    config = hf.JambaConfig(
        **G, num_experts=2, num_experts_per_tok=1, attn_layer_period=2, attn_layer_offset=1,
        use_mamba_kernels=False, mamba_d_state=4,
    )  # fmt: skip
    with pytest.raises(ModelError, match="block 0 has no attention heads"):
        load(hf.JambaForCausalLM(config).eval(), number_tokenizer(tiny.VOCABULARY))


@pytest.mark.parametrize(
    ("config", "caches", "all_positions", "full_runs"),
    [
        ({"use_cache": True}, True, "", ""),
        ({}, False, "", ""),
        ({"use_cache": True, "num_kv_shared_layers": 3}, False, "", "3 layers share keys"),
        ({"use_cache": True, "use_bidirectional_attention": True}, True, "attention looks", ""),
        ({"use_cache": True, "use_bidirectional_attention": "vision"}, True, "", ""),
        ({"layer_types": ["linear_attention", "full_attention"]}, False, "linear_attention", ""),
        ({"layer_types": ["full_attention", "sliding_attention"], "use_cache": 1}, True, "", ""),
        ({"layers_block_type": ["mamba", "attention"]}, False, "mamba layers carry a state", ""),
        ({"block_types": ["recurrent", "recurrent", "attention"]}, False, "recurrent layers", ""),
        ({"layer_types": ["conv", "full_attention"]}, False, "conv layers", ""),
        ({"use_cache": True, "mamba_d_state": 16}, False, "state-space", ""),
    ],
)
def test_what_configurations_say_of_mixing(
    config: dict[str, Any], caches: bool, all_positions: str, full_runs: str
) -> None:
    found = mixing(SimpleNamespace(**config))
    assert found["caches"] is caches
    assert bool(found["all_positions"]) == bool(all_positions)
    assert all_positions in found["all_positions"]
    assert full_runs in found["full_runs"]


def test_what_configurations_say_of_windows() -> None:
    assert window(SimpleNamespace(sliding_window=None)) is None
    assert window(SimpleNamespace(sliding_window=8, use_sliding_window=False)) is None
    assert window(SimpleNamespace(sliding_window=8, attention_chunk_size=4)) == 4
    assert window(None) is None


def test_cones_of_several_changes_merge() -> None:
    m = tiny.model("gpt2")
    engine = Engine(m)
    tokens, lengths = engine.encode(PROMPT)
    engine.baseline(tokens, lengths)
    items: list[AnyIntervention] = [Zero("L2H0@6"), Zero("L1H1@8"), Scale("L2.mlp@7", 0.5)]
    held, way = engine.run(tokens, lengths, InterventionSet.of(items))
    assert (way.layer, way.position) == (1, 6)
    assert "2 of 3 layers, 4 of 10 positions" in way.reason
    wanted = tiny.oracle(m, tokens, items)[0, -1]
    assert torch.allclose(engine.last_logits(held)[0], wanted, atol=1e-4)
    _, back = engine.run(tokens, lengths, InterventionSet.of(items[:1]))
    assert (back.layer, back.position) == (2, 6)
    _, again = engine.run(tokens, lengths, InterventionSet.of(items))
    assert again.reason.startswith("held")
    assert again.cost(m.facts.n_layers, 10) == 0


def test_hooks_put_on_before_the_first_run_are_the_users_too() -> None:
    for on_point in (True, False):
        m = tiny.fresh("gpt2")
        plain = run(tiny.model("gpt2"), PROMPT).logits
        block = m.bridge.blocks[1]
        if on_point:
            block.hook_out.add_hook(lambda t, hook: t * 0.5)
        else:
            block.ln2.register_forward_hook(lambda module, args, out: out * 0.5)
        assert "your own hooks" in run(m, PROMPT).plan
        assert "your own hooks" in run(m, PROMPT, Zero("L2H1@5")).plan
        assert engine_of(m).hooked_by_user
        assert np.abs(run(m, PROMPT).logits - plain).max() > 1e-3
