"""Which of a kernel's messages the browser is spared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from circuitboard.lab.connection import is_idle_talk


def message(
    kind: str = "status", parent: str = "comm_msg", subshell: str | None = "s", **content: Any
) -> list[bytes]:
    header = {"msg_type": kind, "msg_id": "1"}
    asked = {"msg_type": parent, "subshell_id": subshell}
    content = content or {"execution_state": "busy"}
    return [json.dumps(part).encode() for part in (header, asked, {}, content)]


def test_busy_for_a_comm_on_a_subshell_is_no_news() -> None:
    assert is_idle_talk(message())
    assert is_idle_talk([memoryview(part) for part in message()])


@pytest.mark.parametrize(
    "kept",
    [
        message(execution_state="idle"),
        message(parent="execute_request"),
        message(subshell=None),
        message(kind="comm_msg", data={"text": '"busy" "status"'}),
        message(kind="stream", text="busy"),
    ],
)
def test_all_else_is_passed_on(kept: list[bytes]) -> None:
    assert not is_idle_talk(kept)
