"""Addresses: one grammar for every place in a transformer.

``embed``, ``pos_embed``, ``L3.resid_pre|resid_mid|resid_post``, ``L3.ln1``, ``L3.ln1.scale``,
``L3.attn``, ``L3H7``, ``L3H7.q|k|v|scores|pattern|z``, ``L3.mlp``, ``L3.mlp.pre|post``,
``L3.mlp.n512``, ``ln_final``, ``ln_final.scale``, ``logits``; then an optional position: ``@5``,
``@-1``, ``@3:7``, ``@:-1``. Edges: ``L0H1->L5H5.k``, ``embed->L3.mlp``, ``L9H9->logits``: the one
path on which a sender's output reaches a receiver's input; ``L0H1->mlps->L5H5.k``: that path and
all those through MLPs in between. In a circuit a neuron can be an end of an edge too:
``L0.mlp.n5->L5H5.k``. What is parsed prints as it was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from circuitboard.spec.errors import AddressError

#: Part name -> TransformerLens hook point ({l} is the layer).
HOOKS: Final[dict[str, str]] = {
    "embed": "hook_embed",
    "pos_embed": "hook_pos_embed",
    "resid_pre": "blocks.{l}.hook_resid_pre",
    "resid_mid": "blocks.{l}.hook_resid_mid",
    "resid_post": "blocks.{l}.hook_resid_post",
    "ln1": "blocks.{l}.ln1.hook_out",
    "ln1.scale": "blocks.{l}.ln1.hook_scale",
    "ln2": "blocks.{l}.ln2.hook_out",
    "ln2.scale": "blocks.{l}.ln2.hook_scale",
    "attn": "blocks.{l}.hook_attn_out",
    "head": "blocks.{l}.attn.hook_result",
    "head.q": "blocks.{l}.attn.hook_q",
    "head.k": "blocks.{l}.attn.hook_k",
    "head.v": "blocks.{l}.attn.hook_v",
    "head.z": "blocks.{l}.attn.hook_z",
    "head.scores": "blocks.{l}.attn.hook_attn_scores",
    "head.pattern": "blocks.{l}.attn.hook_pattern",
    "mlp": "blocks.{l}.hook_mlp_out",
    "mlp.pre": "blocks.{l}.mlp.hook_pre",
    "mlp.post": "blocks.{l}.mlp.hook_post",
    "neuron": "blocks.{l}.mlp.hook_post",
    "ln_final": "ln_final.hook_out",
    "ln_final.scale": "ln_final.hook_scale",
    "logits": "hook_unembed",
}

GLOBAL_PARTS: Final = ("embed", "pos_embed", "ln_final", "ln_final.scale", "logits")
HEAD_PARTS: Final = tuple(p for p in HOOKS if p == "head" or p.startswith("head."))
LAYER_PARTS: Final = tuple(
    p for p in HOOKS if p not in GLOBAL_PARTS and p not in HEAD_PARTS and p != "neuron"
)

_HEAD = re.compile(r"L(\d+)H(\d+)(?:\.(\w+))?")
_NEURON = re.compile(r"L(\d+)\.mlp\.n(\d+)")
_LAYER = re.compile(r"L(\d+)\.([\w.]+)")
_POSITION = re.compile(r"(-?\d+)|(-?\d*):(-?\d*)")


@dataclass(frozen=True, slots=True)
class Position:
    """Token positions, counted as Python counts them: ``5``, ``-1``, ``3:7``, ``:-1``.

    ``stop`` is None together with ``single`` False for an open end.
    """

    start: int | None
    stop: int | None = None
    single: bool = True

    def __str__(self) -> str:
        if self.single:
            return str(self.start)
        return (
            f"{'' if self.start is None else self.start}:{'' if self.stop is None else self.stop}"
        )

    @classmethod
    def parse(cls, text: str) -> Position:
        """Reads what stands after the ``@``. Raises AddressError."""
        found = _POSITION.fullmatch(text)
        if not found:
            raise AddressError(
                f"'@{text}' is not a position.", "Write @5, @-1, @3:7 or @:-1, as in Python."
            )
        if found[1] is not None:
            return cls(int(found[1]))
        start, stop = (int(part) if part else None for part in (found[2], found[3]))
        return cls(start, stop, single=False)

    def indices(self, length: int) -> range:
        """The positions meant in a prompt of ``length`` tokens; empty where there are none."""
        if self.single:
            start = self.start if self.start is not None else 0
            index = start + length if start < 0 else start
            return range(index, index + 1) if 0 <= index < length else range(0)
        return range(*slice(self.start, self.stop).indices(length))


@dataclass(frozen=True, slots=True)
class Address:
    """One place in a transformer, at all positions or some.

    ``part`` is a key of :data:`HOOKS`; ``layer``, ``head`` and ``neuron`` are set where the part
    has them.
    """

    part: str
    layer: int | None = None
    head: int | None = None
    neuron: int | None = None
    position: Position | None = None

    def __str__(self) -> str:
        return self.place + (f"@{self.position}" if self.position else "")

    @property
    def place(self) -> str:
        """The address without its position."""
        if self.layer is None:
            return self.part
        if self.head is not None:
            return f"L{self.layer}H{self.head}{self.part.removeprefix('head')}"
        if self.neuron is not None:
            return f"L{self.layer}.mlp.n{self.neuron}"
        return f"L{self.layer}.{self.part}"

    @property
    def hook(self) -> str:
        """The TransformerLens hook point whose tensor holds this place."""
        return HOOKS[self.part].format(l=self.layer)

    def at(self, position: Position | None) -> Address:
        """The same place at another position."""
        return replace(self, position=position)

    @classmethod
    def parse(cls, text: str | Address) -> Address:
        """Reads an address. Raises AddressError with what would have been right."""
        return text if isinstance(text, Address) else _parse(text.strip())


SENDERS: Final = ("embed", "head", "attn", "mlp", "neuron")
RECEIVERS: Final = ("head.q", "head.k", "head.v", "head", "mlp", "neuron", "logits")


@dataclass(frozen=True, slots=True)
class Edge:
    """The path from what one part writes straight to what another reads.

    A receiver ``L5H5`` without input means its q, k and v together. The position is the sender's.
    ``mlps`` (written ``->mlps->``) adds the paths through MLPs in between, heads left out.
    """

    sender: Address
    receiver: Address
    mlps: bool = False

    def __str__(self) -> str:
        position = f"@{self.sender.position}" if self.sender.position else ""
        way = "->mlps->" if self.mlps else "->"
        return f"{self.sender.place}{way}{self.receiver.place}{position}"

    @property
    def neurons(self) -> tuple[Address, ...]:
        """Its ends that are neurons."""
        ends = self.sender.at(None), self.receiver
        return tuple(end for end in ends if end.neuron is not None)

    @property
    def position(self) -> Position | None:
        """At which of the sender's positions."""
        return self.sender.position

    @classmethod
    def parse(cls, text: str) -> Edge:
        """Reads an edge. Raises AddressError."""
        path, at, position = text.partition("@")
        first, _, second = path.partition("->")
        mlps = second.startswith("mlps->")
        second = second.removeprefix("mlps->")
        sender, receiver = Address.parse(first), Address.parse(second)
        if sender.part not in SENDERS:
            raise AddressError(
                f"{sender} writes nothing to the residual stream of its own.",
                "Senders are embed, a head (L0H1), L0.attn, L0.mlp and a neuron (L0.mlp.n5).",
            )
        if receiver.part not in RECEIVERS:
            raise AddressError(
                f"{receiver} is not an input.",
                "Receivers are L5H5.q, .k, .v (or L5H5 for all three), L5.mlp, a neuron "
                "(L5.mlp.n7) and logits.",
            )
        if not _before(sender, receiver):
            raise AddressError(
                f"{sender.place} does not come before {receiver.place}.", "Turn the edge round."
            )
        return cls(sender.at(Position.parse(position) if at else None), receiver, mlps)


def _before(sender: Address, receiver: Address) -> bool:
    if sender.part == "embed" or receiver.part == "logits":
        return True
    assert sender.layer is not None
    assert receiver.layer is not None
    if receiver.part in ("mlp", "neuron") and sender.part in ("head", "attn"):
        return sender.layer <= receiver.layer
    return sender.layer < receiver.layer


@lru_cache(maxsize=4096)
def _parse(text: str) -> Address:
    place, at, position = text.partition("@")
    where = Position.parse(position) if at else None
    if place in GLOBAL_PARTS:
        return Address(place, position=where)
    if found := _HEAD.fullmatch(place):
        part = f"head.{found[3]}" if found[3] else "head"
        if part in HEAD_PARTS:
            return Address(part, int(found[1]), head=int(found[2]), position=where)
        ends = ", ".join(p.removeprefix("head") for p in HEAD_PARTS if p != "head")
        raise AddressError(f"A head has no part '.{found[3]}'.", f"It has: {ends}.")
    if found := _NEURON.fullmatch(place):
        return Address("neuron", int(found[1]), neuron=int(found[2]), position=where)
    if found := _LAYER.fullmatch(place):
        if found[2] in LAYER_PARTS:
            return Address(found[2], int(found[1]), position=where)
        raise AddressError(
            f"A layer has no part '.{found[2]}'.", f"It has: {', '.join(LAYER_PARTS)}."
        )
    raise AddressError(
        f"'{text}' is not an address.",
        "Write for example L2H1, L2H1.pattern, L2.mlp, L2.mlp.n40, L3.resid_post@-1 or embed.",
    )
