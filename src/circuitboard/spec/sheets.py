"""Texts that go into spreadsheets."""

from __future__ import annotations

from typing import Any

#: What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: texts that look like one get a mark."""
    suspect = isinstance(value, str) and value.strip(" ").startswith(FORMULA)
    return f"'{value}" if suspect else value
