"""A conversation of Claude Code, for reading."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sessions.agents.findings import time
from sessions.agents.hooks import parse
from sessions.models import Entry, Role


def transcript_entries(path: Path) -> tuple[Entry, ...]:
    """The conversation for reading."""
    entries: list[Entry] = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return ()
    for line in lines:
        record = parse(line)
        message = record.get("message")
        if record.get("type") not in ("user", "assistant") or not isinstance(message, dict):
            continue
        at, role = time(record.get("timestamp")), Role.USER if record["type"] == "user" else Role.AGENT
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks if isinstance(blocks, list) else []:
            if isinstance(block, dict) and (entry := _entry(block, role, at)) is not None:
                entries.append(entry)
    return tuple(entries)


def _entry(block: dict[str, Any], role: Role, at: datetime | None) -> Entry | None:
    match block.get("type"):
        case "text" if str(block.get("text", "")).strip():
            return Entry(at=at, role=role, text=str(block["text"]))
        case "tool_use":
            told = block.get("input")
            given: dict[str, Any] = told if isinstance(told, dict) else {}
            what = next(
                (str(given[key]) for key in ("command", "file_path", "pattern", "description") if key in given), ""
            )
            return Entry(
                at=at, role=Role.TOOL, title=f"{block.get('name')} {what}"[:120], text=json.dumps(given, indent=1)
            )
        case "tool_result":
            content = block.get("content")
            result = content if isinstance(content, str) else json.dumps(content)
            return Entry(at=at, role=Role.TOOL, title="result", text=result[:4000])
        case _:
            return None
