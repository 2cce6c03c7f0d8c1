"""qwen-code: how it is launched, what its dual output, title and screens tell, how its questions are answered."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sessions.agents.contract import Append, Findings, Keys, Paste, Place, Reading, Say, Screen
from sessions.agents.qwen import INPUT, Qwen
from sessions.agents.qwen_reader import EVENTS, QwenReader
from sessions.errors import AgentMissing, NotAnOption, QuestionGone, SessionError
from sessions.models import Evidence, Kind, Question, Role, Spec, State, Usage

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SESSION = "11111111-2222-4333-8444-555555555555"
REQUEST = "c378cf18-e7a3-45bd-bd07-cbff8fd342f3"
PERMISSION = """
  ◆︎ I run a command.
  ? Shell touch made.txt (Make a file) ←
     touch made.txt
   Allow execution of: 'touch'?
   › 1. Yes, allow once                                                        █
     2. Always allow run 'touch *' commands in this project                    █
     3. Always allow run 'touch *' commands for this user                      █
     4. No, suggest changes (esc)                                              █
  ⠏ Waiting for user confirmation...
"""
EDIT = """
  ? WriteFile Writing to new.txt ←
   1 one
   Apply this change?
   › 1. Yes, allow once
     2. Yes, allow always
     3. No, suggest changes (esc)
  ⠏ Waiting for user confirmation...
"""
QUESTION = """
  ? AskUserQuestion Ask user 1 question ←
   Choice
   Which colour do you prefer?
   ❯ 1. Red
        take Red
     2. Blue
        take Blue
     3. Type something...
   ↑/↓: Navigate | Enter: Select | Esc: Cancel
  ⠏ Waiting for user confirmation...
"""
SEVERAL = """
  ? AskUserQuestion Ask user 1 question ←
   Choice
   Which colours do you like?
     [✓] 1. Red
            take Red
   ❯ [ ] 2. Blue
            take Blue
     [ ] 3. Green
            take Green
     [ ] 4. Type something...
   ↑/↓: Navigate | Space: Toggle | Enter: Confirm | Esc: Cancel
  ⠏ Waiting for user confirmation...
"""
PLAN = """
  ? ExitPlanMode Plan: ←
      1. Look
      2. Change
   Would you like to proceed?
   › 1. Yes, restore previous mode (default)
     2. Yes, and auto-accept edits
     3. Yes, and manually approve edits
     4. No, keep planning (esc)
  ⠏ Waiting for user confirmation...
"""
AT_PROMPT = """
  ◆︎ All done.
────────────────────────────────────────────────────────────
>   Type your message or @path/to/file
────────────────────────────────────────────────────────────
  ➜ wt · git:(feat) · mock-model
  ⏸ Ask permissions (shift + tab to cycle)
"""
WORKING = AT_PROMPT.replace("  ◆︎ All done.", "  ⠏ Petting the cat... (3s · ↓ 9 tokens · esc to cancel)")
CANCELLED = AT_PROMPT.replace("  ◆︎ All done.", "  ●︎ Request cancelled.")
SHELL = AT_PROMPT.rstrip() + " · 1 shell\n"
STARTING = "  ➜ wt · mock-model\n  ⠋ Initializing...\n"
SETUP = "  │ Connect a Provider                 │\n  │ › Alibaba ModelStudio              │\n"
RESTS, WORKS, WAITS = "Qwen - wt", "◐︎ Qwen - wt", "✳︎ Qwen - wt"


def _screen(text: str, title: str = RESTS, second: float = 0) -> Screen:
    at = NOW + timedelta(seconds=second)
    return Screen(lines=tuple(text.split("\n")), title=title, at=at, width=80, height=40)


def _place(folder: Path, **env: str) -> Place:
    program = folder / "bin" / "qwen"
    program.parent.mkdir(exist_ok=True)
    program.touch(mode=0o755)
    return Place(folder=folder, worktree=folder, env={"PATH": str(program.parent), **env})


def _spec(**fields: Any) -> Spec:
    return Spec.model_validate({"agent": "qwen", "name": "x", "agent_session_id": SESSION, **fields})


def _reader(**env: str) -> QwenReader:
    return QwenReader(_spec(), Place(Path("/s"), Path("/w/my.tree"), {"HOME": "/h", **env}))


def _read(reader: QwenReader, *records: dict[str, Any], second: float = 0, feed: str = "dual") -> Findings:
    lines = tuple(json.dumps(record).encode() for record in records)
    return reader.read(Reading(feed, Path("/e"), NOW + timedelta(seconds=second), lines=lines))


def _state(findings: Findings) -> State | None:
    return findings.evidence[-1].state


def _told(findings: Findings) -> Evidence | None:
    return next((item for item in findings.evidence if item.channel == "dual-output"), None)


def _user(text: str = "do it", uuid: str = "u1") -> dict[str, Any]:
    return {"type": "user", "uuid": uuid, "message": {"content": [{"type": "text", "text": text}]}}


def _result(text: str) -> dict[str, Any]:
    content = [{"type": "tool_result", "tool_use_id": "c", "content": text}]
    return {"type": "user", "uuid": "u2", "message": {"content": content}}


def _answer(text: str, *tools: str, tokens: int = 40) -> list[dict[str, Any]]:
    usage = {"input_tokens": tokens, "output_tokens": tokens}
    content = [{"type": "text", "text": text}, *({"type": "tool_use", "name": name} for name in tools)]
    return [
        {"type": "stream_event", "event": {"type": "message_start"}},
        {"type": "assistant", "message": {"content": content, "usage": usage}},
        {"type": "stream_event", "event": {"type": "message_stop"}},
    ]


def _asked(tool: str = "run_shell_command", **given: Any) -> dict[str, Any]:
    request = {"subtype": "can_use_tool", "tool_name": tool, "input": given or {"command": "touch made.txt"}}
    return {"type": "control_request", "request_id": REQUEST, "request": request}


def _question(kind: Kind, name: str = REQUEST, **more: Any) -> Question:
    return Question.model_validate({"id": name, "kind": kind, "title": "t", "text": "t", "asked_at": NOW, **more})


def test_its_files_are_found() -> None:
    assert [watch.path for watch in _reader().watches()] == [
        Path("/s") / EVENTS,
        Path(f"/h/.qwen/projects/-w-my-tree/chats/{SESSION}.jsonl"),
    ]
    assert _reader(QWEN_HOME="/q").watches()[1].path.is_relative_to("/q/projects")
    assert _reader(QWEN_HOME="/q", QWEN_RUNTIME_DIR="/r").watches()[1].path.is_relative_to("/r/projects")


def test_a_turn_ends_with_an_answer_that_calls_no_tool() -> None:
    reader = _reader()
    started = {"type": "system", "subtype": "session_start", "data": {"version": "0.24.4"}}
    assert (_state(found := _read(reader, started)), found.version) == (None, "0.24.4")
    assert _state(_read(reader, _user())) is State.WORKING
    assert _state(_read(reader, *_answer("I run it.", "run_shell_command"))) is State.WORKING
    assert _state(_read(reader, _result("done"))) is State.WORKING
    ended = _read(reader, *_answer("All done. Shall I go on?"))
    assert (_state(ended), ended.said, ended.asks) == (State.DONE, "All done. Shall I go on?", True)


@pytest.mark.parametrize(
    ("record", "kind", "title", "more"),
    [
        (_asked(), Kind.PERMISSION, "run_shell_command: touch made.txt", {"command": "touch made.txt", "path": None}),
        (
            _asked("write_file", file_path="/w/n", content="x"),
            Kind.PERMISSION,
            "write_file: /w/n",
            {"command": None, "path": "/w/n"},
        ),
        (_asked("exit_plan_mode", plan="1. Look"), Kind.PLAN, "Qwen has a plan", {"text": "1. Look"}),
        (
            _asked("ask_user_question", questions=[{"question": "Which?", "multiSelect": True, "options": []}]),
            Kind.QUESTION,
            "Which?",
            {"multiple": True, "free_text": True},
        ),
        (
            _asked("ask_user_question", questions=[{"question": "A?"}, {"question": "B?"}]),
            Kind.QUESTION,
            "A?; B?",
            {"options": (), "free_text": False},
        ),
    ],
)
def test_a_request_is_a_question(record: dict[str, Any], kind: Kind, title: str, more: dict[str, Any]) -> None:
    asked = _read(_reader(), _user(), record).evidence[-1]
    assert (asked.state, asked.kind) == (State.BLOCKED, kind)
    question = asked.question
    assert question is not None
    assert (question.id, question.title) == (REQUEST, title)
    assert {key: getattr(question, key) for key in more} == more


def test_an_answered_request_is_work_and_one_that_cannot_be_answered_changes_nothing() -> None:
    reader = _reader()
    _read(reader, _user(), _asked())
    refused = {"type": "control_response", "response": {"subtype": "error", "request_id": REQUEST}}
    assert _read(reader, refused).evidence == ()
    answered = {"type": "control_response", "response": {"subtype": "success", "request_id": REQUEST}}
    assert _state(_read(reader, answered)) is State.WORKING


def test_what_keys_in_the_pane_did_is_told_by_the_title() -> None:
    reader = _reader()
    _read(reader, _user(), _asked())
    assert _told(reader.look(_screen(PERMISSION, WAITS, 0.1))) is None
    allowed = _told(reader.look(_screen(WORKING, WORKS, 0.5)))
    assert allowed is not None
    assert allowed.state is State.WORKING
    _read(reader, _asked(), second=1)
    reader.look(_screen(PERMISSION, WAITS, 1.1))
    denied = _told(reader.look(_screen(AT_PROMPT, RESTS, 1.5)))
    assert denied is not None
    assert denied.state is State.IDLE


def test_a_dialog_that_stands_there_is_not_taken_back_by_a_late_title() -> None:
    reader = _reader()
    _read(reader, _user(), _asked())
    assert _told(reader.look(_screen(PERMISSION, WORKS, 0.1))) is None
    assert _told(reader.look(_screen(PERMISSION, WORKS, 9))) is None
    assert _told(reader.look(_screen(WORKING, WORKS, 1))) is None  # it has not agreed yet: it may be late


def test_an_interrupt_before_the_first_word_is_rest_and_a_lower_bound() -> None:
    reader = _reader()
    _read(reader, _user())
    reader.look(_screen(WORKING, WORKS, 0.2))
    found = reader.look(_screen(AT_PROMPT, RESTS, 1))
    told = _told(found)
    assert told is not None
    assert told.state is State.IDLE
    assert [(response.id, response.usage) for response in found.responses] == [("u1", Usage(lower_bound=True))]


def test_an_end_that_comes_after_the_title_takes_the_lower_bound_back() -> None:
    reader = _reader()
    start, *rest = _answer("Done.")
    _read(reader, _user(), start)
    reader.look(_screen(WORKING, WORKS, 0.2))
    told = _told(found := reader.look(_screen(AT_PROMPT, RESTS, 1)))
    assert told is not None
    assert told.state is None  # it may have ended: the title alone tells until its end is written
    assert found.responses[0].usage.lower_bound
    late = _read(reader, *rest)
    assert _state(late) is State.DONE
    assert [(response.id, response.usage) for response in late.responses] == [("u1", Usage())]


def test_an_answer_that_was_cancelled_is_rest() -> None:
    reader = _reader()
    _read(reader, _user(), _answer("")[0])
    reader.look(_screen(WORKING, WORKS, 0.2))
    told = _told(reader.look(_screen(CANCELLED, RESTS, 1)))
    assert told is not None
    assert told.state is State.IDLE
    cut = _read(reader, *_answer("half a", tokens=0)[1:])
    assert _state(cut) is State.IDLE


@pytest.mark.parametrize(
    ("error", "saw"),
    [("400 scripted", "400 scripted"), ("401 scripted", "not signed in: 401 scripted")],
)
def test_a_turn_that_failed_says_why(error: str, saw: str) -> None:
    found = _read(_reader(), _user(), *_answer(f"[API Error: {error}]", tokens=0))
    assert (found.evidence[-1].state, found.evidence[-1].saw, found.responses) == (State.FAILED, saw, ())


def test_a_shell_that_runs_on_is_background_until_its_end() -> None:
    reader = _reader()
    _read(reader, _user(), _result("Background shell bg_1 started (pid 7)."))
    assert _state(_read(reader, *_answer("It runs."))) is State.BACKGROUND
    assert _told(reader.look(_screen(SHELL, RESTS, 9))) is None
    gone = _told(reader.look(_screen(AT_PROMPT, RESTS, 9)))
    assert gone is not None
    assert gone.state is State.DONE
    _read(reader, _user("<task-notification>\n<task-id>bg_1</task-id>"))
    assert _state(_read(reader, *_answer("It ended."))) is State.DONE


def test_tokens_are_those_of_the_chat_log() -> None:
    event = {
        "event.name": "qwen-code.api_response",
        "event.timestamp": NOW.isoformat(),
        "response_id": "chatcmpl-1",
        "model": "m",
        "duration_ms": 500,
        "input_token_count": 913,
        "output_token_count": 40,
        "cached_content_token_count": 13,
        "thoughts_token_count": 5,
    }
    (response,) = _read(_reader(), {"systemPayload": {"uiEvent": event}}, feed="chat").responses
    assert (response.id, response.model) == ("chatcmpl-1", "m")
    assert response.usage == Usage(input=900, output=40, cache_read=13, reasoning=5)
    assert response.started_at == NOW - timedelta(milliseconds=500)


def test_a_subagent_does_not_end_the_turn() -> None:
    reader = _reader()
    _read(reader, _user(), *_answer("I ask another.", "agent"))
    inner = [{**record, "parent_tool_use_id": "c"} for record in _answer("found it")]
    assert _read(reader, *inner).evidence == ()


def test_the_title_tells_nothing_before_the_input_line_is_drawn() -> None:
    reader = _reader()
    assert [item.state for item in reader.look(_screen(STARTING)).evidence] == [None, None]
    assert [item.state for item in reader.look(_screen(AT_PROMPT, second=1)).evidence] == [State.IDLE, State.IDLE]


@pytest.mark.parametrize(
    ("text", "state", "kind", "labels"),
    [
        (EDIT, State.BLOCKED, Kind.PERMISSION, ["Yes, allow once", "Yes, allow always", "No, suggest changes (esc)"]),
        (QUESTION, State.BLOCKED, Kind.QUESTION, ["Red", "Blue", "Type something..."]),
        (SEVERAL, State.BLOCKED, Kind.QUESTION, ["Red", "Blue", "Green", "Type something..."]),
        (SETUP, State.BLOCKED, Kind.DIALOG, []),
        (WORKING, State.WORKING, None, None),
        (SHELL, State.BACKGROUND, None, None),
        (AT_PROMPT, State.IDLE, None, None),
        (STARTING, None, None, None),
    ],
)
def test_screens(text: str, state: State | None, kind: Kind | None, labels: list[str] | None) -> None:
    seen = _reader().look(_screen(text)).evidence[0]
    assert (seen.state, seen.kind) == (state, kind)
    assert (None if seen.question is None else [option.label for option in seen.question.options]) == labels


def _confirmed(allowed: bool) -> Append:
    line = {"type": "confirmation_response", "request_id": REQUEST, "allowed": allowed}
    return Append(Path(INPUT), json.dumps(line))


@pytest.mark.parametrize(
    ("text", "kind", "choice", "words", "steps"),
    [
        (PERMISSION, Kind.PERMISSION, "y", "", (_confirmed(True),)),
        (PERMISSION, Kind.PERMISSION, "1", "", (_confirmed(True),)),
        (PERMISSION, Kind.PERMISSION, "a", "", (Keys(("2",)),)),
        (PERMISSION, Kind.PERMISSION, "n", "", (_confirmed(False),)),
        (PERMISSION, Kind.PERMISSION, "n", "do it so", (_confirmed(False), Say("do it so"))),
        (PERMISSION, Kind.PERMISSION, "", "do it so", (Keys(("Escape",)), Say("do it so"))),
        (AT_PROMPT, Kind.PERMISSION, "y", "", (_confirmed(True),)),
        (PLAN, Kind.PLAN, "3", "", (Keys(("3",)),)),
        (PLAN, Kind.PLAN, "4", "", (_confirmed(False),)),
        (QUESTION, Kind.QUESTION, "2", "", (Keys(("2",)),)),
        (QUESTION, Kind.QUESTION, "", "Green", (Keys(("3",)), Paste("Green"), Keys(("Enter",)))),
    ],
)
def test_answers(text: str, kind: Kind, choice: str, words: str, steps: tuple[Any, ...]) -> None:
    assert Qwen().answer(_question(kind), choice, words, _screen(text)) == steps


def test_only_options_that_are_not_taken_yet_are_toggled() -> None:
    question = _question(Kind.QUESTION, multiple=True)
    toggled = (Keys(("Space",)), Keys(("3",)), Keys(("Space",)), Keys(("Enter",)))
    assert Qwen().answer(question, "1,2,3", "", _screen(SEVERAL)) == toggled
    assert Qwen().answer(question, "1", "", _screen(SEVERAL)) == (Keys(("Enter",)),)


def test_an_answer_is_refused_when_the_question_is_gone_or_it_is_none() -> None:
    with pytest.raises(QuestionGone):
        Qwen().answer(_question(Kind.QUESTION), "1", "", _screen(AT_PROMPT))
    with pytest.raises(QuestionGone):
        Qwen().answer(_question(Kind.PERMISSION), "2", "", _screen(AT_PROMPT))
    with pytest.raises(QuestionGone):
        Qwen().answer(_question(Kind.PERMISSION, "s0123456789a"), "y", "", _screen(AT_PROMPT))
    with pytest.raises(NotAnOption):
        Qwen().answer(_question(Kind.QUESTION), "9", "", _screen(QUESTION))


def test_a_launch_has_its_dual_output_in_the_private_folder(tmp_path: Path) -> None:
    spec = _spec(agent_session_id=None, prompt="-x", model="m", base_url="http://127.0.0.1:1/v1")
    launch = Qwen().launch(spec, _place(tmp_path))
    words = " ".join(launch.argv)
    assert f"--session-id {launch.agent_session_id} --approval-mode default" in words
    assert f"--json-file {tmp_path / EVENTS} --input-file {tmp_path / INPUT}" in words
    assert launch.argv[-6:] == ("--auth-type", "openai", "--model", "m", "-i", " -x")
    assert launch.files == {EVENTS: "", INPUT: ""}
    assert launch.env["OPENAI_BASE_URL"] == spec.base_url
    again = Qwen().launch(_spec(resume=True, permission_mode="plan"), _place(tmp_path))
    assert f"--resume {SESSION} --approval-mode plan" in " ".join(again.argv)
    assert "--auth-type" not in again.argv


def test_what_cannot_be_launched_says_why(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="no permission mode 'x'"):
        Qwen().launch(_spec(permission_mode="x"), _place(tmp_path))
    with pytest.raises(AgentMissing):
        Qwen().program(_spec(command=("nowhere",)), {"PATH": str(tmp_path)})


@pytest.mark.parametrize("text", ["short", "!ls", "x" * 5000, "line\n" * 60, "\n" * 30, "wide 🎉\n" * 400])
def test_a_message_is_pasted_whole_in_pieces_that_stay_text(text: str) -> None:
    pasted = [step.text for step in Qwen().message(text) if isinstance(step, Paste)]
    assert "".join(pasted).removeprefix(" ") == text
    assert all(len(piece) <= 1000 and piece.count("\n") < 10 for piece in pasted)
    assert not pasted[0].startswith("!")


def test_the_conversation_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    parts = [
        ("user", {"text": "do it"}),
        ("model", {"text": "I think", "thought": True}),
        ("model", {"functionCall": {"name": "run_shell_command", "args": {"command": "ls"}}}),
        ("user", {"functionResponse": {"response": {"output": "a"}}}),
        ("model", {"text": "Done."}),
    ]
    records = [json.dumps({"timestamp": NOW.isoformat(), "message": {"role": r, "parts": [p]}}) for r, p in parts]
    path.write_text("\n".join([*records, '{"torn']))
    entries = Qwen().transcript(path)
    assert [(entry.role, entry.title, entry.text[:5]) for entry in entries if entry.role is not Role.TOOL] == [
        (Role.USER, "", "do it"),
        (Role.AGENT, "", "Done."),
    ]
    assert [entry.title for entry in entries if entry.role is Role.TOOL] == ["run_shell_command ls", "result"]
    assert Qwen().transcript(tmp_path / "none") == ()
