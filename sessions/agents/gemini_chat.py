"""Gemini CLI's chat file: where it lies, what a record tells, the conversation for reading. Pure but for reading it.

``~/.gemini/tmp/SLUG/chats/session-TIME-ID8.jsonl``, SLUG by ``~/.gemini/projects.json``. A line is a message or a patch
(``$set``); a message that is written again with the same id replaces the earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sessions.agents.findings import time
from sessions.agents.hooks import parse
from sessions.models import Entry, Role, Usage

CONTEXT = "<session_context>"
"""How the first message begins, which the program writes itself."""


def folder(env: Mapping[str, str]) -> Path:
    """Where Gemini CLI keeps its files for a process with this environment."""
    home = env.get("GEMINI_CLI_HOME") or env.get("HOME")
    return (Path(home) if home else Path.home()) / ".gemini"


def slug(projects: bytes | None, worktree: str) -> str | None:
    """The name of the worktree's folder below ``tmp``."""
    known = parse(projects or b"").get("projects")
    found = known.get(worktree) if isinstance(known, dict) else None
    return found if isinstance(found, str) and found not in ("", ".", "..") and "/" not in found else None


def usage(tokens: dict[str, Any]) -> Usage:
    """Gemini's input includes the cache, its output excludes thoughts."""
    cached, thoughts = _count(tokens.get("cached")), _count(tokens.get("thoughts"))
    return Usage(
        input=max(0, _count(tokens.get("input")) - cached) + _count(tokens.get("tool")),
        output=_count(tokens.get("output")) + thoughts,
        cache_read=cached,
        reasoning=thoughts,
    )


def words(record: dict[str, Any]) -> str:
    """What the message says, without results of tools."""
    content = record.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part["text"]) for part in parts if isinstance(part, dict) and part.get("text"))


def entries(path: Path) -> tuple[Entry, ...]:
    """The conversation for reading."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return ()
    records: dict[str, dict[str, Any]] = {}
    for line in lines:
        record = parse(line)
        if isinstance(record.get("id"), str):
            records[record["id"]] = record
    return tuple(entry for record in records.values() for entry in _entries(record))


def _entries(record: dict[str, Any]) -> list[Entry]:
    at, said, kind = time(record.get("timestamp")), words(record).strip(), record.get("type")
    if kind == "user":
        return [Entry(at=at, role=Role.USER, text=said)] if said and not said.startswith(CONTEXT) else []
    if kind != "gemini":
        return [Entry(at=at, role=Role.NOTE, text=said)] if said else []
    found = [Entry(at=at, role=Role.AGENT, text=said)] if said else []
    calls = record.get("toolCalls")
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            found += _call(call)
    return found


def _call(call: dict[str, Any]) -> list[Entry]:
    at, told = time(call.get("timestamp")), call.get("args")
    given: dict[str, Any] = told if isinstance(told, dict) else {}
    what = next((str(given[key]) for key in ("command", "file_path", "pattern", "query") if key in given), "")
    title = f"{call.get('displayName') or call.get('name')} {what}"[:120]
    result = "\n".join(_outputs(call.get("result")))
    return [
        Entry(at=at, role=Role.TOOL, title=title, text=json.dumps(given, indent=1)),
        Entry(at=at, role=Role.TOOL, title=f"result: {call.get('status')}", text=result[:4000]),
    ]


def _outputs(result: object) -> list[str]:
    found = []
    for part in result if isinstance(result, list) else []:
        told = part.get("functionResponse") if isinstance(part, dict) else None
        response = told.get("response") if isinstance(told, dict) else None
        if isinstance(response, dict):
            found.append(str(response.get("output") or response.get("error") or ""))
    return found


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0
