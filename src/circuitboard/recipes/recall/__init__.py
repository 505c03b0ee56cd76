"""The bundled model ``recall``: the program that it computes, its training and its checks."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "bundled" / "recall"
"""The folder of the shipped model."""
