"""Records of qwen-code's dual output and chat log as questions, responses and entries of a conversation. Pure."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sessions.agents.findings import text, time
from sessions.agents.hooks import parse
from sessions.models import Entry, Kind, Option, Question, QuestionId, Response, Role, Usage

_KINDS = {"ask_user_question": Kind.QUESTION, "exit_plan_mode": Kind.PLAN}
_TEXT_LIMIT = 16 << 10
API_RESPONSE = "qwen-code.api_response"


def question(record: dict[str, Any], at: datetime) -> Question | None:
    """What a ``control_request`` asks the human."""
    about = record.get("request")
    if not isinstance(about, dict) or about.get("subtype") != "can_use_tool" or not record.get("request_id"):
        return None
    told = about.get("input")
    given: dict[str, Any] = told if isinstance(told, dict) else {}
    tool = str(about.get("tool_name"))
    name, kind = QuestionId(str(record["request_id"])), _KINDS.get(tool, Kind.PERMISSION)
    match kind:
        case Kind.QUESTION:
            return _asked(name, given, at)
        case Kind.PLAN:
            plan = str(given.get("plan") or "")[:_TEXT_LIMIT]
            return Question(id=name, kind=kind, title="Qwen has a plan", text=plan, free_text=True, asked_at=at)
        case _:
            command, path = text(given.get("command")), text(given.get("file_path")) or text(given.get("path"))
            what = command or path or text(given.get("url")) or json.dumps(given)[:200]
            why = text(given.get("description"))
            return Question(
                id=name,
                kind=kind,
                title=f"{tool}: {what.strip().splitlines()[0] if what.strip() else ''}"[:120],
                text=(f"{why}\n{what}" if why else what)[:_TEXT_LIMIT],
                free_text=True,
                command=command,
                path=path,
                asked_at=at,
            )


def _asked(name: QuestionId, given: dict[str, Any], at: datetime) -> Question:
    """Several questions at once are tabs that the screen shows one by one; they have no options here."""
    told = given.get("questions")
    asked = [item for item in told if isinstance(item, dict)] if isinstance(told, list) else []
    one = asked[0] if len(asked) == 1 else {}
    options = one.get("options")
    return Question(
        id=name,
        kind=Kind.QUESTION,
        title="; ".join(str(item.get("question", "")) for item in asked)[:120],
        text="\n".join(str(item.get("question", "")) for item in asked)[:_TEXT_LIMIT],
        options=tuple(
            Option(key=str(number), label=str(option.get("label", "")), detail=str(option.get("description", "")))
            for number, option in enumerate(options if isinstance(options, list) else [], 1)
            if isinstance(option, dict)
        ),
        multiple=bool(one.get("multiSelect")),
        free_text=bool(one),
        asked_at=at,
    )


def response(record: dict[str, Any], at: datetime) -> Response | None:
    """One answer of a model. Its input includes what came from the cache, its output includes what it thought."""
    payload = record.get("systemPayload")
    event = payload.get("uiEvent") if isinstance(payload, dict) else None
    if not isinstance(event, dict) or event.get("event.name") != API_RESPONSE:
        return None
    ended_at = time(event.get("event.timestamp")) or at
    took, cached = event.get("duration_ms"), _count(event.get("cached_content_token_count"))
    return Response(
        id=str(event.get("response_id") or record.get("uuid")),
        model=str(event.get("model") or ""),
        usage=Usage(
            input=max(0, _count(event.get("input_token_count")) - cached),
            output=_count(event.get("output_token_count")),
            cache_read=cached,
            reasoning=_count(event.get("thoughts_token_count")),
        ),
        started_at=ended_at - timedelta(milliseconds=took) if isinstance(took, (int, float)) else None,
        ended_at=ended_at,
    )


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0


def transcript_entries(path: Path) -> tuple[Entry, ...]:
    """The conversation for reading, from the chat log."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return ()
    entries: list[Entry] = []
    for line in lines:
        record = parse(line)
        message = record.get("message")
        if not isinstance(message, dict) or not isinstance(message.get("parts"), list):
            continue
        at, role = time(record.get("timestamp")), Role.USER if message.get("role") == "user" else Role.AGENT
        for part in message["parts"]:
            if isinstance(part, dict) and (entry := _entry(part, role, at)) is not None:
                entries.append(entry)
    return tuple(entries)


def _entry(part: dict[str, Any], role: Role, at: datetime | None) -> Entry | None:
    if said := text(part.get("text")):
        return Entry(at=at, role=role, text=said) if said.strip() and not part.get("thought") else None
    called, result = part.get("functionCall"), part.get("functionResponse")
    if isinstance(called, dict):
        told = called.get("args")
        given: dict[str, Any] = told if isinstance(told, dict) else {}
        what = next((str(given[key]) for key in ("command", "file_path", "path", "description") if key in given), "")
        return Entry(
            at=at, role=Role.TOOL, title=f"{called.get('name')} {what}"[:120], text=json.dumps(given, indent=1)
        )
    if isinstance(result, dict):
        answer = result.get("response")
        shown = answer.get("output") or answer.get("error") if isinstance(answer, dict) else answer
        return Entry(at=at, role=Role.TOOL, title="result", text=str(shown or "")[:4000])
    return None
