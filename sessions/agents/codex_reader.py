"""Reads what Codex shows: OSC 7501 in the pane's bytes, hook spool, rollout, screen and title."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sessions.agents import codex_terminals, dialogs, resets
from sessions.agents.contract import Findings, Mode, Place, Reading, Screen, Watch
from sessions.agents.findings import asks, joined, text, time
from sessions.agents.hooks import Askings, Requests, parse
from sessions.models import (
    Entry,
    Evidence,
    Kind,
    Option,
    Question,
    QuestionId,
    Response,
    Role,
    Source,
    Spec,
    State,
    Usage,
)
from sessions.screen_rules import load
from sessions.usage import from_openai

_OSC = re.compile(rb"\x1b\]7501;([^\x07\x1b]*)(?:\x07|\x1b\\)")
_TORN = 512
"""Bytes of an unfinished sequence that are kept for the next reading."""
OSC = "osc7501"
_STATES = {
    "idle": State.IDLE,
    "working": State.WORKING,
    "blocked": State.BLOCKED,
    "done": State.DONE,
    "error": State.FAILED,
}
_TITLE_BLOCKED = re.compile(r"^\[ [!.] \] ")
_SPINNER = re.compile(r"^[\u2800-\u28ff] ")
_TOLD = (
    b'"token_usage_record"',
    b'"task_started"',
    b'"task_complete"',
    b'"turn_aborted"',
    b'"turn_context"',
    b'"session_meta"',
    b'call_output"',
    b'"request_user_input"',
    b'"CommandExecution"',
)
_UNAUTHORIZED = (401, 403)
_CUT_OFF = "aborted by user"


class CodexReader:
    """One running Codex."""

    def __init__(self, spec: Spec, place: Place) -> None:
        self._place = place
        self._session = spec.agent_session_id
        self._rollout: Path | None = None
        self._screen = dialogs.ScreenReader(load("codex"))
        self._askings = Askings()
        self._requests = Requests()
        self._torn = b""
        self._model = spec.model or ""
        self._version: str | None = None
        self._requested: datetime | None = None
        self._is_answering = False  # the model's answer is under way
        self._asked: tuple[Question, ...] = ()  # those of the latest call, which the screen shows one by one
        self._failed: Evidence | None = None  # why the latest turn failed, once the rollout told
        self._is_error = False  # the state that Codex itself tells now
        self._terminals = codex_terminals.Terminals(spec.started_at)

    def watches(self) -> tuple[Watch, ...]:
        found = [Watch("hooks", self._place.spool), Watch("pane", self._place.log, Mode.BYTES)]
        if self._rollout is not None:
            found.append(Watch("rollout", self._rollout))
        return tuple(found)

    def read(self, reading: Reading) -> Findings:
        match reading.feed:
            case "pane":
                return self._osc(reading)
            case "hooks":
                return joined([self._hook(parse(line), reading.at) for line in reading.lines] or [Findings()])
            case _:
                return joined([self._record(line, reading.at) for line in reading.lines] or [Findings()])

    def look(self, screen: Screen) -> Findings:
        found: list[Evidence] = []
        if (seen := self._screen.look(screen, self._version)) is not None:
            shown = next((one for one in self._asked if dialogs.is_about(seen.question, one)), None)
            found += [seen.model_copy(update={"question": shown})] if shown is not None else self._requests.shown(seen)
        state = State.WORKING if _SPINNER.match(screen.title) else None
        if _TITLE_BLOCKED.match(screen.title):
            state = State.BLOCKED
        found.append(Evidence(source=Source.TITLE, channel="title", state=state, at=screen.at, saw=screen.title[:40]))
        return Findings(evidence=tuple(found))

    def _osc(self, reading: Reading) -> Findings:
        data = self._torn + (reading.data or b"")
        found = list(_OSC.finditer(data))
        last = found[-1] if found else None
        rest = data[last.end() :] if last is not None else data
        cut = rest.rfind(b"\x1b]")
        self._torn = rest[cut:] if cut >= 0 and len(rest) - cut <= _TORN else rest[-1:] if rest[-1:] == b"\x1b" else b""
        if last is None:
            return Findings()
        words = last[1].decode("ascii", "replace")
        fields = dict(part.partition("=")[::2] for part in words.split(":"))
        state = _STATES.get(fields.get("state", ""))
        kind = None
        if state is State.BLOCKED:
            kind = Kind(fields["kind"]) if fields.get("kind") in set(Kind) else Kind.PERMISSION
        evidence = Evidence(source=Source.AGENT, channel=OSC, state=state, kind=kind, at=reading.at, saw=words[:80])
        self._is_error = state is State.FAILED
        if self._is_error and self._failed is not None:
            evidence = _own(self._failed)
        return Findings(evidence=(self._terminals.weigh(evidence),))

    def _hook(self, payload: dict[str, Any], at: datetime) -> Findings:
        event = payload.get("hook_event_name")
        rollout = text(payload.get("transcript_path"))
        if rollout is not None:
            self._rollout = Path(rollout)
        self._model = text(payload.get("model")) or self._model
        said: str | None = None
        state: State | None = None
        question: Question | None = None
        match event:
            case "UserPromptSubmit" | "PreToolUse" | "PostToolUse":
                state = State.WORKING
            case "PermissionRequest":
                state, question = State.BLOCKED, self._request(payload, at)
                self._requests.add(question)
            case "Stop":
                state, said = State.DONE, text(payload.get("last_assistant_message"))
                self._requests.clear()
            case "Interrupt":
                state = State.IDLE
            case "SessionStart" | "SessionEnd":
                state = None
            case _:
                return Findings()
        evidence = Evidence(
            source=Source.HOOK,
            channel="hook",
            state=state,
            kind=Kind.PERMISSION if state is State.BLOCKED else None,
            question=question,
            at=at,
            saw=f"{event} {payload.get('tool_name') or ''}".strip()[:120],
        )
        self._session = text(payload.get("session_id")) or self._session
        return Findings(
            evidence=(self._terminals.weigh(evidence),),
            said=said,
            asks=asks(said),
            agent_session_id=self._session,
            transcript=self._rollout,
        )

    def _request(self, payload: dict[str, Any], at: datetime) -> Question:
        tool, given = str(payload.get("tool_name")), payload.get("tool_input")
        given = given if isinstance(given, dict) else {}
        asking = self._askings.id(payload.get("turn_id"), tool, given)
        command = text(given.get("command")) or text(given.get("cmd"))
        reason = text(given.get("description")) or text(given.get("justification"))
        what = command or json.dumps(given)[:2000]
        is_patch = tool == "apply_patch"
        return Question(
            id=asking,
            kind=Kind.PERMISSION,
            title=("Edit files" if is_patch else f"{tool}: {what.splitlines()[0] if what else ''}")[:120],
            text=f"{reason}\n{what}" if reason else what,
            command=None if is_patch else command,
            asked_at=at,
        )

    def _record(self, line: bytes, seen: datetime) -> Findings:
        if not any(mark in line for mark in _TOLD):
            return Findings()
        record = parse(line)
        payload = record.get("payload")
        if not isinstance(payload, dict):
            return Findings()
        at = time(record.get("timestamp")) or seen
        kind = record.get("type")
        if kind == "event_msg":
            return self._event(payload, at)
        if kind == "token_usage_record":
            return self._usage(payload, at)
        if kind == "response_item" and str(payload.get("type")).endswith("call_output"):
            self._requested = at
            output = codex_terminals.words(payload.get("output"))
            self._is_answering = not output.endswith(_CUT_OFF)
            self._terminals.output(output, at)
            return Findings(evidence=self._terminals.changed(at), version=self._version)
        if kind == "response_item" and payload.get("name") == "request_user_input":
            self._asked = tuple(_user_questions(payload, at))
        elif kind == "turn_context":
            self._model = text(payload.get("model")) or self._model
        elif kind == "session_meta":
            self._version = text(payload.get("cli_version")) or self._version
        return Findings(version=self._version)

    def _event(self, payload: dict[str, Any], at: datetime) -> Findings:
        match payload.get("type"):
            case "task_started":
                self._requested, self._failed, self._is_answering = at, None, True
                self._terminals.begun()
                return self._claim(State.WORKING, at, "task started")
            case "turn_aborted":
                self._terminals.aborted()
                claim = self._claim(State.IDLE, at, f"turn aborted: {payload.get('reason')}")
                return Findings(evidence=claim.evidence, responses=self._cut_off(payload, at))
            case "item_completed":
                self._terminals.completed(payload.get("item"))
                return Findings(evidence=self._terminals.changed(at))
            case "task_complete":
                error = payload.get("error")
                if isinstance(error, dict):
                    self._failed = _failure(error, at)
                    # Codex's own state says no more than that it is an error.
                    return Findings(evidence=(self._failed, *([_own(self._failed)] if self._is_error else [])))
                said = text(payload.get("last_agent_message"))
                claim = self._claim(State.DONE, at, "task complete")
                return Findings(evidence=claim.evidence, said=said, asks=asks(said))
            case _:
                return Findings()

    def _claim(self, state: State, at: datetime, saw: str) -> Findings:
        """What the rollout says, and what other channels mean with it."""
        claim = self._terminals.weigh(_evidence(state, at, saw))
        return Findings(evidence=(claim, *self._terminals.changed(at)))

    def _cut_off(self, payload: dict[str, Any], at: datetime) -> tuple[Response, ...]:
        """An answer that was interrupted: Codex logs none of its tokens."""
        if not self._is_answering:
            return ()
        self._is_answering = False
        name = f"cut-off-{payload.get('turn_id')}"
        return (Response(id=name, model=self._model, usage=Usage(lower_bound=True), ended_at=at),)

    def _usage(self, payload: dict[str, Any], at: datetime) -> Findings:
        usage, response = payload.get("usage"), text(payload.get("response_id"))
        if not isinstance(usage, dict) or response is None:
            return Findings()
        began, self._requested, self._is_answering = self._requested, at, False
        return Findings(
            responses=(
                Response(id=response, model=self._model, usage=from_openai(usage), started_at=began, ended_at=at),
            )
        )


def _evidence(state: State, at: datetime, saw: str, until: datetime | None = None) -> Evidence:
    return Evidence(source=Source.TRANSCRIPT, channel="rollout", state=state, at=at, saw=saw[:120], until=until)


def _own(failure: Evidence) -> Evidence:
    """What Codex's own state would say if it had words."""
    return failure.model_copy(update={"source": Source.AGENT, "channel": OSC})


def _failure(error: dict[str, Any], at: datetime) -> Evidence:
    """What a turn that failed means: ``message`` for people, ``codex_error_info`` a name or a name with details."""
    said, info = str(error.get("message")), error.get("codex_error_info")
    if info == "usage_limit_exceeded" and (until := resets.time(said, at)) is not None:
        return _evidence(State.RATE_LIMITED, at, said, until)
    details = next(iter(info.values()), None) if isinstance(info, dict) else None
    status = details.get("http_status_code") if isinstance(details, dict) else None
    is_signed_out = info == "unauthorized" or status in _UNAUTHORIZED
    return _evidence(State.FAILED, at, f"not signed in: {said}" if is_signed_out else said)


def _user_questions(call: dict[str, Any], at: datetime) -> Iterator[Question]:
    """The questions of a request_user_input call."""
    given = parse(str(call.get("arguments")).encode())
    asked = given.get("questions")
    for one in asked if isinstance(asked, list) else []:
        if not isinstance(one, dict):
            continue
        told = one.get("options")
        options = [option for option in told if isinstance(option, dict)] if isinstance(told, list) else []
        title = str(one.get("question", ""))
        yield Question(
            id=QuestionId(f"{call.get('call_id')}.{one.get('id')}"),
            kind=Kind.QUESTION,
            title=title,
            text=title,
            options=tuple(
                Option(key=str(number), label=str(option.get("label", "")), detail=str(option.get("description", "")))
                for number, option in enumerate(options, 1)
            ),
            free_text=True,
            asked_at=at,
        )


def transcript_entries(path: Path) -> tuple[Entry, ...]:
    """The conversation of a rollout, for reading. A torn or unknown line is skipped."""
    entries: list[Entry] = []
    with path.open("rb") as file:
        for line in file:
            record = parse(line)
            payload = record.get("payload")
            if record.get("type") != "response_item" or not isinstance(payload, dict):
                continue
            entry = _entry(payload, time(record.get("timestamp")))
            if entry is not None:
                entries.append(entry)
    return tuple(entries)


def _entry(payload: dict[str, Any], at: datetime | None) -> Entry | None:
    match payload.get("type"):
        case "message" if payload.get("role") in ("user", "assistant"):
            blocks = payload.get("content")
            parts = [str(block.get("text", "")) for block in blocks or () if isinstance(block, dict)]
            body = "\n".join(parts).strip()
            role = Role.USER if payload["role"] == "user" else Role.AGENT
            hidden = role is Role.USER and body.startswith("<")  # the environment that Codex tells the model
            return None if not body or hidden else Entry(at=at, role=role, text=body)
        case "function_call" | "custom_tool_call":
            given = str(payload.get("arguments") or payload.get("input") or "")
            return Entry(
                at=at, role=Role.TOOL, title=f"{payload.get('name')} {' '.join(given.split())}"[:120], text=given
            )
        case "function_call_output" | "custom_tool_call_output":
            output = payload.get("output")
            return Entry(
                at=at,
                role=Role.TOOL,
                title="result",
                text=(output if isinstance(output, str) else json.dumps(output))[:4000],
            )
        case _:
            return None
