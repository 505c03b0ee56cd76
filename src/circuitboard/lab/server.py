"""Starts JupyterLab with the board at the left and a notebook at the right."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

PACKAGE = Path(__file__).resolve().parent.parent
SHARED = Path(__file__).resolve().parent / "jupyter"
EXTENSIONS = PACKAGE / "labextension"
TOKEN_SOURCES = ("JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What the command line asked for."""

    notebook: Path
    model: str
    prompt: str | None = None
    target: str | None = None
    foil: str | None = None
    port: int | None = None
    browser: bool = True
    ipc: bool = False
    verbose: bool = False
    extra: Sequence[str] = ()

    @property
    def workspace(self) -> str:
        """One JupyterLab workspace for each notebook file."""
        return "circuitboard-" + hashlib.sha256(str(self.notebook).encode()).hexdigest()[:8]

    def page(self) -> str:
        """What the extension reads in the page, as JSON."""
        return json.dumps(
            {
                "notebook": self.notebook.name,
                "model": self.model,
                "prompt": self.prompt,
                "target": self.target,
                "foil": self.foil,
            }
        )


def is_built() -> bool:
    """Whether the front end's files are there."""
    built = (PACKAGE / "static" / "widget.js", EXTENSIONS / "circuitboard" / "package.json")
    return all(path.is_file() for path in built)


def serve(opening: Opening, announce: Callable[[str], None]) -> None:
    """Runs JupyterLab until it is stopped; ``announce`` gets its address once it listens."""
    _share_settings()
    from jupyterlab.labapp import LabApp

    LabApp.serverapp_config = {**LabApp.serverapp_config, **_server_config(opening)}
    server = LabApp.initialize_server(argv=_arguments(opening))
    announce(address(server, opening.workspace))
    server.start()


def address(server: Any, workspace: str) -> str:
    """Where to point a browser: the board's workspace, with the token."""
    base = f"http://127.0.0.1:{server.port}{server.base_url}lab/workspaces/{workspace}"
    token = server.identity_provider.token
    return f"{base}?token={quote(token)}" if token else base


def _share_settings() -> None:
    """Adds our kernel and our defaults for JupyterLab's settings before the user's own folders.

    They are defaults: what a user sets in JupyterLab stands above them, and no file of the
    user's is touched. The kernel named ``python3`` is thereby this very Python.
    """
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH"):
        paths = [str(SHARED), *filter(None, [os.environ.get(name)])]
        os.environ[name] = os.pathsep.join(paths)


def _server_config(opening: Opening) -> dict[str, Any]:
    return {
        "root_dir": str(opening.notebook.parent),
        "kernel_websocket_connection_class": "circuitboard.lab.connection.BoardConnection",
        # The page's own settings: a query string in the address would break the one printed.
        "tornado_settings": {"page_config_data": {"circuitboard": opening.page()}},
    }


def _arguments(opening: Opening) -> list[str]:
    arguments = [
        "--ServerApp.ip=127.0.0.1",
        f"--LabApp.default_url=/lab/workspaces/{opening.workspace}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--LabApp.extra_labextensions_path={EXTENSIONS}",
        f"--ServerApp.open_browser={opening.browser}",
        "--ServerApp.answer_yes=True",
    ]
    if not any(os.environ.get(name) for name in TOKEN_SOURCES):
        arguments.append(f"--IdentityProvider.token={secrets.token_hex(24)}")
    if opening.port is not None:
        arguments += [f"--ServerApp.port={opening.port}", "--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--ServerApp.allow_root=True")
    if opening.ipc:
        arguments.append("--KernelManager.transport=ipc")
    elif _can_encrypt():
        arguments.append("--MappingKernelManager.transport_encryption=auto")
    if not opening.verbose:
        arguments += ["--ServerApp.log_level=ERROR", "--LabApp.log_level=ERROR"]
    return [*arguments, *opening.extra]


def _can_encrypt() -> bool:
    """Whether this Jupyter can encrypt its loopback sockets; without it, each kernel warns."""
    from jupyter_server.services.kernels.kernelmanager import MappingKernelManager

    return hasattr(MappingKernelManager, "transport_encryption")
