"""opencode: what its server tells means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.agents.contract import Findings, Reading, Screen, Stream
from sessions.agents.opencode_words import made_at
from sessions.events import Counted
from sessions.models import Evidence, Kind, State, Usage
from sessions.perception import Perception
from tests.sessions import opencode_records as oc
from tests.sessions.opencode_records import CHILD, EMPTY_BOX, NOW, OTHER, PERMISSION, ROOT, TOKENS


def test_a_turn_from_its_first_word_to_its_end() -> None:
    reader = oc.reader()
    assert oc.last(reader.read(oc.answered("status", {}))).state is None
    assert oc.last(reader.look(Screen(EMPTY_BOX, "OC", NOW))).state is State.IDLE
    found = reader.read(oc.events(oc.created(), oc.status("busy")))
    assert (oc.last(found).state, found.agent_session_id, found.version) == (State.WORKING, ROOT, "1.18.33")
    said = reader.read(oc.events(oc.message(), oc.part("text", text="Shall I?", time={"start": 1, "end": oc.ms(NOW)})))
    assert (said.said, said.asks) == ("Shall I?", True)
    reader.read(oc.events(oc.message(finish="stop")))
    assert oc.last(reader.read(oc.events(oc.status("busy"), oc.status("idle")))).state is State.DONE


def test_before_the_status_is_known_nothing_is_claimed() -> None:
    reader = oc.reader()
    assert reader.read(oc.events(oc.created(), oc.status("busy"))).evidence == ()
    assert oc.last(reader.read(oc.answered("status", {ROOT: {"type": "busy"}}))).state is State.WORKING


@pytest.mark.parametrize(
    ("status", "state", "until"),
    [
        ({"attempt": 2, "message": "Overloaded", "next": oc.ms(NOW)}, State.RETRYING, None),
        ({"attempt": 1, "message": "Rate limit reached", "next": oc.ms(NOW)}, State.RATE_LIMITED, NOW),
        ({"attempt": 1, "message": "Too Many Requests", "next": oc.ms(NOW)}, State.RATE_LIMITED, NOW),
        (
            {"attempt": 1, "message": "later", "next": oc.ms(NOW), "action": {"reason": "account_rate_limit"}},
            State.RATE_LIMITED,
            NOW,
        ),
    ],
)
def test_a_retry_and_a_limit(status: dict[str, Any], state: State, until: datetime | None) -> None:
    found = oc.last(oc.live().read(oc.events(oc.status("retry", **status))))
    assert (found.state, found.until) == (state, until)


@pytest.mark.parametrize(
    ("error", "state", "saw"),
    [
        ({"name": "MessageAbortedError", "data": {"message": "Aborted"}}, State.IDLE, "session idle"),
        ({"name": "APIError", "data": {"message": "scripted", "statusCode": 400}}, State.FAILED, "scripted"),
        ({"name": "APIError", "data": {"message": "bad", "statusCode": 401}}, State.FAILED, "not signed in: bad"),
        ({"name": "ProviderAuthError", "data": {"message": "none"}}, State.FAILED, "not signed in: none"),
        ({"name": "UnknownError"}, State.FAILED, "UnknownError"),
    ],
)
def test_a_turn_that_did_not_end_well(error: dict[str, Any], state: State, saw: str) -> None:
    """The error comes before the rest, and the message with the same error after it."""
    reader = oc.live()
    found = oc.last(reader.read(oc.events(("session.error", {"sessionID": ROOT, "error": error}), oc.status("idle"))))
    assert (found.state, found.saw) == (state, saw)
    after = oc.last(reader.read(oc.events(oc.message(error=error), oc.status("idle"))))
    assert (after.state, after.saw) == (state, saw)
    again = reader.read(oc.events(oc.status("busy"), oc.message("msg_2", finish="stop"), oc.status("idle")))
    assert oc.last(again).state is State.DONE


def test_a_permission_blocks_while_the_session_stays_busy() -> None:
    reader = oc.live()
    found = oc.last(reader.read(oc.events(("permission.asked", PERMISSION), oc.status("busy"))))
    question = found.question
    assert question is not None
    assert (found.state, question.kind, question.id) == (State.BLOCKED, Kind.PERMISSION, PERMISSION["id"])
    assert (question.title, question.command) == ("bash: echo c > c.txt && sleep 1", "echo c > c.txt && sleep 1")
    assert [option.label for option in question.options] == ["Allow once", "Allow always", "Reject"]
    replied = {"sessionID": ROOT, "requestID": PERMISSION["id"], "reply": "once"}
    assert oc.last(reader.read(oc.events(("permission.replied", replied)))).state is State.WORKING


def test_a_refusal_ends_the_turn_without_an_end_of_its_own() -> None:
    reader = oc.live()
    reader.read(oc.events(("permission.asked", PERMISSION)))
    replied = {"sessionID": ROOT, "requestID": PERMISSION["id"], "reply": "reject"}
    found = reader.read(oc.events(("permission.replied", replied), oc.message(finish="tool-calls"), oc.status("idle")))
    assert oc.last(found).state is State.IDLE


def test_a_file_is_asked_about_with_its_difference() -> None:
    about = {"filepath": "/wt/w.txt", "diff": "+hello\n"}
    edit = {"id": "per_1", "sessionID": ROOT, "permission": "edit", "patterns": ["w.txt"], "metadata": about}
    question = oc.last(oc.live().read(oc.events(("permission.asked", edit)))).question
    assert question is not None
    assert (question.path, question.command, question.text) == ("/wt/w.txt", None, "/wt/w.txt\n+hello\n")


def test_what_was_pending_before_we_came_is_open_and_as_old_as_it_is() -> None:
    reader = oc.reader(agent_session_id=ROOT)
    reader.read(oc.answered("sessions", [oc.created()[1]["info"]]))
    reader.read(oc.answered("permissions", [PERMISSION]))
    reader.read(oc.answered("questions", []))
    found = oc.last(reader.read(oc.answered("status", {ROOT: {"type": "busy"}})))
    assert found.question is not None
    assert found.question.id == PERMISSION["id"]
    assert found.question.asked_at == made_at(PERMISSION["id"], NOW)
    assert NOW - timedelta(minutes=9) < found.question.asked_at < NOW - timedelta(minutes=8)


def test_an_id_tells_when_it_was_made_unless_it_cannot_be() -> None:
    """A message and the ``time.created`` that opencode wrote beside its id."""
    assert oc.ms(made_at("msg_2101fc083001f1r7twzyb73dss", NOW)) == 1795566846083
    assert made_at("per_zzz", NOW) == NOW
    assert made_at("per_000000000000x", NOW) == NOW


def test_only_this_panes_session_counts() -> None:
    reader = oc.live()
    reader.read(oc.answered("sessions", [oc.created()[1]["info"], {"id": OTHER, "directory": "/elsewhere"}]))
    theirs = reader.read(oc.events(("permission.asked", {**PERMISSION, "sessionID": OTHER})))
    assert oc.last(theirs).state is State.WORKING
    busy = reader.read(oc.events(oc.message(finish="stop"), oc.status("idle"), oc.status("busy", OTHER)))
    assert oc.last(busy).state is State.DONE


def test_a_subagents_permission_is_ours_and_its_work_goes_on_behind_a_turn() -> None:
    reader = oc.live()
    asked = reader.read(
        oc.events(
            oc.created(CHILD, ROOT), oc.status("busy", CHILD), ("permission.asked", {**PERMISSION, "sessionID": CHILD})
        )
    )
    assert (oc.last(asked).state, asked.agent_session_id) == (State.BLOCKED, ROOT)
    replied = {"sessionID": CHILD, "requestID": PERMISSION["id"], "reply": "once"}
    reader.read(oc.events(("permission.replied", replied)))
    assert oc.last(reader.read(oc.events(oc.message(finish="stop"), oc.status("idle")))).state is State.BACKGROUND
    assert oc.last(reader.read(oc.events(oc.status("idle", CHILD)))).state is State.DONE


def test_the_session_that_the_human_turns_to_is_the_panes() -> None:
    reader = oc.live()
    reader.read(oc.answered("sessions", [{"id": OTHER, "directory": "/wt", "time": {"created": 1}}]))
    user = {"id": "msg_9", "sessionID": OTHER, "role": "user", "time": {"created": oc.ms(NOW)}}
    assert reader.read(oc.events(("message.updated", {"sessionID": OTHER, "info": user}))).agent_session_id == OTHER
    user = {**user, "sessionID": CHILD}
    reader.read(oc.events(oc.created(CHILD, OTHER)))
    assert reader.read(oc.events(("message.updated", {"sessionID": CHILD, "info": user}))).agent_session_id == OTHER
    assert reader.read(oc.events(oc.created("ses_new"))).agent_session_id == "ses_new"


def test_a_session_that_began_before_we_listened_is_found_by_its_folder_and_time() -> None:
    def info(name: str, folder: str, at: datetime) -> dict[str, Any]:
        return {"id": name, "directory": folder, "time": {"created": oc.ms(at)}}

    reader = oc.reader()
    told = [
        info("ses_old", "/wt", NOW - timedelta(hours=1)),
        info("ses_elsewhere", "/other", NOW),
        info("ses_here", "/wt", NOW - timedelta(seconds=5)),
    ]
    assert reader.read(oc.answered("sessions", told)).agent_session_id == "ses_here"


def test_what_is_asked_for_follows_the_sessions() -> None:
    reader = oc.reader()

    def asked() -> list[str]:
        (stream,) = reader.watches()
        assert isinstance(stream, Stream)
        assert (stream.path, stream.server) == ("/event", Path("/state/opencode-server.json"))
        return [ask.path for ask in stream.asks]

    assert asked() == ["/session", "/permission", "/question", "/session/status"]
    reader.read(oc.events(oc.created(), oc.created(CHILD, ROOT), oc.created("ses_not", OTHER)))
    ours = [f"/session/{name}/message" for name in (ROOT, CHILD)]
    assert asked() == ["/session", *ours, "/permission", "/question", "/session/status"]


def test_tokens_are_those_of_the_responses_each_once() -> None:
    perception = Perception(oc.reader(), since=NOW - timedelta(minutes=1))
    finish = oc.part("step-finish", "prt_9", tokens=TOKENS, cost=0.5)
    tool = {"status": "running", "time": {"start": oc.ms(NOW - timedelta(seconds=3))}}
    events = perception.read(oc.events(oc.message(), oc.part("tool", "prt_8", state=tool), finish, finish))
    past = {"info": oc.info(finish="stop"), "parts": [finish[1]["part"]]}
    events += perception.read(oc.answered("messages", [past]))
    counted = [event for event in events if isinstance(event, Counted)]
    assert len(counted) == 1
    assert counted[0].total == Usage(input=900, output=100, cache_read=80, cache_write=20, reasoning=60)
    assert (counted[0].cost_usd, counted[0].cost_source) == (0.5, "agent")
    response = counted[0].response
    assert response is not None
    # The part comes when the tool has run: the model was at an end when the tool began.
    assert (response.started_at, response.ended_at) == (NOW - timedelta(seconds=9), NOW - timedelta(seconds=3))


def test_an_interrupted_response_is_a_lower_bound() -> None:
    aborted = {"name": "MessageAbortedError", "data": {"message": "Aborted"}}
    (response,) = oc.live().read(oc.events(oc.message(error=aborted))).responses
    assert response.usage == Usage(lower_bound=True)
    told = oc.events(oc.message(), oc.part("step-finish", tokens=TOKENS), oc.message(error=aborted))
    (known,) = oc.live().read(told).responses
    assert not known.usage.lower_bound


def test_a_response_that_was_cut_off_with_its_program_is_a_lower_bound() -> None:
    def past(created: datetime, *parts: tuple[str, Any]) -> Findings:
        info = oc.info() | {"time": {"created": oc.ms(created)}}
        told = [{"info": info, "parts": [part["part"] for _, part in parts]}]
        return oc.reader(agent_session_id=ROOT).read(oc.answered("messages", told))

    before = NOW - timedelta(hours=1)
    assert [response.usage for response in past(before).responses] == [Usage(lower_bound=True)]
    (counted,) = past(before, oc.part("step-finish", tokens=TOKENS)).responses
    assert (counted.usage.input, counted.usage.lower_bound) == (900, False)
    assert past(NOW).responses == ()


def test_the_past_of_a_conversation_is_counted_and_says_how_it_ended() -> None:
    failed = oc.info(error={"name": "APIError", "data": {"message": "scripted", "statusCode": 400}})
    reader = oc.reader(agent_session_id=ROOT)
    reader.read(oc.answered("messages", [{"info": failed, "parts": []}]))
    assert oc.last(reader.read(oc.answered("status", {}))).state is State.FAILED
    resumed = oc.reader(agent_session_id=ROOT)
    resumed.look(Screen(EMPTY_BOX, "OC", NOW))
    failed["time"]["completed"] = oc.ms(NOW - timedelta(hours=1))
    resumed.read(oc.answered("messages", [{"info": failed, "parts": []}]))
    assert oc.last(resumed.read(oc.answered("status", {}))).state is State.IDLE


def test_a_cut_takes_back_what_the_stream_said() -> None:
    reader = oc.live()
    reader.look(Screen(EMPTY_BOX, "OC", NOW))
    reader.read(oc.events(("permission.asked", PERMISSION)))
    cut = Reading("events", Path("/event"), NOW)
    assert oc.last(reader.read(cut)).state is None
    assert oc.last(reader.read(oc.answered("status", {}))).state is State.IDLE


def test_the_screen_waits_a_moment_for_the_server() -> None:
    reader = oc.reader()

    def look(seconds: float) -> Sequence[Evidence]:
        return reader.look(Screen(EMPTY_BOX, "OC", NOW + timedelta(seconds=seconds))).evidence

    assert look(0) == ()
    assert [item.state for item in look(5)] == [State.IDLE]
    heard = oc.reader()
    heard.look(Screen(EMPTY_BOX, "OC", NOW))
    cut = heard.read(Reading("events", Path("/event"), NOW)).evidence
    assert [(item.channel, item.state) for item in cut] == [("event-stream", None), ("screen", State.IDLE)]


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"type": "session.status"}', b'{"type": "message.part.updated"}'])
def test_a_record_that_is_none_harms_nothing(line: bytes) -> None:
    assert oc.live().read(Reading("events", Path("/event"), NOW, lines=(line,))).evidence == ()


_KEYS = st.sampled_from(
    [
        *("id", "sessionID", "parentID", "messageID", "requestID", "type", "role", "info", "part", "status", "error"),
        *("time", "created", "completed", "start", "end", "tokens", "cache", "read", "cost", "state", "finish", "name"),
        *("data", "message", "questions", "options", "label", "patterns", "metadata", "permission", "text", "next"),
    ]
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(
        [ROOT, CHILD, "msg_1", "assistant", "user", "idle", "busy", "retry", "step-finish", "text", "tool"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=8),
    max_leaves=15,
)
_TYPES = st.sampled_from(
    [
        *("session.created", "session.updated", "session.status", "session.error", "session.deleted"),
        *("permission.asked", "permission.replied", "question.asked", "message.updated", "message.part.updated"),
    ]
)
_TOLD = st.builds(
    lambda kind, about: oc.events((kind, {"sessionID": ROOT, "id": "x", **about})),
    _TYPES,
    st.dictionaries(_KEYS, _JSON),
) | st.builds(
    oc.answered,
    st.sampled_from(["sessions", "messages", "permissions", "questions", "status"]),
    st.lists(st.dictionaries(_KEYS, _JSON)) | _JSON,
)


@given(st.lists(_TOLD, max_size=6))
def test_no_record_can_harm_and_all_that_comes_out_can_be_kept(told: list[Reading]) -> None:
    perception = Perception(oc.live(), since=NOW - timedelta(minutes=1))
    for reading in told:
        for event in perception.read(reading):
            json.dumps(json.loads(event.model_dump_json()), allow_nan=False)
