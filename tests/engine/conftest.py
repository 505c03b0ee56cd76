"""The oracle edits norm scales by plain hooks; the library warns that rounding then differs."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:A forward hook edited hook_scale"))
