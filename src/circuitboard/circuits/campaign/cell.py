"""One cell of a plan: a task, a model, a method, a seed; and what became of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from circuitboard.circuits.evaluation import Evaluation
from circuitboard.spec.circuit import Circuit

#: What known circuits are called, as tasks and as models.
KNOWN = "known:"
#: Raised when results of an older form must not be taken for results of this one.
FORM = 1
Option = str | int | float | bool | None
#: How much is measured of a circuit: faithfulness and its curve by size; all that
#: ``circuitboard.evaluate`` does; or nothing.
Measured = Literal["quick", "full", "none"]
_MIB = 1 << 20


class Cell(msgspec.Struct, frozen=True):
    """What one search is.

    Attributes:
        task, model, method, seed, options, pairs, held_out, evaluation, dtype: as in the plan; of
            files and folders, the name alone.
        task_digest, model_digest: of the file's content, and the folder's; "" for names.
        task_at, model_at, device: where they are on this machine; no part of what it is.
    """

    task: str
    model: str
    method: str
    seed: int = 0
    options: dict[str, Option] = {}
    pairs: int | None = None
    held_out: float | None = None
    evaluation: Measured = "quick"
    dtype: str = "float32"
    task_digest: str = ""
    model_digest: str = ""
    task_at: str = ""
    model_at: str = ""
    device: str = ""

    @property
    def key(self) -> str:
        """The hash of all that decides the result."""
        here = msgspec.structs.replace(self, task_at="", model_at="", device="")
        text = msgspec.json.encode([FORM, here], order="deterministic")
        return hashlib.sha256(text).hexdigest()[:24]

    @property
    def label(self) -> str:
        """A line for people."""
        told = [f"{name}={value}" for name, value in self.options.items()]
        seed = [f"seed {self.seed}"] if self.seed else []
        extra = f" ({', '.join([*told, *seed])})" if told or seed else ""
        model = "" if self.model == self.task else f" in {self.model}"
        return f"{self.task}{model} by {self.method}{extra}"


class Result(msgspec.Struct, frozen=True):
    """What became of a cell.

    Attributes:
        key: the cell's, so that a file says itself what it is.
        circuit, evaluation: where it was found; no evaluation where none was asked for.
        auroc: against a known circuit, of ``edges`` and of ``nodes``.
        error: why it failed, in a sentence, with what to do.
        seconds: all that it took, loading left out.
    """

    key: str
    cell: Cell
    state: Literal["done", "failed"]
    circuit: Circuit | None = None
    evaluation: Evaluation | None = None
    auroc: dict[str, float] = {}
    error: str = ""
    seconds: float = 0.0

    def to_json(self) -> bytes:
        """One line of JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, text: bytes) -> Result:
        """Reads it. Raises msgspec.DecodeError, and ValueError where the key is not the cell's."""
        found = msgspec.json.decode(text, type=cls)
        if found.key != found.cell.key:
            raise ValueError("the key is not that of the cell")
        return found


def digest_of_file(path: Path) -> str:
    """A hash of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def digest_of_folder(path: Path) -> str:
    """A hash of a model's folder: its small files, and sizes and ends of its weights."""
    digest = hashlib.sha256()
    for file in sorted(path.glob("*")):
        if file.suffix not in (".json", ".safetensors", ".txt", ".model"):
            continue
        size = file.stat().st_size
        digest.update(f"{file.name} {size}\n".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(_MIB))
            if size > 2 * _MIB:
                stream.seek(-_MIB, 2)
            digest.update(stream.read())
    return digest.hexdigest()[:16]
