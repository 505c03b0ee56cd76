"""oneDNN's products equal the modules' own, forwards and backwards, and know their limits."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

import tiny
from circuitboard.models.executor import Span, run_span
from circuitboard.models.lean import lean
from circuitboard.models.load import load
from circuitboard.models.products import MANY, onednn, product, product_of
from circuitboard.models.tiny import new_gpt2, number_tokenizer

ROWS = [(1, 1), (1, 2), (3,), (5,), (2, 16), (1, 100)]
KINDS = ["linear", "without bias", "conv", "part of a conv", "part of a linear"]


def made(kind: str) -> nn.Module:
    """A map of 24 numbers to 40."""
    torch.manual_seed(0)
    if kind == "conv":
        return Conv1D(40, 24)
    module = nn.Linear(24, 40, bias=kind != "without bias")
    if kind == "part of a conv":
        module.weight = nn.Parameter(torch.randn(24, 90)[:, 30:70].T)
    if kind == "part of a linear":
        module.weight = nn.Parameter(torch.randn(40, 60)[:, 10:34])
    return module


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes that oneDNN is given."""
    seen: list[tuple[int, ...]] = []
    quick = onednn()
    assert quick is not None, "this build of torch has no oneDNN"

    def count(given: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
        seen.append(tuple(given.shape))
        return quick(given, matrix, bias)

    monkeypatch.setattr("circuitboard.models.products.onednn", lambda: count)
    return seen


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", ROWS, ids=str)
@torch.no_grad()
def test_a_product_equals_the_modules_own(
    kind: str, rows: tuple[int, ...], calls: list[tuple[int, ...]]
) -> None:
    module: Any = made(kind)
    quick = product_of(module)
    assert quick is not None
    given = torch.randn(*rows, 24)
    own, found = module(given), quick(given)
    assert found.shape == own.shape
    torch.testing.assert_close(found, own, rtol=2e-6, atol=2e-6)
    few = kind.startswith("part") and len(given.flatten(0, -2)) < MANY
    assert calls == ([] if few else [(*rows, 24)])
    torch.testing.assert_close(quick(given.mT.contiguous().mT), own, rtol=2e-6, atol=2e-6)
    bias = module.bias if module.bias is not None else torch.zeros(40)
    assert torch.equal(quick(torch.zeros(*rows, 24)), bias.expand(*rows, 40))


@torch.no_grad()
def test_weights_are_read_when_it_is_called() -> None:
    for kind in KINDS:
        module: Any = made(kind)
        quick = product_of(module)
        assert quick is not None
        given = torch.randn(6, 24)
        module.weight.mul_(2.0)
        torch.testing.assert_close(quick(given), module(given), rtol=2e-6, atol=4e-6)
        module.weight = nn.Parameter(torch.zeros_like(module.weight))
        assert torch.equal(quick(given), module(given))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_flow_to_the_input(kind: str, calls: list[tuple[int, ...]]) -> None:
    module = made(kind).requires_grad_(False)
    quick = product_of(module)
    assert quick is not None
    given = torch.randn(2, 7, 24, requires_grad=True)
    weights = torch.randn(2, 7, 40)
    (own,) = torch.autograd.grad((module(given) * weights).sum(), given)
    (found,) = torch.autograd.grad((quick(given) * weights).sum(), given)
    torch.testing.assert_close(found, own, rtol=2e-6, atol=4e-6)
    assert len(calls) == (0 if kind.startswith("part") else 2)


def test_what_it_is_not_meant_for_goes_the_modules_own_way(calls: list[tuple[int, ...]]) -> None:
    for kind in KINDS:
        module: Any = made(kind)
        quick = product_of(module)
        assert quick is not None
        given = torch.randn(4, 24, requires_grad=True)
        quick(given).sum().backward()  # the weights want gradients
        assert module.weight.grad is not None
        assert quick(torch.zeros(0, 24)).shape == (0, 40)
        for dtype in (torch.float64, torch.bfloat16):
            module.to(dtype)
            assert torch.equal(quick(given.to(dtype)), module(given.to(dtype)))
    assert calls == []


def test_a_subclass_keeps_its_own_way() -> None:
    class Doubled(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            return 2 * super().forward(input)

    assert product_of(Doubled(3, 4)) is None
    assert product_of(nn.LayerNorm(3)) is None


def test_a_build_without_it_computes_as_torch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("circuitboard.models.products.onednn", lambda: None)
    assert product_of(made("linear")) is None
    given, matrix = torch.randn(5, 24), torch.randn(40, 24)
    torch.testing.assert_close(product(given, matrix, None), given @ matrix.T)


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_a_models_passes_use_it(name: str, calls: list[tuple[int, ...]]) -> None:
    model = tiny.model(name)
    model.attached.pop("lean", None)
    tokens = torch.tensor([model.tokenize(tiny.prompt())])
    with lean(model):
        pass
    calls.clear()
    layers = model.facts.n_layers
    run_span(model, Span(tokens, 0, layers))
    assert calls == []
    run_span(model, Span(tokens, 0, layers, lean="all but norms"))
    model.attached.pop("lean", None)
    assert len(calls) >= 3 * layers


def test_a_model_of_real_width_has_every_product() -> None:
    """Sums of thousands of products round by more than a sum of a few; that is no disagreement."""
    made = new_gpt2(61, n_ctx=16, d_model=1600, n_layers=1, n_heads=25, seed=1)
    model = load(made, number_tokenizer(61))
    with lean(model):
        block = model.bridge.blocks[0]
        parts = (block.attn.q, block.attn.k, block.attn.v, block.attn.o, *mlp_of(block))
        for part in (*parts, model.bridge.unembed):
            assert "forward" in part.original_component.__dict__


def mlp_of(block: Any) -> tuple[Any, Any]:
    """The two maps of an MLP."""
    return getattr(block.mlp, "in"), block.mlp.out
