"""Reads what opencode tells by its own server: the event stream, and what is asked for beside it at a connection.

The server belongs to the pane's own process, so its sessions are this pane's: the *root* is the one that the human
talks to, its subagents are sessions whose ``parentID`` leads there. "busy" stays busy while a permission or a question
is pending; an error comes before the rest that it led to. Each response of the model is a part ``step-finish``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sessions.agents import dialogs
from sessions.agents.contract import Ask, Findings, Place, Reading, Screen, Stream
from sessions.agents.findings import asks, joined, text
from sessions.agents.hooks import parse
from sessions.agents.opencode_responses import Responses
from sessions.agents.opencode_words import failure, milliseconds, permission, question, records, retry, rows, table
from sessions.models import Evidence, Question, Source, Spec, State
from sessions.screen_rules import load

CHANNEL = "event-stream"
SERVER = "opencode-server.json"
_EVENTS, _SESSIONS, _MESSAGES = "events", "sessions", "messages"
_PERMISSIONS, _QUESTIONS, _STATUS = "permissions", "questions", "status"
_CHATTER = (b'"message.part.delta"', b'"server.heartbeat"', b'"plugin.added"', b'"session.diff"')
HELD_BACK = timedelta(seconds=4)


class OpencodeReader:
    """One running opencode."""

    def __init__(self, spec: Spec, place: Place) -> None:
        self._place = place
        self._worktree = os.path.realpath(place.worktree)
        self._launched = spec.started_at
        self._root = spec.agent_session_id
        self._parents: dict[str, str | None] = {}
        self._responses = Responses()
        self._open: dict[str, tuple[str, Question]] = {}  # request -> session, what it asks; oldest first
        self._busy: dict[str, dict[str, Any]] = {}  # session -> status, of those that are not idle
        self._known = False  # whether the status was told since we are connected
        self._error: str | None = None  # why the last turn of the root failed; "" it was broken off
        self._ended_at: datetime | None = None
        self._screen = dialogs.ScreenReader(load("opencode"))
        self._shown: Evidence | None = None
        self._looked_at: datetime | None = None
        self._drawn = False  # its server answers for seconds before its screen takes a key
        self._heard = False  # whether its server has told anything, be it that it is not reached
        self._version: str | None = None

    def watches(self) -> tuple[Stream, ...]:
        family = [session for session in self._family() if session is not None]
        wanted = [Ask(_SESSIONS, "/session")]
        wanted += [Ask(_MESSAGES, f"/session/{session}/message") for session in family]
        # The status last: only then is all known that a verdict needs.
        wanted += [Ask(_PERMISSIONS, "/permission"), Ask(_QUESTIONS, "/question"), Ask(_STATUS, "/session/status")]
        return (Stream(_EVENTS, self._place.folder / SERVER, "/event", tuple(wanted)),)

    def read(self, reading: Reading) -> Findings:
        if reading.feed != _EVENTS:
            return self._answer(reading)
        if not reading.lines:
            self._known, self._heard = False, True
            self._open.clear()
            self._busy.clear()
            return self._claim(None, reading.at, "its event stream is cut")
        told = [parse(line) for line in reading.lines if not any(word in line[:120] for word in _CHATTER)]
        return joined([self._event(event, reading.at) for event in told]) if told else Findings()

    def look(self, screen: Screen) -> Findings:
        """Held back until the server has told: for a moment it is all that a restarted supervisor would know."""
        self._shown = self._screen.look(screen, self._version) or self._shown
        self._looked_at = self._looked_at or screen.at
        if self._shown is None or (not self._heard and screen.at - self._looked_at < HELD_BACK):
            return Findings()
        if not self._drawn and self._shown.state is not None:
            self._drawn = True
            return self._verdict(screen.at, "drawn") if self._known else Findings(evidence=(self._shown,))
        return Findings(evidence=(self._shown,))

    def _answer(self, reading: Reading) -> Findings:
        """What was asked for at a connection: the past that the stream has not."""
        data = reading.data or b""
        match reading.feed:
            case "sessions":
                self._sessions(records(data))
                return Findings(agent_session_id=self._root, version=self._version)
            case "messages":
                found = [self._past(message) for message in records(data)]
                return joined(found) if found else Findings()
            case "permissions" | "questions":
                for request in records(data):
                    self._asked(request, reading.at)
            case "status":
                states = {session: status for session, status in parse(data).items() if isinstance(status, dict)}
                self._busy = {session: status for session, status in states.items() if status.get("type") != "idle"}
                self._known = self._heard = True
                return self._verdict(reading.at, "as it was found")
        return Findings()

    def _sessions(self, told: Iterable[dict[str, Any]]) -> None:
        """Every session of the project; the newest root of this launch is ours when none is known."""
        newest: tuple[datetime, str] | None = None
        for info in told:
            session = self._meet(info)
            created = milliseconds(table(info.get("time")).get("created"))
            here = os.path.realpath(str(info.get("directory"))) == self._worktree
            if session is None or info.get("parentID") or created is None or not here:
                continue
            if self._launched is not None and created >= self._launched and (newest is None or created > newest[0]):
                newest = (created, session)
        if self._root is None and newest is not None:
            self._root = newest[1]

    def _meet(self, info: dict[str, Any]) -> str | None:
        session = text(info.get("id"))
        if session is not None:
            self._parents[session] = text(info.get("parentID"))
            if session == self._root:
                self._version = text(info.get("version")) or self._version
        return session

    def _past(self, message: dict[str, Any]) -> Findings:
        info = table(message.get("info"))
        if info.get("role") != "user":
            self._responses.know(info)
        time = table(info.get("time"))
        ended = milliseconds(time.get("completed")) or milliseconds(time.get("created"))
        told = [self._part(part, ended) for part in rows(message.get("parts"))]
        return joined([*told, self._message(info)])

    def _event(self, event: dict[str, Any], at: datetime) -> Findings:
        about = table(event.get("properties"))
        session = text(about.get("sessionID"))
        match event.get("type"):
            case "session.created" | "session.updated":
                return self._session(event["type"], table(about.get("info")))
            case "session.status":
                status = table(about.get("status"))
                if session is None:
                    return Findings()
                if status.get("type") == "idle":
                    self._busy.pop(session, None)
                    return self._verdict(at, "session idle")
                if session not in self._busy and session == self._root:
                    self._error = None
                self._busy[session] = status
                return self._verdict(at, f"session {status.get('type')}")
            case "session.error":
                if session in (None, self._root):
                    self._error = failure(about.get("error"))
                    self._ended_at = at
            case "session.deleted":
                self._parents.pop(str(table(about.get("info")).get("id")), None)
            case "permission.asked" | "question.asked":
                self._asked(about, at)
                return self._verdict(at, str(event["type"]))
            case "permission.replied" | "question.replied" | "question.rejected":
                self._open.pop(str(about.get("requestID")), None)
                return self._verdict(at, str(event["type"]))
            case "message.updated":
                return self._message(table(about.get("info")))
            case "message.part.updated":
                return self._part(table(about.get("part")), milliseconds(about.get("time")) or at)
        return Findings()

    def _session(self, event: str, info: dict[str, Any]) -> Findings:
        session = self._meet(info)
        if event == "session.created" and session is not None and not info.get("parentID"):
            self._root, self._error = session, None
            self._version = text(info.get("version")) or self._version
        return Findings(agent_session_id=self._root, version=self._version)

    def _asked(self, request: dict[str, Any], at: datetime) -> None:
        name = text(request.get("id"))
        if name is not None:
            asked = question(request, at) if "questions" in request else permission(request, at)
            self._open[name] = (str(request.get("sessionID")), asked)

    def _message(self, info: dict[str, Any]) -> Findings:
        session = text(info.get("sessionID"))
        if session is None or text(info.get("id")) is None:
            return Findings()
        if info.get("role") == "user":
            return self._talked_to(session)
        ended = milliseconds(table(info.get("time")).get("completed"))
        if ended is not None and session == self._root:
            error = info.get("error")
            broken_off = info.get("finish") in (None, "tool-calls")  # it waits for no result of a tool any more
            self._error = failure(error) if error else "" if broken_off else None
            self._ended_at = ended
        response = self._responses.message(info, self._launched)
        return Findings(responses=(response,) if response is not None else ())

    def _talked_to(self, session: str) -> Findings:
        """The human writes to it: when it is no subagent it is the one on the screen, which /sessions can change."""
        if self._parents.get(session) is None and session != self._root:
            self._root, self._error = session, None
        return Findings(agent_session_id=self._root)

    def _part(self, part: dict[str, Any], at: datetime | None) -> Findings:
        if at is None:
            return Findings()
        response = self._responses.part(part, at)
        said = self._responses.said(part) if part.get("sessionID") == self._root else None
        return Findings(responses=(response,) if response is not None else (), said=said, asks=asks(said))

    def _family(self) -> list[str]:
        """The root and every subagent below it."""
        family = [self._root] if self._root is not None else []
        for session in family:
            family += [child for child, parent in self._parents.items() if parent == session and child not in family]
        return family

    def _verdict(self, at: datetime, saw: str) -> Findings:
        """What all of it says now. Whatever this process asks is asked in this pane, whoever asks it."""
        if not self._known:
            return Findings()
        family = self._family()
        asked = [one for session, one in self._open.values() if session in family or session not in self._parents]
        if asked:
            return self._claim(State.BLOCKED, at, f"{saw}: {asked[0].title}", question=asked[0])
        own = self._busy.get(self._root or "")
        if own is not None and own.get("type") == "retry":
            state, until = retry(own)
            return self._claim(state, at, f"retry {own.get('attempt')}: {own.get('message')}", until=until)
        if own is not None:
            return self._claim(State.WORKING, at, saw)
        if any(session in self._busy for session in family):
            return self._claim(State.BACKGROUND, at, "subagents still run")
        return self._at_rest(at, saw)

    def _at_rest(self, at: datetime, saw: str) -> Findings:
        ended = self._ended_at
        if ended is None or (self._launched is not None and ended < self._launched):
            drawn = self._shown is not None and self._shown.state is not None
            return self._claim(State.IDLE if drawn else None, at, saw)
        if self._error:
            return self._claim(State.FAILED, at, self._error)
        return self._claim(State.IDLE if self._error == "" else State.DONE, at, saw)

    def _claim(
        self,
        state: State | None,
        at: datetime,
        saw: str,
        *,
        question: Question | None = None,
        until: datetime | None = None,
    ) -> Findings:
        evidence = Evidence(
            source=Source.AGENT,
            channel=CHANNEL,
            state=state,
            kind=question.kind if question is not None else None,
            question=question,
            at=at,
            saw=saw[:120],
            until=until,
        )
        shown = (self._shown,) if self._shown is not None else ()
        return Findings(evidence=(evidence, *shown), agent_session_id=self._root)
