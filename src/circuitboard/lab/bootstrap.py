"""The kernel's half of the JupyterLab extension: makes the board, and says which one there is.

The browser calls ``prepare``, ``start_from_json`` and ``listen`` as silent requests on the main
shell, where loading a model is allowed to take its time, and asks the comm target
``circuitboard.hello`` on a subshell, which answers at once and never loads anything.
"""

from __future__ import annotations

import json
from typing import Any

from circuitboard.lab.workarounds import keep_on_subshells

TARGET = "circuitboard.hello"
DEFAULT_MODEL = "names"


class Answer:
    """What the browser reads: a value, or a problem with its hint."""

    def __init__(self, value: str = "", problem: dict[str, str] | None = None) -> None:
        self.fields = {"problem": problem} if problem else {"value": value}

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"application/json": self.fields}


class _Doorkeeper:
    """Knows the open hello comms, and tells each when the notebook's board is another one."""

    def __init__(self) -> None:
        self.comms: dict[str, Any] = {}
        self.shell: Any = None
        self.told: str | None = None

    def listen(self) -> None:
        """Registers the comm target, and looks at the board after each cell. Once is enough."""
        if self.shell is not None:
            return
        from comm import get_comm_manager
        from IPython.core.getipython import get_ipython

        self.shell = get_ipython()
        if self.shell is None:
            return
        get_comm_manager().register_target(TARGET, self.opened)
        self.shell.events.register("post_run_cell", self.after_cell)

    def opened(self, comm: Any, _message: Any) -> None:
        keep_on_subshells(comm)
        self.comms[comm.comm_id] = comm
        comm.on_close(lambda _: self.comms.pop(comm.comm_id, None))
        comm.on_msg(lambda _: self.tell(comm))
        self.tell(comm)

    def tell(self, comm: Any) -> None:
        self.told = model_id()
        comm.send({"model_id": self.told})

    def after_cell(self, _result: Any = None) -> None:
        if model_id() != self.told:
            for comm in list(self.comms.values()):
                self.tell(comm)


_doorkeeper = _Doorkeeper()


def namespace() -> dict[str, Any]:
    """The notebook's own names."""
    _doorkeeper.listen()
    return {} if _doorkeeper.shell is None else _doorkeeper.shell.user_ns


def current_board() -> Any | None:
    """The board bound to ``board``, else the one that was made last."""
    from circuitboard import Board

    bound = namespace().get("board")
    return bound if isinstance(bound, Board) else Board.current


def model_id() -> str | None:
    """The widget's model id of the current board."""
    board = current_board()
    if board is None:
        return None
    keep_on_subshells(board.widget.comm)
    return board.widget.model_id


def start(
    model: str = DEFAULT_MODEL,
    prompt: str | None = None,
    target: str | None = None,
    foil: str | None = None,
) -> str | None:
    """Makes ``model`` and ``board`` in the notebook where they are absent.

    Returns:
        The widget's model id of the board that the notebook has now.
    """
    import circuitboard as cb

    names = namespace()
    if current_board() is None:
        loaded = cb.load(model)
        board = cb.Board(loaded, prompt=prompt, target=target or "", foil=foil or "")
        names.setdefault("cb", cb)
        names.setdefault("model", loaded)
        names.setdefault("board", board)
    return model_id()


def prepare() -> Answer:
    """Reads the libraries in, which is most of the wait, so that the panel can say so."""
    return _answer(_import_all)


def start_from_json(text: str) -> Answer:
    """``start``, called by the browser."""
    options = json.loads(text)
    options.pop("notebook", None)
    given = {name: value for name, value in options.items() if value is not None}
    return _answer(lambda: start(**given) or "")


def listen() -> Answer:
    """Answers the browser's question from now on; makes nothing."""
    return _answer(_doorkeeper.listen)


def _import_all() -> None:
    import circuitboard as cb

    _doorkeeper.listen()
    assert cb.load
    assert cb.Board


def _answer(work: Any) -> Answer:
    from circuitboard.models.teams import release_team
    from circuitboard.spec.errors import CircuitboardError

    try:
        return Answer(work() or "")
    except CircuitboardError as error:
        return Answer(problem={"message": error.message, "hint": error.hint})
    finally:
        release_team()  # the board's worker computes next
