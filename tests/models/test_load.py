"""Any model in, checked against its untouched original; errors that say what to do."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.engine.engine import Engine
from circuitboard.models.bundled import bundled_names
from circuitboard.models.tiny import number_tokenizer
from circuitboard.spec.address import Address
from circuitboard.spec.errors import ModelError, TargetError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "models"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the small pretrained models lie beside the project, not in it"
)


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_the_self_check_compares_with_the_untouched_model(name: str) -> None:
    m = tiny.model(name)
    assert m.self_check < 1e-4
    if name in tiny.CONFIGS:
        tokens = torch.tensor([m.tokenize(tiny.prompt())])
        with torch.no_grad():
            wanted = tiny.hf_model(name)(tokens).logits
        np.testing.assert_allclose(cb.run(m, tiny.prompt()).logits, wanted, atol=1e-4)


def test_facts_tell_the_architectures_apart() -> None:
    facts = {name: tiny.model(name).facts for name in tiny.ARCHITECTURES}
    assert facts["neox"].parallel
    assert not tiny.model("neox").has_part("resid_mid")
    assert facts["llama"].n_kv_heads == 2
    assert facts["llama"].positional == "rotary"
    assert (facts["llama"].norm, facts["gpt2"].norm, facts["attn_only"].norm) == (
        "RMS", "LN", "none",
    )  # fmt: skip
    assert facts["gemma2"].softcap == 0.5
    assert facts["llama"].gated
    assert facts["attn_only"].attn_only
    assert not tiny.model("attn_only").mlps
    assert facts["opt"].d_mlp == 48


def test_a_folder_and_an_object_give_the_same_model(tmp_path: Path) -> None:
    original = tiny.hf_model("llama")
    original.save_pretrained(tmp_path)
    number_tokenizer(tiny.VOCABULARY).save_pretrained(tmp_path)
    from_folder = cb.load(tmp_path)
    np.testing.assert_array_equal(
        cb.run(from_folder, tiny.prompt()).logits,
        cb.run(tiny.model("llama"), tiny.prompt()).logits,
    )
    assert cb.load(from_folder) is from_folder


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_models_load_and_answer(name: str) -> None:
    board = cb.Board(cb.load(name))
    assert board.result.metric > 0
    assert board.model.self_check < 1e-4


def test_what_cannot_be_loaded_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        cb.load(tmp_path)
    with pytest.raises(ModelError, match="no folder"):
        cb.load("./nowhere")
    with pytest.raises(ModelError, match="needs its tokenizer"):
        cb.load(tiny.hf_model("gpt2"))
    with pytest.raises(ModelError, match="not a model"):
        cb.load(42)


def test_an_unknown_name_suggests_the_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"Did you mean 'names'"):
        cb.load("nmaes")


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    original = tiny.hf_model("gpt2")
    original.config.save_pretrained(tmp_path)
    torch.save(original.state_dict(), tmp_path / "pytorch_model.bin")
    number_tokenizer(tiny.VOCABULARY).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="safetensors"):
        cb.load(tmp_path)


def test_nans_in_the_weights_are_refused_by_name() -> None:
    broken = tiny.hf_model("gpt2")
    with torch.no_grad():
        broken.transformer.h[1].mlp.c_fc.weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match=r"h\.1\.mlp"):
        cb.load(broken, number_tokenizer(tiny.VOCABULARY))


@pytest.mark.skipif("names" not in bundled_names(), reason="names is not shipped")
def test_targets_with_or_without_a_leading_space() -> None:
    m = cb.load("names")
    assert m.single_token("Mary") == m.single_token(" Mary")
    with pytest.raises(TargetError, match="2 tokens"):
        m.single_token("Mary John")
    with pytest.raises(TargetError, match="not in the vocabulary"):
        m.single_token("Zorblax")


@needs_shared
def test_a_pretrained_llama_tells_its_story() -> None:
    m = cb.load(SHARED / "stories260k")
    text = "Zoo"
    for _ in range(8):
        text += cb.run(m, text).top(1)[0].text
    assert text.startswith("Zoo was a little girl named Lily") or "girl named" in text
    assert (m.facts.n_layers, m.facts.n_heads, m.facts.n_kv_heads) == (5, 8, 4)


@needs_shared
def test_golden_tensors_of_a_pretrained_gpt2_shape() -> None:
    folder = SHARED / "gpt-nano-sort"
    golden = {
        name: np.frombuffer(base64.b64decode(entry["data"]), np.float32).reshape(entry["shape"])
        for name, entry in json.loads((folder / "reference_activations.json").read_text()).items()
        if isinstance(entry, dict) and "data" in entry
    }
    engine = Engine(cb.load(folder))
    tokens = torch.tensor(golden["idx"].astype(np.int64))
    held = engine.baseline(tokens, [tokens.shape[1]] * len(tokens))
    places = {
        "L0.resid_pre": golden["x"],
        "L0.resid_post": golden["block0"],
        "L2.resid_post": golden["block2"],
        "ln_final": golden["ln_f"],
        "logits": golden["lm_head"],
        "L0H1.pattern": golden["attSm"][:, 1],
        "L0.mlp": golden["mlp"],
    }
    found = engine.read(held, [Address.parse(place) for place in places])
    for place, wanted in places.items():
        np.testing.assert_allclose(found[place], wanted, atol=2e-4, err_msg=place)
