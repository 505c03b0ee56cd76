"""What checks types and shapes in tests (`addopts` in pyproject.toml): beartype, made once each.

The hook decorates functions inside functions each time that they are made, which takes longer
than the models of the tests do. What it hands over is no closure but a signature, so that the
check that is made of the first serves all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beartype import beartype

Function = Callable[..., Any]

_made: dict[tuple[Any, ...], Function] = {}


def checked(function: Function) -> Function:
    """A signature's check; the same for each function made in the same place."""
    if "<locals>" not in function.__qualname__:
        return beartype(function)
    key = (
        function.__module__,
        function.__qualname__,
        function.__code__.co_varnames,
        repr(function.__annotations__),
    )
    if key not in _made:
        _made[key] = beartype(function)
    return _made[key]
