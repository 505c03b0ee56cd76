"""A model's first weights: to tell what was edited since, and to bring them back bit for bit.

A model that was loaded by name or from a folder is read from its files again when its first weights
are asked for; what was read is held until they are restored, up to ``HELD_UNASKED`` bytes. A model
that was given as an object has no files to trust: its weights are copied to the CPU, as many bytes
as the weights take, when the first board opens on it if they take at most ``KEPT_UNASKED`` bytes,
and otherwise when :func:`keep` is called. Parameters alone are covered, not buffers.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from circuitboard.models.model import Model
from circuitboard.models.seen import Lens
from circuitboard.spec.errors import ModelError

#: Bytes of weights of a model without files that are copied without being asked.
KEPT_UNASKED = 1 << 28
#: Bytes of weights that are held after they were read from files, while they are compared with.
HELD_UNASKED = 1 << 31
_KEY = "first weights"
_READ = "first weights, as read"
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@dataclass(frozen=True)
class WeightChange:
    """How one weight differs from what it was.

    Attributes:
        name: the weight's Hugging Face name.
        elements: how many of its numbers have other bits.
        size: how many numbers it has.
        largest: the largest change of a number, whatever its sign.
        norm: Frobenius norm of the difference.
        relative: that over the norm of the weight as it was; infinite where that was all zeros.
    """

    name: str
    elements: int
    size: int
    largest: float
    norm: float
    relative: float


def weight_bytes(model: Model) -> int:
    """Bytes that the weights take, and so a copy of them."""
    return sum(w.numel() * w.element_size() for _, w in model.parameters())


def keep(model: Model, *, unasked: bool = False) -> int:
    """Copies the weights as they are, where there are no files to read them from again.

    Args:
        unasked: only where they take at most ``KEPT_UNASKED`` bytes.

    Returns:
        Bytes that the copy takes; 0 where there is none.
    """
    if model.reread is not None:
        return 0
    if _KEY not in model.attached:
        if unasked and weight_bytes(model) > KEPT_UNASKED:
            return 0
        with model.lock:
            model.attached[_KEY] = {n: _copy(w) for n, w in model.parameters()}
    return weight_bytes(model)


def changes(model: Model) -> list[WeightChange]:
    """Weights whose bits differ from the first ones, in the model's order.

    Of weights that are views of one another only the largest is named. Raises ModelError where the
    first weights are not known, or a weight has another shape now.
    """
    found: list[WeightChange] = []
    for _ in change_steps(model, found):
        pass
    return found


def change_steps(
    model: Model, found: list[WeightChange], known: Mapping[str, Tensor] | None = None
) -> Generator[int, None, None]:
    """As :func:`changes`, weight by weight; yields how many are compared.

    ``known``: first weights of all that can differ, where that is known; no files are read then.
    """
    first = _first(model) if known is None else known
    with model.lock:
        weights = [(n, w) for n, w in model.parameters() if n in first]
        if known is None:
            weights = list(_distinct(model, first).items())
    for done, (name, weight) in enumerate(weights):
        with model.lock, torch.no_grad():
            change = _change(name, first[name], weight)
        if change is not None:
            found.append(change)
        yield done + 1


def first_lens(model: Model) -> Lens:
    """Sees every weight, and every view of one, as it was at first.

    Raises ModelError where the first weights are not known or take more than ``HELD_UNASKED``
    bytes; and when it is asked for what is not a weight of the model.
    """
    if model.reread is not None and weight_bytes(model) > HELD_UNASKED:
        raise ModelError(
            f"The first weights of {model.facts.name} take {weight_bytes(model) / 2**30:.0f} GiB: "
            "they are not held to be looked at.",
            "board.weights_changed() and board.restore_weights() read them when called.",
        )
    first = _first(model)
    with model.lock:
        owners = {
            w.untyped_storage().data_ptr(): (n, w) for n, w in _distinct(model, first).items()
        }

    def lens(weight: Tensor) -> Tensor:
        name, owner = owners.get(weight.untyped_storage().data_ptr(), ("", weight))
        start = weight.storage_offset() - owner.storage_offset()
        if not name or first[name].stride() != owner.stride() or start < 0:
            raise ModelError(
                f"What a weight of {model.facts.name} was at first cannot be told.",
                "Look at the weights as they are now.",
            )
        return first[name].to(weight.dtype).as_strided(weight.size(), weight.stride(), start)

    return lens


def restore(model: Model) -> list[str]:
    """Brings the first weights back, bit for bit and in place; returns the names of those edited.

    Raises ModelError as :func:`changes` does, and then nothing has changed.
    """
    first = _first(model)
    with model.lock, torch.no_grad():
        _distinct(model, first)
        edited = [(n, w) for n, w in model.parameters() if _differing(first[n], w) is not None]
        for name, weight in edited:
            weight.copy_(first[name])
    model.attached.pop(_READ, None)
    return [plain_name(name) for name, _ in edited]


def owner_of(model: Model, view: Tensor) -> tuple[str, Tensor]:
    """The largest weight that a view lies in, and its name. Raises ModelError: it lies in none."""
    place = view.untyped_storage().data_ptr()
    found = [
        (name, weight)
        for name, weight in model.parameters()
        if weight.untyped_storage().data_ptr() == place
    ]
    if not found:
        raise ModelError("It lies in no weight of the model.", "Load the model again.")
    return max(found, key=lambda pair: pair[1].numel())


def plain_name(name: str) -> str:
    """A weight's name without what the bridge puts in."""
    return name.replace("._original_component", "")


def _copy(weight: Tensor) -> Tensor:
    return weight.detach().to("cpu", copy=True)


def _first(model: Model) -> Mapping[str, Tensor]:
    if model.reread is not None:
        read = model.attached.get(_READ)
        if read is None:
            read = {name: weight.detach() for name, weight in model.reread().parameters()}
            if weight_bytes(model) <= HELD_UNASKED:
                model.attached[_READ] = read
        return read
    kept = model.attached.get(_KEY)
    if kept is None:
        raise ModelError(
            f"The first weights of {model.facts.name} were not kept: it was given as an object, "
            f"and a copy takes {weight_bytes(model) / 2**20:.0f} MiB.",
            "Call board.keep_weights() before you edit, or load the model from its folder.",
        )
    return kept


def _distinct(model: Model, first: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights that are not views of larger ones. Raises ModelError for one of another shape."""
    largest: dict[int, tuple[str, Tensor]] = {}
    for name, weight in model.parameters():
        if name not in first or first[name].shape != weight.shape:
            raise ModelError(
                f"{plain_name(name)} is new, or has another shape than at first.",
                "Weights that were replaced cannot be compared or restored: load the model again.",
            )
        place = weight.untyped_storage().data_ptr()
        if place not in largest or largest[place][1].numel() < weight.numel():
            largest[place] = (name, weight)
    return dict(largest.values())


def _differing(first: Tensor, weight: Tensor) -> Tensor | None:
    """Where the bits differ, or None where they nowhere do."""
    now = weight.detach().cpu()
    bits = _BITS[now.element_size()]
    differing = first.to(now.dtype).view(bits) != now.view(bits)
    return differing if bool(differing.any()) else None


def _change(name: str, first: Tensor, weight: Tensor) -> WeightChange | None:
    differing = _differing(first, weight)
    if differing is None:
        return None
    before = first.double()
    moved = weight.detach().cpu().double() - before
    norm, size = float(moved.norm()), float(before.norm())
    return WeightChange(
        plain_name(name),
        int(differing.sum()),
        weight.numel(),
        float(moved.abs().max()),
        norm,
        norm / size if size else float("inf"),
    )
