"""Which weights the accessors of this room give: those in the model, or others in their place.

The weights themselves stay as they are, so that a pass in another thread is not disturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

#: What a weight in the model, or a view of one, is seen as.
Lens = Callable[[Tensor], Tensor]

_lens: ContextVar[Lens | None] = ContextVar("weights seen", default=None)


@contextmanager
def seeing(lens: Lens | None) -> Generator[None, None, None]:
    """In here, in this thread, weights are seen through a lens; None: as they are in the model."""
    token = _lens.set(lens)
    try:
        yield
    finally:
        _lens.reset(token)


def seen(weight: Tensor) -> Tensor:
    """A weight as it is seen here."""
    lens = _lens.get()
    return weight if lens is None else lens(weight)
