"""Starts the real command on a free port, and drives it in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
SOURCE = Path(__file__).resolve().parents[2] / "src"
START_S = 90
STOP_S = 10
BOARD_MS = 90_000
#: How long anything is waited for: other tests may be running beside this one.
PATIENCE_S = 20.0
RAN = re.compile(r"^\[\d+\]:$")
# Without it, cells out of sight are not in the page.
SETTINGS = {"@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"}}


def find_browser() -> str | None:
    """Chromium's path, or that of a browser of its family."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Server:
    """A running ``circuitboard open``."""

    url: str
    token: str
    root: Path
    started_s: float
    output: Path

    def workspace(self, name: str) -> str:
        """The address of a workspace that starts empty."""
        return f"{self.url}/lab/workspaces/{name}?reset&token={self.token}"


@contextlib.contextmanager
def server(*arguments: str, settings: dict[str, Any] | None = None) -> Iterator[Server]:
    """Runs the command in a directory and a home of its own; ends its whole process group."""
    with tempfile.TemporaryDirectory(prefix="cb-", ignore_cleanup_errors=True) as place:
        root, home = Path(place) / "work", Path(place) / "home"
        root.mkdir()
        _write_settings(home / "settings", {**SETTINGS, **(settings or {})})
        output = home / "output.txt"
        command = [*_command(), *arguments, "--no-browser", f"--port={free_port()}"]
        began = time.monotonic()
        with output.open("w") as log:
            process = subprocess.Popen(
                [*command, "--", "--LabApp.expose_app_in_browser=True"],
                cwd=root,
                env=_environment(home),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            address = urlsplit(_address(process, output))
            yield Server(
                url=f"{address.scheme}://{address.netloc}",
                token=parse_qs(address.query)["token"][0],
                root=root,
                started_s=time.monotonic() - began,
                output=output,
            )
        finally:
            _end(process)


def _command() -> list[str]:
    script = Path(sys.executable).with_name("circuitboard")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "circuitboard.cli"]


def _environment(home: Path) -> dict[str, str]:
    own = {
        "HOME": home,
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "IPYTHONDIR": home / "ipython",
    }
    given = {**os.environ, **{name: str(path) for name, path in own.items()}}
    given["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SOURCE), given.get("PYTHONPATH")]))
    return given


def _write_settings(folder: Path, settings: dict[str, Any]) -> None:
    for name, values in settings.items():
        path = folder / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


def _address(process: subprocess.Popen[bytes], output: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        text = output.read_text()
        if found := re.search(r"^Circuitboard: (http\S+)$", text, re.MULTILINE):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"the command did not start:\n{output.read_text()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """One headless browser, with nothing of its own going to the network."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=list(FLAGS), headless=True
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Record:
    """What a page did: the addresses that it asked for, and its uncaught errors."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Follows one page from now on."""
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def strangers(self) -> list[str]:
        """Requests that left the machine."""
        ways = ("http", "https", "ws", "wss")
        asked = [(urlsplit(url), url) for url in self.requests]
        return [url for at, url in asked if at.scheme in ways and at.hostname != "127.0.0.1"]


def wait_for_board(page: Page) -> None:
    """Until the board is painted and the notebook's kernel has nothing to do."""
    expect(page.get_by_test_id("board")).to_be_visible(timeout=BOARD_MS)
    page.wait_for_function(IDLE, timeout=BOARD_MS)


FIND = """const panel = [...jupyterapp.shell.widgets('main')].find(w => w.content?.model?.cells);"""
IDLE = f"""() => {{ {FIND}
  return panel?.sessionContext?.session?.kernel?.status === 'idle'; }}"""


def until(page: Page, question: str, *, within_s: float = PATIENCE_S) -> None:
    """Asks the page until it says yes.

    For functions that are async: ``wait_for_function`` takes their promise itself for a yes.
    """
    deadline = time.monotonic() + within_s
    while not page.evaluate(question):
        assert time.monotonic() < deadline, f"the page still says no to {question}"
        page.wait_for_timeout(50)


def execute(page: Page, code: str) -> None:
    """Runs code in the notebook's kernel without a cell; raises what it raises."""
    problem = page.evaluate(
        f"""async code => {{ {FIND}
          const kernel = panel.sessionContext.session.kernel;
          const reply = await kernel.requestExecute({{code, store_history: false}}).done;
          const {{status, ename, evalue}} = reply.content;
          return status === 'ok' ? null : `${{ename}}: ${{evalue}}`; }}""",
        code,
    )
    assert problem is None, problem


def run_cell(page: Page, code: str, *, wait: bool = True) -> str:
    """Adds a cell at the notebook's end and runs it; its output as text (empty if not waiting)."""
    index = page.evaluate(
        f"""async code => {{ {FIND}
          const shared = panel.content.model.sharedModel;
          shared.insertCell(shared.cells.length, {{cell_type: 'code', source: code}});
          const index = panel.content.widgets.length - 1;
          jupyterapp.shell.activateById(panel.id);
          panel.content.activeCellIndex = index;
          window.cellDone = jupyterapp.commands.execute('notebook:run-cell');
          return index; }}""",
        code,
    )
    return finish_cell(page, index) if wait else ""


def finish_cell(page: Page, index: int = -1) -> str:
    """Waits for the cell that runs; its output as text."""
    return page.evaluate(
        f"""async index => {{ {FIND}
          await window.cellDone;
          const outputs = panel.content.widgets.at(index).model.outputs.toJSON();
          const text = o => o.text ?? o.data?.['text/plain'] ?? `${{o.ename}}: ${{o.evalue}}`;
          return outputs.map(o => [text(o)].flat().join('')).join(''); }}""",
        index,
    )


def type_and_run(page: Page, code: str) -> Locator:
    """Types into the last cell as a person does; the cell's output once it has run."""
    cells = page.locator(".jp-NotebookPanel:visible .jp-CodeCell")
    cell = cells.nth(cells.count() - 1)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.type(code)
    page.keyboard.press("Shift+Enter")
    expect(cell.locator(".jp-InputPrompt")).to_have_text(RAN)
    return cell.locator(".jp-OutputArea-output")
