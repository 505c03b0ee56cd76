"""What people hand in as prompts: texts, token ids, or what a tokenizer gave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from circuitboard.spec.errors import PromptError

#: One prompt: a text, or its token ids without padding.
Prompt = str | tuple[int, ...]
#: What :func:`prompts_of` takes; tokenizers' outputs, arrays and tensors too.
Prompts = str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]] | Any


def prompts_of(given: Any) -> tuple[Prompt, ...]:
    """One text, several, token ids, lists of them, a matrix, or a tokenizer's output, as prompts.

    A mapping with ``input_ids`` and ``attention_mask`` loses its padding, on whichever side it is.
    A bare matrix has none: all its ids count.

    >>> prompts_of({"input_ids": [[0, 5, 6], [5, 7, 8]], "attention_mask": [[0, 1, 1], [1, 1, 1]]})
    ((5, 6), (5, 7, 8))

    Raises:
        PromptError: there are none, or they are of another type.
    """
    if isinstance(given, str):
        return (given,)
    if isinstance(given, Mapping) or hasattr(given, "input_ids"):
        return _unpadded(cast(Mapping[str, Any], given))
    items = _list(given)
    if not items:
        raise PromptError("There is no prompt.", "Give a text, several, or token ids.")
    if all(isinstance(item, str) for item in items):
        return tuple(cast("list[str]", items))
    if all(_is_id(item) for item in items):
        return (_ids(items),)
    return tuple(item if isinstance(item, str) else _ids(_list(item)) for item in items)


def _unpadded(given: Mapping[str, Any]) -> tuple[Prompt, ...]:
    rows = _list(given["input_ids"])
    kept = _list(given["attention_mask"]) if "attention_mask" in given else None
    if kept is None:
        return prompts_of(rows)
    if rows and _is_id(rows[0]):
        rows, kept = [rows], [kept]
    return tuple(
        _ids([i for i, on in zip(_list(row), _list(mask), strict=True) if on])
        for row, mask in zip(rows, kept, strict=True)
    )


def _list(given: Any) -> list[Any]:
    """Arrays and tensors as plain lists. Raises PromptError."""
    kind = type(given).__name__
    if hasattr(given, "tolist"):
        given = given.tolist()
    if isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping):
        return list(cast(Iterable[Any], given))
    raise PromptError(f"A {kind} is not a prompt.", "Give a text, several, or token ids.")


def _is_id(item: Any) -> bool:
    return isinstance(item, int) and not isinstance(item, bool)


def _ids(items: list[Any]) -> tuple[int, ...]:
    plain = [item.item() if hasattr(item, "item") else item for item in items]
    wrong = next((item for item in plain if not _is_id(item)), None)
    if wrong is not None or not plain:
        what = "no tokens" if wrong is None else f"a {type(wrong).__name__} among its ids"
        raise PromptError(f"A prompt has {what}.", "Give texts, or whole numbers as token ids.")
    return tuple(plain)
