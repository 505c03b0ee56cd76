"""A folder of results: one file for each cell, whole or not there, whatever kills the process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from circuitboard.circuits.campaign.cell import Result
from circuitboard.spec.errors import CircuitboardError

Event = Literal["start", "end"]


class StoreError(CircuitboardError):
    """A folder that cannot take results."""

    kind = "store"


class Line(msgspec.Struct, frozen=True):
    """A line of the log: when a cell was started, and when its result was safe."""

    event: Event
    key: str
    at: float
    state: str = ""


class Store:
    """Results in ``folder/cells``, and a log of what was done in ``folder/log.jsonl``.

    A result is written to a file of another name, brought to the disk, and renamed. So a file that
    is there is whole. One process at a time writes; a lock that the system drops with the process
    sees to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cells = folder / "cells"
        self._log = folder / "log.jsonl"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the folder for this process, and clears what a killed one left half done.

        Raises:
            StoreError: it cannot be made, or another process writes there.
        """
        import fcntl

        try:
            self.cells.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        except OSError as error:
            raise StoreError(
                f"{self.folder} cannot be written to ({error.strerror}).", "Give another --out."
            ) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StoreError(
                    f"Another process is writing to {self.folder}.",
                    "Wait for it, or give another --out.",
                ) from None
            self._mend()
            yield

    def _mend(self) -> None:
        """Takes away half-written files; says of whole ones that they are done."""
        for left in self.cells.glob("*.part"):
            left.unlink()
        for left in filter(_abandoned, self.folder.glob("*.part")):  # tables, written by all
            left.unlink(missing_ok=True)
        if self._log.exists() and not self._log.read_bytes().endswith(b"\n"):
            self._append(b"\n")
        for key, line in {line.key: line for line in self.log()}.items():
            if line.event == "start" and (found := self.get(key)) is not None:
                self.note("end", key, found.state)

    # --- results --------------------------------------------------------------------------------

    def path(self, key: str) -> Path:
        """Where the result of a cell is, or will be."""
        return self.cells / f"{key}.json"

    def get(self, key: str) -> Result | None:
        """A result, or None.

        Raises StoreError for a file that is not one.
        """
        try:
            found = Result.from_json(self.path(key).read_bytes())
            if found.key != key:
                raise ValueError("it is of another cell")
            return found
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, ValueError) as error:
            raise StoreError(
                f"{self.path(key)} is not a result: {error}.", "Delete it, and it is done again."
            ) from None

    def put(self, result: Result) -> None:
        """Writes a result in one step, in place of an earlier one."""
        path = self.path(result.key)
        write_whole(path, result.to_json() + b"\n")
        self.note("end", result.key, result.state)

    def drop(self, key: str) -> None:
        """Forgets a result, so that its cell is open again."""
        self.path(key).unlink(missing_ok=True)

    def results(self) -> list[Result]:
        """All results there are. Raises StoreError."""
        keys = sorted(path.stem for path in self.cells.glob("*.json"))
        return [found for found in map(self.get, keys) if found is not None]

    # --- the log --------------------------------------------------------------------------------

    def note(self, event: Event, key: str, state: str = "") -> None:
        """Adds a line to the log."""
        self._append(msgspec.json.encode(Line(event, key, time.time(), state)) + b"\n")

    def _append(self, text: bytes) -> None:
        handle = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, text)
            os.fsync(handle)
        finally:
            os.close(handle)

    def log(self) -> list[Line]:
        """Its whole lines, in order."""
        if not self._log.exists():
            return []
        return list(_lines(self._log.read_bytes().splitlines()))


def _lines(rows: Iterable[bytes]) -> Iterator[Line]:
    for row in rows:
        try:
            yield msgspec.json.decode(row, type=Line)
        except msgspec.DecodeError:  # cut off when the machine stopped
            continue


def _abandoned(part: Path) -> bool:
    """Whether the process that wrote a half-written file is gone."""
    number = part.suffixes[-2].removeprefix(".")
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (ValueError, PermissionError):
        return False
    return int(number) == os.getpid()


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that it is either the old one or the new one, on the disk too."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
