"""Records of Copilot CLI's event log as questions, responses and entries of a conversation. Pure."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sessions.agents.findings import text, time
from sessions.agents.hooks import parse
from sessions.models import Entry, Kind, Option, Question, QuestionId, Response, Role, Usage

_TEXT_LIMIT = 16 << 10


def request(data: dict[str, Any], at: datetime) -> Question:
    """A permission that is asked for."""
    about = data.get("permissionRequest")
    asked: dict[str, Any] = about if isinstance(about, dict) else {}
    command = text(asked.get("fullCommandText"))
    path = text(asked.get("fileName")) or text(asked.get("path"))
    intention = text(asked.get("intention")) or str(asked.get("kind"))
    what = command or text(asked.get("diff")) or path or text(asked.get("url")) or ""
    return Question(
        id=QuestionId(str(data.get("requestId"))),
        kind=Kind.PERMISSION,
        title=f"{intention}: {(command or path or what).strip().splitlines()[0] if what else ''}"[:120],
        text=f"{intention}\n{what.strip()}"[:_TEXT_LIMIT],
        free_text=True,
        command=command,
        path=path,
        tool=str(asked.get("kind") or "?"),  # the intention is the model's word
        asked_at=at,
    )


def tool_question(call: str, data: dict[str, Any], at: datetime) -> Question | None:
    """A tool that waits for the human by its nature; None for every other."""
    given = data.get("arguments")
    arguments: dict[str, Any] = given if isinstance(given, dict) else {}
    match data.get("toolName"):
        case "exit_plan_mode":
            return Question(
                id=QuestionId(call),
                kind=Kind.PLAN,
                title="Copilot has a plan",
                text=str(arguments.get("summary") or "")[:_TEXT_LIMIT],
                free_text=True,
                asked_at=at,
            )
        case "ask_user":
            return _form(call, arguments, at)
        case _:
            return None


def _form(call: str, arguments: dict[str, Any], at: datetime) -> Question:
    """A form of one field has options; one of several is filled in on the screen, field by field."""
    schema = arguments.get("requestedSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    fields = list(properties.values()) if isinstance(properties, dict) else []
    field = fields[0] if len(fields) == 1 and isinstance(fields[0], dict) else {}
    multiple = field.get("type") == "array"
    choices = field.get("items") if multiple else field
    message = str(arguments.get("message") or "")
    return Question(
        id=QuestionId(call),
        kind=Kind.QUESTION,
        title=message.strip().splitlines()[0][:120] if message.strip() else "Copilot needs information",
        text=message[:_TEXT_LIMIT],
        options=tuple(
            Option(key=str(number), label=label)
            for number, label in enumerate(_labels(choices if isinstance(choices, dict) else {}), 1)
        ),
        multiple=multiple,
        free_text=len(fields) == 1,
        asked_at=at,
    )


def _labels(choices: dict[str, Any]) -> list[str]:
    titled = choices.get("oneOf") or choices.get("anyOf")
    if isinstance(titled, list):
        return [str(item.get("title") or item.get("const")) for item in titled if isinstance(item, dict)]
    if choices.get("type") == "boolean":
        return ["Yes", "No"]
    values, names = choices.get("enum"), choices.get("enumNames")
    found = names if isinstance(names, list) and names else values
    return [str(value) for value in found] if isinstance(found, list) else []


def response(event: dict[str, Any], data: dict[str, Any], at: datetime) -> Response | None:
    """One model call. Its input includes what came from the cache, its output includes reasoning."""
    usage = data.get("usage")
    if not isinstance(usage, dict):
        return None
    took = usage.get("duration")
    return Response(
        id=str(usage.get("apiCallId") or event.get("id")),
        model=str(usage.get("model") or ""),
        usage=_usage(usage),
        started_at=at - timedelta(milliseconds=took) if isinstance(took, (int, float)) else None,
        ended_at=at,
    )


def _usage(record: dict[str, Any]) -> Usage:
    read, written = _count(record.get("cacheReadTokens")), _count(record.get("cacheWriteTokens"))
    return Usage(
        input=max(0, _count(record.get("inputTokens")) - read - written),
        output=_count(record.get("outputTokens")),
        cache_read=read,
        cache_write=written,
        reasoning=_count(record.get("reasoningTokens")),
    )


def _count(value: object) -> int:
    return max(0, int(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


def transcript_entries(path: Path) -> tuple[Entry, ...]:
    """The conversation for reading."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return ()
    return tuple(entry for line in lines if (entry := _entry(parse(line))) is not None)


def _entry(event: dict[str, Any]) -> Entry | None:
    given = event.get("data")
    data: dict[str, Any] = given if isinstance(given, dict) else {}
    at = time(event.get("timestamp"))
    match event.get("type"):
        case "user.message" if text(data.get("content")):
            return Entry(at=at, role=Role.USER, text=str(data["content"]))
        case "assistant.message" if text(data.get("content")):
            return Entry(at=at, role=Role.AGENT, text=str(data["content"]))
        case "tool.execution_start":
            told = data.get("arguments")
            arguments: dict[str, Any] = told if isinstance(told, dict) else {}
            what = next((str(arguments[key]) for key in ("command", "path", "message") if key in arguments), "")
            return Entry(
                at=at,
                role=Role.TOOL,
                title=f"{data.get('toolName')} {what}"[:120],
                text=json.dumps(arguments, indent=1),
            )
        case "tool.execution_complete":
            result = data.get("result") or data.get("error")
            content = result.get("content") or result.get("message") if isinstance(result, dict) else result
            return Entry(at=at, role=Role.TOOL, title="result", text=str(content or "")[:4000])
        case "session.error":
            return Entry(at=at, role=Role.NOTE, text=str(data.get("message") or ""))
        case _:
            return None
