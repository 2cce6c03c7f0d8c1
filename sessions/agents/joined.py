"""Programs that tell about themselves: JSON lines that they append to the file named in ``$ORCHESTRATOR_EVENTS``.

The contract is docs/events.md. Reading the file again from its beginning gives the same, so nothing is remembered
across a restart of the supervisor.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sessions.agents.contract import Findings, Mode, Place, Reading, Screen, Watch
from sessions.agents.findings import asks, joined, text, time
from sessions.agents.hooks import parse
from sessions.models import Evidence, Kind, Option, Question, QuestionId, Response, Source, Spec, State, Usage

CHANNEL = "events"
_STATES = {
    state.value: state
    for state in (
        State.WORKING,
        State.BACKGROUND,
        State.IDLE,
        State.DONE,
        State.RETRYING,
        State.RATE_LIMITED,
        State.FAILED,
    )
}
_KINDS = {kind.value: kind for kind in Kind}
_TEXT_LIMIT = 16 << 10
_NAME_LIMIT = 500
_OPTIONS_LIMIT = 50
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class JoinedReader:
    """Reads the events of one program. A line that is none is skipped; an unknown type says nothing."""

    def __init__(self, spec: Spec, place: Place) -> None:
        self._place = place
        self._open: QuestionId | None = None
        self._counted = 0
        self._types: dict[str, Callable[[dict[str, Any], datetime], Findings]] = {
            "hello": self._hello,
            "state": self._state,
            "question": self._question,
            "answered": self._answered,
            "usage": self._usage,
            "message": self._message,
        }

    def watches(self) -> tuple[Watch, ...]:
        return (Watch(CHANNEL, self._place.events, Mode.LINES),)

    def read(self, reading: Reading) -> Findings:
        found = []
        for line in reading.lines:
            event = parse(line)
            handler = self._types.get(str(event.get("type")))
            if handler is not None:
                # A clock that is ahead must not outlive what comes after it.
                found.append(handler(event, min(_time(event.get("at")) or reading.at, reading.at)))
        return joined(found) if found else Findings()

    def look(self, screen: Screen) -> Findings:
        return Findings()

    def _hello(self, event: dict[str, Any], at: datetime) -> Findings:
        """A program began: what an earlier one said of its state holds no more."""
        self._open = None
        transcript = _text(event.get("transcript"), _NAME_LIMIT)
        silence = Evidence(source=Source.AGENT, channel=CHANNEL, state=None, at=at, saw="a program began")
        return Findings(
            evidence=(silence,),
            agent_session_id=_text(event.get("session"), _NAME_LIMIT),
            version=_text(event.get("version"), _NAME_LIMIT),
            transcript=Path(transcript) if transcript and transcript.startswith("/") else None,
        )

    def _state(self, event: dict[str, Any], at: datetime) -> Findings:
        state = _STATES.get(str(event.get("state")))
        if state is None:
            return Findings()
        saw = _text(event.get("text"), _NAME_LIMIT) or f"state {state}"
        return _claim(state, at, saw, until=_time(event.get("until")))

    def _question(self, event: dict[str, Any], at: datetime) -> Findings:
        name = _text(event.get("id"), _NAME_LIMIT)
        if name is None:
            return Findings()
        self._open = QuestionId(name)
        kind = _KINDS.get(str(event.get("kind")), Kind.QUESTION)
        title = _text(event.get("title"), _NAME_LIMIT)
        body = _text(event.get("text")) or title or ""
        given = event.get("options")
        options = given[:_OPTIONS_LIMIT] if isinstance(given, list) else []
        question = Question(
            id=self._open,
            kind=kind,
            title=title or next(iter(body.strip().splitlines()), kind.value)[:_NAME_LIMIT],
            text=body,
            options=tuple(filter(None, map(_option, options))),
            multiple=event.get("multiple") is True,
            free_text=event.get("free_text") is True,
            command=_text(event.get("command")),
            path=_text(event.get("path")),
            asked_at=at,
        )
        return _claim(State.BLOCKED, at, f"question {question.id}", kind=kind, question=question)

    def _answered(self, event: dict[str, Any], at: datetime) -> Findings:
        if self._open is None or _text(event.get("id"), _NAME_LIMIT) != self._open:
            return Findings()
        answered, self._open = self._open, None
        return _claim(State.WORKING, at, f"answered {answered}")

    def _usage(self, event: dict[str, Any], at: datetime) -> Findings:
        self._counted += 1
        response = Response(
            id=_text(event.get("id"), _NAME_LIMIT) or f"line-{self._counted}",
            model=_text(event.get("model"), _NAME_LIMIT) or "",
            usage=Usage(
                input=_count(event.get("input")),
                output=_count(event.get("output")),
                cache_read=_count(event.get("cache_read")),
                cache_write=_count(event.get("cache_write")),
                reasoning=_count(event.get("reasoning")),
                lower_bound=event.get("lower_bound") is True,
            ),
            started_at=_time(event.get("started_at")),
            ended_at=_time(event.get("ended_at")) or at,
            cost_usd=_cost(event.get("cost_usd")),
            final=final if isinstance(final := event.get("final"), bool) else None,
        )
        return Findings(responses=(response,))

    def _message(self, event: dict[str, Any], _at: datetime) -> Findings:
        said = _text(event.get("text")) if event.get("role") == "agent" else None
        return Findings(said=said, asks=asks(said))


def _claim(
    state: State,
    at: datetime,
    saw: str,
    *,
    kind: Kind | None = None,
    question: Question | None = None,
    until: datetime | None = None,
) -> Findings:
    evidence = Evidence(
        source=Source.AGENT,
        channel=CHANNEL,
        state=state,
        kind=kind,
        question=question,
        at=at,
        saw=saw[:120],
        until=until,
    )
    return Findings(evidence=(evidence,))


def _option(value: object) -> Option | None:
    if not isinstance(value, dict):
        return None
    key = _text(value.get("key"), _NAME_LIMIT)
    if key is None:
        return None
    return Option(key=key, label=_text(value.get("label"), _NAME_LIMIT) or key, detail=_text(value.get("detail")) or "")


def _text(value: object, limit: int = _TEXT_LIMIT) -> str | None:
    """Text that can be stored and shown: no controls but line ends and tabs, no lone surrogates."""
    found = text(value)
    if found is None:
        return None
    return _CONTROLS.sub("", found[:limit]).encode("utf-8", "replace").decode() or None


def _time(value: object) -> datetime | None:
    """A time in UTC; one without a zone is taken as UTC."""
    found = time(value)
    if found is None:
        return None
    try:
        return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _count(value: object) -> int:
    return min(max(0, value), 1 << 53) if isinstance(value, int) and not isinstance(value, bool) else 0


def _cost(value: object) -> float | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 1e9:
        return None
    return float(value)
