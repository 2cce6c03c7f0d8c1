"""The conversation on disk, and as both APIs want it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessions.coder.conversation import INTERRUPTED, Call, Conversation, Tokens, Turn
from sessions.coder.providers import anthropic, openai

CALLS = (Call("c1", "read", {"path": "a"}), Call("c2", "run", {"command": "b"}))


def _talked(path: Path) -> Conversation:
    conversation = Conversation(path)
    conversation.ask("do it ✓")
    conversation.answer(Turn("r1", "m", "I look.", CALLS, Tokens(input=5, output=7)))
    conversation.result(CALLS[0], "text")
    return conversation


def test_what_was_said_is_read_back_and_open_calls_get_a_result(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    before = _talked(path)
    after = Conversation.resume(path)
    assert [{k: v for k, v in record.items() if k != "at"} for record in after.records[:3]] == before.records
    assert after.records[3]["id"] == "c2"
    assert (after.records[3]["output"], after.records[3]["failed"]) == (INTERRUPTED, True)
    assert after.turns == 1
    assert after.unanswered() == []
    assert len(path.read_text().splitlines()) == 4
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "line",
    [
        b'{"role": "assis',
        b"[1]",
        b'{"role": "user"}',
        b'{"role": "assistant", "text": "x", "calls": [5]}',
        b'{"role": "tool", "id": 5}',
        b"\xff\xfe",
    ],
)
def test_lines_that_are_no_record_are_left_out_and_nothing_is_glued_to_them(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "c.jsonl"
    _talked(path)
    with path.open("ab") as file:
        file.write(line)
    Conversation.resume(path).ask("next")
    again = Conversation.resume(path)
    assert [record["role"] for record in again.records] == ["user", "assistant", "tool", "tool", "user"]


def test_anthropic_gets_results_before_words_in_one_message_of_the_user(tmp_path: Path) -> None:
    _talked(tmp_path / "c.jsonl")
    conversation = Conversation.resume(tmp_path / "c.jsonl")
    conversation.ask("go on")
    found = anthropic.messages(conversation)
    assert [message["role"] for message in found] == ["user", "assistant", "user"]
    assert [block["type"] for block in found[1]["content"]] == ["text", "tool_use", "tool_use"]
    assert [block["type"] for block in found[2]["content"]] == ["tool_result", "tool_result", "text"]
    assert [block.get("is_error", False) for block in found[2]["content"]] == [False, True, False]


def test_openai_gets_one_message_a_record(tmp_path: Path) -> None:
    _talked(tmp_path / "c.jsonl")
    conversation = Conversation.resume(tmp_path / "c.jsonl")
    found = openai.messages(conversation)
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "tool"]
    assert json.loads(found[1]["tool_calls"][1]["function"]["arguments"]) == {"command": "b"}
    assert [message["tool_call_id"] for message in found[2:]] == ["c1", "c2"]
