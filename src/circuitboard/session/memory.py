"""What a board keeps for whatever shows it: how its panels are laid out."""

from __future__ import annotations

from abc import ABC, abstractmethod

from circuitboard.spec.errors import CircuitboardError

#: Characters of a layout: far above what twenty panels need.
MOST = 65536


class Memory(ABC):
    """The part of a board that outlives its views; undo does not cover it."""

    _layout = ""

    @abstractmethod
    def _tell(self, event: str) -> None: ...

    @property
    def layout(self) -> str:
        """How the panels are laid out, as the screen wrote it; empty for the default.

        The views' settings are in it. Assign another board's layout to show this one alike, or
        ``""`` for the default.
        """
        return self._layout

    @layout.setter
    def layout(self, text: str) -> None:
        self.keep_layout(text)
        self._tell("layout")

    def keep_layout(self, text: str) -> None:
        """Keeps what the screen wrote; tells nobody, because it is on screen already."""
        if len(text) > MOST:
            raise CircuitboardError(
                f"A layout has at most {MOST} characters, and this one has {len(text)}.",
                'Set board.layout to "" for the default.',
            )
        self._layout = text
