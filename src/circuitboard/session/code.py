"""Python that rebuilds a board's state exactly."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping

from circuitboard.session.interventions import Entry
from circuitboard.session.question import Question
from circuitboard.spec import tensors
from circuitboard.spec.intervention import (
    Add,
    Freeze,
    Mean,
    Patch,
    Resample,
    Scale,
    Set,
    Source,
    Zero,
)

_SHORT = 64


def python_for(source: str, question: Question, directions: Mapping[str, str]) -> str:
    """Runnable Python: load, board, one line for each edit, named direction and intervention.

    Then what opens the circuit.
    """
    names = {tensor: name for name, tensor in directions.items()}
    named = [f"board.direction({name!r}, {_array(at)})" for name, at in directions.items()]
    edits = map(str, question.edits)
    circuit = () if question.circuit is None else question.circuit.code()
    lines = [*edits, *named, *(_call(entry, names) for entry in question.entries), *circuit]
    contrast = f", contrast={question.contrast!r}" if question.contrast else ""
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
            f"board = cb.Board(model, prompt={question.prompt!r},",
            f"                 target={question.target!r}, foil={question.foil!r}{contrast})",
            *lines,
            "board",
            "",
        ]
    )


def _call(entry: Entry, names: Mapping[str, str]) -> str:
    item, off = entry.item, "" if entry.on else ", on=False"
    match item:
        case Zero():
            return f'board.ablate("{item.at}"{off})'
        case Mean():
            return f'board.ablate("{item.at}", "mean"{off})'
        case Resample():
            return f'board.ablate("{item.at}", "resample", seed={item.seed}{off})'
        case Freeze(source=None):
            return f'board.freeze("{item.at}"{off})'
        case Freeze(source=source) | Patch(source=source):
            verb = "freeze" if isinstance(item, Freeze) else "patch"
            return f'board.{verb}("{item.at}", {_source(source)}{off})'
        case Add(value=str(name)) if name in names:
            return f'board.steer("{item.at}", {names[name]!r}, {item.coefficient!r}{off})'
        case Add(value=str(name)):
            return f'board.add("{item.at}", {_array(name)}, {item.coefficient!r}{off})'
        case Add():
            return f'board.add("{item.at}", {item.value!r}, {item.coefficient!r}{off})'
        case Scale():
            return f'board.scale("{item.at}", {item.factor!r}{off})'
        case Set(value=str(name)):
            return f'board.set("{item.at}", {_array(name)}{off})'
        case Set():
            return f'board.set("{item.at}", {item.value!r}{off})'


def _source(source: Source | None) -> str:
    """A source as Python: its one prompt, or the run that it is."""
    assert source is not None
    if len(source.prompts) == 1 and not source.interventions:
        return repr(source.prompts[0])
    done = ", ".join(f"cb.{item!r}" for item in source.interventions)
    return f"cb.Source({source.prompts!r}, ({done},))" if done else repr(source.prompts)


def _array(name: str) -> str:
    values = tensors.lookup(name)
    if values.size <= _SHORT:
        return f"np.array({values.tolist()!r}, dtype=np.float32)"
    text = base64.b85encode(zlib.compress(values.tobytes(), 9)).decode()
    return (
        f"np.frombuffer(zlib.decompress(base64.b85decode({text!r})), "
        f"dtype=np.float32).reshape({values.shape!r})"
    )
