"""The fresh notebook that stands beside the board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ABOUT = (
    "The board at the left and this notebook share one kernel.\n\n"
    "What you click there is Python here: `model` and `board` are ready to use."
)
CELLS = ("board.selection", 'board.ablate("L2H1")\nboard.interventions', "")


def write_fresh(path: Path) -> None:
    """Writes a new notebook; an existing file is left as it is."""
    cells = [_cell("markdown", "about", ABOUT)]
    cells += [_cell("code", f"try-{index}", text) for index, text in enumerate(CELLS, 1)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    with path.open("x", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write("\n")


def _cell(kind: str, name: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}, "source": text}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell
