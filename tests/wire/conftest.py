"""Boards of one test do not work on into the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from circuitboard.session import worker


@pytest.fixture(autouse=True)
def workers_end() -> Iterator[None]:
    """Ends every board's thread: what it does would otherwise disturb the next test."""
    yield
    for each in list(worker._workers):
        each.close()
