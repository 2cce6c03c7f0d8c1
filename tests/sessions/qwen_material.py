"""Screens of qwen-code 0.24.4 and records of its dual output, for the tests of its adapter and reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sessions.agents.contract import Findings, Place, Reading, Screen
from sessions.agents.qwen_reader import QwenReader
from sessions.models import Evidence, Kind, Question, Spec, State

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SESSION = "11111111-2222-4333-8444-555555555555"
REQUEST = "c378cf18-e7a3-45bd-bd07-cbff8fd342f3"
PERMISSION = """
  ◆︎ I run a command.
  ? Shell touch made.txt (Make a file) ←
     touch made.txt
   Allow execution of: 'touch'?
   › 1. Yes, allow once                                                        █
     2. Always allow run 'touch *' commands in this project                    █
     3. Always allow run 'touch *' commands for this user                      █
     4. No, suggest changes (esc)                                              █
  ⠏ Waiting for user confirmation...
"""
EDIT = """
  ? WriteFile Writing to new.txt ←
   1 one
   Apply this change?
   › 1. Yes, allow once
     2. Yes, allow always
     3. No, suggest changes (esc)
  ⠏ Waiting for user confirmation...
"""
QUESTION = """
  ? AskUserQuestion Ask user 1 question ←
   Choice
   Which colour do you prefer?
   ❯ 1. Red
        take Red
     2. Blue
        take Blue
     3. Type something...
   ↑/↓: Navigate | Enter: Select | Esc: Cancel
  ⠏ Waiting for user confirmation...
"""
SEVERAL = """
  ? AskUserQuestion Ask user 1 question ←
   Choice
   Which colours do you like?
     [✓] 1. Red
            take Red
   ❯ [ ] 2. Blue
            take Blue
     [ ] 3. Green
            take Green
     [ ] 4. Type something...
   ↑/↓: Navigate | Space: Toggle | Enter: Confirm | Esc: Cancel
  ⠏ Waiting for user confirmation...
"""
PLAN = """
  ? ExitPlanMode Plan: ←
      1. Look
      2. Change
   Would you like to proceed?
   › 1. Yes, restore previous mode (default)
     2. Yes, and auto-accept edits
     3. Yes, and manually approve edits
     4. No, keep planning (esc)
  ⠏ Waiting for user confirmation...
"""
AT_PROMPT = """
  ◆︎ All done.
────────────────────────────────────────────────────────────
>   Type your message or @path/to/file
────────────────────────────────────────────────────────────
  ➜ wt · git:(feat) · mock-model
  ⏸ Ask permissions (shift + tab to cycle)
"""
WORKING = AT_PROMPT.replace("  ◆︎ All done.", "  ⠏ Petting the cat... (3s · ↓ 9 tokens · esc to cancel)")
CANCELLED = AT_PROMPT.replace("  ◆︎ All done.", "  ●︎ Request cancelled.")
SHELL = AT_PROMPT.rstrip() + " · 1 shell\n"
STARTING = "  ➜ wt · mock-model\n  ⠋ Initializing...\n"
SETUP = "  │ Connect a Provider                 │\n  │ › Alibaba ModelStudio              │\n"
RESTS, WORKS, WAITS = "Qwen - wt", "◐︎ Qwen - wt", "✳︎ Qwen - wt"


def screen(text: str, title: str = RESTS, second: float = 0) -> Screen:
    at = NOW + timedelta(seconds=second)
    return Screen(lines=tuple(text.split("\n")), title=title, at=at, width=80, height=40)


def place(folder: Path, **env: str) -> Place:
    program = folder / "bin" / "qwen"
    program.parent.mkdir(exist_ok=True)
    program.touch(mode=0o755)
    return Place(folder=folder, worktree=folder, env={"PATH": str(program.parent), **env})


def spec_of(**fields: Any) -> Spec:
    return Spec.model_validate({"agent": "qwen", "name": "x", "agent_session_id": SESSION, **fields})


def reader_of(**env: str) -> QwenReader:
    return QwenReader(spec_of(), Place(Path("/s"), Path("/w/my.tree"), {"HOME": "/h", **env}))


def read(reader: QwenReader, *records: dict[str, Any], second: float = 0, feed: str = "dual") -> Findings:
    lines = tuple(json.dumps(record).encode() for record in records)
    return reader.read(Reading(feed, Path("/e"), NOW + timedelta(seconds=second), lines=lines))


def state(findings: Findings) -> State | None:
    return findings.evidence[-1].state


def told_by(findings: Findings) -> Evidence | None:
    return next((item for item in findings.evidence if item.channel == "dual-output"), None)


def user(text: str = "do it", uuid: str = "u1") -> dict[str, Any]:
    return {"type": "user", "uuid": uuid, "message": {"content": [{"type": "text", "text": text}]}}


def result(text: str) -> dict[str, Any]:
    content = [{"type": "tool_result", "tool_use_id": "c", "content": text}]
    return {"type": "user", "uuid": "u2", "message": {"content": content}}


def answer(text: str, *tools: str, tokens: int = 40) -> list[dict[str, Any]]:
    usage = {"input_tokens": tokens, "output_tokens": tokens}
    content = [{"type": "text", "text": text}, *({"type": "tool_use", "name": name} for name in tools)]
    return [
        {"type": "stream_event", "event": {"type": "message_start"}},
        {"type": "assistant", "message": {"content": content, "usage": usage}},
        {"type": "stream_event", "event": {"type": "message_stop"}},
    ]


def asked_for(tool: str = "run_shell_command", **given: Any) -> dict[str, Any]:
    request = {"subtype": "can_use_tool", "tool_name": tool, "input": given or {"command": "touch made.txt"}}
    return {"type": "control_request", "request_id": REQUEST, "request": request}


def question_of(kind: Kind, name: str = REQUEST, **more: Any) -> Question:
    return Question.model_validate({"id": name, "kind": kind, "title": "t", "text": "t", "asked_at": NOW, **more})
