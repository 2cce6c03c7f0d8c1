"""What Gemini CLI shows and writes, for tests: saved screens, records of its chat file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sessions.agents.contract import Findings, Place, Reading, Screen
from sessions.agents.gemini_reader import GeminiReader
from sessions.models import Evidence, Spec

SCREENS = Path(__file__).parent / "screens" / "gemini"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SESSION = "655f7b09-702d-4839-82e5-cc4b3540572b"
CHAT = Path(f"/h/.gemini/tmp/task/chats/session-2026-11-25T12-00-{SESSION[:8]}.jsonl")
READY, WORKING, ASKING = "◇  Ready (task)", "✦  Working… (task)", "✋  Action Required (task)"
TOKENS = {"input": 1160, "output": 17, "cached": 223, "thoughts": 5, "tool": 2, "total": 1184}


def spec_of(**fields: Any) -> Spec:
    return Spec.model_validate({"agent": "gemini", "name": "x", "agent_session_id": SESSION, **fields})


def new_reader(**fields: Any) -> GeminiReader:
    return GeminiReader(spec_of(**fields), Place(Path("/s"), Path("/w"), {"HOME": "/h"}))


def shot(name: str, title: str = "", *, seconds: float = 0.0) -> Screen:
    lines = (SCREENS / f"{name}.txt").read_text().split("\n")
    return Screen(lines=tuple(lines), title=title, at=NOW + timedelta(seconds=seconds), width=120, height=40)


def chat_of(*records: dict[str, Any], feed: str = "chat", at: float = 0.0) -> Reading:
    return Reading(
        feed, CHAT, NOW + timedelta(seconds=at), lines=tuple(json.dumps(record).encode() for record in records)
    )


def line_of(kind: str, content: Any, seconds: float = 0.0, **more: Any) -> dict[str, Any]:
    at = (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return {"id": f"{kind}-{seconds}", "timestamp": at, "type": kind, "content": content, **more}


def by_user(*parts: str, at: float = 0.0) -> dict[str, Any]:
    return line_of("user", [{"text": part} for part in parts], at)


def by_model(text: str, at: float, **more: Any) -> dict[str, Any]:
    return line_of("gemini", text, at, tokens=TOKENS, model="gemini-2.5-pro", **more)


def claimed(findings: Findings, channel: str) -> Evidence:
    (found,) = [item for item in findings.evidence if item.channel == channel]
    return found
