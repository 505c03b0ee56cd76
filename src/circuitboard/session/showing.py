"""Panels of the user's own on a board."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from circuitboard.session.drawing import ArrayKind
from circuitboard.session.own import OwnViews
from circuitboard.spec.address import Address
from circuitboard.spec.errors import CircuitboardError

F = TypeVar("F", bound=Callable[..., Any])


class Showing:
    """What a board shows beside its own views. ``own`` holds the panels."""

    #: Makes the widget of a board; set by the package that shows boards.
    host: ClassVar[Callable[[Any], Any] | None] = None
    own: OwnViews
    _widget: Any = None

    def view(
        self, title: str | None = None, needs: Sequence[str | Address] = ()
    ) -> Callable[[F], F]:
        """Makes a panel of a function of the run: ``@board.view(title="Entropy")``.

        The function is given the run's :class:`RunResult` and returns a matplotlib, plotly or
        altair figure, an array, a pandas or polars table, text or Markdown. After the result it may
        ask, by the name of a parameter, for ``baseline`` (the untouched run's result),
        ``selection``, ``position`` and ``board``. It runs in a thread of its own whenever the run,
        or what it asked for, has changed; an error is shown in the panel.

        Args:
            title: the panel's; the function's name unless given. The same title replaces.
            needs: places that it reads. They are noted while the model runs, and the function is
                spared where their values are as they were.

        Raises:
            AddressError: the model lacks a place; InterventionError: a parameter cannot be given.
        """

        def take(function: F) -> F:
            self.own.add(function, title, needs)
            return function

        return take

    def show(
        self,
        values: Any,
        kind: ArrayKind | None = None,
        title: str = "Array",
        labels: Sequence[Any] | None = None,
    ) -> None:
        """Shows numbers of your own with the board's drawings, in a panel.

        Args:
            values: an array or tensor of one or two dimensions.
            kind: ``"pattern"`` [p, p], ``"heatmap"`` [rows, columns], ``"tokens"`` [p] or [k, p],
                ``"bars"`` [n]; from the shape unless given.
            title: the panel's; the same title replaces.
            labels: names of the columns, or (names of rows, names of columns).

        Raises:
            DrawingError: the numbers do not fit the kind.
        """
        self.own.show(values, kind, title, labels)

    def hide(self, title: str) -> None:
        """Takes a panel of your own away. Raises InterventionError where there is none."""
        self.own.remove(title)

    @property
    def widget(self) -> Any:
        """The live view, an anywidget: made on first use."""
        if self._widget is None:
            host = type(self).host
            if host is None:
                raise CircuitboardError(
                    "No host is set up to show boards.", "Use circuitboard.Board, which sets one."
                )
            self._widget = host(self)
        return self._widget

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)
