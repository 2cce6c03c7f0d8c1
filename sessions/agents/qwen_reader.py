"""Reads what qwen-code shows: its dual output, chat log, screen and title.

The dual output (0.24.4, ``--json-file``) tells prompts, answers, requests and results while they happen, but neither
an interrupt, nor a refusal, nor what keys in the pane answered. The title tells those: ◐ works, ✳ waits, else it rests.
So the title's word that contradicts the output takes the output's claim back, once it had agreed with it before.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sessions.agents import dialogs
from sessions.agents.contract import Findings, Place, Reading, Screen, Watch
from sessions.agents.findings import asks, joined, text, time
from sessions.agents.hooks import parse
from sessions.agents.qwen_text import API_RESPONSE, question, response
from sessions.models import Evidence, Question, Response, Source, Spec, State, Usage
from sessions.screen_rules import load

EVENTS = "qwen-events.jsonl"
CHANNEL = "dual-output"
PATIENCE = timedelta(seconds=2)
"""For how long the title may lag behind the dual output when it has not agreed with it yet."""
_TITLES = {"◐": State.WORKING, "◓": State.WORKING, "✳": State.BLOCKED}
_ERROR = re.compile(r"^\[API Error: (.*)", re.S)
_LOST = re.compile(r"\b401\b|invalid.{0,10}api.key|unauthorized|authentication", re.I)
_STARTED = re.compile(r"^Background shell (\S+) started")
_ENDED = re.compile(r"<task-id>([^<]+)</task-id>")
_CANCELLED = re.compile(r"^\s*●\S* Request cancelled\.")
_RUNNING = re.compile(r"· \d+ (?:shell|task|agent)s?(?: running)?\s*$")
_TOLD = (b'"stream_event"', b'"assistant"', b'"user"', b'"control_', b'"system"')
_SKIPPED = b'"content_block_'


def home(env: Mapping[str, str]) -> Path:
    """Where qwen-code keeps conversations for a process with this environment."""
    named = env.get("QWEN_RUNTIME_DIR") or env.get("QWEN_HOME")
    return Path(named) if named else (Path(env["HOME"]) if env.get("HOME") else Path.home()) / ".qwen"


def uncovered(screen: Screen) -> Screen:
    """The screen without the scroll bar at its right edge."""
    return replace(screen, lines=tuple(line.removesuffix("█").rstrip() for line in screen.lines))


class QwenReader:
    """One running qwen-code."""

    def __init__(self, spec: Spec, place: Place) -> None:
        self._events = place.folder / EVENTS
        self._session = spec.agent_session_id
        project = re.sub(r"[^A-Za-z0-9]", "-", os.path.realpath(place.worktree))
        self._chat = place.outside(home(place.env)) / "projects" / project / "chats" / f"{self._session}.jsonl"
        self._screen = dialogs.ScreenReader(load("qwen"))
        self._version: str | None = None
        self._ready = False  # it has drawn its input line; the title says that it rests before it does
        self._claim: Evidence | None = None  # what the dual output says now
        self._agreed = False  # the title has said the same since
        self._calls = False  # the answer that is written asks for a tool
        self._answer: dict[str, Any] = {}  # its last message
        self._asked_for: str | None = None  # the message that a model answers now
        self._begun = False  # ... and has begun to
        self._cut: str | None = None  # the message whose answer counts as interrupted
        self._shells: set[str] = set()

    def watches(self) -> tuple[Watch, ...]:
        found = (Watch("dual", self._events),)
        return found if self._session is None else (*found, Watch("chat", self._chat))

    def read(self, reading: Reading) -> Findings:
        if reading.feed == "chat":
            return self._records(reading)
        found = [
            self._event(parse(line), reading.at)
            for line in reading.lines
            if _SKIPPED not in line and any(mark in line for mark in _TOLD)
        ]
        known = joined(found) if found else Findings()
        told = [item for item in known.evidence if item.channel == CHANNEL]
        if told:
            self._agreed = self._agreed and self._claim is not None and self._claim.state is told[-1].state
            self._claim = told[-1]
        return replace(known, version=self._version, agent_session_id=self._session)

    def look(self, screen: Screen) -> Findings:
        seen = self._screen.look(uncovered(screen), self._version)
        found: list[Evidence] = [seen] if seen is not None else []
        self._ready = self._ready or (seen is not None and seen.state is not None)
        if screen.in_mode:
            return Findings(evidence=tuple(found))
        state = _TITLES.get(screen.title[:1]) if screen.title.strip() else None
        resting = self._ready and state is None and "Qwen" in screen.title
        title = Evidence(
            source=Source.TITLE,
            channel="title",
            state=State.IDLE if resting else state if state is State.WORKING else None,
            at=screen.at,
            saw=screen.title.strip()[:40],
        )
        return self._weighed(screen, seen, title, state or (State.IDLE if resting else None), found)

    def _weighed(
        self, screen: Screen, seen: Evidence | None, title: Evidence, says: State | None, found: list[Evidence]
    ) -> Findings:
        """The title beside the dual output's claim: it agrees, or takes it back."""
        claim = self._claim
        cut: tuple[Response, ...] = ()
        if claim is not None and claim.state is says:
            self._agreed = True
        elif claim is not None and says is not None and claim.state in (State.WORKING, State.BLOCKED):
            shown = seen is not None and seen.state is State.BLOCKED
            due = self._agreed or screen.at - claim.at > PATIENCE
            if due and not shown and says is not State.BLOCKED:
                cut = self._cut_off(screen.at) if claim.state is State.WORKING else ()
                found.append(self._taken_back(claim, says, screen))
        elif claim is not None and claim.state is State.BACKGROUND and says is State.IDLE:
            running = any(_RUNNING.search(line) for line in screen.lines[-4:])
            if not running and screen.at - claim.at > PATIENCE:
                self._shells.clear()
                self._claim = claim.model_copy(update={"state": State.DONE, "at": screen.at, "saw": "nothing runs on"})
                found.append(self._claim)
        return Findings(evidence=(*found, title), responses=cut)

    def _taken_back(self, claim: Evidence, says: State, screen: Screen) -> Evidence:
        """The dual output's claim, corrected. An answer that had begun may have ended: then its end is on its way."""
        ended = claim.state is State.WORKING and self._begun and says is State.IDLE
        if ended and not any(_CANCELLED.match(line) for line in screen.lines[-12:]):
            state: State | None = None
        else:
            state = says
        told = _evidence(state, screen.at, f"the title says {screen.title.strip()[:40]!r}")
        self._claim, self._agreed = (told if state is not None else None), state is not None
        return told

    def _event(self, record: dict[str, Any], at: datetime) -> Findings:
        if record.get("parent_tool_use_id"):
            return Findings()  # a subagent's
        given = record.get("event")
        match record.get("type"), record.get("subtype"):
            case "system", "session_start":
                data = record.get("data")
                self._version = text(data.get("version")) if isinstance(data, dict) else None
                return _tell(None, at, "session started")  # its input line is not there yet
            case "system", "session_end":
                return _tell(None, at, "session ended")
            case "user", _:
                return self._user(record, at)
            case "assistant", _:
                message = record.get("message")
                self._answer = message if isinstance(message, dict) else {}
                self._calls = self._calls or any(block.get("type") == "tool_use" for block in _blocks(self._answer))
                return Findings()
            case "control_request", _:
                asked = question(record, at)
                return _tell(State.BLOCKED, at, f"asks: {asked.title}", asked) if asked is not None else Findings()
            case "control_response", _:
                answer = record.get("response")
                refused = isinstance(answer, dict) and answer.get("subtype") == "error"
                return Findings() if refused else _tell(State.WORKING, at, "answered")
            case "stream_event", _ if isinstance(given, dict) and given.get("type") == "message_start":
                self._calls, self._answer, self._begun = False, {}, True
                return _tell(State.WORKING, at, "a model answers")
            case "stream_event", _ if isinstance(given, dict) and given.get("type") == "message_stop":
                return self._answered(at)
            case _:
                return Findings()

    def _user(self, record: dict[str, Any], at: datetime) -> Findings:
        """A prompt, the result of a tool, or the news that a shell in the background ended."""
        self._asked_for, self._begun, self._cut = str(record.get("uuid")), False, None
        for block in _blocks(record.get("message")):
            told = block.get("content") if block.get("type") == "tool_result" else block.get("text")
            if not isinstance(told, str):
                continue
            if found := _STARTED.match(told):
                self._shells.add(found[1])
            self._shells.difference_update(_ENDED.findall(told))
        return _tell(State.WORKING, at, "a message to the model")

    def _answered(self, at: datetime) -> Findings:
        said = "".join(str(block.get("text", "")) for block in _blocks(self._answer) if block.get("type") == "text")
        whole = self._not_cut_off(at)
        if self._calls:
            self._asked_for = None
            return replace(_tell(State.WORKING, at, "a tool is called"), responses=whole)
        usage = self._answer.get("usage")
        counted = isinstance(usage, dict) and bool(usage.get("output_tokens") or usage.get("input_tokens"))
        if failed := _ERROR.match(said) if not counted else None:
            self._asked_for = None
            about = " ".join(failed[1].split()).removesuffix("]")[:120]
            return _tell(State.FAILED, at, f"not signed in: {about}" if _LOST.search(about) else about)
        if not counted:
            return replace(_tell(State.IDLE, at, "the answer was interrupted"), responses=self._cut_off(at))
        self._asked_for = None
        rest = _tell(State.BACKGROUND if self._shells else State.DONE, at, "turn ended")
        return replace(rest, said=said or None, asks=asks(said), responses=whole)

    def _cut_off(self, at: datetime) -> tuple[Response, ...]:
        """The answer that was interrupted: qwen-code logs none of its tokens."""
        name, self._asked_for = self._asked_for, None
        if name is None:
            return ()
        self._cut = name
        return (Response(id=name, usage=Usage(lower_bound=True), ended_at=at),)

    def _not_cut_off(self, at: datetime) -> tuple[Response, ...]:
        """Its end came after the title had told that it rests: it was a whole one."""
        name, self._cut = self._cut, None
        return () if name is None else (Response(id=name, usage=Usage(), ended_at=at),)

    def _records(self, reading: Reading) -> Findings:
        """Usage of every answer, those of background work (memory) included; prompt suggestions are not logged."""
        found = [
            counted
            for line in reading.lines
            if API_RESPONSE.encode() in line
            and (counted := response(record := parse(line), time(record.get("timestamp")) or reading.at)) is not None
        ]
        return Findings(responses=tuple(found), transcript=self._chat)


def _blocks(message: object) -> list[dict[str, Any]]:
    content = message.get("content") if isinstance(message, dict) else None
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _tell(state: State | None, at: datetime, saw: str, asked: Question | None = None) -> Findings:
    return Findings(evidence=(_evidence(state, at, saw, asked),))


def _evidence(state: State | None, at: datetime, saw: str, asked: Question | None = None) -> Evidence:
    return Evidence(
        source=Source.AGENT,
        channel=CHANNEL,
        state=state,
        kind=asked.kind if asked is not None else None,
        question=asked,
        at=at,
        saw=saw[:140],
    )
