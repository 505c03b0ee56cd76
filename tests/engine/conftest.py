"""The oracle edits norm scales by plain hooks; the library warns that rounding then differs."""

from collections.abc import Iterator

import pytest

import tiny
from circuitboard.engine.engine import engine_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:A forward hook edited hook_scale"))


@pytest.fixture(scope="module", autouse=True)
def shared_models_stay_as_they_were() -> Iterator[None]:
    """No test may leave a shared model edited, or taken to carry hooks of a user's own."""
    yield
    for m in tiny.loaded():
        engine = engine_of(m)
        engine.refresh()
        assert not engine.hooked_by_user, f"{m} carries hooks: {engine.hooks}"
        assert all("forward" not in vars(block) for block in m.bridge.blocks)
