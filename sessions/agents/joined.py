"""Programs that tell about themselves: JSON lines that they append to the file named in ``$ORCHESTRATOR_EVENTS``.

The contract is docs/events.md. Reading the file again from its beginning gives the same, so nothing is remembered
across a restart of the supervisor.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
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
_TEXT_LIMIT = 16 << 10


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
                found.append(handler(event, time(event.get("at")) or reading.at))
        return joined(found) if found else Findings()

    def look(self, screen: Screen) -> Findings:
        return Findings()

    def _hello(self, event: dict[str, Any], _at: datetime) -> Findings:
        transcript = text(event.get("transcript"))
        return Findings(
            agent_session_id=text(event.get("session")),
            version=text(event.get("version")),
            transcript=Path(transcript) if transcript else None,
        )

    def _state(self, event: dict[str, Any], at: datetime) -> Findings:
        state = _STATES.get(str(event.get("state")))
        if state is None:
            return Findings()
        saw = text(event.get("text")) or f"state {state}"
        return _claim(state, at, saw, until=time(event.get("until")))

    def _question(self, event: dict[str, Any], at: datetime) -> Findings:
        name = text(event.get("id"))
        if name is None:
            return Findings()
        self._open = QuestionId(name)
        kind = Kind(event["kind"]) if event.get("kind") in set(Kind) else Kind.QUESTION
        title = text(event.get("title")) or ""
        body = text(event.get("text")) or title
        options = event.get("options")
        question = Question(
            id=self._open,
            kind=kind,
            title=title or body.splitlines()[0] if body else kind.value,
            text=body[:_TEXT_LIMIT],
            options=tuple(filter(None, map(_option, options))) if isinstance(options, list) else (),
            multiple=event.get("multiple") is True,
            free_text=event.get("free_text") is True,
            command=text(event.get("command")),
            path=text(event.get("path")),
            asked_at=at,
        )
        return _claim(State.BLOCKED, at, f"question {question.id}", kind=kind, question=question)

    def _answered(self, event: dict[str, Any], at: datetime) -> Findings:
        if self._open is None or event.get("id") != self._open:
            return Findings()
        self._open = None
        return _claim(State.WORKING, at, f"answered {event['id']}")

    def _usage(self, event: dict[str, Any], at: datetime) -> Findings:
        self._counted += 1
        cost = event.get("cost_usd")
        response = Response(
            id=text(event.get("id")) or f"line-{self._counted}",
            model=text(event.get("model")) or "",
            usage=Usage(
                input=_count(event.get("input")),
                output=_count(event.get("output")),
                cache_read=_count(event.get("cache_read")),
                cache_write=_count(event.get("cache_write")),
                reasoning=_count(event.get("reasoning")),
                lower_bound=event.get("lower_bound") is True,
            ),
            started_at=time(event.get("started_at")),
            ended_at=time(event.get("ended_at")) or at,
            cost_usd=float(cost) if isinstance(cost, (int, float)) and not isinstance(cost, bool) else None,
        )
        return Findings(responses=(response,))

    def _message(self, event: dict[str, Any], _at: datetime) -> Findings:
        said = text(event.get("text")) if event.get("role") == "agent" else None
        return Findings(said=said[:_TEXT_LIMIT] if said else None, asks=asks(said))


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
    if not isinstance(value, dict) or not text(value.get("key")):
        return None
    return Option(
        key=str(value["key"]),
        label=text(value.get("label")) or str(value["key"]),
        detail=text(value.get("detail")) or "",
    )


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0
