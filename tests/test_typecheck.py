"""The check of types and shapes in tests: made once, it still holds for every function."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from jaxtyping import Float, TypeCheckError, jaxtyped
from torch import Tensor

from typecheck import checked


def made(factor: float) -> Callable[..., Tensor]:
    """A function inside a function, as the hook decorates it."""

    @jaxtyped(typechecker=checked)
    def scaled(x: Float[Tensor, "n d"], y: Float[Tensor, "d"]) -> Float[Tensor, "n d"]:
        return x * y * factor if factor else y

    return scaled


def test_each_function_made_in_one_place_is_checked_and_does_its_own_work() -> None:
    x, y = torch.ones(3, 2), torch.ones(2)
    for factor in (2.0, 3.0):
        scaled = made(factor)
        assert torch.equal(scaled(x, y), factor * x)
        with pytest.raises(TypeCheckError):
            scaled(x, torch.ones(3))
        with pytest.raises(TypeCheckError):
            scaled(x, 1.0)
    with pytest.raises(TypeCheckError):
        made(0.0)(x, y)


def test_the_engine_is_checked() -> None:
    import tiny
    from circuitboard.engine.engine import engine_of

    engine = engine_of(tiny.model("attn_only"))
    with pytest.raises(TypeCheckError):
        engine.tail(torch.ones(3))
