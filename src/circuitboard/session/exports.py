"""Saving a board to files. What writes them belongs to the screen's side, which sets it up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from circuitboard.spec.errors import CircuitboardError

Told = Callable[[int, int], None]


class Exporter(Protocol):
    """Writes one board's files."""

    def html(self, path: Path, panel: str, wait: bool | float, told: Told | None) -> None:
        """Writes the board as one page."""
        ...

    def data(self, path: Path, views: Sequence[Any] | None, wait: bool) -> None:
        """Writes the numbers of views."""
        ...


class Exports:
    """What a board can be saved as."""

    #: Makes the exporter of a board; set by the package that shows boards.
    exporter: ClassVar[Callable[[Any], Exporter] | None] = None
    _widget: Any

    @property
    def is_shown(self) -> bool:
        """Whether its widget has been made."""
        return self._widget is not None

    def export_html(
        self,
        path: str | Path,
        *,
        panel: str = "",
        wait: bool | float = True,
        told: Told | None = None,
    ) -> Path:
        """Writes the board as one HTML file that still answers to hover, lock, select and zoom.

        It needs no kernel, no server and no network. Changing the model needs a kernel: those
        controls are off. Every head, position and measure is in it as far as they fit (24 MB).

        Args:
            path: the file; its folder must exist.
            panel: the name of one panel to show alone, such as ``"head"``.
            wait: for how many seconds views are computed and sweeps waited for (True: 30); what
                is not ready then is left out, the least wanted first. False: as they are.
            told: called with how many views are done, of how many.

        Raises:
            CircuitboardError: the front end is not built, or the board's run failed.
        """
        target = Path(path)
        self._exporter().html(target, panel, wait, told)
        return target

    def export_data(
        self, path: str | Path, *, views: Sequence[Any] | None = None, wait: bool = True
    ) -> Path:
        """Writes the numbers of the visible views: ``.npz``, ``.zip``, or a folder of CSV files.

        An NPZ holds each array under ``<view>.<array>_now`` and ``_baseline``, the names of its
        axes under ``<view>.<array>.axes``, and the prompt's ``tokens``. The CSV files (in a folder
        or a ``.zip``) are in long form: a column for each axis, then ``baseline`` and ``now``.
        In CSV a text that a spreadsheet would take for a formula has an apostrophe in front.

        Args:
            views: which views; those on screen unless given, or without a screen one of each kind.
            wait: whether to wait for sweeps.
        """
        target = Path(path)
        self._exporter().data(target, views, wait)
        return target

    def _exporter(self) -> Exporter:
        make = type(self).exporter
        if make is None:
            raise CircuitboardError(
                "Nothing is set up to save boards.", "Use circuitboard.Board, which sets it up."
            )
        return make(self)
