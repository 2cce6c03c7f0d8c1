"""Copilot CLI: how it is launched, what its log and its screens tell, how its questions are answered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sessions.agents.contract import Findings, Keys, Paste, Place, Reading, Screen
from sessions.agents.copilot import Copilot
from sessions.agents.copilot_reader import CopilotReader
from sessions.errors import AgentMissing, NotAnOption, QuestionGone, SessionError
from sessions.models import Kind, Question, QuestionId, Role, Spec, State, Usage

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SESSION = "22222222-2222-4333-8444-555555555555"
BAR = "┃"
PERMISSION = """
╭────────────────────────────────────────────────────────╮
│ Make a file                                            │
│ ────────────────────────────────────────────────────── │
│ ╭────────────────────────────────────────────────────╮ │
│ │ touch made.txt                                     │ │
│ ╰────────────────────────────────────────────────────╯ │
│                                                        │
│ Do you want to run this command?                       │
│                                                        │
│ ❯ 1. Yes                                               │
│   2. Yes, and don't ask again for `touch` in this repo │
│   3. No, and tell Copilot what to do differently (Esc) │
│                                                        │
│ ↑/↓ to navigate · enter to select · esc to cancel      │
╰────────────────────────────────────────────────────────╯
"""
QUESTION = """
 ○ Asking user Waiting for response
────────────────────────────────────────────────────────────
 Copilot needs information.
 Which colour do you prefer?

 Choice:
 ❯ Red
   Blue
   Other (type your answer)

 ↑/↓ select · enter accept · ctrl+d decline · esc cancel
────────────────────────────────────────────────────────────
"""
SEVERAL = QUESTION.replace("❯ Red", "❯ ✓ Red").replace("  Blue", "  • Blue").replace("  Other", "  • Other")
TRUST = """
│ Do you trust the files in this folder?                 │
│                                                        │
│ ❯ 1. Yes                                               │
│   2. Yes, and remember this folder for future sessions │
│   3. No (Esc)                                          │
│                                                        │
│ ↑/↓ to navigate · enter to select · esc to cancel      │
"""
PLAN = """
│ Plan Ready for Review                                  │
│ ────────────────────────────────────────────────────── │
│  1. Look                                               │
│  2. Change                                             │
│                                                        │
│ ❯ 1. Accept plan and continue in Autopilot execution   │
│   2. Accept plan and continue in Interactive execution │
│   3. Exit to Interactive execution mode without        │
│   4. Suggest changes                                   │
│                                                        │
│ ↑/↓ to navigate · enter to select · esc to cancel      │
"""
AT_PROMPT = """
 ● All done.                                             ┃
                                                         ┃
 /work/task [⎇ agent/task]
────────────────────────────────────────────────────────────
❯
────────────────────────────────────────────────────────────
 ← open sidebar · Interactive · Manual Approval · / commands
"""
WORKING = AT_PROMPT.replace(
    " ← open sidebar · Interactive · Manual Approval · / commands", " ◎ Working esc esc interrupt"
)
RETRYING = WORKING.replace("All done.", "Request failed due to a transient API error. Retrying...")


def _screen(text: str, title: str = "x - GitHub Copilot", at: datetime = NOW) -> Screen:
    return Screen(lines=tuple(text.split("\n")), title=title, at=at, width=60, height=40)


def _place(folder: Path, **env: str) -> Place:
    program = folder / "bin" / "copilot"
    program.parent.mkdir(exist_ok=True)
    program.touch(mode=0o755)
    return Place(folder=folder, worktree=folder, env={"PATH": str(program.parent), **env})


def _spec(**fields: Any) -> Spec:
    return Spec.model_validate({"agent": "copilot", "name": "x", "agent_session_id": SESSION, **fields})


def _reader(**env: str) -> CopilotReader:
    return CopilotReader(_spec(), Place(Path("/s"), Path("/w"), {"HOME": "/h", **env}))


def _event(kind: str, second: int = 0, **data: Any) -> dict[str, Any]:
    at = (NOW + timedelta(seconds=second)).isoformat()
    return {"type": kind, "id": f"{kind}-{second}", "timestamp": at, "data": data}


def _read(reader: CopilotReader, *events: dict[str, Any]) -> Findings:
    lines = tuple(json.dumps(event).encode() for event in events)
    return reader.read(Reading("events", Path("/e"), NOW, lines=lines))


def _state(findings: Findings) -> State | None:
    return findings.evidence[-1].state


def _question(kind: Kind, **more: Any) -> Question:
    return Question.model_validate({"id": "r1", "kind": kind, "title": "t", "text": "t", "asked_at": NOW, **more})


def _said(second: int, *tools: str) -> dict[str, Any]:
    return _event("assistant.message", second, content="Done?", toolRequests=[{"name": name} for name in tools])


PROMPT = (_event("user.message", 1, content="do it"), _event("assistant.turn_start", 2))
SHELL = {"kind": "shell", "fullCommandText": "touch made.txt", "intention": "Make a file"}


def test_its_log_is_found_under_the_users_home_or_where_the_user_wants_it() -> None:
    (watch,) = _reader().watches()
    assert watch.path == Path(f"/h/.copilot/session-state/{SESSION}/events.jsonl")
    (watch,) = _reader(COPILOT_HOME="/c").watches()
    assert watch.path == Path(f"/c/session-state/{SESSION}/events.jsonl")


def test_a_turn_ends_with_an_answer_that_asks_for_no_tool() -> None:
    reader = _reader()
    assert _state(_read(reader, _event("session.start", copilotVersion="1.0.102"))) is State.IDLE
    assert _state(_read(reader, *PROMPT)) is State.WORKING
    assert _state(_read(reader, _said(3, "bash"), _event("tool.execution_start", 4, toolCallId="c", toolName="bash")))
    assert _state(_read(reader, _event("tool.execution_complete", 5, toolCallId="c"))) is State.WORKING
    assert _read(reader, _event("assistant.turn_end", 6)).evidence == ()
    ended = _read(reader, _event("assistant.turn_start", 7), _said(8), _event("assistant.turn_end", 9))
    assert _state(ended) is State.DONE
    assert (ended.said, ended.asks, ended.version) == ("Done?", True, "1.0.102")


def test_a_permission_is_open_until_it_is_answered() -> None:
    reader = _reader()
    _read(reader, *PROMPT, _event("tool.execution_start", 3, toolCallId="c", toolName="bash"))
    asked = _read(reader, _event("permission.requested", 4, requestId="r1", permissionRequest=SHELL)).evidence[-1]
    assert (asked.state, asked.kind, asked.at) == (State.BLOCKED, Kind.PERMISSION, NOW + timedelta(seconds=4))
    assert asked.question is not None
    assert (asked.question.id, asked.question.command) == ("r1", "touch made.txt")
    second = _event("permission.requested", 5, requestId="r2", permissionRequest={"kind": "write", "fileName": "/w/n"})
    assert _read(reader, second).evidence[-1].question == asked.question
    left = _read(reader, _event("permission.completed", 6, requestId="r1")).evidence[-1]
    assert left.question is not None
    assert left.question.path == "/w/n"
    assert _state(_read(reader, _event("permission.completed", 7, requestId="r2"))) is State.WORKING


@pytest.mark.parametrize(
    ("field", "labels", "multiple"),
    [
        ({"type": "string", "enum": ["Red", "Blue"]}, ["Red", "Blue"], False),
        ({"type": "string", "enum": ["r", "b"], "enumNames": ["Red", "Blue"]}, ["Red", "Blue"], False),
        ({"type": "string", "oneOf": [{"const": "r", "title": "Red"}]}, ["Red"], False),
        ({"type": "array", "items": {"type": "string", "enum": ["Red", "Blue"]}}, ["Red", "Blue"], True),
        ({"type": "boolean"}, ["Yes", "No"], False),
    ],
)
def test_a_question_has_the_options_of_its_form(field: dict[str, Any], labels: list[str], multiple: bool) -> None:
    given = {"message": "Which colour?", "requestedSchema": {"properties": {"choice": field}}}
    start = _event("tool.execution_start", 3, toolCallId="c", toolName="ask_user", arguments=given)
    question = _read(_reader(), *PROMPT, start).evidence[-1].question
    assert question is not None
    assert (question.kind, question.title, question.multiple) == (Kind.QUESTION, "Which colour?", multiple)
    assert [option.label for option in question.options] == labels


def test_a_plan_waits_for_the_human() -> None:
    given = {"summary": "1. Look"}
    start = _event("tool.execution_start", 3, toolCallId="c", toolName="exit_plan_mode", arguments=given)
    asked = _read(_reader(), *PROMPT, start).evidence[-1]
    assert (asked.state, asked.kind) == (State.BLOCKED, Kind.PLAN)
    assert asked.question is not None
    assert asked.question.text == "1. Look"


def test_an_interrupted_answer_is_a_lower_bound() -> None:
    found = _read(_reader(), *PROMPT, _event("assistant.turn_end", 3), _event("abort", 4, reason="user_abort"))
    assert _state(found) is State.IDLE
    assert [response.usage for response in found.responses] == [Usage(lower_bound=True)]


def test_an_answer_that_was_counted_is_none_when_a_tool_is_interrupted() -> None:
    usage = {"inputTokens": 913, "cacheReadTokens": 13, "outputTokens": 40, "duration": 50, "apiCallId": "a"}
    found = _read(_reader(), *PROMPT, _event("session.usage_record", 3, usage=usage), _event("abort", 4))
    (response,) = found.responses
    assert (response.id, response.usage) == ("a", Usage(input=900, cache_read=13, output=40))
    assert response.started_at == NOW + timedelta(seconds=2.95)


def test_a_permission_that_is_closed_after_the_abort_is_no_work() -> None:
    reader = _reader()
    _read(reader, *PROMPT, _event("permission.requested", 3, requestId="r1", permissionRequest=SHELL))
    found = _read(reader, _event("abort", 4), _event("permission.completed", 5, requestId="r1"))
    assert _state(found) is State.IDLE


def test_a_prompt_that_was_taken_back_leaves_it_at_rest() -> None:
    taken = _event("session.usage_checkpoint", 3, promptCacheBreakState=[{"pendingRewriteSources": ["rewind"]}])
    reader = _reader()
    _read(reader, *PROMPT)
    assert _state(_read(reader, _event("session.start"), taken)) is State.IDLE


@pytest.mark.parametrize(
    ("data", "saw"),
    [
        ({"errorType": "query", "message": "400 scripted", "statusCode": 400}, "400 scripted"),
        (
            {"errorType": "authentication", "message": "Failed\n (401)", "statusCode": 401},
            "not signed in: Failed (401)",
        ),
    ],
)
def test_a_turn_that_failed_says_why(data: dict[str, Any], saw: str) -> None:
    found = _read(_reader(), *PROMPT, _event("assistant.turn_end", 3), _event("session.error", 4, **data))
    assert (found.evidence[-1].state, found.evidence[-1].saw) == (State.FAILED, saw)


def test_a_shell_that_runs_on_is_background_until_its_end_or_the_title_says_so() -> None:
    reader = _reader()
    told = {"content": "<command started in background with shellId: 0>"}
    _read(reader, *PROMPT, _event("tool.execution_start", 3, toolCallId="c", toolName="bash"))
    _read(reader, _event("tool.execution_complete", 4, toolCallId="c", result=told))
    assert _state(_read(reader, _said(5), _event("assistant.turn_end", 6))) is State.BACKGROUND
    waits = _screen(AT_PROMPT, "x - Waiting for background shells - GitHub Copilot", NOW + timedelta(seconds=20))
    assert all(item.channel == "screen" for item in reader.look(waits).evidence)
    (told_so,) = [item for item in reader.look(_screen(AT_PROMPT, at=waits.at)).evidence if item.channel == "events"]
    assert told_so.state is State.DONE


def test_a_command_that_the_human_runs_is_no_turn() -> None:
    reader = _reader()
    _read(reader, *PROMPT, _said(3), _event("assistant.turn_end", 4))
    assert _read(reader, _event("tool.execution_complete", 5, toolCallId="u", isUserRequested=True)).evidence == ()


@pytest.mark.parametrize(
    ("text", "state", "kind", "labels"),
    [
        (TRUST, State.BLOCKED, Kind.DIALOG, ["Yes", "Yes, and remember this folder for future sessions", "No (Esc)"]),
        (QUESTION, State.BLOCKED, Kind.QUESTION, ["Red", "Blue", "Other (type your answer)"]),
        (SEVERAL, State.BLOCKED, Kind.QUESTION, ["Red", "Blue", "Other (type your answer)"]),
        (WORKING, State.WORKING, None, None),
        (RETRYING, State.RETRYING, None, None),
        (AT_PROMPT, State.IDLE, None, None),
        (" Loading environment: 1 skill\n", None, None, None),
    ],
)
def test_screens(text: str, state: State | None, kind: Kind | None, labels: list[str] | None) -> None:
    (seen,) = _reader().look(_screen(text)).evidence
    assert (seen.state, seen.kind) == (state, kind)
    assert (None if seen.question is None else [option.label for option in seen.question.options]) == labels


def test_a_permission_on_the_screen_names_its_command() -> None:
    question = _reader().look(_screen(PERMISSION)).evidence[0].question
    assert question is not None
    assert (question.command, [option.key for option in question.options]) == ("touch made.txt", ["1", "2", "3"])


@pytest.mark.parametrize(
    ("text", "kind", "choice", "words", "steps"),
    [
        (PERMISSION, Kind.PERMISSION, "y", "", (Keys(("1",)),)),
        (PERMISSION, Kind.PERMISSION, "a", "", (Keys(("2",)),)),
        (PERMISSION, Kind.PERMISSION, "n", "", (Keys(("Escape",)),)),
        (
            PERMISSION,
            Kind.PERMISSION,
            "",
            "another name",
            (Keys(("Down", "Down")), Paste("another name"), Keys(("Enter",))),
        ),
        (PERMISSION, Kind.PERMISSION, "3", "no", (Keys(("Down", "Down")), Paste("no"), Keys(("Enter",)))),
        (PLAN, Kind.PLAN, "2", "", (Keys(("2",)),)),
        (PLAN, Kind.PLAN, "", "shorter", (Keys(("Down",) * 3), Paste("shorter"), Keys(("Enter",)))),
        (TRUST, Kind.DIALOG, "y", "", (Keys(("1",)),)),
        (TRUST, Kind.DIALOG, "n", "", (Keys(("Escape",)),)),
        (QUESTION, Kind.QUESTION, "2", "", (Keys(("Down", "Enter")),)),
        (QUESTION, Kind.QUESTION, "", "Green", (Keys(("Down", "Down")), Paste("Green"), Keys(("Enter",)))),
    ],
)
def test_answers(text: str, kind: Kind, choice: str, words: str, steps: tuple[Any, ...]) -> None:
    assert Copilot().answer(_question(kind), choice, words, _screen(text)) == steps


def test_only_options_that_are_not_taken_yet_are_toggled() -> None:
    question = _question(Kind.QUESTION, multiple=True)
    toggled = (Keys(("Down", "Space")), Keys(("Enter",)))
    assert Copilot().answer(question, "1,2", "", _screen(SEVERAL)) == toggled
    assert Copilot().answer(question, "1", "", _screen(SEVERAL)) == (Keys(("Enter",)),)


def test_an_answer_is_refused_when_the_question_is_gone_or_it_is_none() -> None:
    with pytest.raises(QuestionGone):
        Copilot().answer(_question(Kind.PERMISSION), "y", "", _screen(AT_PROMPT))
    with pytest.raises(QuestionGone):
        Copilot().answer(_question(Kind.PERMISSION, command="rm -rf x"), "y", "", _screen(PERMISSION))
    with pytest.raises(NotAnOption):
        Copilot().answer(_question(Kind.PLAN), "4", "", _screen(PLAN))
    with pytest.raises(NotAnOption):
        Copilot().answer(_question(Kind.DIALOG), "", "words", _screen(TRUST))


def test_a_launch_chooses_the_session_and_asks_nobody_but_the_endpoint(tmp_path: Path) -> None:
    endpoint = "http://127.0.0.1:1/v1"
    spec = _spec(agent_session_id=None, prompt="-x", model="m", base_url=endpoint, permission_mode="plan")
    launch = Copilot().launch(spec, _place(tmp_path))
    assert launch.agent_session_id is not None
    assert f"--session-id={launch.agent_session_id}" in launch.argv
    assert launch.argv[-6:] == ("--mode", "plan", "--model", "m", "-i", " -x")
    assert launch.env["COPILOT_PROVIDER_BASE_URL"] == endpoint
    assert launch.env["COPILOT_OFFLINE"] == "true"
    assert "COPILOT_HOME" not in launch.env
    again = Copilot().launch(_spec(resume=True), _place(tmp_path))
    assert f"--resume={SESSION}" in again.argv
    assert "COPILOT_OFFLINE" not in again.env


def test_what_cannot_be_launched_says_why(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="no permission mode 'x'"):
        Copilot().launch(_spec(permission_mode="x"), _place(tmp_path))
    with pytest.raises(AgentMissing):
        Copilot().program(_spec(command=("nowhere",)), {"PATH": str(tmp_path)})


@pytest.mark.parametrize("text", ["!ls", "  !ls", "/exit", "#1", "@x", "?"])
def test_a_message_is_no_command(text: str) -> None:
    pasted = Copilot().message(text)[-1]
    assert isinstance(pasted, Paste)
    assert pasted.text.endswith(text)
    assert not pasted.text.strip().startswith(text.strip()[0])


def test_the_conversation_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    start = _event("tool.execution_start", 3, toolCallId="c", toolName="bash", arguments={"command": "ls"})
    events = [*PROMPT, start, _event("tool.execution_complete", 4, result={"content": "a"}), _said(5)]
    path.write_text("\n".join([*map(json.dumps, events), '{"torn']))
    entries = Copilot().transcript(path)
    assert [entry.role for entry in entries] == [Role.USER, Role.TOOL, Role.TOOL, Role.AGENT]
    assert [entry.title for entry in entries] == ["", "bash ls", "result", ""]
    assert Copilot().transcript(tmp_path / "none") == ()


def test_nothing_is_said_of_a_screen_in_copy_mode() -> None:
    assert _reader().look(replace(_screen(AT_PROMPT), in_mode=True)).evidence == ()


def test_ids_of_questions_are_those_of_the_program() -> None:
    found = _read(_reader(), *PROMPT, _event("permission.requested", 4, requestId="r1", permissionRequest=SHELL))
    question = found.evidence[-1].question
    assert question is not None
    assert question.id == QuestionId("r1")
