"""The command line: quick, plain about what is wrong, and without a traceback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from circuitboard import cli, cli_tasks
from circuitboard.lab import notebook
from circuitboard.lab.server import Opening, _arguments


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        cli.main(list(arguments))
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom circuitboard import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'transformers', 'transformer_lens', 'jupyterlab', 'numpy'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    took = []
    for _ in range(3):
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        took.append(time.monotonic() - began)
        assert done.returncode == 0, done.stderr
        assert "open" in done.stdout
    assert min(took) < 0.5


def test_an_unknown_model_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, "nosuch")
    assert "no bundled model 'nosuch'" in said
    assert "names" in said
    assert "folder" in said
    assert "hub name" in said


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no folder ./nosuch" in refusal(capsys, "open", "./nosuch")


def test_a_folder_without_a_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "no config.json" in refusal(capsys, "open", str(tmp_path))


def test_a_port_in_use(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        said = refusal(capsys, "open", str(tmp_path), "--port", port, "--no-browser")
    assert f"port {port} cannot be used" in said


@pytest.mark.parametrize(
    ("path", "why"),
    [("note.txt", "must end in .ipynb"), ("no/such/place/a.ipynb", "there is no folder")],
)
def test_a_bad_notebook_path(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, path: str, why: str
) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert why in refusal(capsys, str(tmp_path), "--notebook", path)


def test_an_unknown_recipe(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said = refusal(capsys, "train", "nosuch", "--out", str(tmp_path))
    assert "there is no recipe 'nosuch'. There is: kinds, names, recall." in said


def test_training_into_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert "wants a folder" in refusal(capsys, "train", "names", "--out", str(file))


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["version"])
    assert stop.value.code in (0, None)
    assert capsys.readouterr().out.startswith("circuitboard 0.")


def test_a_hub_name_is_left_to_the_hub() -> None:
    cli.require_model("EleutherAI/pythia-70m")
    cli.require_model("gpt2")


def test_a_folder_named_like_a_path_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert cli.absolute_model("mine") == str((tmp_path / "mine").resolve())
    assert cli.absolute_model("gpt2") == "gpt2"


def test_the_fresh_notebook_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "board.ipynb"
    notebook.write_fresh(path)
    content = json.loads(path.read_text())
    assert [cell["cell_type"] for cell in content["cells"]] == ["markdown", *["code"] * 3]
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    with pytest.raises(FileExistsError):
        notebook.write_fresh(path)


def test_the_fresh_notebook_is_valid(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    path = tmp_path / "board.ipynb"
    notebook.write_fresh(path)
    nbformat.validate(nbformat.read(path, as_version=4))


def test_the_server_keeps_to_this_machine_and_asks_for_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)
    arguments = _arguments(Opening(notebook=tmp_path / "board.ipynb", model="names"))
    assert "--ServerApp.ip=127.0.0.1" in arguments
    token = next(a for a in arguments if a.startswith("--IdentityProvider.token="))
    assert len(token.split("=")[1]) >= 32
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    assert ("--ServerApp.allow_root=True" in arguments) == as_root


def test_scores_of_any_depth_make_a_table() -> None:
    table = cli_tasks.score_table({"ioi": {"accuracy": 0.5, "margin": 2.0}, "loss": 1.25})
    assert table.row_count == 3
