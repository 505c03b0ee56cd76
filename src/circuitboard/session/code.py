"""Python that rebuilds a board's state exactly."""

from __future__ import annotations

import base64
import zlib

from circuitboard.session.interventions import Entries, Entry
from circuitboard.spec import tensors
from circuitboard.spec.errors import CircuitboardError
from circuitboard.spec.intervention import Freeze, Scale, Set, Zero

_SHORT = 64


def python_for(source: str, prompt: str, target: str, foil: str, entries: Entries) -> str:
    """Runnable Python: load, board, one line for each intervention."""
    lines = [_call(entry) for entry in entries]
    arrays = any("np." in line for line in lines)
    packed = any("zlib." in line for line in lines)
    head = ["import circuitboard as cb"]
    if packed:
        head = ["import base64", "import zlib", "", *head]
    if arrays:
        head += ["import numpy as np"]
    return "\n".join(
        [
            *head,
            "",
            f"model = cb.load({source!r})",
            f"board = cb.Board(model, prompt={prompt!r},",
            f"                 target={target!r}, foil={foil!r})",
            *lines,
            "board",
            "",
        ]
    )


def _call(entry: Entry) -> str:
    item, off = entry.item, "" if entry.on else ", on=False"
    match item:
        case Zero():
            return f'board.ablate("{item.at}"{off})'
        case Freeze():
            return f'board.freeze("{item.at}"{off})'
        case Scale():
            return f'board.scale("{item.at}", {item.factor!r}{off})'
        case Set(value=str(name)):
            return f'board.set("{item.at}", {_array(name)}{off})'
        case Set():
            return f'board.set("{item.at}", {item.value!r}{off})'
        case _:
            raise CircuitboardError(f"{item!r} has no line of Python yet.")


def _array(name: str) -> str:
    values = tensors.lookup(name)
    if values.size <= _SHORT:
        return f"np.array({values.tolist()!r}, dtype=np.float32)"
    text = base64.b85encode(zlib.compress(values.tobytes(), 9)).decode()
    return (
        f"np.frombuffer(zlib.decompress(base64.b85decode({text!r})), "
        f"dtype=np.float32).reshape({values.shape!r})"
    )
