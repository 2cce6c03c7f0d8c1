"""Records of opencode's server, as 1.18.33 writes them, and readers that were told them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sessions.agents.contract import Findings, Place, Reading
from sessions.agents.opencode_reader import OpencodeReader
from sessions.models import Evidence, Source, Spec

NOW = datetime(2026, 11, 25, 0, 45, tzinfo=UTC)
ROOT, CHILD, OTHER = "ses_root", "ses_child", "ses_other"
PERMISSION = {
    "id": "per_21021ef840018mpTiO96qPutqI",
    "sessionID": ROOT,
    "permission": "bash",
    "patterns": ["echo c > c.txt", "sleep 1"],
    "metadata": {"command": "echo c > c.txt && sleep 1"},
    "always": ["echo *", "sleep *"],
}
COLOURS = {
    "question": "Which colour?",
    "header": "Choice",
    "options": [{"label": "Red", "description": "take Red"}, {"label": "Blue", "description": "take Blue"}],
    "multiple": False,
}
QUESTION = {"id": "que_2102293ed0015a25elcqLqFuRB", "sessionID": ROOT, "questions": [COLOURS]}
EMPTY_BOX = ("  ┃", "  ┃", "  ┃  Build · mock-model", "  ╹▀▀▀▀▀▀▀▀▀▀▀▀▀▀", "   /wt      1.2K  ctrl+p commands")


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def reader(**spec: Any) -> OpencodeReader:
    place = Place(folder=Path("/state"), worktree=Path("/wt"), env={})
    return OpencodeReader(Spec(agent="opencode", name="o", started_at=NOW - timedelta(minutes=1), **spec), place)


def events(*events: tuple[str, dict[str, Any]], at: datetime = NOW) -> Reading:
    lines = tuple(json.dumps({"id": "evt_1", "type": kind, "properties": about}).encode() for kind, about in events)
    return Reading("events", Path("/event"), at, lines=lines)


def answered(feed: str, value: object, at: datetime = NOW) -> Reading:
    return Reading(feed, Path("/x"), at, data=json.dumps(value).encode(), replay=True)


def status(kind: str, session: str = ROOT, **more: Any) -> tuple[str, dict[str, Any]]:
    return "session.status", {"sessionID": session, "status": {"type": kind, **more}}


def created(session: str = ROOT, parent: str | None = None) -> tuple[str, dict[str, Any]]:
    info = {"id": session, "version": "1.18.33", "directory": "/wt", "time": {"created": ms(NOW)}}
    return "session.created", {"sessionID": session, "info": {**info, **({"parentID": parent} if parent else {})}}


def info(name: str = "msg_1", session: str = ROOT, **more: Any) -> dict[str, Any]:
    time = {"created": ms(NOW - timedelta(seconds=9)), "completed": ms(NOW)}
    return {"id": name, "sessionID": session, "role": "assistant", "modelID": "m", "time": time, **more}


def message(name: str = "msg_1", session: str = ROOT, **more: Any) -> tuple[str, dict[str, Any]]:
    return "message.updated", {"sessionID": session, "info": info(name, session, **more)}


def part(kind: str, name: str = "prt_1", message: str = "msg_1", session: str = ROOT, **more: Any) -> tuple[str, Any]:
    part = {"id": name, "messageID": message, "sessionID": session, "type": kind, **more}
    return "message.part.updated", {"sessionID": session, "part": part, "time": ms(NOW)}


TOKENS = {"total": 1100, "input": 900, "output": 40, "reasoning": 60, "cache": {"read": 80, "write": 20}}


def live(**spec: Any) -> OpencodeReader:
    """One that is connected, with a session that works."""
    made = reader(**spec)
    made.read(answered("status", {}))
    made.read(events(created(), status("busy")))
    return made


def last(findings: Findings) -> Evidence:
    return [item for item in findings.evidence if item.source is Source.AGENT][-1]
