"""Reads what pi shows: the events of our extension, and the screen for what comes before it (trust) or beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from sessions.agents import dialogs
from sessions.agents.contract import Findings, Place, Screen
from sessions.agents.findings import time
from sessions.agents.hooks import parse
from sessions.agents.joined import JoinedReader
from sessions.models import Entry, Role, Spec
from sessions.screen_rules import load

OWN = "pi-"
"""Ids of questions that our extension asks."""
_LEGEND = "↑↓ navigate"


class PiReader(JoinedReader):
    """One running pi."""

    def __init__(self, spec: Spec, place: Place) -> None:
        super().__init__(spec, place)
        self._screen = dialogs.ScreenReader(load("pi"))

    def look(self, screen: Screen) -> Findings:
        seen = self._screen.look(spread(screen))
        if seen is None:
            return Findings()
        if self._open is not None and self._open.startswith(OWN):
            # Its options are told; those on the screen may still be the ones of the question before.
            seen = seen.model_copy(update={"question": None})
        return Findings(evidence=(seen,))


def spread(screen: Screen) -> Screen:
    """The screen with everything above a selector's options moved to the left, and the cursor as rules know it.

    pi sets its options off by blank lines and by nothing else, and rules do not see those; a title may be indented like
    an option.
    """
    lines = list(screen.lines)
    legend = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].strip().startswith(_LEGEND)), None)
    if legend is None:
        return screen
    last = next((n for n in range(legend - 1, -1, -1) if lines[n].strip()), 0)
    first = next((n + 1 for n in range(last, -1, -1) if not lines[n].strip()), 0)
    above = (line.strip() for line in lines[:first])
    options = (line.replace("→", "❯", 1) if line.startswith(" → ") else line for line in lines[first : last + 1])
    return replace(screen, lines=(*above, *options, *lines[last + 1 :]))


def transcript_entries(path: Path) -> tuple[Entry, ...]:
    """The conversation for reading: the branch that the file ends in, for pi keeps those that were left."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return ()
    records = {str(record["id"]): record for record in map(parse, lines) if record.get("id") and "parentId" in record}
    branch: list[dict[str, Any]] = []
    at = next(reversed(records), None)
    while at is not None and (record := records.pop(at, None)) is not None:
        branch.append(record)
        parent = record.get("parentId")
        at = str(parent) if parent is not None else None
    return tuple(entry for record in reversed(branch) for entry in _entries(record))


def _entries(record: dict[str, Any]) -> list[Entry]:
    at = time(record.get("timestamp"))
    if record.get("type") == "compaction":
        return [Entry(at=at, role=Role.NOTE, title="compacted", text=str(record.get("summary", "")))]
    message = record.get("message")
    if record.get("type") != "message" or not isinstance(message, dict):
        return []
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    known = [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    words = "\n".join(str(block.get("text", "")) for block in known if block.get("type") == "text")
    match message.get("role"):
        case "user":
            return [Entry(at=at, role=Role.USER, text=words)] if words.strip() else []
        case "assistant":
            said = [Entry(at=at, role=Role.AGENT, text=words)] if words.strip() else []
            failed = message.get("errorMessage")
            note = [Entry(at=at, role=Role.NOTE, title="failed", text=str(failed))] if failed else []
            return [*said, *(_call(block, at) for block in known if block.get("type") == "toolCall"), *note]
        case "toolResult":
            return [Entry(at=at, role=Role.TOOL, title="result", text=words[:4000])]
        case "bashExecution":
            ran = f"! {message.get('command')}"[:120]
            return [Entry(at=at, role=Role.TOOL, title=ran, text=str(message.get("output", ""))[:4000])]
        case _:
            return []


def _call(block: dict[str, Any], at: Any) -> Entry:
    told = block.get("arguments")
    given: dict[str, Any] = told if isinstance(told, dict) else {}
    what = next((str(given[key]) for key in ("command", "path", "pattern", "question") if key in given), "")
    return Entry(at=at, role=Role.TOOL, title=f"{block.get('name')} {what}"[:120], text=json.dumps(given, indent=1))
