"""What qwen-code's dual output, title and chat log tell."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sessions.agents.qwen_reader import EVENTS
from sessions.models import Kind, State, Usage
from tests.sessions.qwen_material import (
    AT_PROMPT,
    CANCELLED,
    NOW,
    PERMISSION,
    REQUEST,
    RESTS,
    SESSION,
    SHELL,
    STARTING,
    WAITS,
    WORKING,
    WORKS,
    answer,
    asked_for,
    read,
    reader_of,
    result,
    screen,
    state,
    told_by,
    user,
)


def test_its_files_are_found() -> None:
    assert [watch.path for watch in reader_of().watches()] == [
        Path("/s") / EVENTS,
        Path(f"/h/.qwen/projects/-w-my-tree/chats/{SESSION}.jsonl"),
    ]
    assert reader_of(QWEN_HOME="/q").watches()[1].path.is_relative_to("/q/projects")
    assert reader_of(QWEN_HOME="/q", QWEN_RUNTIME_DIR="/r").watches()[1].path.is_relative_to("/r/projects")


def test_a_turn_ends_with_an_answer_that_calls_no_tool() -> None:
    reader = reader_of()
    started = {"type": "system", "subtype": "session_start", "data": {"version": "0.24.4"}}
    assert (state(found := read(reader, started)), found.version) == (None, "0.24.4")
    assert state(read(reader, user())) is State.WORKING
    assert state(read(reader, *answer("I run it.", "run_shell_command"))) is State.WORKING
    assert state(read(reader, result("done"))) is State.WORKING
    ended = read(reader, *answer("All done. Shall I go on?"))
    assert (state(ended), ended.said, ended.asks) == (State.DONE, "All done. Shall I go on?", True)


@pytest.mark.parametrize(
    ("record", "kind", "title", "more"),
    [
        (
            asked_for(),
            Kind.PERMISSION,
            "run_shell_command: touch made.txt",
            {"command": "touch made.txt", "path": None},
        ),
        (
            asked_for("write_file", file_path="/w/n", content="x"),
            Kind.PERMISSION,
            "write_file: /w/n",
            {"command": None, "path": "/w/n"},
        ),
        (asked_for("exit_plan_mode", plan="1. Look"), Kind.PLAN, "Qwen has a plan", {"text": "1. Look"}),
        (
            asked_for("ask_user_question", questions=[{"question": "Which?", "multiSelect": True, "options": []}]),
            Kind.QUESTION,
            "Which?",
            {"multiple": True, "free_text": True},
        ),
        (
            asked_for("ask_user_question", questions=[{"question": "A?"}, {"question": "B?"}]),
            Kind.QUESTION,
            "A?; B?",
            {"options": (), "free_text": False},
        ),
    ],
)
def test_a_request_is_a_question(record: dict[str, Any], kind: Kind, title: str, more: dict[str, Any]) -> None:
    asked = read(reader_of(), user(), record).evidence[-1]
    assert (asked.state, asked.kind) == (State.BLOCKED, kind)
    question = asked.question
    assert question is not None
    assert (question.id, question.title) == (REQUEST, title)
    assert {key: getattr(question, key) for key in more} == more


def test_an_answered_request_is_work_and_one_that_cannot_be_answered_changes_nothing() -> None:
    reader = reader_of()
    read(reader, user(), asked_for())
    refused = {"type": "control_response", "response": {"subtype": "error", "request_id": REQUEST}}
    assert read(reader, refused).evidence == ()
    answered = {"type": "control_response", "response": {"subtype": "success", "request_id": REQUEST}}
    assert state(read(reader, answered)) is State.WORKING


def test_what_keys_in_the_pane_did_is_told_by_the_title() -> None:
    reader = reader_of()
    read(reader, user(), asked_for())
    assert told_by(reader.look(screen(PERMISSION, WAITS, 0.1))) is None
    allowed = told_by(reader.look(screen(WORKING, WORKS, 0.5)))
    assert allowed is not None
    assert allowed.state is State.WORKING
    read(reader, asked_for(), second=1)
    reader.look(screen(PERMISSION, WAITS, 1.1))
    denied = told_by(reader.look(screen(AT_PROMPT, RESTS, 1.5)))
    assert denied is not None
    assert denied.state is State.IDLE


def test_a_dialog_that_stands_there_is_not_taken_back_by_a_late_title() -> None:
    reader = reader_of()
    read(reader, user(), asked_for())
    assert told_by(reader.look(screen(PERMISSION, WORKS, 0.1))) is None
    assert told_by(reader.look(screen(PERMISSION, WORKS, 9))) is None
    assert told_by(reader.look(screen(WORKING, WORKS, 1))) is None  # it has not agreed yet: it may be late


def test_an_interrupt_before_the_first_word_is_rest_and_a_lower_bound() -> None:
    reader = reader_of()
    read(reader, user())
    reader.look(screen(WORKING, WORKS, 0.2))
    found = reader.look(screen(AT_PROMPT, RESTS, 1))
    told = told_by(found)
    assert told is not None
    assert told.state is State.IDLE
    assert [(response.id, response.usage) for response in found.responses] == [("u1", Usage(lower_bound=True))]


def test_an_end_that_comes_after_the_title_takes_the_lower_bound_back() -> None:
    reader = reader_of()
    start, *rest = answer("Done.")
    read(reader, user(), start)
    reader.look(screen(WORKING, WORKS, 0.2))
    told = told_by(found := reader.look(screen(AT_PROMPT, RESTS, 1)))
    assert told is not None
    assert told.state is None  # it may have ended: the title alone tells until its end is written
    assert found.responses[0].usage.lower_bound
    late = read(reader, *rest)
    assert state(late) is State.DONE
    assert [(response.id, response.usage) for response in late.responses] == [("u1", Usage())]


def test_an_answer_that_was_cancelled_is_rest() -> None:
    reader = reader_of()
    read(reader, user(), answer("")[0])
    reader.look(screen(WORKING, WORKS, 0.2))
    told = told_by(reader.look(screen(CANCELLED, RESTS, 1)))
    assert told is not None
    assert told.state is State.IDLE
    cut = read(reader, *answer("half a", tokens=0)[1:])
    assert state(cut) is State.IDLE


@pytest.mark.parametrize(
    ("error", "saw"),
    [("400 scripted", "400 scripted"), ("401 scripted", "not signed in: 401 scripted")],
)
def test_a_turn_that_failed_says_why(error: str, saw: str) -> None:
    found = read(reader_of(), user(), *answer(f"[API Error: {error}]", tokens=0))
    assert (found.evidence[-1].state, found.evidence[-1].saw, found.responses) == (State.FAILED, saw, ())


def test_a_shell_that_runs_on_is_background_until_its_end() -> None:
    reader = reader_of()
    read(reader, user(), result("Background shell bg_1 started (pid 7)."))
    assert state(read(reader, *answer("It runs."))) is State.BACKGROUND
    assert told_by(reader.look(screen(SHELL, RESTS, 9))) is None
    gone = told_by(reader.look(screen(AT_PROMPT, RESTS, 9)))
    assert gone is not None
    assert gone.state is State.DONE
    read(reader, user("<task-notification>\n<task-id>bg_1</task-id>"))
    assert state(read(reader, *answer("It ended."))) is State.DONE


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
    (response,) = read(reader_of(), {"systemPayload": {"uiEvent": event}}, feed="chat").responses
    assert (response.id, response.model) == ("chatcmpl-1", "m")
    assert response.usage == Usage(input=900, output=40, cache_read=13, reasoning=5)
    assert response.started_at == NOW - timedelta(milliseconds=500)


def test_a_subagent_does_not_end_the_turn() -> None:
    reader = reader_of()
    read(reader, user(), *answer("I ask another.", "agent"))
    inner = [{**record, "parent_tool_use_id": "c"} for record in answer("found it")]
    assert read(reader, *inner).evidence == ()


def test_the_title_tells_nothing_before_the_input_line_is_drawn() -> None:
    reader = reader_of()
    assert [item.state for item in reader.look(screen(STARTING)).evidence] == [None, None]
    assert [item.state for item in reader.look(screen(AT_PROMPT, second=1)).evidence] == [State.IDLE, State.IDLE]
