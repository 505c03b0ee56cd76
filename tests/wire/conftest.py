"""Boards of one test do not go on working in the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from circuitboard.session import worker


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    yield
    for one in list(worker._workers):
        one.close()
