"""What tests of campaigns share: plans, the command, and looking at what it left."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SMALL = """\
tasks: [known:relay, known:induction]
methods: [eap, {name: eap-ig-inputs, options: {steps: 2}}]
"""
#: The command in a process that has imported all that it needs. A line of input, a plan and a
#: folder, is a fork that runs it; it says the fork's number and when it is over. After another line
#: it says how it ended: until then the number stays taken.
NURSERY = """
import os, sys
import torch
from circuitboard import cli, cli_discover
from circuitboard.circuits.campaign import compute
from circuitboard.circuits.known.known import known_circuit
torch.set_num_threads(1)  # threads would not be there in a fork
known_circuit("relay")  # libraries are imported when a model is made
print("ready", flush=True)
for line in iter(sys.stdin.readline, ""):
    plan, out = line.rstrip("\\n").split("\\t")
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            cli.main(["discover", plan, "--out", out])
            code = 0
        except SystemExit as end:
            code = end.code or 0
        finally:
            os._exit(code)
    print(process, flush=True)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    print("over", flush=True)
    sys.stdin.readline()
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


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
        command(plan, out, *more), capture_output=True, text=True, check=False, timeout=900
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def events(out: Path) -> int:
    log = out / "log.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def until(what: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


class Nursery:
    """Starts the command as a process of its own without importing everything each time."""

    def __init__(self) -> None:
        self._home = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self._home.stdout is not None
        return self._home.stdout.readline().decode().strip()

    def start(self, plan: Path, out: Path) -> int:
        """The number of a new process."""
        assert self._home.stdin is not None
        self._home.stdin.write(f"{plan}\t{out}\n".encode())
        return int(self._line())

    @property
    def over(self) -> bool:
        """Whether the process that was started has ended."""
        return bool(select.select([self._home.stdout], [], [], 0)[0])

    def ended(self) -> int:
        """Waits for the process; how it ended: its code, or minus the signal."""
        assert self._line() == "over"
        assert self._home.stdin is not None
        self._home.stdin.write(b"\n")
        return int(self._line())

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self._home.stdin, self._home.stdout):
            assert stream is not None
            stream.close()
        self._home.wait()
