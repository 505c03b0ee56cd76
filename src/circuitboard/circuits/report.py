"""The report of a circuit: one offline page, or everything as JSON."""

from __future__ import annotations

import datetime
from pathlib import Path

import msgspec

import circuitboard
from circuitboard import offline
from circuitboard.circuits.explain.findings import Explanation
from circuitboard.spec.errors import CircuitError

ELEMENT = "circuitboard-report"


class Report(msgspec.Struct, frozen=True):
    """What the page draws. ``code`` sets up what the claims' expressions need."""

    title: str
    made: str
    made_with: str
    code: str
    explanation: Explanation


def write(explanation: Explanation, path: Path) -> None:
    """Writes a page or JSON, by the ending of the path.

    Raises CircuitError for another ending, CircuitboardError where the front end is not built.
    """
    if path.suffix == ".json":
        text = explanation.to_json()
    elif path.suffix in (".html", ".htm"):
        text = page(explanation, data=path.with_suffix(".json").name)
    else:
        raise CircuitError(
            f"A report is not written as {path.suffix or 'a file without ending'}.",
            "Name it .html, or .json for the data.",
        )
    path.write_text(text, encoding="utf-8")


def page(explanation: Explanation, data: str = "report.json") -> str:
    """The page's text; ``data`` is the file that its code reads the explanation from."""
    report = report_of(explanation, data)
    text = offline.harmless(msgspec.json.encode(report).decode())
    return offline.page(
        "report", text, title=report.title, element=ELEMENT, made_with=report.made_with
    )


def report_of(explanation: Explanation, data: str = "report.json") -> Report:
    """The explanation with what else the page needs."""
    code = "\n".join(
        (
            "import circuitboard as cb",
            "",
            f'explanation = cb.Explanation.open("{data}")',
            f"model = cb.load({explanation.model!r})",
            "task, circuit = explanation.task, explanation.circuit",
        )
    )
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Report(
        f"{explanation.task.name} in {explanation.circuit.model or explanation.model}",
        now,
        f"circuitboard {circuitboard.__version__}",
        code,
        # scores of edges outside the circuit are in the JSON; the page draws the circuit
        msgspec.structs.replace(
            explanation, circuit=msgspec.structs.replace(explanation.circuit, scores=None)
        ),
    )
