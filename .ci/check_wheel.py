"""Builds from a clean copy on a machine without Node, as ``pip install .`` does, and looks inside.

The copy holds what a clone holds. PATH is empty, so the front end is built with the Node of the
build requirement; the wheel made from the sdist must then need no Node at all.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT_MB = 50
WANTED = (
    r"circuitboard/static/widget\.js",
    r"circuitboard/static/saved\.js",
    r"circuitboard/static/report\.js",
    r"circuitboard/labextension/circuitboard/static/remoteEntry\.\w+\.js",
    r"circuitboard/lab/jupyter/kernels/python3/kernel\.json",
    r"circuitboard/lab/jupyter/labconfig/default_setting_overrides\.json",
    r"circuitboard/bundled/kinds/model\.safetensors",
    r"circuitboard/bundled/names/model\.safetensors",
    r"circuitboard/bundled/recall/model\.safetensors",
)
WANTED_IN_WHEEL = (
    r"circuitboard-[^/]+\.data/data/share/jupyter/labextensions/circuitboard/package\.json",
)
UNWANTED = (r"node_modules", r"\.test\.", r"__pycache__")


def main() -> None:
    """Copies, builds a wheel and an sdist, and a wheel from that sdist."""
    with tempfile.TemporaryDirectory() as place:
        clone, out = Path(place) / "clone", Path(place) / "out"
        copy_clone(clone)
        pip_wheel(clone, out)
        look_inside(next(out.glob("*.whl")), (*WANTED, *WANTED_IN_WHEEL))
        builder = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(out)]
        subprocess.run(builder, cwd=clone, check=True, capture_output=True)
        sdist = next(out.glob("*.tar.gz"))
        look_inside(sdist, WANTED)
        with tarfile.open(sdist) as packed:
            packed.extractall(Path(place) / "unpacked", filter="data")
        unpacked = next((Path(place) / "unpacked").iterdir())
        asked = "import hatchling.build as b; print(b.get_requires_for_build_wheel())"
        needs = subprocess.run(
            [sys.executable, "-c", asked],
            cwd=unpacked,
            env={**os.environ, "PATH": ""},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        if "nodejs" in needs:
            sys.exit("the sdist's bundle is stale: a wheel made from it would need Node")
    print("wheel and sdist are complete; no Node was needed")


def copy_clone(target: Path) -> None:
    """Copies what git would carry: nothing built, nothing installed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def pip_wheel(clone: Path, out: Path) -> None:
    """Builds in isolation, with nothing on PATH."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(out), str(clone)],
        env={**os.environ, "PATH": ""},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"the build without Node failed:\n{done.stdout}\n{done.stderr}")


def look_inside(archive: Path, wanted: tuple[str, ...]) -> None:
    """Ends with a sentence where a file is missing, or does not belong, or it is too large."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as packed:
            names = packed.namelist()
    else:
        with tarfile.open(archive) as packed:
            names = packed.getnames()
    missing = [each for each in wanted if not any(re.search(each, name) for name in names)]
    strange = [name for name in names if any(re.search(each, name) for each in UNWANTED)]
    size = archive.stat().st_size / 1e6
    if missing or (strange and archive.suffix == ".whl"):
        sys.exit(f"{archive.name}: missing {missing}, does not belong {strange}")
    if size > LIMIT_MB:
        sys.exit(f"{archive.name} has {size:.0f} MB, more than {LIMIT_MB}")
    print(f"{archive.name}: {len(names)} files, {size:.1f} MB")


if __name__ == "__main__":
    main()
