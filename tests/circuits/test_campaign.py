"""Campaigns: each cell done once, whatever kills the process, and alike wherever it runs."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from campaigns import (
    SMALL,
    Nursery,
    command,
    events,
    run_command,
    timeless,
    until,
    write_plan,
)

from circuitboard.circuits.campaign.cell import Cell, Result
from circuitboard.circuits.campaign.plan import Plan, PlannedMethod, read_plan
from circuitboard.circuits.campaign.run import Standing, run_campaign
from circuitboard.circuits.campaign.store import Store, StoreError

# --- one process --------------------------------------------------------------------------------


def test_results_are_whole_and_say_what_they_are(small: tuple[Path, Path]) -> None:
    plan, out = small
    results = Store(out).results()
    assert {r.key for r in results} == {cell.key for cell in read_plan(plan)}
    for result in results:
        assert result.state == "done"
        assert result.key == result.cell.key
        assert result.circuit is not None
        assert result.circuit.task == result.cell.task
        assert Result.from_json(result.to_json()) == result
        assert 0.5 < result.auroc["edges"] <= 1
        assert result.evaluation is not None
        assert result.evaluation.value == pytest.approx(1, abs=0.05)
        assert result.evaluation.curve is not None
        assert result.evaluation.chance is None
    lines = Store(out).log()
    assert Counter(line.event for line in lines) == {"start": 4, "end": 4}


def test_what_is_done_is_not_done_again(small: tuple[Path, Path]) -> None:
    plan, out = small
    before = {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    seen: list[Standing] = []
    standing = run_campaign(read_plan(plan), out, watch=seen.append)
    assert (standing.found, standing.done) == (4, 4)
    assert len(seen) == 1
    assert {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()} == before
    assert len(Store(out).log()) == 8


def test_a_longer_plan_adds_to_what_is_there(small: tuple[Path, Path], tmp_path: Path) -> None:
    _, out = small
    shutil.copytree(out, tmp_path / "out")
    longer = write_plan(tmp_path, SMALL.replace("known:relay", "known:relay, known:gates"))
    standing = run_campaign(read_plan(longer), tmp_path / "out")
    assert (standing.total, standing.found, standing.done) == (6, 4, 6)


def test_the_watcher_hears_every_start_and_result(tmp_path: Path) -> None:
    seen: list[Standing] = []
    made = Plan(("known:relay",), ("eap", PlannedMethod("eap", {"size": -0.5})))
    run_campaign(made.cells(), tmp_path, watch=seen.append)
    assert [(s.done, s.failed, len(s.running)) for s in seen] == [
        (0, 0, 0),
        (0, 0, 1),
        (1, 0, 0),
        (1, 0, 1),
        (1, 1, 0),
    ]
    assert seen[1].running == ("known:relay by eap",)
    assert seen[2].last is not None


def test_failures_are_kept_with_their_reason_and_retried_on_demand(tmp_path: Path) -> None:
    names = tmp_path / "mine.jsonl"
    line = {"clean": "a b c", "corrupt": "b a c", "targets": ["a"], "foils": ["b"]}
    names.write_text(json.dumps(line) + "\n")
    model = tmp_path / "model"
    from circuitboard.models.tiny import new_gpt2, save_model, word_tokenizer

    save_model(new_gpt2(8, 8, 16, 1, 2, 0), model)
    word_tokenizer(tuple("abcd"), pattern=r"\S+", n_ctx=8).save_pretrained(model)
    cells = read_plan(
        write_plan(tmp_path, "tasks: [mine.jsonl]\nmodels: [./model]\nmethods: [eap]\n")
    )
    names.rename(tmp_path / "away.jsonl")
    out = tmp_path / "out"
    assert run_campaign(cells, out).failed == 1
    (failed,) = Store(out).results()
    assert failed.state == "failed"
    assert "mine.jsonl" in failed.error
    assert run_campaign(cells, out).failed == 1  # not tried again unasked
    assert len(Store(out).log()) == 2
    assert "mine.jsonl" in (out / "results.md").read_text().replace("\\", "")
    (tmp_path / "away.jsonl").rename(names)
    standing = run_campaign(cells, out, retry=True)
    assert (standing.done, standing.failed) == (1, 0)
    assert [line.state for line in Store(out).log()] == ["", "failed", "", "done"]


def test_any_exception_in_a_cell_is_a_failure_of_that_cell_alone(tmp_path: Path) -> None:
    made = Plan(("known:relay",), (PlannedMethod("eap", {"size": "all"}), "eap"))
    standing = run_campaign(made.cells(), tmp_path)
    assert (standing.done, standing.failed) == (1, 1)
    (failed,) = [r for r in Store(tmp_path).results() if r.state == "failed"]
    assert failed.error.startswith("TypeError: ")


def test_a_held_out_share_is_not_searched(tmp_path: Path) -> None:
    (cell,) = Plan(("known:relay",), ("eap",), held_out=0.25).cells()
    run_campaign([cell], tmp_path)
    (result,) = Store(tmp_path).results()
    assert result.circuit is not None
    assert result.circuit.made.pairs == 12
    assert result.evaluation is not None
    assert result.evaluation.held_out is not None
    assert result.evaluation.held_out.pairs == 4
    assert "held out" in (tmp_path / "results.md").read_text()


def test_how_much_is_measured(tmp_path: Path) -> None:
    for measured in ("full", "none"):
        run_campaign(Plan(("known:relay",), ("eap",), evaluation=measured).cells(), tmp_path)
    none, full = sorted(Store(tmp_path).results(), key=lambda r: r.evaluation is not None)
    assert none.evaluation is None
    assert none.auroc == full.auroc == {"edges": 1, "nodes": 1}
    assert full.evaluation is not None
    assert full.evaluation.chance is not None
    assert full.evaluation.minimality
    sheet = (tmp_path / "results.csv").read_text().splitlines()
    assert "random circuits" in sheet[0]


# --- the folder ---------------------------------------------------------------------------------


def test_what_a_killed_process_left_is_mended(small: tuple[Path, Path], tmp_path: Path) -> None:
    plan, out = small
    shutil.copytree(out, tmp_path / "out")
    store = Store(tmp_path / "out")
    first, second, *_ = [cell.key for cell in read_plan(plan)]
    (store.cells / f"{first}.json.77.part").write_bytes(b"{half")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (store.folder / f"results.md.{gone.pid}.part").write_bytes(b"| half")
    mine = store.folder / "results.csv.1.part"  # of a process that is there
    mine.write_bytes(b"half")
    store.path(second).unlink()
    log = tmp_path / "out" / "log.jsonl"
    lines = [row for row in log.read_text().splitlines() if '"end"' not in row or first not in row]
    log.write_text("\n".join(lines) + '\n{"event":"sta')
    standing = run_campaign(read_plan(plan), tmp_path / "out")
    assert (standing.found, standing.done) == (3, 4)
    assert list(store.folder.rglob("*.part")) == [mine]
    assert timeless(tmp_path / "out") == timeless(out)
    ends = Counter(line.key for line in store.log() if line.event == "end")
    assert ends[first] == 1
    assert ends[second] == 2  # done, lost by hand, done again


def test_a_damaged_result_is_never_taken_for_one(small: tuple[Path, Path], tmp_path: Path) -> None:
    plan, out = small
    shutil.copytree(out, tmp_path / "out")
    store = Store(tmp_path / "out")
    keys = [cell.key for cell in read_plan(plan)]
    store.path(keys[0]).write_bytes(store.path(keys[1]).read_bytes())
    with pytest.raises(StoreError, match=r"is not a result: it is of another cell\. Delete it"):
        run_campaign(read_plan(plan), tmp_path / "out")
    store.path(keys[0]).write_bytes(b"{}")
    with pytest.raises(StoreError, match="is not a result"):
        store.results()


def test_one_process_at_a_time(small: tuple[Path, Path]) -> None:
    plan, out = small
    with Store(out).writing():
        done = run_command(plan, out)
    assert done.returncode == 2
    assert "Another process is writing to" in done.stderr


def test_a_folder_that_cannot_be_made(small: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written to"):
        run_campaign(read_plan(small[0]), tmp_path / "file" / "out")


# --- killed -------------------------------------------------------------------------------------


def kill_at_random(nursery: Nursery, plan: Path, out: Path, dice: random.Random) -> bool:
    """Starts the command and kills it, amid its cells or while it starts or ends.

    Whether there was something to kill: it may have been through before.
    """
    begun = events(out)
    process = nursery.start(plan, out)
    if dice.random() < 0.25:
        time.sleep(dice.uniform(0, 0.3))
    else:
        wanted = begun + dice.randint(1, 4)
        until(lambda: events(out) >= wanted or nursery.over)
        time.sleep(dice.choice([0, dice.uniform(0, 0.02), dice.uniform(0, 0.2)]))
    os.kill(process, signal.SIGKILL)
    code = nursery.ended()
    assert code in (0, -signal.SIGKILL)
    for path in (out / "cells").glob("*.json"):
        Result.from_json(path.read_bytes())
    return code != 0


def check_whole(out: Path, cells: list[Cell], kills: int, unbroken: Path) -> None:
    """Nothing lost, nothing done twice, and the same as without kills."""
    assert timeless(out) == timeless(unbroken)
    assert len(timeless(out)) == len(cells)
    lines = Store(out).log()
    ends = Counter(line.key for line in lines if line.event == "end")
    assert ends == dict.fromkeys((cell.key for cell in cells), 1)
    starts = Counter(line.key for line in lines if line.event == "start")
    assert set(starts) == set(ends)
    assert sum(starts.values()) - len(ends) <= kills
    assert not list(out.rglob("*.part"))
    for name in ("results.md", "results.csv"):
        assert len((out / name).read_text().splitlines()) > len(cells)


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.soak)])
def test_killed_at_any_moment_it_goes_on(kills: int, tmp_path: Path) -> None:
    """SIGKILL at random moments, so many times; where a campaign is through, another begins."""
    plan = write_plan(tmp_path, SMALL + "seeds: [0, 1, 2, 3]\n")
    cells, dice = read_plan(plan), random.Random(kills)
    run_campaign(cells, tmp_path / "unbroken")
    killed = campaigns = 0
    with Nursery() as nursery:
        while killed < kills:
            out, before = tmp_path / f"out {campaigns}", killed
            while killed < kills and kill_at_random(nursery, plan, out, dice):
                killed += 1
            if killed == kills:
                assert run_command(plan, out).returncode == 0
            check_whole(out, cells, killed - before, tmp_path / "unbroken")
            campaigns += 1
    assert campaigns < kills  # most kills came amid the work


def test_killed_while_it_starts_as_people_start_it(tmp_path: Path) -> None:
    """The whole command, killed while it imports and while it computes."""
    plan, out = write_plan(tmp_path), tmp_path / "out"
    for wait in (0.5, None):
        process = subprocess.Popen(command(plan, out), stdout=subprocess.DEVNULL)
        if wait is None:
            until(lambda: events(out) >= 2)
        else:
            time.sleep(wait)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    run_campaign(read_plan(plan), out)
    run_campaign(read_plan(plan), tmp_path / "unbroken")
    check_whole(out, read_plan(plan), 2, tmp_path / "unbroken")
