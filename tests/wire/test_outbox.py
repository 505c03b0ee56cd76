"""What belongs together travels as one message, in order, and nothing waits long."""

from __future__ import annotations

import time
from typing import Any

from circuitboard.wire import outbox
from circuitboard.wire.outbox import Outbox


def opened(sent: list[tuple[dict[str, Any], list[bytes]]]) -> list[tuple[Any, list[bytes]]]:
    """Messages as the screen takes them apart."""
    out: list[tuple[Any, list[bytes]]] = []
    for content, buffers in sent:
        if content.get("t") != "bundle":
            out.append((content, buffers))
            continue
        at = 0
        for part in content["parts"]:
            out.append((part["content"], buffers[at : at + part["buffers"]]))
            at += part["buffers"]
    return out


def test_a_group_is_one_message_and_keeps_order_and_buffers() -> None:
    sent: list[Any] = []
    box = Outbox(lambda content, buffers: sent.append((content, buffers)))
    box.put({"t": "a"}, [b"0"])
    with box.together():
        box.put({"t": "b"}, [b"1", b"2"])
        with box.together():
            box.put({"t": "c"}, [])
        assert len(sent) == 1
        box.put({"t": "d"}, [b"3"])
    box.put({"t": "e"}, [])
    assert len(sent) == 3
    assert opened(sent) == [
        ({"t": "a"}, [b"0"]),
        ({"t": "b"}, [b"1", b"2"]),
        ({"t": "c"}, []),
        ({"t": "d"}, [b"3"]),
        ({"t": "e"}, []),
    ]


def test_a_slow_group_is_sent_in_parts() -> None:
    sent: list[Any] = []
    box = Outbox(lambda content, buffers: sent.append((content, buffers)))
    with box.together():
        box.put({"t": "a"}, [])
        time.sleep(outbox.GATHER * 1.5)
        box.put({"t": "b"}, [])
        assert [c["t"] for c, _ in opened(sent)] == ["a", "b"]
        box.put({"t": "c"}, [])
    assert [c["t"] for c, _ in opened(sent)] == ["a", "b", "c"]


def test_what_was_put_is_sent_when_the_group_fails() -> None:
    sent: list[Any] = []
    box = Outbox(lambda content, buffers: sent.append((content, buffers)))
    try:
        with box.together():
            box.put({"t": "a"}, [])
            raise KeyError
    except KeyError:
        pass
    assert opened(sent) == [({"t": "a"}, [])]
