"""What every part writes at the last position, noted while blocks run."""

from __future__ import annotations

from torch import Tensor

from circuitboard.engine.held import Written
from circuitboard.models.executor import Hook
from circuitboard.models.model import Model


class LastNotes:
    """Notes, on the way, what every part adds to the stream at each prompt's last position."""

    def __init__(self, model: Model, last: list[int]) -> None:
        self.model = model
        self._last = last
        self._notes: dict[int, dict[str, Tensor]] = {}
        self._points = {
            "z": "blocks.{l}.attn.hook_z",
            "mlp": "blocks.{l}.hook_mlp_out",
            "attn": "blocks.{l}.hook_attn_out",
            "attn_scale": "blocks.{l}.ln1_post.hook_scale",
            "mlp_scale": "blocks.{l}.ln2_post.hook_scale",
        }

    def hooks(self, layers: range) -> list[tuple[str, Hook]]:
        """Hook functions for some blocks."""
        out: list[tuple[str, Hook]] = []
        for layer in layers:
            for key, point in self._points.items():
                if self.model.has_point(point.format(l=layer)):
                    out.append((point.format(l=layer), self._note(layer, key)))
        return out

    def _note(self, layer: int, key: str) -> Hook:
        def note(tensor: Tensor) -> None:
            if tensor.ndim == 2:
                tensor = tensor.reshape(len(self._last), -1, tensor.shape[-1])
            if len(set(self._last)) == 1:  # a copy by slice costs a fraction of one by index
                noted = tensor[:, self._last[0]].clone()
            else:
                noted = tensor[list(range(len(self._last))), self._last]
            self._notes.setdefault(layer, {})[key] = noted.to(self.model.device)

        return note

    def written(self) -> list[Written]:
        """What was noted, block by block."""
        return [
            Written(
                n["z"],
                n.get("mlp"),
                n["attn_scale"][..., 0] if "attn_scale" in n else None,
                n.get("attn"),
                n["mlp_scale"][..., 0] if "mlp_scale" in n else None,
            )
            for _, n in sorted(self._notes.items())
        ]
