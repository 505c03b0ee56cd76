"""Writes the front end's types from the Python ones.

``web/src/wire/types.ts`` from :mod:`circuitboard.wire.messages`, and ``web/src/report/types.ts``
from :mod:`circuitboard.circuits.report`. ``python -m circuitboard.wire.typescript`` writes them;
with ``--check`` it only says, by its exit code, whether the files are current.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect as mi

from circuitboard.circuits.report import Report
from circuitboard.wire import messages

WEB = Path(__file__).resolve().parents[3] / "web" / "src"
_HEAD = "// Generated from {source} by `make types`. Do not edit.\n"
_UNIONS = ("View", "Info", "Request", "Push")
_ALIASES = ("Measure", "DType", "HeadValue", "WeightSide")


def files() -> dict[str, str]:
    """The text of each file, by its folder under ``web/src``."""
    return {"wire": typescript(), "report": report_types()}


def typescript() -> str:
    """The text of the messages' file."""
    parts = [_HEAD.format(source="src/circuitboard/wire/messages")]
    parts += [f"export type {name} = {_literal(getattr(messages, name))};\n" for name in _ALIASES]
    structs = [
        cls
        for cls in vars(messages).values()
        if inspect.isclass(cls)
        and issubclass(cls, messages.Message)
        and cls is not messages.Message
    ]
    parts += [_interface(cls) for cls in structs]
    for name in _UNIONS:
        union = getattr(messages, name)
        members = [cls.__name__ for cls in getattr(union, "__args__", (union,))]
        parts.append(f"export type {name} = {' | '.join(members)};\n")
    return "\n".join(parts)


def report_types() -> str:
    """The text of the report's file: its struct, and all that this holds."""
    found: dict[str, type[msgspec.Struct]] = {}
    todo: list[mi.Type] = [mi.type_info(Report)]
    while todo:
        kind = todo.pop()
        if isinstance(kind, mi.StructType) and kind.cls.__name__ not in found:
            found[kind.cls.__name__] = kind.cls
            todo += [field.type for field in kind.fields]
        todo += _inside(kind)
    head = _HEAD.format(source="src/circuitboard/circuits/report.py")
    return "\n".join([head, *(_interface(found[name]) for name in sorted(found))])


def _inside(kind: mi.Type) -> list[mi.Type]:
    match kind:
        case mi.ListType(item_type=item) | mi.VarTupleType(item_type=item):
            return [item]
        case mi.TupleType(item_types=items):
            return list(items)
        case mi.UnionType(types=types):
            return list(types)
        case mi.DictType(value_type=value):
            return [value]
        case _:
            return []


def _literal(alias: Any) -> str:
    return " | ".join(f'"{value}"' for value in alias.__args__)


def _interface(cls: type[msgspec.Struct]) -> str:
    info = mi.type_info(cls)
    assert isinstance(info, mi.StructType)
    doc = inspect.cleandoc(cls.__doc__ or "").splitlines()
    lines = [f" * {line}".rstrip() for line in doc]
    fields: list[str] = []
    if info.tag_field:
        fields.append(f'  {info.tag_field}: "{info.tag}";')
    for field in info.fields:
        optional = "" if field.required else "?"
        if not field.required and not _sent_up(cls):
            optional = ""
        fields.append(f"  {field.encode_name}{optional}: {_type(field.type)};")
    return "\n".join(
        ["/**", *lines, " */", f"export interface {cls.__name__} {{", *fields, "}", ""]
    )


def _sent_up(cls: type) -> bool:
    """Fields with a default may be left out by the screen, never by the kernel."""
    return cls in messages.Request.__args__


def _type(kind: mi.Type) -> str:
    match kind:
        case mi.IntType() | mi.FloatType():
            return "number"
        case mi.StrType():
            return "string"
        case mi.BoolType():
            return "boolean"
        case mi.NoneType():
            return "null"
        case mi.LiteralType(values=values):
            return " | ".join(f'"{value}"' for value in values)
        case mi.ListType(item_type=item) | mi.VarTupleType(item_type=item):
            inner = _type(item)
            return f"({inner})[]" if " " in inner else f"{inner}[]"
        case mi.TupleType(item_types=items):
            return f"[{', '.join(_type(item) for item in items)}]"
        case mi.DictType(value_type=value):
            return f"Record<string, {_type(value)}>"
        case mi.AnyType():
            return "unknown"
        case mi.BytesType():
            return "string"
        case mi.UnionType(types=types):
            names = {t.cls.__name__ for t in types if isinstance(t, mi.StructType)}
            if names == {cls.__name__ for cls in messages.View.__args__}:
                return "View"
            return " | ".join(_type(t) for t in types)
        case mi.StructType(cls=cls):
            return cls.__name__
        case _:
            raise TypeError(f"no TypeScript for {kind!r}")


def main() -> None:
    """Writes the files, or checks them."""
    for name, text in files().items():
        target = WEB / name / "types.ts"
        if "--check" not in sys.argv[1:]:
            target.write_text(text)
        elif not target.is_file() or target.read_text() != text:
            sys.exit(f"web/src/{name}/types.ts is stale: run `make types`.")


if __name__ == "__main__":
    main()
