"""Reference prompts that interventions name: kept once, under the hash of their texts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from circuitboard.spec.errors import InterventionError

_kept: dict[str, tuple[str, ...]] = {}


def register(prompts: Iterable[str]) -> str:
    """Keeps prompts and returns their name. Raises InterventionError when there are none."""
    texts = tuple(prompts)
    if not texts:
        raise InterventionError("A reference needs prompts.", "Give a list of texts.")
    digest = hashlib.sha256(json.dumps(texts).encode()).hexdigest()
    name = f"prompts:{digest[:32]}"
    _kept.setdefault(name, texts)
    return name


def lookup(name: str) -> tuple[str, ...]:
    """The prompts of that name. Raises InterventionError when this process does not hold them."""
    try:
        return _kept[name]
    except KeyError:
        raise InterventionError(
            f"No reference prompts are registered as {name}.",
            "Register them first: circuitboard.register_reference(prompts) returns their name.",
        ) from None
