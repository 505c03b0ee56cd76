"""Campaigns in other processes, on Ray, and from the command line."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from campaigns import SMALL, command, events, run_command, timeless, until, write_plan

from circuitboard import cli
from circuitboard.circuits.campaign.cell import Cell, Result
from circuitboard.circuits.campaign.store import Store


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
    options += ["--node-ip-address=127.0.0.1"]
    with log.open("w") as stream:
        process = subprocess.Popen(
            [str(ray), "start", "--head", "--block", *options],
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            env={**os.environ, "RAY_raylet_start_wait_time_s": "120"},
        )
        try:
            up = "Ray runtime started"
            until(lambda: up in log.read_text() or process.poll() is not None, 400)
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
    from circuitboard.circuits.campaign.results_table import csv_text, markdown, rows

    bad = Cell("=1+1|<b>", "m`", "eap")
    results = [
        Result(bad.key, bad, "failed", error="| [x](http://y)\n# z"),
        Result("k", Cell("t", "m", "eap"), "done", auroc={"edges": 0.5}),
    ]
    text = markdown(rows(results))
    assert "\\|\\<b\\>" in text
    assert "\\[x\\](http://y) # z" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") - line.count("\\|") for line in lines}) == 1
    sheet = csv_text(rows(results))
    assert "'=1+1|<b>" in sheet
    assert sheet.splitlines()[0].split(",")[8:] == ["AUROC edges", "seconds", "error", "key"]
