"""What Claude Code and Codex write, turned into evidence, questions and tokens."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.agents.claude import Claude
from sessions.agents.claude_reader import ClaudeReader
from sessions.agents.codex import Codex
from sessions.agents.codex_reader import CodexReader
from sessions.agents.contract import Findings, Place, Reading
from sessions.errors import AgentMissing, SessionError
from sessions.models import Evidence, Kind, Spec, State

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PLACE = Place(Path("/s"), Path("/w"), {"HOME": "/h", "PATH": "/bin"})
SESSION = "655f7b09-702d-4839-82e5-cc4b3540572b"


def claude() -> ClaudeReader:
    return ClaudeReader(Spec(agent="claude", name="a", agent_session_id=SESSION), PLACE, Path("/h/.claude"))


def codex() -> CodexReader:
    return CodexReader(Spec(agent="codex", name="a"), PLACE)


def lines(feed: str, *records: dict[str, Any], path: str = "/f") -> Reading:
    return Reading(feed, Path(path), NOW, lines=tuple(json.dumps(record).encode() for record in records))


def whole(feed: str, value: dict[str, Any] | None, path: str = "/h/.claude/sessions/7.json") -> Reading:
    return Reading(feed, Path(path), NOW, data=json.dumps(value).encode() if value is not None else None)


def only(findings: Findings) -> Evidence:
    assert len(findings.evidence) == 1
    return findings.evidence[0]


@pytest.mark.parametrize(
    ("status", "waiting", "state", "kind"),
    [
        ("idle", None, State.IDLE, None),
        ("busy", None, State.WORKING, None),
        ("shell", None, State.BACKGROUND, None),
        ("waiting", "permission prompt", State.BLOCKED, Kind.PERMISSION),
        ("waiting", "input needed", State.BLOCKED, Kind.QUESTION),
        ("waiting", "dialog open", State.BLOCKED, Kind.DIALOG),
        ("waiting", "something new", State.BLOCKED, Kind.DIALOG),
        ("something new", None, None, None),
    ],
)
def test_claudes_own_file(status: str, waiting: str | None, state: State | None, kind: Kind | None) -> None:
    at = int(NOW.timestamp() * 1000) - 250
    about = {"sessionId": SESSION, "status": status, "waitingFor": waiting, "statusUpdatedAt": at, "version": "2.1.330"}
    found = claude().read(whole("session", about))
    assert (only(found).state, only(found).kind) == (state, kind)
    assert only(found).at == NOW - timedelta(milliseconds=250)
    assert found.version == "2.1.330"


def test_the_file_of_another_session_is_not_ours() -> None:
    reader = claude()
    assert reader.read(whole("session", {"sessionId": "other", "status": "idle"})).evidence == ()
    reader.read(whole("session", {"sessionId": SESSION, "status": "busy"}, "/h/.claude/sessions/8.json"))
    assert (
        reader.read(whole("session", {"sessionId": SESSION, "status": "idle"}, "/h/.claude/sessions/9.json")).evidence
        == ()
    )
    gone = reader.read(whole("session", None, "/h/.claude/sessions/8.json"))
    assert only(gone).state is None


def test_the_file_that_a_killed_process_left_behind_is_not_that_of_the_resumed_one() -> None:
    spec = Spec(agent="claude", name="a", agent_session_id=SESSION, started_at=NOW)
    reader = ClaudeReader(spec, PLACE, Path("/h/.claude"))
    began = int(NOW.timestamp() * 1000)
    stale = {"sessionId": SESSION, "status": "busy", "startedAt": began - 60_000}
    assert reader.read(whole("session", stale, "/h/.claude/sessions/8.json")).evidence == ()
    ours = {"sessionId": SESSION, "status": "idle", "startedAt": began + 400}
    assert only(reader.read(whole("session", ours, "/h/.claude/sessions/9.json"))).state is State.IDLE


def test_a_permission_request_of_claude() -> None:
    request = {
        "session_id": SESSION,
        "prompt_id": "p",
        "hook_event_name": "PermissionRequest",
        "tool_name": "Bash",
        "tool_input": {"command": "touch a && echo done", "description": "Create file"},
    }
    reader = claude()
    found = only(reader.read(lines("hooks", request)))
    assert found.question is not None
    assert (found.state, found.kind, found.question.command) == (State.BLOCKED, Kind.PERMISSION, "touch a && echo done")
    assert "Create file" in found.question.text
    again = only(claude().read(lines("hooks", request)))
    assert again.question is not None
    assert again.question.id == found.question.id  # the same after a restart
    second = only(reader.read(lines("hooks", request)))
    assert second.question is not None
    assert second.question.id != found.question.id  # asked once more


def test_a_question_and_a_plan_of_claude() -> None:
    options = [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cold"}]
    asked = {"questions": [{"question": "Which?", "header": "C", "multiSelect": False, "options": options}]}
    hook = {"hook_event_name": "PermissionRequest", "prompt_id": "p"}
    question = only(
        claude().read(lines("hooks", {**hook, "tool_name": "AskUserQuestion", "tool_input": asked}))
    ).question
    assert question is not None
    assert (question.kind, question.title) == (Kind.QUESTION, "Which?")
    assert [(option.key, option.label, option.detail) for option in question.options] == [
        ("1", "Red", "warm"),
        ("2", "Blue", "cold"),
    ]
    plan = only(claude().read(lines("hooks", {**hook, "tool_name": "ExitPlanMode", "tool_input": {"plan": "1. A"}})))
    assert plan.question is not None
    assert (plan.kind, plan.question.text) == (Kind.PLAN, "1. A")


def test_claudes_turn_ends_by_hooks() -> None:
    reader = claude()
    assert only(reader.read(lines("hooks", {"hook_event_name": "UserPromptSubmit"}))).state is State.WORKING
    done = reader.read(lines("hooks", {"hook_event_name": "Stop", "last_assistant_message": "Shall I?"}))
    assert (only(done).state, done.said, done.asks) == (State.DONE, "Shall I?", True)
    rest = reader.read(lines("hooks", {"hook_event_name": "Stop", "background_tasks": [{}]}))
    assert only(rest).state is State.BACKGROUND
    failed = reader.read(lines("hooks", {"hook_event_name": "StopFailure", "last_assistant_message": "API Error: 400"}))
    assert (only(failed).state, only(failed).saw) == (State.FAILED, "API Error: 400")
    assert reader.read(lines("hooks", {"hook_event_name": "SomethingNew"})).evidence == ()


def said(name: str, output: int, **more: Any) -> dict[str, Any]:
    usage = {
        "input_tokens": 10,
        "output_tokens": output,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 2,
    }
    message = {"id": name, "model": "claude-sonnet-4-5", "usage": usage, **more}
    return {"type": "assistant", "timestamp": NOW.isoformat(), "version": "2.1.330", "message": message}


def test_claudes_tokens_count_once_a_message() -> None:
    reader = claude()
    found = reader.read(lines("transcript", said("m1", 5), said("m1", 5), said("m2", 7)))
    assert [(item.id, item.usage.output) for item in found.responses] == [("m1", 5), ("m2", 7)]
    synthetic = said("m3", 1, model="<synthetic>")
    assert reader.read(lines("transcript", synthetic)).responses == ()


def test_an_interrupted_answer_of_claude_is_a_lower_bound() -> None:
    reader = claude()
    stop = {"type": "user", "timestamp": NOW.isoformat(), "message": {"content": "[Request interrupted by user]"}}
    reader.read(lines("transcript", said("m1", 1)))
    found = reader.read(lines("transcript", stop))
    assert [item.usage.lower_bound for item in found.responses] == [True]
    # Before its first word nothing of an answer is logged, but that it was asked for.
    asked = {"type": "api-request", "id": "r9", "timestamp": NOW.isoformat()}
    cut = reader.read(lines("transcript", said("m2", 7), asked, stop)).responses
    assert [(item.id, item.usage.lower_bound) for item in cut] == [("m2", False), ("r9", True)]


@pytest.mark.parametrize(
    ("words", "state", "kind"),
    [
        ("state=idle:app=codex", State.IDLE, None),
        ("state=working:app=codex", State.WORKING, None),
        ("state=blocked:app=codex:kind=permission", State.BLOCKED, Kind.PERMISSION),
        ("state=blocked:app=codex:kind=question", State.BLOCKED, Kind.QUESTION),
        ("state=done:app=codex", State.DONE, None),
        ("state=error:app=codex", State.FAILED, None),
        ("state=clear:app=codex", None, None),
        ("state=something-new", None, None),
    ],
)
def test_codexs_own_state(words: str, state: State | None, kind: Kind | None) -> None:
    data = b"text\x1b[1m\x1b]0;title\x07" + f"\x1b]7501;{words}\x1b\\".encode() + b"more"
    found = only(codex().read(Reading("pane", Path("/p"), NOW, data=data)))
    assert (found.state, found.kind) == (state, kind)


_STREAM = (
    b"\x1b]0;one\x07abc\x1b]7501;state=working:app=codex\x1b\\\x1b[2J\x1b]7501;state=blocked:kind=permission\x07xyz"
    b"\x1b]7501;state=done:app=codex\x1b\\end"
)


@given(st.lists(st.integers(0, len(_STREAM)), max_size=6))
def test_a_torn_sequence_is_read_when_it_is_whole(cuts: list[int]) -> None:
    reader, seen = codex(), []
    places = sorted({0, len(_STREAM), *cuts})
    for begin, end in itertools.pairwise(places):
        found = reader.read(Reading("pane", Path("/p"), NOW, data=_STREAM[begin:end]))
        seen += [item.state for item in found.evidence]
    assert seen[-1] is State.DONE
    assert set(seen) <= {State.WORKING, State.BLOCKED, State.DONE}


def test_codexs_rollout() -> None:
    reader = codex()

    def record(kind: str, seconds: float, **payload: Any) -> dict[str, Any]:
        return {"timestamp": (NOW + timedelta(seconds=seconds)).isoformat(), "type": kind, "payload": payload}

    usage = {"input_tokens": 1200, "cached_input_tokens": 300, "output_tokens": 150, "reasoning_output_tokens": 40}
    found = reader.read(
        lines(
            "rollout",
            record("session_meta", 0, cli_version="0.169.0"),
            record("turn_context", 0, model="gpt-5.5"),
            record("event_msg", 0, type="task_started"),
            record("token_usage_record", 4, response_id="r1", usage=usage),
            record("event_msg", 5, type="token_count", info={"total_token_usage": usage}),
            record("event_msg", 6, type="task_complete", last_agent_message="All done."),
        )
    )
    (answer,) = found.responses
    assert (answer.id, answer.model, answer.usage.input, answer.usage.cache_read) == ("r1", "gpt-5.5", 900, 300)
    assert answer.started_at == NOW
    assert answer.ended_at == NOW + timedelta(seconds=4)
    assert [item.state for item in found.evidence] == [State.WORKING, State.DONE]  # a turn ran, however short
    assert (found.said, found.version) == ("All done.", "0.169.0")
    failed = reader.read(lines("rollout", record("event_msg", 7, type="task_complete", error={"message": "quota"})))
    assert (only(failed).state, only(failed).saw) == (State.FAILED, "quota")


@pytest.mark.parametrize(
    ("before", "cut"),
    [
        ({"type": "event_msg", "payload": {"type": "task_started"}}, ["cut-off-t"]),
        ({"type": "response_item", "payload": {"type": "function_call_output", "output": "made"}}, ["cut-off-t"]),
        # refused: the answer was whole
        ({"type": "response_item", "payload": {"type": "function_call_output", "output": "aborted by user"}}, []),
    ],
)
def test_an_interrupted_answer_of_codex_is_a_lower_bound(before: dict[str, Any], cut: list[str]) -> None:
    reader = codex()
    aborted = {"type": "event_msg", "payload": {"type": "turn_aborted", "turn_id": "t", "reason": "interrupted"}}
    found = reader.read(lines("rollout", before, aborted))
    assert [item.id for item in found.responses if item.usage.lower_bound] == cut


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text(max_size=9),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(
                            [
                                "type",
                                "payload",
                                "hook_event_name",
                                "tool_input",
                                "message",
                                "usage",
                                "status",
                                "tool_name",
                                "questions",
                            ]
                        ),
                        inner,
                        max_size=4,
                    )
                ),
                max_leaves=12,
            ).map(lambda value: json.dumps(value).encode()),
        ),
        max_size=4,
    )
)
def test_nothing_that_a_file_may_hold_breaks_a_reader(found: list[bytes]) -> None:
    for reader, feeds in ((claude(), ("hooks", "transcript", "subagents")), (codex(), ("hooks", "rollout"))):
        for feed in feeds:
            reader.read(Reading(feed, Path("/f"), NOW, lines=tuple(found)))
    claude().read(Reading("session", Path("/f"), NOW, data=b"".join(found)))
    codex().read(Reading("pane", Path("/f"), NOW, data=b"".join(found)))


def test_what_is_launched(tmp_path: Path) -> None:
    for name in ("claude", "codex"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    place = Place(Path("/s"), Path("/w"), {"HOME": "/h", "PATH": str(tmp_path)})
    spec = Spec(agent="x", name="n", prompt="!rm -x", model="m", args=("--more",))
    started = Claude().launch(spec, place)
    assert started.argv[-2:] == ("--", " !rm -x")
    assert started.argv[started.argv.index("--permission-mode") + 1] == "default"
    settings = json.loads(started.files["claude-settings.json"])
    assert "exit 0" in settings["hooks"]["PermissionRequest"][0]["hooks"][0]["command"]
    other = Codex().launch(spec, place)
    assert other.argv[-2:] == ("--", " !rm -x")
    assert "--no-daemon" in other.argv
    resumed = Codex().launch(spec.model_copy(update={"resume": True, "agent_session_id": "id", "prompt": ""}), place)
    assert resumed.argv[1:3] == ("resume", "id")
    assert "--" not in resumed.argv
    with pytest.raises(SessionError, match="no permission mode"):
        Codex().launch(spec.model_copy(update={"permission_mode": "nonsense"}), place)
    with pytest.raises(AgentMissing) as missing:
        Claude().program(Spec(agent="claude", name="n", command=("no-such-claude",)), {"PATH": "/nowhere"})
    assert "npm install" in missing.value.hint
