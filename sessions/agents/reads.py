"""Which files an agent read, from the tool calls in its own transcript.

Claude Code, Codex, Gemini CLI, Qwen Code, pi, Copilot CLI and the built-in coder write each call down: their tools for
reading, and files named to ``cat``, ``sed`` and the like. opencode keeps its conversation in a database of its own,
aider writes down no calls, and any other program tells nothing: of those nothing is known, which is not "nothing read".
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sessions.agents.contract import Mode
from sessions.agents.hooks import parse
from sessions.follow import Follower

MOST = 20_000
"""Files of one session that are remembered."""
_READ = frozenset({"read", "notebookread", "read_file", "read_many_files", "view", "str_replace_editor"})
_PATHS = ("file_path", "path", "absolute_path", "notebook_path", "paths", "include")
_SHELL = frozenset({"bash", "run", "run_shell_command", "exec_command", "shell", "local_shell"})
_SHOWS = frozenset({"cat", "head", "tail", "sed", "nl", "less", "more", "bat", "grep", "rg", "awk", "wc", "diff"})
_PARTS = re.compile(r"&&|\|\||[|;&\n]")
Call = tuple[str, dict[str, Any]]


def tells(agent: str) -> bool:
    """Whether an agent's transcript says what it read."""
    return agent in _CALLS


def files_read(agent: str, record: dict[str, Any]) -> frozenset[str]:
    """Paths that the calls in one record of a transcript read, as they are named there.

    Of a shell command it is every word after the program, for a word that names no file does no harm.
    """
    calls = _CALLS.get(agent)
    found: set[str] = set()
    for name, given in calls(record) if calls is not None else ():
        if name.lower() in _READ:
            for key in _PATHS:
                told = given.get(key)
                found.update(str(one) for one in (told if isinstance(told, list) else [told]) if isinstance(one, str))
        elif name.lower() in _SHELL:
            command = given.get("command") or given.get("cmd")
            found.update(_shown(" ".join(map(str, command)) if isinstance(command, list) else str(command or "")))
    return frozenset(path for path in found if path and len(path) < 4096)


class FilesRead:
    """What one session read so far; reads on from where its transcript ended the last time."""

    def __init__(self, agent: str, transcript: Path, worktree: Path) -> None:
        self.transcript = transcript
        self._agent, self._worktree = agent, worktree
        self._follower = Follower("reads", transcript, Mode.LINES)
        self._paths: set[str] = set()

    def paths(self) -> frozenset[str]:
        """Paths in the worktree, seen from its top."""
        while (reading := self._follower.read()) is not None:
            for line in reading.lines:
                for path in files_read(self._agent, parse(line)):
                    inside = os.path.relpath(self._worktree / path, self._worktree)
                    if not inside.startswith("..") and len(self._paths) < MOST:
                        self._paths.add(inside)
        return frozenset(self._paths)


def _shown(command: str) -> Iterator[str]:
    """Words of those parts of a shell command that print files."""
    for part in _PARTS.split(command):
        try:
            words = shlex.split(part)
        except ValueError:
            continue
        if words and words[0].rpartition("/")[2] in _SHOWS:
            yield from (word for word in words[1:] if not word.startswith("-"))


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _given(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _message(record: dict[str, Any], part: str) -> list[dict[str, Any]]:
    message = record.get("message")
    return _dicts(message.get(part)) if isinstance(message, dict) else []


def _claude(record: dict[str, Any]) -> Iterator[Call]:
    for block in _message(record, "content"):
        if block.get("type") == "tool_use":
            yield str(block.get("name")), _given(block.get("input"))


def _codex(record: dict[str, Any]) -> Iterator[Call]:
    payload = _given(record.get("payload"))
    if payload.get("type") in ("function_call", "custom_tool_call"):
        yield str(payload.get("name")), _given(payload.get("arguments") or payload.get("input"))
    for parsed in _dicts(_given(payload.get("item")).get("parsed_cmd")) + _dicts(payload.get("parsed_cmd")):
        if parsed.get("type") == "read":
            yield "read", parsed


def _gemini(record: dict[str, Any]) -> Iterator[Call]:
    for call in _dicts(record.get("toolCalls")):
        yield str(call.get("name")), _given(call.get("args"))


def _qwen(record: dict[str, Any]) -> Iterator[Call]:
    for part in _message(record, "parts"):
        if called := _given(part.get("functionCall")):
            yield str(called.get("name")), _given(called.get("args"))


def _pi(record: dict[str, Any]) -> Iterator[Call]:
    for block in _message(record, "content"):
        if block.get("type") == "toolCall":
            yield str(block.get("name")), _given(block.get("arguments"))


def _copilot(record: dict[str, Any]) -> Iterator[Call]:
    if record.get("type") == "tool.execution_start":
        data = _given(record.get("data"))
        yield str(data.get("toolName")), _given(data.get("arguments"))


def _coder(record: dict[str, Any]) -> Iterator[Call]:
    for call in _dicts(record.get("calls")):
        yield str(call.get("name")), _given(call.get("input"))


_CALLS: dict[str, Callable[[dict[str, Any]], Iterator[Call]]] = {
    "claude": _claude,
    "codex": _codex,
    "gemini": _gemini,
    "qwen": _qwen,
    "pi": _pi,
    "copilot": _copilot,
    "coder": _coder,
}
