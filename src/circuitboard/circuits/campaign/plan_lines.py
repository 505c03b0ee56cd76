"""Which line of a plan an error is about."""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


def taken_apart(text: str) -> tuple[str, str]:
    """The message of a validation error, and the field that it is about: ``$.methods[1].name``."""
    message, _, field = text.partition(" - at `")
    field = field.rstrip("`") or "$"
    unknown = _UNKNOWN.search(message)
    return message, f"{field}.{unknown[1]}" if unknown else field


def line_of(text: str, field: str, *, yaml: bool) -> int:
    """The line, from 1, where a field stands; of what holds it, where it is not there; 0 for none.

    In TOML it is the first line that sets the last name of the field, or opens its table.
    """
    steps = [name or int(index) for name, index in _STEP.findall(field)]
    return _in_yaml(text, steps) if yaml else _in_toml(text, steps)


def _in_yaml(text: str, steps: list[str | int]) -> int:
    import yaml

    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        return 0
    line = node.start_mark.line
    for step in steps:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            found = (node.value[step],) * 2 if step < len(node.value) else None
        if found is None:
            break
        line, node = found[0].start_mark.line, found[1]
    return line + 1


def _in_toml(text: str, steps: list[str | int]) -> int:
    for name in reversed([re.escape(step) for step in steps if isinstance(step, str)]):
        table, inline = rf"\s*\[+\s*([\w.]+\.)?{name}\s*\]", rf".*[{{,]\s*{name}\s*="
        sets = re.compile(rf"\s*([\w.]+\.)?{name}\s*=|{table}|{inline}")
        for number, line in enumerate(text.splitlines(), 1):
            if sets.match(line):
                return number
    return 0
