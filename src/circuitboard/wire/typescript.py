"""Writes ``web/src/wire/types.ts`` from :mod:`circuitboard.wire.messages`.

``python -m circuitboard.wire.typescript`` writes it; with ``--check`` it only says, by its exit
code, whether the file is current.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect as mi

from circuitboard.wire import messages

TARGET = Path(__file__).resolve().parents[3] / "web" / "src" / "wire" / "types.ts"
_HEAD = "// Generated from src/circuitboard/wire/messages by `make types`. Do not edit.\n"
_UNIONS = ("View", "Info", "Request", "Push")
_ALIASES = ("Measure", "DType", "HeadValue", "WeightSide")


def typescript() -> str:
    """The text of the file."""
    parts = [_HEAD]
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
    """Writes the file, or checks it."""
    text = typescript()
    if "--check" in sys.argv[1:]:
        current = TARGET.read_text() if TARGET.is_file() else ""
        if current != text:
            sys.exit("web/src/wire/types.ts is stale: run `make types`.")
        return
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
