"""The models that come with the package."""

from __future__ import annotations

from pathlib import Path

_HOME = Path(__file__).resolve().parent.parent / "bundled"


def bundled_names() -> list[str]:
    """Names that ``circuitboard.load`` takes without a download."""
    if not _HOME.is_dir():
        return []
    return sorted(p.name for p in _HOME.iterdir() if (p / "config.json").is_file())


def bundled_folder(name: str) -> Path:
    """Where a bundled model lies."""
    return _HOME / name
