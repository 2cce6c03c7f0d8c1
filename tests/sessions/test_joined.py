"""The events contract: what lines mean, and that no line can harm the reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.agents.contract import Findings, Place, Reading
from sessions.agents.joined import JoinedReader
from sessions.events import Counted, Said, StatusChanged
from sessions.models import Kind, Spec, State
from sessions.perception import Perception

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUESTION = {"type": "question", "id": "q1", "kind": "permission", "title": "Run: make", "command": "make"}
PLACE = Place(folder=Path("/nowhere"), worktree=Path("/nowhere"), env={})


def _reader() -> JoinedReader:
    return JoinedReader(Spec(agent="command", name="x"), PLACE)


def _reading(*events: object, at: datetime = NOW, replay: bool = False) -> Reading:
    lines = tuple(event if isinstance(event, bytes) else json.dumps(event).encode() for event in events)
    return Reading("events", PLACE.events, at, lines=lines, replay=replay)


def _read(*events: object) -> Findings:
    return _reader().read(_reading(*events))


@pytest.mark.parametrize(
    ("state", "means"),
    [
        ("working", State.WORKING),
        ("background", State.BACKGROUND),
        ("idle", State.IDLE),
        ("done", State.DONE),
        ("retrying", State.RETRYING),
        ("rate_limited", State.RATE_LIMITED),
        ("failed", State.FAILED),
    ],
)
def test_states_of_the_contract(state: str, means: State) -> None:
    (evidence,) = _read({"type": "state", "state": state, "until": "2026-03-01T12:01:00Z", "text": "so"}).evidence
    assert (evidence.state, evidence.saw, evidence.until) == (means, "so", NOW + timedelta(minutes=1))


@pytest.mark.parametrize("state", ["exited", "blocked", "paused", "", None, 5, ["working"], {"a": 1}])
def test_a_state_that_a_program_cannot_claim_says_nothing(state: object) -> None:
    assert _read({"type": "state", "state": state}) == Findings()


def test_a_question_blocks_with_all_that_it_holds() -> None:
    options = [{"key": "1", "label": "Yes", "detail": "now"}, {"key": "2"}, {"label": "none"}, 7]
    (evidence,) = _read({**QUESTION, "options": options, "free_text": True, "multiple": True, "path": "a"}).evidence
    assert (evidence.state, evidence.kind) == (State.BLOCKED, Kind.PERMISSION)
    question = evidence.question
    assert question is not None
    assert (question.id, question.title, question.text, question.command) == ("q1", "Run: make", "Run: make", "make")
    assert [(option.key, option.label, option.detail) for option in question.options] == [
        ("1", "Yes", "now"),
        ("2", "2", ""),
    ]
    assert (question.free_text, question.multiple, question.path) == (True, True, "a")


def test_a_question_takes_its_title_from_its_text() -> None:
    (evidence,) = _read({"type": "question", "id": "q", "text": "Which\nof these?", "kind": ["odd"]}).evidence
    assert evidence.question is not None
    assert (evidence.question.title, evidence.question.kind) == ("Which", Kind.QUESTION)


def test_only_the_open_question_can_be_closed() -> None:
    reader = _reader()
    reader.read(_reading(QUESTION))
    assert reader.read(_reading({"type": "answered", "id": "q0"})) == Findings()
    assert reader.read(_reading({"type": "answered", "id": "q1"})).evidence[0].state is State.WORKING
    assert reader.read(_reading({"type": "answered", "id": "q1"})) == Findings()


def test_a_new_program_takes_back_what_the_last_one_claimed() -> None:
    perception = Perception(_reader())
    perception.read(_reading(QUESTION))
    assert perception.status is not None
    assert perception.status.state is State.BLOCKED
    perception.read(_reading({"type": "hello"}))
    assert perception.status.state is State.UNKNOWN
    perception.read(_reading(QUESTION, {"type": "hello"}, {"type": "state", "state": "working"}))
    assert perception.status.state is State.WORKING


def test_hello_names_the_conversation() -> None:
    hello = {"type": "hello", "agent": "a", "version": "1.2", "session": "s1", "transcript": "/a/t.jsonl"}
    found = _read(hello)
    assert (found.version, found.agent_session_id, found.transcript) == ("1.2", "s1", Path("/a/t.jsonl"))
    assert _read({**hello, "transcript": "../relative"}).transcript is None


def test_tokens_are_summed_and_an_id_that_comes_again_replaces() -> None:
    def usage(id_: str | None, **figures: Any) -> dict[str, Any]:
        return {"type": "usage", "id": id_, "model": "m", **figures}

    perception = Perception(_reader())
    events = perception.read(
        _reading(
            usage("a", input=10, output=1),
            usage("b", input=5, output=2, cache_read=7, cost_usd=0.5),
            usage("a", input=10, output=4),
            usage(None, input=1),
            usage(None, input=1),
        )
    )
    total = [event for event in events if isinstance(event, Counted)][-1].total
    assert (total.input, total.output, total.cache_read) == (17, 6, 7)


@pytest.mark.parametrize("figure", [-1, 1.5, True, "7", None, [], 10**400])
def test_a_figure_that_is_no_count_is_bounded(figure: object) -> None:
    (response,) = _read({"type": "usage", "input": figure, "cost_usd": figure}).responses
    assert 0 <= response.usage.input <= 1 << 53
    assert response.cost_usd in (None, 1.5)
    json.dumps(response.model_dump(mode="json"), allow_nan=False)


def test_the_agents_message_is_what_it_said() -> None:
    perception = Perception(_reader())
    lines = (
        {"type": "message", "role": "agent", "text": "Shall I?"},
        {"type": "message", "role": "user", "text": "no"},
    )
    said = [event for event in perception.read(_reading(*lines)) if isinstance(event, Said)]
    assert said == [Said(text="Shall I?", asks=True)]


def test_times_are_the_programs_but_never_of_the_future() -> None:
    def at(value: str) -> datetime:
        return _read({"type": "state", "state": "idle", "at": value}).evidence[0].at

    assert at("2026-03-01T11:00:00+01:00") == NOW - timedelta(hours=2)
    assert at("2026-03-01T11:00:00") == NOW - timedelta(hours=1)
    assert at("2099-01-01T00:00:00Z") == NOW
    assert at("9999-12-31T23:59:59-23:00") == NOW
    assert at("yesterday") == NOW


def test_controls_are_taken_out_and_lone_surrogates_named() -> None:
    line = b'{"type": "question", "id": "q", "title": "a\\u001b[2Jb\\u009bc\\ud800d", "text": "e\\nf\\u0000"}'
    (evidence,) = _read(line).evidence
    assert evidence.question is not None
    assert (evidence.question.title, evidence.question.text) == ("a[2Jbc‹U+D800›d", "e\nf")
    evidence.model_dump_json()


def test_reading_all_again_gives_the_same() -> None:
    events: list[object] = [
        {"type": "hello", "session": "s"},
        {"type": "state", "state": "working", "at": "2026-03-01T11:00:00Z"},
        {"type": "usage", "input": 3, "at": "2026-03-01T11:00:01Z"},
        {"type": "message", "role": "agent", "text": "I ask."},
        {**QUESTION, "at": "2026-03-01T11:00:02Z"},
    ]
    live, again = Perception(_reader()), Perception(_reader())
    lived = [event for line in events for event in live.read(_reading(line))]
    replayed = again.read(_reading(*events, at=NOW + timedelta(hours=1), replay=True))
    assert live.status is not None
    assert again.status is not None
    assert (again.status.state, again.status.question) == (live.status.state, live.status.question)
    for kind in (Counted, Said):
        assert [e for e in lived if isinstance(e, kind)][-1] == [e for e in replayed if isinstance(e, kind)][-1]


_KEYS = st.sampled_from(
    [
        *("type", "id", "kind", "title", "text", "options", "key", "label", "detail", "multiple", "free_text"),
        *("command", "path", "state", "until", "at", "role", "session", "transcript", "version", "model"),
        *("input", "output", "cost_usd", "started_at", "ended_at"),
    ]
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["hello", "state", "question", "answered", "usage", "message", "working", "done", "1", NOW.isoformat()]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=8),
    max_leaves=12,
)
_TYPES = st.sampled_from(["hello", "state", "question", "answered", "usage", "message"])
_EVENTS = st.builds(lambda type_, fields: {**fields, "type": type_}, _TYPES, st.dictionaries(_KEYS, _JSON, max_size=8))


@given(st.lists(_EVENTS | _JSON | st.binary(max_size=40), max_size=5))
def test_no_line_can_harm_and_all_that_comes_out_can_be_kept(events: list[object]) -> None:
    perception = Perception(_reader())
    lines = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    for event in perception.read(_reading(*lines)):
        json.dumps(json.loads(event.model_dump_json()), allow_nan=False)
        if isinstance(event, StatusChanged):
            assert event.status.since <= NOW
