"""Reads what Copilot CLI shows: the event log of its session, screen, title.

``events.jsonl`` tells everything while it happens (seen in 1.0.102): prompts, model calls with their usage, tools,
permissions, aborts and errors. A prompt that is taken back before the first word came is cut out of it again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sessions.agents import dialogs
from sessions.agents.contract import Findings, Place, Reading, Screen, Watch
from sessions.agents.copilot_log import request, response, tool_question
from sessions.agents.findings import asks, joined, text, time
from sessions.agents.hooks import parse
from sessions.models import Evidence, Question, Response, Source, Spec, State, Usage
from sessions.screen_rules import load

CHANNEL = "events"
SETTLE = timedelta(seconds=2)
"""For how long the title may lag behind the log about shells in the background."""
_STARTED = re.compile(r"started in background with shellId: (\S+?)>")
_ENDED = re.compile(r"<shellId: (\S+) (?:completed|stopped|exited)")


def home(env: Mapping[str, str]) -> Path:
    """Where Copilot CLI keeps its files for a process with this environment."""
    named = env.get("COPILOT_HOME")
    return Path(named) if named else (Path(env["HOME"]) if env.get("HOME") else Path.home()) / ".copilot"


def uncovered(screen: Screen) -> Screen:
    """The screen without the scroll bar at its right edge."""
    return replace(screen, lines=tuple(line.removesuffix("┃").rstrip() for line in screen.lines))


class CopilotReader:
    """One running Copilot CLI."""

    def __init__(self, spec: Spec, place: Place) -> None:
        self._session = spec.agent_session_id
        self._folder = place.outside(home(place.env)) / "session-state"
        self._screen = dialogs.ScreenReader(load("copilot"))
        self._version: str | None = None
        self._claim: Evidence | None = None
        self._begin()

    def watches(self) -> tuple[Watch, ...]:
        return () if self._session is None else (Watch("events", self._log),)

    @property
    def _log(self) -> Path:
        return self._folder / str(self._session) / "events.jsonl"

    def read(self, reading: Reading) -> Findings:
        found = joined([self._event(parse(line), reading.at) for line in reading.lines] or [Findings()])
        told = [item for item in found.evidence if item.channel == CHANNEL]
        self._claim = told[-1] if told else self._claim
        return replace(found, transcript=self._log, version=self._version, agent_session_id=self._session)

    def look(self, screen: Screen) -> Findings:
        found: list[Evidence] = []
        if (seen := self._screen.look(uncovered(screen), self._version)) is not None:
            found.append(seen)
        if (claim := self._behind_the_turn(screen)) is not None:
            found.append(claim)
        return Findings(evidence=tuple(found))

    def _begin(self) -> None:
        """A program begins, or its log begins anew."""
        self._asked: dict[str, Question] = {}
        self._tools: set[str] = set()
        self._shells: set[str] = set()
        self._more = True  # the model has not said its last words of the turn
        self._open: tuple[str, datetime] | None = None  # a request of which no usage is known yet

    def _event(self, event: dict[str, Any], now: datetime) -> Findings:
        given = event.get("data")
        data: dict[str, Any] = given if isinstance(given, dict) else {}
        at, kind = time(event.get("timestamp")) or now, str(event.get("type"))
        match kind:
            case "session.start" | "session.resume":
                self._begin()
                self._version = text(data.get("copilotVersion")) or self._version
                return self._tell(State.IDLE, at, kind)
            case "user.message":
                self._more = True
                return self._work(at, kind)
            case "assistant.turn_start":
                self._open = (str(event.get("id")), at)
                return self._work(at, kind)
            case "session.usage_record":
                self._open = None
                counted = response(event, data, at)
                return Findings(responses=(counted,) if counted is not None else ())
            case "assistant.message":
                return self._message(data)
            case "tool.execution_start":
                return self._tool(data, at)
            case "tool.execution_complete":
                return self._tool_ended(data, at)
            case "permission.requested":
                asked = request(data, at)
                self._asked[asked.id] = asked
                return self._work(at, kind)
            case "permission.completed":
                # One that comes after the turn was aborted tells nothing.
                known = self._asked.pop(str(data.get("requestId")), None)
                return self._work(at, kind) if known is not None else Findings()
            case "assistant.turn_end":
                return self._turn_ended(at)
            case "abort" | "session.error" | "session.usage_checkpoint" | "session.shutdown":
                return self._ended(kind, data, at)
            case _:
                return Findings()

    def _work(self, at: datetime, saw: str) -> Findings:
        """The turn goes on: it waits for the first question that is open, or it works."""
        asked = next(iter(self._asked.values()), None)
        if asked is None:
            return self._tell(State.WORKING, at, saw)
        return self._tell(State.BLOCKED, asked.asked_at, f"asks: {asked.title}", asked)

    def _message(self, data: dict[str, Any]) -> Findings:
        if data.get("parentToolCallId"):
            return Findings()  # words of a subagent
        self._more = bool(data.get("toolRequests"))
        said = text(data.get("content"))
        return Findings(said=said, asks=not self._more and asks(said))

    def _tool(self, data: dict[str, Any], at: datetime) -> Findings:
        call = str(data.get("toolCallId"))
        self._tools.add(call)
        asked = tool_question(call, data, at)
        if asked is not None:
            self._asked[call] = asked
        return self._work(at, f"tool {data.get('toolName')}")

    def _tool_ended(self, data: dict[str, Any], at: datetime) -> Findings:
        call = str(data.get("toolCallId"))
        if call not in self._tools:
            return Findings()  # a command that the human ran with "!"
        self._tools.discard(call)
        self._asked.pop(call, None)
        result = data.get("result")
        told = str(result.get("content", "")) if isinstance(result, dict) else ""
        if found := _STARTED.search(told):
            self._shells.add(found[1])
        self._shells.difference_update(_ENDED.findall(told))
        return self._work(at, "tool ended")

    def _turn_ended(self, at: datetime) -> Findings:
        """A turn of the model; the turn of the human ends with one that asks for no tool."""
        if self._more or self._tools or self._asked:
            return Findings()
        if self._shells:
            return self._tell(State.BACKGROUND, at, f"turn ended, {len(self._shells)} shells run")
        return self._tell(State.DONE, at, "turn ended")

    def _ended(self, kind: str, data: dict[str, Any], at: datetime) -> Findings:
        cut = self._cut_off(at)
        self._asked.clear()
        self._tools.clear()
        match kind:
            case "abort":
                return replace(self._tell(State.IDLE, at, f"abort {data.get('reason')}"), responses=cut)
            case "session.error":
                self._open = None
                about = " ".join(str(data.get("message")).split())[:110]
                lost = data.get("errorType") == "authentication" or data.get("statusCode") == 401
                return self._tell(State.FAILED, at, f"not signed in: {about}" if lost else about)
            case "session.usage_checkpoint" if _taken_back(data):
                return replace(self._tell(State.IDLE, at, "the prompt was taken back"), responses=cut)
            case "session.shutdown":
                return self._tell(None, at, kind)
            case _:
                return Findings()

    def _cut_off(self, at: datetime) -> tuple[Response, ...]:
        """The response that was interrupted: Copilot CLI logs none of its tokens."""
        if self._open is None:
            return ()
        name, started_at = self._open
        return (Response(id=name, usage=Usage(lower_bound=True), started_at=started_at, ended_at=at),)

    def _behind_the_turn(self, screen: Screen) -> Evidence | None:
        """What the title says of shells and agents that run on, where the log says otherwise."""
        claim = self._claim
        if claim is None or screen.in_mode:
            return None
        waits = "Waiting for background" in screen.title
        if claim.state is State.DONE and waits:
            state = State.BACKGROUND
        elif claim.state is State.BACKGROUND and not waits and screen.at - claim.at > SETTLE:
            state = State.DONE
            self._shells.clear()
        else:
            return None
        self._claim = claim.model_copy(update={"state": state, "at": screen.at, "saw": f"title {screen.title[-60:]}"})
        return self._claim

    def _tell(self, state: State | None, at: datetime, saw: str, question: Question | None = None) -> Findings:
        evidence = Evidence(
            source=Source.AGENT,
            channel=CHANNEL,
            state=state,
            kind=question.kind if question is not None else None,
            question=question,
            at=at,
            saw=saw[:140],
        )
        return Findings(evidence=(evidence,))


def _taken_back(data: dict[str, Any]) -> bool:
    """The human took a prompt back with Escape before the first word came."""
    breaks = data.get("promptCacheBreakState")
    return any(
        "rewind" in (item.get("pendingRewriteSources") or ())
        for item in (breaks if isinstance(breaks, list) else ())
        if isinstance(item, dict)
    )
