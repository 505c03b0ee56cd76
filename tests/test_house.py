"""The house's rules of size: what is too long to read at once is taken apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import circuitboard

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = (".py", ".ts", ".tsx", ".css", ".mjs")
#: Made by `make types`.
GENERATED = {Path("web/src/wire/types.ts"), Path("web/src/report/types.ts")}
FOLDERS = ("src", "tests", "benchmarks", "docs", "web/src", "web/test", "web/dev")
LINES, FUNCTION_LINES, PARAMETERS = 400, 60, 6

Function = ast.FunctionDef | ast.AsyncFunctionDef


def written() -> Iterator[tuple[Path, str]]:
    """All files that somebody wrote, and their text."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            near = path.relative_to(ROOT)
            built = {"node_modules", "static", "labextension", "__pycache__"} & set(near.parts)
            if path.suffix in WRITTEN and not built and near not in GENERATED:
                yield near, path.read_text()


def functions() -> Iterator[tuple[Path, Function]]:
    for path, text in written():
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, Function):
                    yield path, node


def parameters(function: Function) -> int:
    """How many; keywords of what the user calls (``circuitboard.__all__``) do not count."""
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args)]
    if function.name not in {*circuitboard.__all__, "__init__"}:
        names += [a.arg for a in given.kwonlyargs]
    return len([name for name in names if name not in ("self", "cls")])


def test_a_file_has_at_most_400_lines() -> None:
    counts = {path: len(text.splitlines()) for path, text in written()}
    assert len(counts) > 300
    assert {path: n for path, n in counts.items() if n > LINES} == {}


def test_a_function_has_at_most_60_lines() -> None:
    found = {
        f"{path}:{f.lineno} {f.name}": (f.end_lineno or f.lineno) - f.lineno + 1
        for path, f in functions()
    }
    assert len(found) > 1000
    assert {name: n for name, n in found.items() if n > FUNCTION_LINES} == {}


def test_a_function_has_at_most_six_parameters() -> None:
    """Options of the command are parameters too, but nobody passes them by hand."""
    found = {
        f"{path}:{f.lineno} {f.name}": parameters(f)
        for path, f in functions()
        if path.parts[0] == "src" and not path.name.startswith("cli")
    }
    assert {name: n for name, n in found.items() if n > PARAMETERS} == {}


def test_the_glossary_is_in_order_and_says_each_word_once() -> None:
    rows = (ROOT / "GLOSSARY.md").read_text().splitlines()
    words = [row.split("|")[1].strip() for row in rows if row.startswith("| ")][1:]
    assert len(words) > 50
    assert words == sorted(set(words), key=lambda word: word.split(",")[0].lower())


def test_no_two_test_files_have_one_name() -> None:
    """Pytest imports them by their names alone: two of a name stop the whole run."""
    names = [p.name for p in (ROOT / "tests").rglob("*.py") if p.name != "conftest.py"]
    assert len(names) > 50
    assert sorted(names) == sorted(set(names))
