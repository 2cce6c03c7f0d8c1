"""What is done without asking the human, and what they are shown when they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sessions.coder.conversation import Call
from sessions.coder.tools import Tools

_CHANGES = ("write", "edit")


class Permission(StrEnum):
    """What is done without asking. Reading and searching never ask."""

    ASK = "ask"  # nothing else
    DEFAULT = "default"  # writing inside of the working folder
    BYPASS = "bypass"  # everything


@dataclass(frozen=True)
class Request:
    """What the human is asked to allow. ``body`` holds all of it: nothing that they allow is hidden from them."""

    title: str
    body: str
    command: str | None = None
    path: str | None = None


def must_ask(mode: Permission, call: Call, tools: Tools) -> bool:
    """Raises ToolFailed when the call names no usable path."""
    if mode is Permission.BYPASS or call.name not in ("run", *_CHANGES):
        return False
    if call.name == "run" or mode is Permission.ASK:
        return True
    return not tools.inside(str(call.input.get("path", "")))


def request(call: Call, tools: Tools) -> Request:
    """The request in words. Raises ToolFailed when the call names no usable path."""
    given = {key: str(value) for key, value in call.input.items()}
    if call.name == "run":
        command = given.get("command", "")
        return Request(f"Run: {command}", "\n".join(filter(None, (given.get("why"), command))), command=command)
    path = given.get("path", "")
    target = str(tools.place(path))
    body = []
    if not tools.inside(path):
        body.append(f"This changes {target}, outside of the working folder or in its git folder.")
    if call.name == "edit":
        body += [f"- {line}" for line in given.get("old", "").splitlines()]
        body += [f"+ {line}" for line in given.get("new", "").splitlines()]
    else:
        body += [f"+ {line}" for line in given.get("content", "").splitlines()]
    return Request(f"{call.name.capitalize()}: {path}", "\n".join(body), path=target)
