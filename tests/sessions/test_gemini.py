"""Gemini CLI: what its chat file, title and screens tell."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.agents.contract import Reading, Screen
from sessions.agents.gemini_reader import GeminiReader
from sessions.models import Kind, State
from sessions.perception import Perception
from tests.sessions.gemini_material import (
    ASKING,
    CHAT,
    NOW,
    READY,
    SESSION,
    WORKING,
    by_model,
    by_user,
    chat_of,
    claimed,
    line_of,
    new_reader,
    shot,
)


@pytest.mark.parametrize(
    ("name", "title", "kind", "options"),
    [
        ("trust", READY, Kind.DIALOG, ("Trust folder", "Trust parent folder", "Don't trust")),
        ("permission", ASKING, Kind.PERMISSION, ("Allow once", "Allow for this session", "No, suggest changes (esc)")),
        (
            "edit",
            ASKING,
            Kind.PERMISSION,
            ("Allow once", "Allow for this session", "Modify with external editor", "No, suggest changes (esc)"),
        ),
        ("question", ASKING, Kind.QUESTION, ("Red", "Blue", "Green")),
        ("several", ASKING, Kind.QUESTION, ("Red", "Blue", "Green")),
        ("plan", ASKING, Kind.PLAN, ("Yes, automatically", "Yes, manually", "Type your feedback...")),
        ("limit", WORKING, Kind.DIALOG, ("Keep trying", "Stop")),
    ],
)
def test_a_dialog_blocks_whatever_the_title_says(name: str, title: str, kind: Kind, options: tuple[str, ...]) -> None:
    perception = Perception(new_reader(), task=True)
    perception.look(shot(name, title))
    status = perception.status
    assert status is not None
    assert (status.state, status.kind) == (State.BLOCKED, kind)
    assert status.question is not None
    labels = [option.label for option in status.question.options]
    assert len(labels) == len(options)
    assert all(label.startswith(beginning) for label, beginning in zip(labels, options, strict=True))
    assert status.question.multiple is (name == "several")


@pytest.mark.parametrize(
    ("name", "title", "state"),
    [
        ("working", WORKING, State.WORKING),
        ("working", "Gemini CLI (task)", State.WORKING),  # the user wants no state in the title
        ("idle", READY, State.IDLE),
        ("idle", "Gemini CLI (task)", State.IDLE),
        ("cancelled", READY, State.IDLE),
        ("failed", READY, State.FAILED),
    ],
)
def test_what_a_screen_says_under_a_title(name: str, title: str, state: State) -> None:
    perception = Perception(new_reader())
    perception.look(shot(name, title))
    assert perception.status is not None
    assert perception.status.state is state


def test_a_dialog_that_no_rule_knows_blocks_once_it_must_be_drawn() -> None:
    perception = Perception(new_reader())
    states = []
    for seconds, title in ((0, WORKING), (1, ASKING), (1.1, ASKING), (1.3, ASKING), (2, WORKING), (3, ASKING)):
        perception.look(shot("working", title, seconds=seconds))
        assert perception.status is not None
        states.append(perception.status.state)
    at_work, blocked = State.WORKING, State.BLOCKED
    assert states == [at_work, at_work, at_work, blocked, at_work, at_work]


def test_it_starts_until_it_opens_the_chat_file_though_it_shows_its_prompt() -> None:
    began = NOW.isoformat()
    perception = Perception(new_reader(started_at=NOW))
    perception.printing(True, NOW)

    def state(name: str, seconds: float) -> State | None:
        perception.look(shot(name, READY, seconds=seconds))
        return perception.status.state if perception.status is not None else None

    assert state("idle", 1) is State.STARTING
    assert not perception.at_prompt
    assert state("trust", 1.5) is State.BLOCKED
    perception.read(chat_of({"sessionId": SESSION, "startTime": began}))  # opened behind the dialog
    assert state("idle", 20) is State.STARTING  # it starts again
    perception.read(chat_of({"sessionId": SESSION, "startTime": began}))
    assert state("idle", 21) is State.IDLE
    assert perception.at_prompt


@pytest.mark.parametrize("record", [{"$set": {"sessionId": SESSION}}, {"$set": {"lastUpdated": "now"}}])
def test_a_conversation_that_is_taken_up_again_is_open_by_a_patch(record: dict[str, Any]) -> None:
    reader = new_reader(started_at=NOW, resume=True)
    for began in (NOW - timedelta(hours=1), NOW + timedelta(seconds=1)):  # the second head is thrown away
        reader.read(chat_of({"sessionId": SESSION, "startTime": began.isoformat()}))
    assert claimed(reader.look(shot("idle", READY, seconds=1)), "title").state is State.STARTING
    reader.read(chat_of(record))
    opened = "sessionId" in record["$set"]
    assert claimed(reader.look(shot("idle", READY, seconds=2)), "screen").state is (State.IDLE if opened else None)
    assert claimed(reader.look(shot("idle", READY, seconds=31)), "screen").state is State.IDLE


def test_ready_in_the_title_is_no_rest_by_itself() -> None:
    found = new_reader().look(Screen(lines=("Starting", "something"), title=READY, at=NOW))
    assert {item.state for item in found.evidence} == {None}


def test_a_permission_shows_the_command_and_a_change_its_file() -> None:
    asked = claimed(new_reader().look(shot("permission", ASKING)), "screen").question
    assert asked is not None
    assert asked.command == "touch made.txt"
    change = claimed(new_reader().look(shot("edit", ASKING)), "screen").question
    assert change is not None
    assert (change.path, change.command) == ("new.txt", None)


def test_an_asking_has_an_id_of_its_own_that_a_restart_finds_again() -> None:
    def asked(reader: GeminiReader) -> str:
        found = claimed(reader.look(shot("permission", ASKING)), "screen").question
        assert found is not None
        return found.id

    one, two = new_reader(), new_reader()
    for reader in (one, two):
        reader.read(chat_of(by_user("Do it"), by_model("May I?", 1)))
    first = asked(one)
    assert first == asked(one) == asked(two)
    one.read(chat_of(line_of("user", [{"functionResponse": {}}], 2), by_model("And again?", 3)))
    assert asked(one) != first


def test_what_is_drawn_above_a_dialog_later_makes_no_other_asking_of_it() -> None:
    reader, shown = new_reader(), shot("trust", READY)
    first = claimed(reader.look(shown), "screen").question
    more = Screen(lines=("⚠  Warning: no true colour", *shown.lines), title=READY, at=NOW)
    again = claimed(reader.look(more), "screen").question
    assert first is not None
    assert again is not None
    assert (first.id, first.text) == (again.id, again.text)


def test_options_that_scroll_away_are_remembered() -> None:
    reader = new_reader()
    reader.look(shot("question", ASKING))
    moved = [line.replace("● 1.", "  4.").replace("Red", "Grey") for line in shot("question").lines]
    found = claimed(reader.look(Screen(lines=tuple(moved), title=ASKING, at=NOW)), "screen").question
    assert found is not None
    assert [(option.key, option.label) for option in found.options] == [
        ("1", "Red"),
        ("2", "Blue"),
        ("3", "Green"),
        ("4", "Grey"),
    ]


def test_a_turn_is_over_when_answer_title_and_screen_say_so() -> None:
    reader = new_reader()
    began = reader.read(chat_of(by_user("<session_context>…"), by_user("Go on", at=1)))
    assert claimed(began, "chat").state is State.WORKING
    early = reader.look(shot("idle", READY, seconds=1.1))  # the title is behind
    assert [item.channel for item in early.evidence] == ["title", "screen"]
    assert claimed(reader.look(shot("working", WORKING, seconds=1.2)), "title").state is State.WORKING
    ended = reader.read(chat_of(by_model("All done. Shall I?", 3)))
    assert (ended.said, ended.asks) == ("All done. Shall I?", True)
    assert claimed(reader.look(shot("working", WORKING, seconds=3.1)), "chat").state is None
    assert claimed(reader.look(shot("idle", READY, seconds=3.2)), "chat").state is State.DONE
    assert claimed(reader.look(shot("working", WORKING, seconds=9)), "chat").state is None  # something else began


def test_a_cancelled_turn_rests_though_its_prompt_is_filed_once_more() -> None:
    reader = new_reader()
    reader.read(chat_of(by_user("One"), by_model("Yes.", 1), by_user("Two", at=2)))
    cancelled = reader.read(chat_of(line_of("info", "Request cancelled.", 3), by_user("One", "Two", at=3.01)))
    assert claimed(cancelled, "chat").state is State.IDLE
    (lost,) = cancelled.responses
    assert (lost.usage.lower_bound, lost.usage.output) == (True, 0)
    queued = reader.read(chat_of(by_user("Three", at=3.08)))
    assert claimed(queued, "chat").state is State.WORKING


def test_nothing_is_lost_when_a_dialog_is_cancelled() -> None:
    found = new_reader().read(chat_of(by_user("One"), by_model("May I?", 1), line_of("info", "Request cancelled.", 2)))
    assert [item.usage.lower_bound for item in found.responses] == [False]


@pytest.mark.parametrize(
    ("said", "state", "saw"),
    [
        ('[API Error: {"error":{"code":400,"message":"scripted"}}]', State.FAILED, "[API Error"),
        ('[API Error: {"error":{"code":401,"message":"scripted"}}]', State.FAILED, "not signed in: [API"),
        ("[API Error: API key not valid. Please pass a valid API key.]", State.FAILED, "not signed in: [API"),
        ("Failed to load an extension", State.WORKING, "the model was asked"),
    ],
)
def test_a_failure_of_the_turn(said: str, state: State, saw: str) -> None:
    perception = Perception(new_reader())
    perception.read(chat_of(by_user("Go on"), line_of("error", said, 1)))
    assert perception.status is not None
    assert perception.status.state is state
    assert perception.status.why[0].saw.startswith(saw)


def test_tokens_count_once_a_message_and_subagents_count_too() -> None:
    reader = new_reader()
    call = {"name": "run_shell_command", "status": "success", "args": {}}
    found = reader.read(chat_of(by_user("Go"), by_model("A", 2), by_model("A", 2, toolCalls=[call])))
    (response,) = found.responses
    used = response.usage
    assert (used.input, used.cache_read, used.output, used.reasoning) == (939, 223, 22, 5)
    other = reader.read(chat_of(by_model("B", 3), feed="subagents"))
    assert [item.id for item in other.responses] == ["gemini-3"]
    assert (other.evidence, other.said) == ((), None)


def test_an_earlier_launch_counts_in_tokens_only() -> None:
    reader = new_reader(started_at=NOW + timedelta(seconds=60))
    error = line_of("error", "[API Error: gone]", 3)
    found = reader.read(chat_of(by_user("Go"), by_model("A", 2), error))
    assert len(found.responses) == 1
    assert (found.evidence, found.said) == ((), None)
    assert claimed(reader.look(shot("idle", READY, seconds=90)), "screen").state is State.IDLE


def test_the_chat_file_is_found_by_the_programs_own_list() -> None:
    reader = new_reader()
    assert [watch.feed for watch in reader.watches()] == ["projects"]
    reader.read(Reading("projects", Path("/p"), NOW, data=b'{"projects": {"/other": "other", "/w": "../w"}}'))
    assert len(reader.watches()) == 1
    reader.read(Reading("projects", Path("/p"), NOW, data=b'{"projects": {"/w": "task-1"}}'))
    chat = reader.watches()[1]
    assert (chat.path, chat.pattern) == (Path("/h/.gemini/tmp/task-1/chats"), f"session-*-{SESSION[:8]}.jsonl")
    found = reader.read(chat_of({"sessionId": SESSION, "kind": "main"}))
    assert (found.agent_session_id, found.transcript) == (SESSION, CHAT)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.fixed_dictionaries(
                {},
                optional={
                    name: st.one_of(
                        st.none(),
                        st.integers(),
                        st.text(max_size=5),
                        st.sampled_from(["user", "gemini", "info", "error"]),
                        st.lists(st.dictionaries(st.sampled_from(["text", "name"]), st.text(max_size=4)), max_size=2),
                        st.dictionaries(st.sampled_from(["input", "output"]), st.integers() | st.none()),
                    )
                    for name in ("type", "id", "timestamp", "content", "tokens", "toolCalls", "$set", "projects")
                },
            ).map(lambda value: json.dumps(value).encode()),
        ),
        max_size=4,
    )
)
def test_nothing_that_a_file_may_hold_breaks_the_reader(found: list[bytes]) -> None:
    reader = new_reader()
    for feed in ("chat", "subagents"):
        reader.read(Reading(feed, CHAT, NOW, lines=tuple(found)))
    reader.read(Reading("projects", CHAT, NOW, data=b"".join(found)))
