"""What aider writes and draws, as readings and screens."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sessions.agents.aider_reader import CHAT, TURNS, AiderReader
from sessions.agents.contract import Findings, Place, Reading, Screen
from sessions.models import Question, Spec, State

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RULE = "─" * 120
WAITS: dict[str, Any] = {"event": "waits"}
STARTS: dict[str, Any] = {"event": "message_send_starting", "properties": {}, "time": 1795569000}
ASKED = "Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]:"
PROMPT_ROWS = (RULE, "diff>")


def spec(**fields: Any) -> Spec:
    return Spec(agent="aider", name="a", **fields)


def reader(**fields: Any) -> AiderReader:
    return AiderReader(spec(**fields), Place(Path("/s"), Path("/w"), {}))


def turns(*events: dict[str, Any], replay: bool = False, at: datetime = NOW) -> Reading:
    lines = tuple(json.dumps(event).encode() for event in events)
    return Reading("turns", Path("/s") / TURNS, at, lines=lines, replay=replay)


def chat(*lines: str, at: datetime = NOW) -> Reading:
    return Reading("chat", Path("/s") / CHAT, at, lines=tuple(line.encode() for line in lines))


def pane(data: bytes, at: datetime = NOW) -> Reading:
    return Reading("pane", Path("/s/pane.log"), at, data=data)


def screen(*lines: str, row: int | None = None, width: int = 120, at: datetime = NOW) -> Screen:
    """With the cursor in the last line, or in ``row``."""
    cursor = len(lines) - 1 if row is None else row
    return Screen(lines=lines, title="machine", at=at, width=width, height=40, cursor_row=cursor)


def claims(findings: Findings) -> dict[str, State | None]:
    return {item.channel: item.state for item in findings.evidence}


def asked(findings: Findings) -> Question:
    return next(item.question for item in findings.evidence if item.question is not None)
