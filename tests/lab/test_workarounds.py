"""Each test fails when its workaround is no longer needed: then take it out."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import pytest
from ipykernel.comm.comm import BaseComm
from jupyter_server.services.kernels.connection import channels
from tornado.websocket import WebSocketClosedError

from circuitboard.lab.workarounds import drop_when_closed, keep_on_subshells

SUBSHELL, MAIN = "subshell-of-the-browser", None
MESSAGE = {"method": "custom", "content": {}}


class _Kernel:
    """As much of a kernel as a comm needs to send something from the main shell."""

    iopub_socket = None

    class session:  # noqa: N801 - stands for the kernel's attribute
        @staticmethod
        def send(*_args: Any, **_named: Any) -> None:
            return None

    @staticmethod
    def get_parent() -> dict[str, Any]:
        return {"header": {"subshell_id": MAIN}}


@pytest.fixture
def comm(monkeypatch: pytest.MonkeyPatch) -> BaseComm:
    """A comm on which the main shell, as in a running cell, has sent something."""
    from ipykernel.kernelbase import Kernel

    monkeypatch.setattr(Kernel, "initialized", classmethod(lambda _: True))
    made = BaseComm(target_name="t", comm_id="c", primary=False)
    made.kernel = _Kernel  # type: ignore[assignment]
    made.publish_msg("comm_msg", {"method": "update"})
    return made


def route(comm: Any) -> str | None:
    """Where ipykernel sends the browser's next message: what its shell thread does."""
    found = getattr(comm, "_reply_subshell_for", None)
    return SUBSHELL if found is None else found(MESSAGE, SUBSHELL)


@pytest.mark.skipif(version("ipykernel") < "7.4", reason="7.1 to 7.3 do not have the defect")
def test_keep_on_subshells_is_still_needed(comm: BaseComm) -> None:
    assert route(comm) == MAIN, (
        "ipykernel answers on the browser's subshell by itself now: remove keep_on_subshells"
    )


def test_keep_on_subshells_works(comm: BaseComm) -> None:
    keep_on_subshells(comm)
    assert route(comm) == SUBSHELL


def test_a_comm_without_the_defect_is_left_alone() -> None:
    class Plain:
        pass

    plain = Plain()
    keep_on_subshells(plain)
    assert vars(plain) == {}


def closed(*_args: Any, **_named: Any) -> None:
    raise WebSocketClosedError


def test_drop_when_closed_is_still_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "serialize_msg_to_ws_v1", lambda *_: b"")
    connection = SimpleNamespace(
        subprotocol="v1.kernel.websocket.jupyter.org", write_message=closed
    )
    stream = SimpleNamespace(closed=lambda: False, channel="iopub")
    with pytest.raises(WebSocketClosedError):
        channels.ZMQChannelsWebsocketConnection._on_zmq_reply(connection, stream, [])  # type: ignore[arg-type]


def test_drop_when_closed_drops_at_once_and_later() -> None:
    async def fails() -> None:
        raise WebSocketClosedError

    async def run() -> list[Any]:
        loop, seen = asyncio.get_running_loop(), []
        loop.set_exception_handler(lambda _, context: seen.append(context))
        drop_when_closed(closed)(b"", binary=True)
        drop_when_closed(lambda *_, **__: asyncio.ensure_future(fails()))(b"", binary=True)
        await asyncio.sleep(0.01)
        return seen

    assert asyncio.run(run()) == []


def test_drop_when_closed_hides_nothing_else() -> None:
    async def fails() -> None:
        raise ValueError

    async def run() -> list[Any]:
        loop, seen = asyncio.get_running_loop(), []
        loop.set_exception_handler(lambda _, context: seen.append(type(context["exception"])))
        drop_when_closed(lambda *_, **__: asyncio.ensure_future(fails()))(b"")
        await asyncio.sleep(0.01)
        return seen

    assert asyncio.run(run()) == [ValueError]
