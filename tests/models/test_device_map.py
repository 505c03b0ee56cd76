"""Models spread over devices, as accelerate and transformers spread them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.engine.engine import engine_of
from circuitboard.models.tiny import number_tokenizer
from circuitboard.spec.errors import ModelError

accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed")
PROMPTS, OTHERS = [tiny.prompt(9, 1), tiny.prompt(6, 2)], [tiny.prompt(9, 3), tiny.prompt(6, 4)]
NAMES = ["gpt2", "llama", "gemma2", "neox"]


def answers(m: cb.Model) -> dict[str, Any]:
    """Runs of every kind: whole and in part, values, edges, sweeps, metrics, grids."""
    asked: dict[str, Any] = {"target": "t7", "foil": "t11"}
    edges = ("L0H1->L2H2.k", "L0H1->mlps->L2H2.q", "L0.mlp->L2.mlp", "embed->logits")
    kinds: tuple[Any, ...] = ("logit difference", "loss", "KL divergence")
    found = {"base": cb.run(m, PROMPTS).logits}
    found |= {str(i): cb.run(m, PROMPTS, cb.Zero(f"L{i}H1@-1")).logits for i in range(3)}
    found |= {edge: cb.run(m, PROMPTS, cb.Patch(edge, OTHERS)).logits for edge in edges}
    found |= {at: cb.run(m, PROMPTS)[at] for at in ("L0H1", "L2.mlp", "L2H1.pattern", "ln_final")}
    for kind in kinds:
        found[kind] = cb.sweep(
            m, PROMPTS, [cb.Zero(head) for head in m.heads], metric=kind, **asked
        )
    found["grid"] = cb.patch_grid(m, PROMPTS[0], OTHERS[0], **asked)
    found["paths"] = np.array(
        list(cb.path_patch(m, PROMPTS[0], OTHERS[0], sender="L0H1", **asked).values())
    )
    return found


def same(m: cb.Model, name: str) -> None:
    """The same answers as the model on one CPU, and no hooks taken for the user's."""
    got = answers(m)
    for key, wanted in answers(tiny.model(name)).items():
        scale = max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(got[key], wanted, atol=1e-4 * scale, err_msg=key)
    engine = engine_of(m)
    engine.refresh()
    assert not engine.hooked_by_user
    assert "1 of 3 layers" in cb.run(m, PROMPTS[0], cb.Zero("L2H3@-1")).plan


def blocks_of(original: Any, device: int | str) -> dict[str, int | str]:
    """A device map that names whole blocks, and what lies around them."""
    found = {}
    for key in original.state_dict():
        block = re.match(r".*?\.\d+(?=\.)", key)
        found[block[0] if block else key.rpartition(".")[0]] = device
    return found


@pytest.mark.parametrize("name", NAMES)
def test_an_object_that_accelerate_has_spread(name: str) -> None:
    original = tiny.hf_model(name)
    spread = accelerate.dispatch_model(
        original, blocks_of(original, "cpu"), main_device="cpu", force_hooks=True
    )
    assert any(hasattr(module, "_hf_hook") for module in spread.modules())
    same(cb.load(spread, number_tokenizer(tiny.VOCABULARY)), name)


@pytest.mark.parametrize("device_map", ["cpu", {"": "cpu"}])
def test_a_folder_with_a_device_map(device_map: Any, tmp_path: Path) -> None:
    tiny.hf_model("llama").save_pretrained(tmp_path)
    number_tokenizer(tiny.VOCABULARY).save_pretrained(tmp_path)
    same(cb.load(tmp_path, device_map=device_map), "llama")


def test_device_maps_that_make_no_sense_are_told(tmp_path: Path) -> None:
    tokenizer = number_tokenizer(tiny.VOCABULARY)
    with pytest.raises(ModelError, match="dispatch_model"):
        cb.load(tiny.hf_model("gpt2"), tokenizer, device_map="auto")
    tiny.hf_model("gpt2").save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="without device="):
        cb.load(tmp_path, device="cpu", device_map="auto")
    with torch.device("meta"):
        nowhere = tiny.hf_model("gpt2")
    with pytest.raises(ModelError, match="no device"):
        cb.load(nowhere, tokenizer)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
@pytest.mark.parametrize("name", NAMES)
def test_a_model_on_a_gpu(name: str) -> None:
    m = cb.load(tiny.hf_model(name), number_tokenizer(tiny.VOCABULARY), device="cuda")
    assert m.device.type == "cuda"
    same(m, name)


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="this machine has fewer than two GPUs")
@pytest.mark.parametrize("name", NAMES)
def test_a_model_over_two_gpus(name: str) -> None:
    original = tiny.hf_model(name)
    places = blocks_of(original, 0)
    half = [key for key in places if key.endswith((".1", ".2"))]
    spread = accelerate.dispatch_model(original, places | dict.fromkeys(half, 1))
    same(cb.load(spread, number_tokenizer(tiny.VOCABULARY)), name)
