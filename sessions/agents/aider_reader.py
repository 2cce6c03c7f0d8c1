"""Reads what aider shows: its analytics log with our marks in it, its chat history, the pane's bytes, the screen.

aider's terminal library switches bracketed paste on whenever it waits for input and off when it has it, so the bytes
tell exactly when it waits; for what it waits, its prompt or a question, only the screen tells.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sessions.agents import aider_screen, dialogs
from sessions.agents.aider_chat import Chat, Outcome
from sessions.agents.contract import Findings, Mode, Place, Reading, Screen, Watch
from sessions.agents.findings import asks, joined, text
from sessions.agents.hooks import parse
from sessions.models import Evidence, Response, Source, Spec, State, Usage
from sessions.screen_rules import load

TURNS = "aider-turns.jsonl"
CHAT = "aider-chat.md"
WAITS = "waits"
"""Our own event in the analytics log: aider waits for input for the first time since it asked the model."""
_PASTE = re.compile(rb"\x1b\[\?2004([hl])")
_TORN = len(b"\x1b[?2004")


class AiderReader:
    """One running aider."""

    def __init__(self, spec: Spec, place: Place) -> None:
        self._place = place
        self._session = spec.agent_session_id
        self._model = spec.model or ""
        self._chat = Chat()
        self._screen = dialogs.ScreenReader(load("aider"))
        self._torn = b""
        self._starting = False
        self._at_prompt = False
        self._counted = 0
        self._began: datetime | None = None

    def watches(self) -> tuple[Watch, ...]:
        return (
            Watch("turns", self._place.folder / TURNS),
            Watch("chat", self._place.folder / CHAT),
            Watch("pane", self._place.log, Mode.BYTES),
        )

    def read(self, reading: Reading) -> Findings:
        match reading.feed:
            case "turns":
                return joined([self._event(parse(line), reading) for line in reading.lines] or [Findings()])
            case "chat":
                return self._history(reading)
            case _:
                return self._bytes(reading)

    def look(self, screen: Screen) -> Findings:
        shown = aider_screen.at_cursor(screen)
        seen = self._screen.look(shown, self._chat.version)
        if seen is None:
            return Findings()
        self._at_prompt = seen.rule in aider_screen.PROMPT
        found = self._asked(seen, shown) or [seen, self._rest(screen.at)]
        if self._starting and seen.state is not None:
            self._starting = False
            found.append(_turn(None, screen.at, "it has started"))
        return Findings(evidence=tuple(found))

    def _asked(self, seen: Evidence, shown: Screen) -> list[Evidence]:
        """The question on the screen as data, and by the chat history too, when that has the whole of it."""
        if seen.rule == aider_screen.SHELL and seen.question is not None:
            left = seen.question.model_copy(update={"options": (aider_screen.EXIT,)})
            waits = _terminal(None, shown.at, "a shell waits for input")
            return [seen.model_copy(update={"question": left}), waits, self._rest(shown.at)]
        asking = aider_screen.confirm(shown, seen.rule, self._chat.told) if seen.question is not None else None
        if asking is None or seen.question is None:
            return []
        question = aider_screen.question(asking, seen.question.kind, seen.question.title, seen.rule, shown.at)
        claim = seen.model_copy(update={"question": question})
        if not asking.whole:
            return [claim, self._rest(shown.at)]
        return [claim, claim.model_copy(update={"source": Source.TRANSCRIPT, "channel": "chat"})]

    def _rest(self, at: datetime) -> Evidence:
        """How the latest turn ended; it says nothing but at the prompt: commands run after the model's answer."""
        outcome = self._chat.outcome if self._at_prompt else None
        return Evidence(
            source=Source.TRANSCRIPT,
            channel="chat",
            state=outcome.state if outcome is not None else None,
            at=at,
            saw=outcome.saw[:120] if outcome is not None else "",
            until=outcome.until if outcome is not None else None,
        )

    def _event(self, record: dict[str, Any], reading: Reading) -> Findings:
        at = _seconds(record.get("time")) or reading.at if reading.replay else reading.at
        told = record.get("properties")
        about: dict[str, Any] = told if isinstance(told, dict) else {}
        match record.get("event"):
            case "launched":
                self._starting = True
                return Findings(evidence=(_turn(State.STARTING, at, "launched"),))
            case "message_send_starting":
                self._began = at
                return Findings(evidence=(_turn(State.WORKING, at, "message_send_starting"),))
            case "message_send":
                return Findings(responses=(self._response(about, at),))
            case "message_send_exception":
                self._chat.outcome = Outcome(State.FAILED, str(about.get("exception")))
                return Findings()
            case "waits" | "exit" as event:
                return Findings(evidence=(_turn(None, at, event),))
            case _:
                return Findings()

    def _response(self, about: dict[str, Any], at: datetime) -> Response:
        """aider's own counts: estimates while it streams, and without the calls that write commit messages."""
        self._counted += 1
        model = text(about.get("main_model")) or ""
        cost = about.get("cost")
        return Response(
            id=f"message-{self._counted}",
            model=(self._chat.model or self._model) if not model or model.endswith("/REDACTED") else model,
            usage=Usage(
                input=_count(about.get("prompt_tokens")),
                output=_count(about.get("completion_tokens")),
                lower_bound=True,
            ),
            started_at=self._began,
            ended_at=at,
            cost_usd=float(cost) if isinstance(cost, (int, float)) and cost > 0 else None,
        )

    def _history(self, reading: Reading) -> Findings:
        before = self._chat.outcome
        lines = (line.decode("utf-8", "replace").rstrip("\r\n") for line in reading.lines)
        answers = [self._chat.feed(line, reading.at) for line in lines]
        outcome = self._chat.outcome
        if reading.replay and outcome is not None and outcome.until is not None:
            self._chat.outcome = replace(outcome, state=State.FAILED, until=None)  # nobody knows when it was written
        said = next((answer for answer in reversed(answers) if answer), None)
        changed = self._at_prompt and self._chat.outcome != before
        return Findings(
            evidence=(self._rest(reading.at),) if changed else (),
            said=said,
            asks=asks(said),
            agent_session_id=self._session,
            transcript=self._place.folder / CHAT,
            version=self._chat.version,
        )

    def _bytes(self, reading: Reading) -> Findings:
        data = self._torn + (reading.data or b"")
        self._torn = data[-_TORN:]
        switches = _PASTE.findall(data)
        found: list[Evidence] = []
        if b"l" in switches:
            self._at_prompt = False
            found += [_terminal(State.WORKING, reading.at, "it took an input"), self._rest(reading.at)]
        if switches and switches[-1] == b"h":
            found.append(_terminal(None, reading.at, "it waits for input"))
        return Findings(evidence=tuple(found))


def _turn(state: State | None, at: datetime, saw: str) -> Evidence:
    return Evidence(source=Source.HOOK, channel="turn", state=state, at=at, saw=saw)


def _terminal(state: State | None, at: datetime, saw: str) -> Evidence:
    return Evidence(source=Source.TITLE, channel="terminal", state=state, at=at, saw=saw)


def _seconds(value: object) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, (int, float)) and value > 0 else None


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0
