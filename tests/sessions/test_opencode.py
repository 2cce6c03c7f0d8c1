"""opencode: what its server tells, what is answered to it, and how it is launched. Records as 1.18.33 writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.agents.contract import Findings, Place, Post, Reading, Screen, Stream
from sessions.agents.opencode import Opencode
from sessions.agents.opencode_reader import OpencodeReader
from sessions.agents.opencode_words import made_at
from sessions.errors import AgentMissing, NotAnOption, QuestionGone, SessionError
from sessions.events import Counted
from sessions.models import Evidence, Kind, Question, Source, Spec, State, Usage
from sessions.perception import Perception

NOW = datetime(2026, 11, 25, 0, 45, tzinfo=UTC)
ROOT, CHILD, OTHER = "ses_root", "ses_child", "ses_other"
PERMISSION = {
    "id": "per_21021ef840018mpTiO96qPutqI",
    "sessionID": ROOT,
    "permission": "bash",
    "patterns": ["echo c > c.txt", "sleep 1"],
    "metadata": {"command": "echo c > c.txt && sleep 1"},
    "always": ["echo *", "sleep *"],
}
COLOURS = {
    "question": "Which colour?",
    "header": "Choice",
    "options": [{"label": "Red", "description": "take Red"}, {"label": "Blue", "description": "take Blue"}],
    "multiple": False,
}
QUESTION = {"id": "que_2102293ed0015a25elcqLqFuRB", "sessionID": ROOT, "questions": [COLOURS]}
EMPTY_BOX = ("  ┃", "  ┃", "  ┃  Build · mock-model", "  ╹▀▀▀▀▀▀▀▀▀▀▀▀▀▀", "   /wt      1.2K  ctrl+p commands")


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _reader(**spec: Any) -> OpencodeReader:
    place = Place(folder=Path("/state"), worktree=Path("/wt"), env={})
    return OpencodeReader(Spec(agent="opencode", name="o", started_at=NOW - timedelta(minutes=1), **spec), place)


def _events(*events: tuple[str, dict[str, Any]], at: datetime = NOW) -> Reading:
    lines = tuple(json.dumps({"id": "evt_1", "type": kind, "properties": about}).encode() for kind, about in events)
    return Reading("events", Path("/event"), at, lines=lines)


def _answered(feed: str, value: object, at: datetime = NOW) -> Reading:
    return Reading(feed, Path("/x"), at, data=json.dumps(value).encode(), replay=True)


def _status(kind: str, session: str = ROOT, **more: Any) -> tuple[str, dict[str, Any]]:
    return "session.status", {"sessionID": session, "status": {"type": kind, **more}}


def _created(session: str = ROOT, parent: str | None = None) -> tuple[str, dict[str, Any]]:
    info = {"id": session, "version": "1.18.33", "directory": "/wt", "time": {"created": _ms(NOW)}}
    return "session.created", {"sessionID": session, "info": {**info, **({"parentID": parent} if parent else {})}}


def _info(name: str = "msg_1", session: str = ROOT, **more: Any) -> dict[str, Any]:
    time = {"created": _ms(NOW - timedelta(seconds=9)), "completed": _ms(NOW)}
    return {"id": name, "sessionID": session, "role": "assistant", "modelID": "m", "time": time, **more}


def _message(name: str = "msg_1", session: str = ROOT, **more: Any) -> tuple[str, dict[str, Any]]:
    return "message.updated", {"sessionID": session, "info": _info(name, session, **more)}


def _part(kind: str, name: str = "prt_1", message: str = "msg_1", session: str = ROOT, **more: Any) -> tuple[str, Any]:
    part = {"id": name, "messageID": message, "sessionID": session, "type": kind, **more}
    return "message.part.updated", {"sessionID": session, "part": part, "time": _ms(NOW)}


TOKENS = {"total": 1100, "input": 900, "output": 40, "reasoning": 60, "cache": {"read": 80, "write": 20}}


def _live(**spec: Any) -> OpencodeReader:
    """One that is connected, with a session that works."""
    reader = _reader(**spec)
    reader.read(_answered("status", {}))
    reader.read(_events(_created(), _status("busy")))
    return reader


def _last(findings: Findings) -> Evidence:
    return [item for item in findings.evidence if item.source is Source.AGENT][-1]


def test_a_turn_from_its_first_word_to_its_end() -> None:
    reader = _reader()
    assert _last(reader.read(_answered("status", {}))).state is None
    assert _last(reader.look(Screen(EMPTY_BOX, "OC", NOW))).state is State.IDLE
    found = reader.read(_events(_created(), _status("busy")))
    assert (_last(found).state, found.agent_session_id, found.version) == (State.WORKING, ROOT, "1.18.33")
    said = reader.read(_events(_message(), _part("text", text="Shall I?", time={"start": 1, "end": _ms(NOW)})))
    assert (said.said, said.asks) == ("Shall I?", True)
    reader.read(_events(_message(finish="stop")))
    assert _last(reader.read(_events(_status("busy"), _status("idle")))).state is State.DONE


def test_before_the_status_is_known_nothing_is_claimed() -> None:
    reader = _reader()
    assert reader.read(_events(_created(), _status("busy"))).evidence == ()
    assert _last(reader.read(_answered("status", {ROOT: {"type": "busy"}}))).state is State.WORKING


@pytest.mark.parametrize(
    ("status", "state", "until"),
    [
        ({"attempt": 2, "message": "Overloaded", "next": _ms(NOW)}, State.RETRYING, None),
        ({"attempt": 1, "message": "Rate limit reached", "next": _ms(NOW)}, State.RATE_LIMITED, NOW),
        ({"attempt": 1, "message": "Too Many Requests", "next": _ms(NOW)}, State.RATE_LIMITED, NOW),
        (
            {"attempt": 1, "message": "later", "next": _ms(NOW), "action": {"reason": "account_rate_limit"}},
            State.RATE_LIMITED,
            NOW,
        ),
    ],
)
def test_a_retry_and_a_limit(status: dict[str, Any], state: State, until: datetime | None) -> None:
    found = _last(_live().read(_events(_status("retry", **status))))
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
    reader = _live()
    found = _last(reader.read(_events(("session.error", {"sessionID": ROOT, "error": error}), _status("idle"))))
    assert (found.state, found.saw) == (state, saw)
    after = _last(reader.read(_events(_message(error=error), _status("idle"))))
    assert (after.state, after.saw) == (state, saw)
    again = reader.read(_events(_status("busy"), _message("msg_2", finish="stop"), _status("idle")))
    assert _last(again).state is State.DONE


def test_a_permission_blocks_while_the_session_stays_busy() -> None:
    reader = _live()
    found = _last(reader.read(_events(("permission.asked", PERMISSION), _status("busy"))))
    question = found.question
    assert question is not None
    assert (found.state, question.kind, question.id) == (State.BLOCKED, Kind.PERMISSION, PERMISSION["id"])
    assert (question.title, question.command) == ("bash: echo c > c.txt && sleep 1", "echo c > c.txt && sleep 1")
    assert [option.label for option in question.options] == ["Allow once", "Allow always", "Reject"]
    replied = {"sessionID": ROOT, "requestID": PERMISSION["id"], "reply": "once"}
    assert _last(reader.read(_events(("permission.replied", replied)))).state is State.WORKING


def test_a_refusal_ends_the_turn_without_an_end_of_its_own() -> None:
    reader = _live()
    reader.read(_events(("permission.asked", PERMISSION)))
    replied = {"sessionID": ROOT, "requestID": PERMISSION["id"], "reply": "reject"}
    found = reader.read(_events(("permission.replied", replied), _message(finish="tool-calls"), _status("idle")))
    assert _last(found).state is State.IDLE


def test_a_file_is_asked_about_with_its_difference() -> None:
    about = {"filepath": "/wt/w.txt", "diff": "+hello\n"}
    edit = {"id": "per_1", "sessionID": ROOT, "permission": "edit", "patterns": ["w.txt"], "metadata": about}
    question = _last(_live().read(_events(("permission.asked", edit)))).question
    assert question is not None
    assert (question.path, question.command, question.text) == ("/wt/w.txt", None, "/wt/w.txt\n+hello\n")


def test_what_was_pending_before_we_came_is_open_and_as_old_as_it_is() -> None:
    reader = _reader(agent_session_id=ROOT)
    reader.read(_answered("sessions", [_created()[1]["info"]]))
    reader.read(_answered("permissions", [PERMISSION]))
    reader.read(_answered("questions", []))
    found = _last(reader.read(_answered("status", {ROOT: {"type": "busy"}})))
    assert found.question is not None
    assert found.question.id == PERMISSION["id"]
    assert found.question.asked_at == made_at(PERMISSION["id"], NOW)
    assert NOW - timedelta(minutes=9) < found.question.asked_at < NOW - timedelta(minutes=8)


def test_an_id_tells_when_it_was_made_unless_it_cannot_be() -> None:
    """A message and the ``time.created`` that opencode wrote beside its id."""
    assert _ms(made_at("msg_2101fc083001f1r7twzyb73dss", NOW)) == 1795566846083
    assert made_at("per_zzz", NOW) == NOW
    assert made_at("per_000000000000x", NOW) == NOW


def test_only_this_panes_session_counts() -> None:
    reader = _live()
    reader.read(_answered("sessions", [_created()[1]["info"], {"id": OTHER, "directory": "/elsewhere"}]))
    theirs = reader.read(_events(("permission.asked", {**PERMISSION, "sessionID": OTHER})))
    assert _last(theirs).state is State.WORKING
    busy = reader.read(_events(_message(finish="stop"), _status("idle"), _status("busy", OTHER)))
    assert _last(busy).state is State.DONE


def test_a_subagents_permission_is_ours_and_its_work_goes_on_behind_a_turn() -> None:
    reader = _live()
    asked = reader.read(
        _events(_created(CHILD, ROOT), _status("busy", CHILD), ("permission.asked", {**PERMISSION, "sessionID": CHILD}))
    )
    assert (_last(asked).state, asked.agent_session_id) == (State.BLOCKED, ROOT)
    replied = {"sessionID": CHILD, "requestID": PERMISSION["id"], "reply": "once"}
    reader.read(_events(("permission.replied", replied)))
    assert _last(reader.read(_events(_message(finish="stop"), _status("idle")))).state is State.BACKGROUND
    assert _last(reader.read(_events(_status("idle", CHILD)))).state is State.DONE


def test_the_session_that_the_human_turns_to_is_the_panes() -> None:
    reader = _live()
    reader.read(_answered("sessions", [{"id": OTHER, "directory": "/wt", "time": {"created": 1}}]))
    user = {"id": "msg_9", "sessionID": OTHER, "role": "user", "time": {"created": _ms(NOW)}}
    assert reader.read(_events(("message.updated", {"sessionID": OTHER, "info": user}))).agent_session_id == OTHER
    user = {**user, "sessionID": CHILD}
    reader.read(_events(_created(CHILD, OTHER)))
    assert reader.read(_events(("message.updated", {"sessionID": CHILD, "info": user}))).agent_session_id == OTHER
    assert reader.read(_events(_created("ses_new"))).agent_session_id == "ses_new"


def test_a_session_that_began_before_we_listened_is_found_by_its_folder_and_time() -> None:
    def info(name: str, folder: str, at: datetime) -> dict[str, Any]:
        return {"id": name, "directory": folder, "time": {"created": _ms(at)}}

    reader = _reader()
    told = [
        info("ses_old", "/wt", NOW - timedelta(hours=1)),
        info("ses_elsewhere", "/other", NOW),
        info("ses_here", "/wt", NOW - timedelta(seconds=5)),
    ]
    assert reader.read(_answered("sessions", told)).agent_session_id == "ses_here"


def test_what_is_asked_for_follows_the_sessions() -> None:
    reader = _reader()

    def asked() -> list[str]:
        (stream,) = reader.watches()
        assert isinstance(stream, Stream)
        assert (stream.path, stream.server) == ("/event", Path("/state/opencode-server.json"))
        return [ask.path for ask in stream.asks]

    assert asked() == ["/session", "/permission", "/question", "/session/status"]
    reader.read(_events(_created(), _created(CHILD, ROOT), _created("ses_not", OTHER)))
    ours = [f"/session/{name}/message" for name in (ROOT, CHILD)]
    assert asked() == ["/session", *ours, "/permission", "/question", "/session/status"]


def test_tokens_are_those_of_the_responses_each_once() -> None:
    perception = Perception(_reader(), since=NOW - timedelta(minutes=1))
    finish = _part("step-finish", "prt_9", tokens=TOKENS, cost=0.5)
    tool = {"status": "running", "time": {"start": _ms(NOW - timedelta(seconds=3))}}
    events = perception.read(_events(_message(), _part("tool", "prt_8", state=tool), finish, finish))
    past = {"info": _info(finish="stop"), "parts": [finish[1]["part"]]}
    events += perception.read(_answered("messages", [past]))
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
    (response,) = _live().read(_events(_message(error=aborted))).responses
    assert response.usage == Usage(lower_bound=True)
    told = _events(_message(), _part("step-finish", tokens=TOKENS), _message(error=aborted))
    (known,) = _live().read(told).responses
    assert not known.usage.lower_bound


def test_a_response_that_was_cut_off_with_its_program_is_a_lower_bound() -> None:
    def past(created: datetime, *parts: tuple[str, Any]) -> Findings:
        info = _info() | {"time": {"created": _ms(created)}}
        told = [{"info": info, "parts": [part["part"] for _, part in parts]}]
        return _reader(agent_session_id=ROOT).read(_answered("messages", told))

    before = NOW - timedelta(hours=1)
    assert [response.usage for response in past(before).responses] == [Usage(lower_bound=True)]
    (counted,) = past(before, _part("step-finish", tokens=TOKENS)).responses
    assert (counted.usage.input, counted.usage.lower_bound) == (900, False)
    assert past(NOW).responses == ()


def test_the_past_of_a_conversation_is_counted_and_says_how_it_ended() -> None:
    failed = _info(error={"name": "APIError", "data": {"message": "scripted", "statusCode": 400}})
    reader = _reader(agent_session_id=ROOT)
    reader.read(_answered("messages", [{"info": failed, "parts": []}]))
    assert _last(reader.read(_answered("status", {}))).state is State.FAILED
    resumed = _reader(agent_session_id=ROOT)
    resumed.look(Screen(EMPTY_BOX, "OC", NOW))
    failed["time"]["completed"] = _ms(NOW - timedelta(hours=1))
    resumed.read(_answered("messages", [{"info": failed, "parts": []}]))
    assert _last(resumed.read(_answered("status", {}))).state is State.IDLE


def test_a_cut_takes_back_what_the_stream_said() -> None:
    reader = _live()
    reader.look(Screen(EMPTY_BOX, "OC", NOW))
    reader.read(_events(("permission.asked", PERMISSION)))
    cut = Reading("events", Path("/event"), NOW)
    assert _last(reader.read(cut)).state is None
    assert _last(reader.read(_answered("status", {}))).state is State.IDLE


def test_the_screen_waits_a_moment_for_the_server() -> None:
    reader = _reader()

    def look(seconds: float) -> Sequence[Evidence]:
        return reader.look(Screen(EMPTY_BOX, "OC", NOW + timedelta(seconds=seconds))).evidence

    assert look(0) == ()
    assert [item.state for item in look(5)] == [State.IDLE]
    heard = _reader()
    heard.look(Screen(EMPTY_BOX, "OC", NOW))
    cut = heard.read(Reading("events", Path("/event"), NOW)).evidence
    assert [(item.channel, item.state) for item in cut] == [("event-stream", None), ("screen", State.IDLE)]


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"type": "session.status"}', b'{"type": "message.part.updated"}'])
def test_a_record_that_is_none_harms_nothing(line: bytes) -> None:
    assert _live().read(Reading("events", Path("/event"), NOW, lines=(line,))).evidence == ()


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
    lambda kind, about: _events((kind, {"sessionID": ROOT, "id": "x", **about})), _TYPES, st.dictionaries(_KEYS, _JSON)
) | st.builds(
    _answered,
    st.sampled_from(["sessions", "messages", "permissions", "questions", "status"]),
    st.lists(st.dictionaries(_KEYS, _JSON)) | _JSON,
)


@given(st.lists(_TOLD, max_size=6))
def test_no_record_can_harm_and_all_that_comes_out_can_be_kept(told: list[Reading]) -> None:
    perception = Perception(_live(), since=NOW - timedelta(minutes=1))
    for reading in told:
        for event in perception.read(reading):
            json.dumps(json.loads(event.model_dump_json()), allow_nan=False)


def _open(request: dict[str, Any]) -> Question:
    kind = "question.asked" if "questions" in request else "permission.asked"
    question = _last(_live().read(_events((kind, request)))).question
    assert question is not None
    return question


SCREEN = Screen((), "", NOW)


@pytest.mark.parametrize(
    ("choice", "words", "body"),
    [
        ("y", "", {"reply": "once"}),
        ("1", "", {"reply": "once"}),
        ("a", "", {"reply": "always"}),
        ("2", "", {"reply": "always"}),
        ("n", "", {"reply": "reject"}),
        ("3", "use printf", {"reply": "reject", "message": "use printf"}),
        ("", "use printf", {"reply": "reject", "message": "use printf"}),
    ],
)
def test_a_permission_is_answered_by_a_request(choice: str, words: str, body: dict[str, Any]) -> None:
    steps = Opencode().answer(_open(PERMISSION), choice, words, SCREEN)
    assert steps == (Post("opencode-server.json", f"/permission/{PERMISSION['id']}/reply", body),)


@pytest.mark.parametrize(
    ("questions", "choice", "words", "answers"),
    [
        ([COLOURS], "2", "", [["Blue"]]),
        ([COLOURS], "blue", "", [["Blue"]]),
        ([COLOURS], "", "Green", [["Green"]]),
        ([{**COLOURS, "multiple": True}], "1,2", "", [["Red", "Blue"]]),
        ([{**COLOURS, "multiple": True}], "2", "and Green", [["Blue", "and Green"]]),
        ([COLOURS, COLOURS], "1.2,2.1", "", [["Blue"], ["Red"]]),
    ],
)
def test_a_question_is_answered_by_a_request(questions: Any, choice: str, words: str, answers: Any) -> None:
    (step,) = Opencode().answer(_open({**QUESTION, "questions": questions}), choice, words, SCREEN)
    assert step == Post("opencode-server.json", f"/question/{QUESTION['id']}/reply", {"answers": answers})


@pytest.mark.parametrize(
    ("request_", "choice", "words"),
    [
        (PERMISSION, "4", ""),
        (PERMISSION, "", ""),
        (QUESTION, "3", ""),
        (QUESTION, "1,2", ""),
        (QUESTION, "", ""),
        ({**QUESTION, "questions": [{**COLOURS, "custom": False}]}, "", "Green"),
        ({**QUESTION, "questions": [COLOURS, COLOURS]}, "1.1", ""),
    ],
)
def test_a_choice_that_is_none_is_refused(request_: dict[str, Any], choice: str, words: str) -> None:
    with pytest.raises(NotAnOption):
        Opencode().answer(_open(request_), choice, words, SCREEN)


def test_what_only_the_screen_shows_is_not_answered_by_guessed_keys() -> None:
    shown = _open(PERMISSION).model_copy(update={"id": "s0123456789a"})
    with pytest.raises(QuestionGone):
        Opencode().answer(shown, "y", "", SCREEN)


def test_leaving_the_plan_agent_is_a_plan() -> None:
    words = "Plan at .opencode/plans/1.md is complete. Would you like to switch to the build agent?"
    options = [{"label": "Yes", "description": "Switch"}, {"label": "No", "description": "Stay"}]
    asked = _open({**QUESTION, "questions": [{"question": words, "options": options, "custom": False}]})
    assert (asked.kind, asked.free_text) == (Kind.PLAN, False)
    (step,) = Opencode().answer(asked, "y", "", SCREEN)
    assert isinstance(step, Post)
    assert step.body == {"answers": [["Yes"]]}


def _launch(tmp_path: Path, env: dict[str, str] | None = None, **spec: Any) -> Any:
    program = tmp_path / "opencode"
    program.touch(mode=0o755)
    place = Place(folder=tmp_path, worktree=tmp_path, env={"PATH": str(tmp_path), **(env or {})})
    return Opencode().launch(Spec(agent="opencode", name="o", **spec), place)


def test_the_password_is_in_the_environment_and_the_private_file_alone(tmp_path: Path) -> None:
    launch = _launch(tmp_path, prompt="/do it")
    server = json.loads(launch.files["opencode-server.json"])
    assert launch.env["OPENCODE_SERVER_PASSWORD"] == server["password"] != ""
    assert not any(server["password"] in word for word in launch.argv)
    assert server["url"] == f"http://127.0.0.1:{launch.argv[launch.argv.index('--port') + 1]}"
    assert launch.argv[-1] == "--prompt= /do it"
    assert "OPENCODE_CONFIG_CONTENT" not in launch.env
    assert _launch(tmp_path).env["OPENCODE_SERVER_PASSWORD"] != server["password"]


def test_the_users_own_settings_hold_below_what_is_added(tmp_path: Path) -> None:
    own = {"username": "me", "permission": {"edit": "deny", "task": "ask"}, "provider": {"mine": {"name": "Mine"}}}
    launch = _launch(
        tmp_path,
        {"OPENCODE_CONFIG_CONTENT": json.dumps(own)},
        model="mine/large",
        base_url="http://h/v1",
        permission_mode="ask",
    )
    assert json.loads(launch.env["OPENCODE_CONFIG_CONTENT"]) == {
        "username": "me",
        "permission": {"edit": "ask", "task": "ask", "bash": "ask", "webfetch": "ask"},
        "provider": {"mine": {"name": "Mine", "options": {"baseURL": "http://h/v1"}, "models": {"large": {}}}},
    }
    assert launch.argv[-2:] == ("--model", "mine/large")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"permission_mode": "plan"}, ("--agent", "plan")),
        ({"permission_mode": "auto"}, ("--auto",)),
        ({"resume": True, "agent_session_id": ROOT}, ("--session", ROOT)),
        ({"model": "m", "base_url": "http://h/v1"}, ("--model", "orchestrator/m")),
        ({"args": ("--pure",)}, ("--pure",)),
    ],
)
def test_what_is_wanted_is_on_the_command_line(tmp_path: Path, spec: dict[str, Any], words: tuple[str, ...]) -> None:
    assert _launch(tmp_path, **spec).argv[-len(words) :] == words


def test_what_cannot_be_launched_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="needs a model"):
        _launch(tmp_path, base_url="http://h/v1")
    with pytest.raises(SessionError, match="no plain JSON"):
        _launch(tmp_path, {"OPENCODE_CONFIG_CONTENT": "{"}, model="m", base_url="http://h/v1")
    with pytest.raises(AgentMissing):
        Opencode().program(Spec(agent="opencode", name="o"), {"PATH": "/nowhere"})
