"""A small campaign that is through."""

from __future__ import annotations

from pathlib import Path

import pytest
from campaigns import write_plan

from circuitboard.circuits.campaign.plan import read_plan
from circuitboard.circuits.campaign.run import run_campaign


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small plan, and the results of an uninterrupted run of it in this process."""
    home = tmp_path_factory.mktemp("small")
    plan = write_plan(home)
    standing = run_campaign(read_plan(plan), home / "out")
    assert (standing.total, standing.found, standing.done, standing.failed) == (4, 0, 4, 0)
    return plan, home / "out"
