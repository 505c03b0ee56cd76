"""What tests of campaigns share: plans, the command, and looking at what it left."""

from __future__ import annotations

import json
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
