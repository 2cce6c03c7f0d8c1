"""Reads what Claude Code shows: session file, hook spool, transcript with its subagents, screen, title."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sessions.agents import dialogs, resets
from sessions.agents.contract import Findings, Mode, Place, Reading, Screen, Watch
from sessions.agents.findings import asks, joined, text, time
from sessions.agents.hooks import Askings, Requests, parse
from sessions.models import (
    Evidence,
    Kind,
    Option,
    Question,
    QuestionId,
    Response,
    Source,
    Spec,
    State,
    Usage,
)
from sessions.screen_rules import load
from sessions.usage import from_anthropic

_WAITING = {
    "permission prompt": Kind.PERMISSION,
    "sandbox request": Kind.PERMISSION,
    "worker request": Kind.PERMISSION,
    "input needed": Kind.QUESTION,
    "goal proposal": Kind.PLAN,
    "dialog open": Kind.DIALOG,
}
_FILE = {"idle": State.IDLE, "busy": State.WORKING, "shell": State.BACKGROUND}
_SPINNER = re.compile(r"^[◐◓◑◒\u2800-\u28ff] ")
_SIGNED_OUT = ("authentication_failed", "oauth_org_not_allowed", "account_on_hold", "verification_required")
_TOLD = (
    b'"usage"',
    b'"api-request"',
    b"[Request interrupted",
    b"turn_duration",
    b'"compact_boundary"',
    b'"cost-state"',
)
_SUMS = {
    "input": "inputTokens",
    "output": "outputTokens",
    "cache_read": "cacheReadInputTokens",
    "cache_write": "cacheCreationInputTokens",
}
UNLOGGED = "unlogged"
"""Stands for the calls that summed a conversation up: the transcript has none of them, only the sum at the end."""


def config_folder(env: Mapping[str, str]) -> Path:
    """Where Claude Code keeps its files for a process with this environment."""
    named = env.get("CLAUDE_CONFIG_DIR")
    return Path(named) if named else (Path(env["HOME"]) if env.get("HOME") else Path.home()) / ".claude"


def project_folder(config: Path, worktree: Path) -> Path:
    """Where it keeps the conversations that are held in ``worktree``."""
    return config / "projects" / re.sub(r"[^A-Za-z0-9]", "-", os.path.realpath(worktree))


class ClaudeReader:
    """One running Claude Code."""

    def __init__(self, spec: Spec, place: Place, config: Path) -> None:
        self._config = config
        self._place = place
        self._session = spec.agent_session_id
        self._launched = spec.started_at
        self._own_file: Path | None = None
        self._transcript: Path | None = None
        if self._session is not None:
            self._transcript = project_folder(config, place.worktree) / f"{self._session}.jsonl"
        self._screen = dialogs.ScreenReader(load("claude"))
        self._askings = Askings()
        self._requests = Requests()
        self._asked: tuple[Question, ...] = ()  # those of the latest call, which the screen shows one by one
        self._requested: dict[str, datetime] = {}
        self._last: Response | None = None
        self._unanswered: str | None = None  # the request whose answer is under way
        self._counted: dict[str, Usage] = {}
        self._summed_up = False
        self._version: str | None = None

    def watches(self) -> tuple[Watch, ...]:
        sessions = self._place.outside(self._config / "sessions")
        own = (
            Watch("session", self._own_file, Mode.WHOLE)
            if self._own_file is not None
            else Watch("session", sessions, Mode.WHOLE, "*.json")
        )
        found = [Watch("hooks", self._place.spool), own]
        if self._transcript is not None:
            subagents = self._transcript.with_suffix("") / "subagents"
            found += [Watch("transcript", self._transcript), Watch("subagents", subagents, pattern="*.jsonl")]
        return tuple(found)

    def read(self, reading: Reading) -> Findings:
        match reading.feed:
            case "session":
                return self._session_file(reading)
            case "hooks":
                return joined([self._hook(parse(line), reading.at) for line in reading.lines])
            case _:
                return self._records(reading)

    def look(self, screen: Screen) -> Findings:
        found: list[Evidence] = []
        if (seen := self._screen.look(screen, self._version)) is not None:
            shown = next((one for one in self._asked if dialogs.is_about(seen.question, one)), None)
            found += [seen.model_copy(update={"question": shown})] if shown is not None else self._requests.shown(seen)
        title = screen.title
        state = State.WORKING if _SPINNER.match(title) else None  # ✳ stands for waiting and for resting alike
        found.append(Evidence(source=Source.TITLE, channel="title", state=state, at=screen.at, saw=title[:40]))
        return Findings(evidence=tuple(found))

    def _session_file(self, reading: Reading) -> Findings:
        about = parse(reading.data) if reading.data else {}
        if self._own_file is None:
            if not about or about.get("sessionId") != self._session or self._is_stale(about):
                return Findings()
            self._own_file = reading.path
        if reading.path != self._own_file:
            return Findings()
        status, waiting = about.get("status"), about.get("waitingFor")
        kind = None
        state: State | None
        if status == "waiting":
            state, kind = State.BLOCKED, _WAITING.get(str(waiting), Kind.DIALOG)
        else:
            state = _FILE.get(str(status))
        at = _milliseconds(about.get("statusUpdatedAt")) or reading.at
        session = about.get("sessionId")
        self._version = about.get("version") or self._version
        evidence = Evidence(
            source=Source.AGENT,
            channel="session-file",
            state=state,
            kind=kind,
            at=at,
            saw=f"{status}/{waiting}" if waiting else str(status or "gone"),
        )
        return Findings(
            evidence=(evidence,),
            agent_session_id=session if isinstance(session, str) else None,
            version=self._version,
        )

    def _is_stale(self, about: dict[str, Any]) -> bool:
        """The file of an earlier process of this conversation: one that was killed leaves it behind."""
        started = _milliseconds(about.get("startedAt"))
        return self._launched is not None and started is not None and started < self._launched

    def _hook(self, payload: dict[str, Any], at: datetime) -> Findings:
        event = payload.get("hook_event_name")
        transcript = payload.get("transcript_path")
        if isinstance(transcript, str) and "agent_id" not in payload:
            self._transcript = Path(transcript)
        said = None
        state: State | None = None
        question = None
        until: datetime | None = None
        saw = str(event)
        match event:
            case "UserPromptSubmit" | "PreToolUse" | "PostToolUse":
                state = State.WORKING
            case "PermissionRequest":
                state, question = State.BLOCKED, self._request(payload, at)
                saw = f"PermissionRequest {payload.get('tool_name')}"
                if question is not None:
                    self._requests.add(question)
            case "Stop":
                tasks = payload.get("background_tasks")
                state = State.BACKGROUND if tasks else State.DONE
                said = text(payload.get("last_assistant_message"))
                saw = f"Stop with {len(tasks)} background tasks" if tasks else "Stop"
            case "StopFailure":
                saw = text(payload.get("last_assistant_message")) or "StopFailure"
                state, saw, until = _failure(str(payload.get("error")), saw, at)
            case "SessionStart" | "SessionEnd":
                state = None
            case _:
                return Findings()
        evidence = Evidence(
            source=Source.HOOK,
            channel="hook",
            state=state,
            kind=_kind(payload) if state is State.BLOCKED else None,
            question=question,
            at=at,
            saw=saw[:120],
            until=until,
        )
        session = payload.get("session_id")
        return Findings(
            evidence=(evidence,),
            said=said,
            asks=asks(said),
            agent_session_id=session if isinstance(session, str) else None,
            transcript=self._transcript,
        )

    def _request(self, payload: dict[str, Any], at: datetime) -> Question | None:
        tool, given = str(payload.get("tool_name")), payload.get("tool_input")
        given = given if isinstance(given, dict) else {}
        kind = _kind(payload)
        asking = self._askings.id(payload.get("prompt_id"), tool, given)
        if kind is Kind.QUESTION:
            self._asked = tuple(_user_questions(given, asking, at))
            return self._asked[0] if len(self._asked) == 1 else None
        if kind is Kind.PLAN:
            return Question(
                id=asking,
                kind=kind,
                title="Claude has a plan",
                text=text(given.get("plan")) or "",
                asked_at=at,
                free_text=True,
            )
        command = given.get("command")
        path = given.get("file_path") or given.get("notebook_path") or given.get("path")
        what = str(command or path or given.get("url") or json.dumps(given)[:200])
        return Question(
            id=asking,
            kind=kind,
            title=f"{tool}: {what.splitlines()[0] if what else ''}"[:120],
            text=f"{given['description']}\n{what}" if given.get("description") else what,
            command=str(command) if command else None,
            path=str(path) if path else None,
            asked_at=at,
        )

    def _records(self, reading: Reading) -> Findings:
        """Usage of the main conversation and of subagents; the last record of a message id counts."""
        responses: dict[str, Response] = {}
        evidence: list[Evidence] = []
        main = reading.feed == "transcript"
        for line in reading.lines:
            if not any(mark in line for mark in _TOLD):
                continue
            record = parse(line)
            at = time(record.get("timestamp")) or reading.at
            match record.get("type"):
                case "api-request":
                    self._requested[str(record.get("id"))] = at
                    if main:
                        self._unanswered = str(record.get("id"))
                case "assistant":
                    if (response := self._response(record, at)) is not None:
                        responses[response.id] = response
                        if main:
                            self._last, self._unanswered = response, None
                case "user" if main and b"[Request interrupted" in line:
                    if self._unanswered is not None:  # before a first word of the answer: nothing of it is logged
                        cut = Response(id=self._unanswered, usage=Usage(lower_bound=True), ended_at=at)
                        responses[cut.id], self._unanswered = cut, None
                    elif self._last is not None and self._last.usage.output <= 1:
                        usage = self._last.usage.model_copy(update={"lower_bound": True})
                        responses[self._last.id] = self._last = self._last.model_copy(update={"usage": usage})
                case "system" if main and record.get("subtype") == "compact_boundary":
                    self._summed_up = True
                    responses[UNLOGGED] = Response(id=UNLOGGED, usage=Usage(lower_bound=True), ended_at=at)
                case "cost-state" if main and self._summed_up:
                    self._counted |= {name: response.usage for name, response in responses.items()}
                    responses[UNLOGGED] = _unlogged(record, self._counted, at)
                case "system" if main and record.get("subtype") == "turn_duration":
                    evidence.append(
                        Evidence(
                            source=Source.TRANSCRIPT, channel="transcript", state=State.DONE, at=at, saw="turn ended"
                        )
                    )
            self._version = record.get("version") or self._version
        self._counted |= {name: response.usage for name, response in responses.items()}
        return Findings(
            responses=tuple(responses.values()),
            evidence=tuple(evidence[-1:]),
            transcript=self._transcript if main else None,
            version=self._version,
        )

    def _response(self, record: dict[str, Any], at: datetime) -> Response | None:
        message = record.get("message")
        if not isinstance(message, dict) or not isinstance(message.get("usage"), dict):
            return None
        model = str(message.get("model", ""))
        if model == "<synthetic>" or not message.get("id"):
            return None
        return Response(
            id=str(message["id"]),
            model=model,
            usage=from_anthropic(message["usage"]),
            started_at=self._requested.get(str(record.get("requestRef"))),
            ended_at=at,
            final=_FINAL.get(str(message.get("stop_reason"))),
        )


def _unlogged(record: dict[str, Any], counted: Mapping[str, Usage], at: datetime) -> Response:
    """What Claude Code's own sum holds beyond the answers that it logged."""
    models = record.get("modelUsage")
    models = models if isinstance(models, dict) else {}
    known = sum((usage for name, usage in counted.items() if name != UNLOGGED), Usage())
    total = {
        field: sum(_count(told.get(name)) for told in models.values() if isinstance(told, dict))
        for field, name in _SUMS.items()
    }
    beyond = {field: max(0, number - getattr(known, field)) for field, number in total.items()}
    model = next(iter(models), "") if len(models) == 1 else ""
    return Response(id=UNLOGGED, model=str(model), usage=Usage(**beyond), ended_at=at)


def _user_questions(given: dict[str, Any], asking: QuestionId, at: datetime) -> Iterator[Question]:
    """The questions of an AskUserQuestion call."""
    asked = given.get("questions")
    asked = [one for one in asked if isinstance(one, dict)] if isinstance(asked, list) else []
    for place, one in enumerate(asked, 1):
        told = one.get("options")
        options = [option for option in told if isinstance(option, dict)] if isinstance(told, list) else []
        yield Question(
            id=asking if len(asked) == 1 else QuestionId(f"{asking}.{place}"),
            kind=Kind.QUESTION,
            title=str(one.get("question", "")),
            text=str(one.get("question", "")),
            options=tuple(
                Option(key=str(number), label=str(option.get("label", "")), detail=str(option.get("description", "")))
                for number, option in enumerate(options, 1)
            ),
            multiple=bool(one.get("multiSelect")),
            free_text=True,
            asked_at=at,
        )


_FINAL = {"end_turn": True, "stop_sequence": True, "tool_use": False}


def _failure(error: str, said: str, at: datetime) -> tuple[State, str, datetime | None]:
    """What a turn that failed means; the words are Claude's own names of errors."""
    if error == "rate_limit" and (until := resets.time(said, at)) is not None:
        return State.RATE_LIMITED, said, until
    return State.FAILED, f"not signed in: {said}" if error in _SIGNED_OUT else said, None


def _kind(payload: dict[str, Any]) -> Kind:
    return {"AskUserQuestion": Kind.QUESTION, "ExitPlanMode": Kind.PLAN}.get(
        str(payload.get("tool_name")), Kind.PERMISSION
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _milliseconds(value: object) -> datetime | None:
    return datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, (int, float)) and value > 0 else None
