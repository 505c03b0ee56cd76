"""Campaigns: each cell done once, whatever kills the process, and alike wherever it runs."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from circuitboard import cli
from circuitboard.circuits.campaign import Standing, run_campaign
from circuitboard.circuits.cell import Cell, Result
from circuitboard.circuits.plan import Plan, PlannedMethod, read_plan
from circuitboard.circuits.store import Store, StoreError

SMALL = """\
tasks: [known:relay, known:induction]
methods: [eap, {name: eap-ig-inputs, options: {steps: 2}}]
"""
#: Cells enough that a process is killed twenty times before it is through.
LARGE = SMALL + f"seeds: {list(range(14))}\n"


def write_plan(folder: Path, text: str = SMALL) -> Path:
    path = folder / "plan.yaml"
    path.write_text(text)
    return path


def timeless(folder: Path) -> dict[str, Any]:
    """All results by key, without how long anything took."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if k not in ("seconds", "at")}
        return [strip(v) for v in value] if isinstance(value, list) else value

    return {p.stem: strip(json.loads(p.read_bytes())) for p in (folder / "cells").glob("*.json")}


def command(plan: Path, out: Path, *more: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "circuitboard.cli",
        "discover",
        str(plan),
        "--out",
        str(out),
        *more,
    ]


def run_command(plan: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(plan, out, *more), capture_output=True, text=True, check=False, timeout=400
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small plan, and the results of an uninterrupted run of it in this process."""
    home = tmp_path_factory.mktemp("small")
    plan = write_plan(home)
    standing = run_campaign(read_plan(plan), home / "out")
    assert (standing.total, standing.found, standing.done, standing.failed) == (4, 0, 4, 0)
    return plan, home / "out"


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
        assert result.evaluation["faithfulness"] == pytest.approx(1, abs=0.05)
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
    from circuitboard.models.tiny import new_gpt2, save_gpt2, word_tokenizer

    save_gpt2(new_gpt2(8, 8, 16, 1, 2, 0), model)
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


# --- the folder ---------------------------------------------------------------------------------


def test_what_a_killed_process_left_is_mended(small: tuple[Path, Path], tmp_path: Path) -> None:
    plan, out = small
    shutil.copytree(out, tmp_path / "out")
    store = Store(tmp_path / "out")
    first, second, *_ = [cell.key for cell in read_plan(plan)]
    (store.cells / f"{first}.json.77.part").write_bytes(b"{half")
    store.path(second).unlink()
    log = tmp_path / "out" / "log.jsonl"
    lines = [row for row in log.read_text().splitlines() if '"end"' not in row or first not in row]
    log.write_text("\n".join(lines) + '\n{"event":"sta')
    standing = run_campaign(read_plan(plan), tmp_path / "out")
    assert (standing.found, standing.done) == (3, 4)
    assert not list(store.cells.glob("*.part"))
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


def events(out: Path) -> int:
    log = out / "log.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def until(what: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


@pytest.mark.parametrize("kills", [5, pytest.param(20, marks=pytest.mark.soak)])
def test_killed_at_any_moment_it_goes_on(kills: int, tmp_path: Path) -> None:
    """SIGKILL at random moments, most of them amid cells, some while it starts or ends."""
    plan = write_plan(tmp_path, LARGE if kills > 5 else SMALL + "seeds: [0, 1, 2]\n")
    cells, out, dice = read_plan(plan), tmp_path / "out", random.Random(kills)
    for number in range(kills):
        before = events(out)
        process = subprocess.Popen(
            command(plan, out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        if number % 5 == 4:
            time.sleep(dice.uniform(0, 4))
        else:
            until(lambda p=process, n=before: events(out) > n or p.poll() is not None)
            time.sleep(dice.choice([0, dice.uniform(0, 0.05), dice.uniform(0, 0.5)]))
        assert process.poll() is None, process.stderr and process.stderr.read()
        process.kill()
        process.communicate()
        for path in (out / "cells").glob("*.json"):
            Result.from_json(path.read_bytes())
    assert run_command(plan, out).returncode == 0
    run_campaign(cells, tmp_path / "whole")
    assert timeless(out) == timeless(tmp_path / "whole")
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


def children(process: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(told[1]) == process and told[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- elsewhere ----------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_processes_give_the_same_and_end_with_their_parent(
    small: tuple[Path, Path], tmp_path: Path
) -> None:
    plan, out = small
    process = subprocess.Popen(
        command(plan, tmp_path / "out", "--jobs", "2"), stdout=subprocess.DEVNULL
    )
    until(lambda: events(tmp_path / "out") >= 2)
    workers = children(process.pid)
    assert len(workers) >= 2
    process.kill()
    process.wait()
    until(lambda: not any(map(alive, workers)), 60)
    assert run_command(plan, tmp_path / "out", "--jobs", "2").returncode == 0
    assert timeless(tmp_path / "out") == timeless(out)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Ray cluster of one machine with two workers."""
    if shutil.which("ray", path=os.path.dirname(sys.executable)) is None:
        pytest.skip("Ray is not installed: pip install 'circuitboard[ray]'")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("ray") / "log"
    place = Path(f"/tmp/cb-ray-{os.getpid()}")  # its sockets need a short path
    ray = Path(sys.executable).parent / "ray"
    options = ["--num-cpus=2", "--include-dashboard=false", "--object-store-memory=80000000"]
    options += ["--disable-usage-stats", f"--port={port}", f"--temp-dir={place}"]
    with log.open("w") as stream:
        process = subprocess.Popen(
            [str(ray), "start", "--head", "--block", *options],
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            env={**os.environ, "RAY_raylet_start_wait_time_s": "120"},
        )
        try:
            until(lambda: "Ray runtime started" in log.read_text() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield f"127.0.0.1:{port}"
        finally:
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            shutil.rmtree(place, ignore_errors=True)


def test_a_ray_cluster_gives_the_same(
    cluster: str, small: tuple[Path, Path], tmp_path: Path
) -> None:
    plan, out = small
    wrong = write_plan(tmp_path, SMALL.replace("steps: 2", "size: -0.5"))
    done = run_command(plan, tmp_path / "out", "--ray", cluster)
    assert done.returncode == 0, done.stderr
    assert timeless(tmp_path / "out") == timeless(out)
    failing = run_command(wrong, tmp_path / "out", "--ray", cluster)
    assert failing.returncode == 1
    assert "-0.5 is not a share" in failing.stdout


def test_no_cluster_at_that_address(small: tuple[Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'circuitboard[ray]'")
    done = run_command(small[0], tmp_path, "--ray", "nowhere")
    assert done.returncode == 2
    assert "No Ray cluster answers at nowhere" in done.stderr


# --- the command --------------------------------------------------------------------------------


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        cli.main(list(arguments))
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_one_task_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    with pytest.raises(SystemExit) as stop:
        cli.main(["discover", "known:relay", "--method", "eap", "--out", out])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert "known:relay" in said
    with pytest.raises(SystemExit):
        cli.main(["report", out])
    assert "results.md" in capsys.readouterr().out.replace("\n", "")
    (cell,) = [r.cell for r in Store(tmp_path / "out").results()]
    assert cell.key == Cell("known:relay", "known:relay", "eap").key


def test_orders_that_make_no_sense(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "out")]
    plan = str(write_plan(tmp_path))
    assert "Give --model and --method" in refusal(capsys, "discover", "mine.jsonl", *out)
    assert "A plan says itself" in refusal(capsys, "discover", plan, "--method", "eap", *out)
    both = refusal(capsys, "discover", plan, "--jobs", "2", "--ray", "auto", *out)
    assert "Give one of them" in both
    assert "is no folder of results" in refusal(capsys, "report", str(tmp_path / "none"))
    assert not (tmp_path / "out").exists()


def test_tables_hold_every_cell_and_no_markup(tmp_path: Path) -> None:
    from circuitboard.circuits.results_table import csv_text, markdown, rows

    bad = Cell("=1+1|<b>", "m`", "eap")
    results = [
        Result(bad.key, bad, "failed", error="| [x](http://y)\n# z"),
        Result("k", Cell("t", "m", "eap"), "done", evaluation={"cpr": 0.5, "pairs": [1]}),
    ]
    text = markdown(rows(results))
    assert "\\|\\<b\\>" in text
    assert "\\[x\\](http://y) # z" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") - line.count("\\|") for line in lines}) == 1
    sheet = csv_text(rows(results))
    assert "'=1+1|<b>" in sheet
    assert sheet.splitlines()[0].split(",")[8:] == ["cpr", "seconds", "error", "key"]
