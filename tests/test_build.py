"""The build hook: it builds when the sources have changed, and asks for Node only then."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def clone(tmp_path: Path, hook: ModuleType) -> Path:
    """A tree whose bundles are fresh."""
    (tmp_path / "web" / "src").mkdir(parents=True)
    (tmp_path / "web" / "src" / "a.ts").write_text("1")
    package = tmp_path / "src" / "circuitboard"
    for name in hook.OUTPUTS:
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("")
    stamp = {"sources": hook.sources_hash(tmp_path / "web")}
    (package / hook.STAMP).write_text(json.dumps(stamp))
    return tmp_path


def test_content_counts_and_times_do_not(clone: Path, hook: ModuleType) -> None:
    source = clone / "web" / "src" / "a.ts"
    assert hook.is_fresh(clone)
    os.utime(source, (1, 1))
    assert hook.is_fresh(clone)
    source.write_text("2")
    assert not hook.is_fresh(clone)


def test_a_name_counts(clone: Path, hook: ModuleType) -> None:
    (clone / "web" / "src" / "a.ts").rename(clone / "web" / "src" / "b.ts")
    assert not hook.is_fresh(clone)


@pytest.mark.parametrize("name", ["node_modules/x/y.js", "test/a.ts", "src/a.test.ts"])
def test_what_is_not_in_the_bundle_does_not_count(clone: Path, hook: ModuleType, name: str) -> None:
    path = clone / "web" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    assert hook.is_fresh(clone)


def test_a_missing_bundle_is_not_fresh(clone: Path, hook: ModuleType) -> None:
    (clone / "src" / "circuitboard" / hook.OUTPUTS[0]).unlink()
    assert not hook.is_fresh(clone)


def test_a_tree_without_sources_is_taken_as_it_is(clone: Path, hook: ModuleType) -> None:
    (clone / "web" / "src" / "a.ts").unlink()
    (clone / "web" / "src").rmdir()
    (clone / "web").rmdir()
    assert hook.is_fresh(clone)


def test_node_is_asked_for_only_where_it_is_needed(
    clone: Path, hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hook.FrontEndHook(str(clone), {}, None, None, str(clone), "wheel")
    monkeypatch.setattr(hook, "system_node", lambda: None)
    assert made.dependencies() == []
    (clone / "web" / "src" / "a.ts").write_text("2")
    assert made.dependencies() == [hook.NODE_WHEEL]
    monkeypatch.setattr(hook, "system_node", lambda: (Path("/bin/node"), ["/bin/npm"]))
    assert made.dependencies() == []


@pytest.mark.parametrize(("said", "good"), [("v18.19.0", False), ("v20.1.0", True), ("", False)])
def test_an_old_node_is_passed_over(
    tmp_path: Path, hook: ModuleType, monkeypatch: pytest.MonkeyPatch, said: str, good: bool
) -> None:
    for name in ("node", "npm"):
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\necho {said}\n")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    assert (hook.system_node() is not None) == good
