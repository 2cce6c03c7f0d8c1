"""Reads what Gemini CLI shows: its chat file, its title, its screen.

It has no channel that tells an asking as data and that every user can have per launch (see ``gemini.py``), so questions
are read from the screen, which shows at most three options of a list at once: those seen earlier are remembered.
"""

from __future__ import annotations

import hashlib
import os
import re
from datetime import datetime, timedelta
from typing import Any

from sessions.agents import dialogs, gemini_chat
from sessions.agents.contract import Findings, Mode, Place, Reading, Screen, Watch
from sessions.agents.findings import asks, joined, time
from sessions.agents.hooks import parse
from sessions.models import Evidence, Kind, Option, Question, QuestionId, Response, Source, Spec, State, Usage
from sessions.screen_rules import load

REFILED = timedelta(seconds=1)
"""Within it after a cancelled request, the prompt is filed once more, together with those before it."""
DRAWN = timedelta(milliseconds=250)
"""After which a dialog of which the title tells is one that no rule knows."""
START = timedelta(seconds=30)
"""After which a start must be over, should the chat file not be found."""
_CANCELLED = "Request cancelled"
_NOT_SIGNED_IN = re.compile(r'"code":\s*401|API_KEY_INVALID|API key not valid|UNAUTHENTICATED')
_TITLES = {"✦": State.WORKING, "⏲": State.WORKING, "✋": State.BLOCKED}  # ◇ stands also above trust and sign-in
_FILE = re.compile(r"^(?:WriteFile|Edit) +(?:Writing to )?([^\n:]+?)(?:$|: | =>)")
_VERSION = re.compile(r"Gemini CLI v(\d[\w.-]*)")
_FRESH = (State.IDLE, "at its prompt")
_SEVERAL = "(Select all that apply)"


class GeminiReader:
    """One running Gemini CLI."""

    def __init__(self, spec: Spec, place: Place) -> None:
        self._config = place.outside(gemini_chat.folder(place.env))
        self._worktree = os.path.realpath(place.worktree)
        self._session = spec.agent_session_id or ""
        self._launched, self._resumes = spec.started_at, spec.resume
        self._slug: str | None = None
        self._screen = dialogs.ScreenReader(load("gemini"))
        self._version: str | None = None
        self._model = ""
        self._requested: datetime | None = None  # a request of the main conversation is under way
        self._cancelled: datetime | None = None
        self._prompt = ""
        self._ended = _FRESH  # how the latest turn ended, should it rest
        self._last = ""  # id of the newest message: with it an asking has the same id after a restart
        self._claimed: State | None = None  # what the chat file stands for now
        self._title: State | None = None
        self._ready_by = spec.started_at + START if spec.started_at is not None else None
        self._asks_trust = False
        self._undrawn: datetime | None = None  # since when the title tells of a dialog that is not on the screen
        self._worked = False  # the title told of work since the model was asked
        self._options: tuple[str, dict[str, Option]] = ("", {})

    def watches(self) -> tuple[Watch, ...]:
        found = [Watch("projects", self._config / "projects.json", Mode.WHOLE)]
        if self._slug is not None and self._session:
            chats = self._config / "tmp" / self._slug / "chats"
            found.append(Watch("chat", chats, pattern=f"session-*-{self._session[:8]}.jsonl"))
            found.append(Watch("subagents", chats / self._session, pattern="*.jsonl"))
        return tuple(found)

    def read(self, reading: Reading) -> Findings:
        if reading.feed == "projects":
            self._slug = gemini_chat.slug(reading.data, self._worktree) or self._slug
            return Findings()
        main = reading.feed == "chat"
        found = joined([self._record(parse(line), reading.at, main) for line in reading.lines])
        return Findings(
            evidence=found.evidence,
            responses=tuple({response.id: response for response in found.responses}.values()),
            said=found.said,
            asks=found.asks,
            agent_session_id=found.agent_session_id,
            transcript=reading.path if main else None,
        )

    def look(self, screen: Screen) -> Findings:
        if self._version is None:
            hit = _VERSION.search("\n".join(screen.lines))
            self._version = hit[1] if hit else None
        seen = self._screen.look(screen, self._version)
        found = [self._titled(seen, screen)]
        if seen is not None:
            found.append(self._judged(seen, screen))
        found += self._compared(_TITLES.get(screen.title[:1]), seen, screen)
        return Findings(evidence=tuple(found), version=self._version)

    def _titled(self, seen: Evidence | None, screen: Screen) -> Evidence:
        """What the title says: of a dialog a moment before it is drawn, and a moment after it is gone."""
        state, kind = _TITLES.get(screen.title[:1]), None
        undrawn = state is State.BLOCKED
        if seen is not None and seen.state is State.BLOCKED:  # in the input box's place, whatever the title says
            state, kind, undrawn = State.BLOCKED, seen.kind, False
        self._undrawn = (self._undrawn or screen.at) if undrawn else None
        if self._undrawn is not None:
            known = screen.at - self._undrawn >= DRAWN
            state, kind = (State.BLOCKED, Kind.DIALOG) if known else (State.WORKING, None)
        elif state is None and self._starts(screen.at):
            state = State.STARTING
        saw = screen.title.strip()[:40]
        return Evidence(source=Source.TITLE, channel="title", state=state, kind=kind, at=screen.at, saw=saw)

    def _compared(self, title: State | None, seen: Evidence | None, screen: Screen) -> list[Evidence]:
        """What the chat file stands for once title and screen are known: it tells how a turn begins and breaks off.

        That a turn is over takes all three: the model answered, the title has told of work since it was asked, and now
        title and screen tell of rest, but for processes in the background.
        """
        began, self._title = title is not None and self._title is None, title
        self._worked = self._worked or title is not None
        blocked = seen is not None and seen.state is State.BLOCKED
        over = None
        if seen is not None and screen.title.startswith("◇"):
            over = {State.IDLE: State.DONE, State.BACKGROUND: State.BACKGROUND}.get(seen.state or State.UNKNOWN)
        if over is not None and self._worked and self._requested is None and self._ended[0] is State.DONE:
            return [] if self._claimed is over else [self._claim(over, screen.at, self._ended[1])]
        working = self._claimed is State.WORKING and (self._requested is None or blocked)
        if working or (began and self._claimed in (State.IDLE, State.FAILED, State.DONE, State.BACKGROUND)):
            return [self._claim(None, screen.at, "the title tells more")]
        return []

    def _starts(self, at: datetime) -> bool:
        """It shows its prompt, and calls itself ready, some time before it is: then it opens the chat file."""
        return self._ready_by is not None and at < self._ready_by

    def _judged(self, seen: Evidence, screen: Screen) -> Evidence:
        self._asks_trust = seen.rule == "trust"
        if self._asks_trust:
            self._ready_by = screen.at + START  # it starts again when it is trusted
        if seen.state is State.IDLE and self._starts(screen.at):
            return seen.model_copy(update={"state": None, "saw": "it still starts", "at": screen.at})
        if seen.state is State.IDLE:
            state, saw = self._ended
            return seen.model_copy(update={"state": state, "saw": saw, "at": screen.at})
        if seen.state is State.FAILED and self._ended[0] is State.FAILED:
            return seen.model_copy(update={"saw": self._ended[1]})
        if seen.question is None:
            return seen
        return seen.model_copy(update={"question": self._asked(seen.question)})

    def _asked(self, shown: Question) -> Question:
        """The dialog on the screen as a question: its id is of this very asking, its options all that were seen."""
        seed = "\0".join((shown.kind, shown.title, shown.command or "", self._last))
        name = "g" + hashlib.sha256(seed.encode()).hexdigest()[:11]
        before = self._options[1] if self._options[0] == name else {}
        options = {**before, **{option.key: option for option in shown.options}}
        self._options = (name, options)
        update: dict[str, Any] = {
            "id": QuestionId(name),
            "options": tuple(sorted(options.values(), key=lambda option: int(option.key))),
            "multiple": _SEVERAL in shown.text,
        }
        if shown.kind is Kind.QUESTION:
            update["text"] = shown.title
        if shown.kind is Kind.PERMISSION and (file := _FILE.match(shown.title)) is not None:
            update["path"] = file[1]
        return shown.model_copy(update=update)

    def _record(self, record: dict[str, Any], now: datetime, main: bool) -> Findings:
        at = time(record.get("timestamp")) or now
        if main and "type" not in record:
            return self._opened(record)
        if self._launched is not None and at < self._launched:
            return self._before(record, at, main)
        match record.get("type"):
            case "gemini":
                return self._answer(record, at, main)
            case "user" if main:
                return self._request(record, at)
            case "info" if main and gemini_chat.words(record).startswith(_CANCELLED):
                return self._cancel(record, at)
            case "error" if main:
                return self._failure(gemini_chat.words(record), at)
        return Findings()

    def _opened(self, record: dict[str, Any]) -> Findings:
        """The head of a file, or the patch by which a conversation is taken up again, some time after a new head."""
        patch = record.get("$set")
        taken_up = isinstance(patch, dict)
        session = patch.get("sessionId") if isinstance(patch, dict) else record.get("sessionId")
        if not isinstance(session, str):
            return Findings()
        began = time(record.get("startTime"))
        fresh = self._launched is None or (began is not None and began >= self._launched)
        if (taken_up if self._resumes else fresh) and not self._asks_trust:
            self._ready_by = None
        return Findings(agent_session_id=session)

    def _before(self, record: dict[str, Any], at: datetime, main: bool) -> Findings:
        """What an earlier launch of the conversation filed: its tokens count, how its turns ended does not."""
        found = self._answer(record, at, main) if record.get("type") == "gemini" else Findings()
        self._ended = _FRESH
        return Findings(responses=found.responses)

    def _request(self, record: dict[str, Any], at: datetime) -> Findings:
        """What the human said, or the results of tools: the model is asked."""
        said = gemini_chat.words(record)
        refiled = self._cancelled is not None and at - self._cancelled < REFILED and said.endswith(self._prompt)
        if refiled or said.startswith(gemini_chat.CONTEXT):
            return Findings()
        self._prompt = said or self._prompt
        self._requested, self._last, self._worked = at, str(record.get("id")), False
        # The screen's claim of rest is of the turn before; the next look says whether it holds.
        stale = Evidence(source=Source.SCREEN, channel="screen", state=None, at=at, saw="before this turn")
        return Findings(evidence=(stale, self._claim(State.WORKING, at, "the model was asked")))

    def _answer(self, record: dict[str, Any], at: datetime, main: bool) -> Findings:
        tokens, said = record.get("tokens"), gemini_chat.words(record).strip()
        if not isinstance(tokens, dict):
            return Findings()
        self._model = str(record.get("model") or self._model)
        response = Response(
            id=str(record.get("id")),
            model=self._model,
            usage=gemini_chat.usage(tokens),
            started_at=self._requested if main and "toolCalls" not in record else None,
            ended_at=at,
        )
        if not main:
            return Findings(responses=(response,))
        self._requested, self._last = None, response.id
        self._ended = (State.DONE, "the turn is over, at its prompt")
        return Findings(responses=(response,), said=said or None, asks=asks(said))

    def _cancel(self, record: dict[str, Any], at: datetime) -> Findings:
        """The human stopped it. A response that was under way leaves no tokens behind."""
        lost = self._requested is not None
        self._requested, self._cancelled, self._ended = None, at, (State.IDLE, _CANCELLED)
        response = Response(
            id=f"cancelled-{record.get('id')}", model=self._model, usage=Usage(lower_bound=True), ended_at=at
        )
        return Findings(evidence=(self._claim(State.IDLE, at, _CANCELLED),), responses=(response,) if lost else ())

    def _failure(self, said: str, at: datetime) -> Findings:
        saw = f"not signed in: {said}" if _NOT_SIGNED_IN.search(said) else said
        self._ended = (State.FAILED, saw[:120])
        if not said.startswith("[API Error"):
            return Findings()  # of a command or an extension: the turn may go on
        self._requested = None
        return Findings(evidence=(self._claim(State.FAILED, at, saw),))

    def _claim(self, state: State | None, at: datetime, saw: str) -> Evidence:
        self._claimed = state
        return Evidence(source=Source.TRANSCRIPT, channel="chat", state=state, at=at, saw=saw[:120])
