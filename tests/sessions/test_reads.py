"""Which files agents read, by the records that their programs write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.agents.reads import FilesRead, files_read, tells


def claude(name: str, **told: Any) -> dict[str, Any]:
    block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": told}
    return {"type": "assistant", "message": {"role": "assistant", "content": [block]}}


RECORDS: list[tuple[str, dict[str, Any], set[str]]] = [
    ("claude", claude("Read", file_path="/w/src/a.py", limit=5), {"/w/src/a.py"}),
    ("claude", claude("Bash", command="cd src && cat a.py | head -3; sed -n '1,9p' b.py"), {"a.py", "1,9p", "b.py"}),
    ("claude", claude("Bash", command="make test"), set()),
    ("claude", claude("Bash", command="cat 'unfinished"), set()),
    ("claude", claude("Write", file_path="/w/new.py", content=""), set()),
    ("claude", {"type": "assistant", "message": {"content": "cat a.py"}}, set()),
    (
        "codex",
        {
            "type": "response_item",
            "payload": {"type": "function_call", "name": "exec_command", "arguments": '{"cmd": "cat a.py"}'},
        },
        {"a.py"},
    ),
    (
        "codex",
        {
            "type": "response_item",
            "payload": {"type": "function_call", "name": "shell", "arguments": '{"command": ["cat", "a.py"]}'},
        },
        {"a.py"},
    ),
    (
        "codex",
        {
            "type": "event_msg",
            "payload": {
                "type": "item_completed",
                "item": {
                    "type": "CommandExecution",
                    "parsed_cmd": [
                        {"type": "read", "cmd": "cat a.py", "name": "a.py", "path": "src/a.py"},
                        {"type": "unknown", "cmd": "make", "path": "no"},
                    ],
                },
            },
        },
        {"src/a.py"},
    ),
    (
        "gemini",
        {"type": "gemini", "id": "1", "toolCalls": [{"name": "read_file", "args": {"file_path": "a.py"}}]},
        {"a.py"},
    ),
    (
        "gemini",
        {
            "type": "gemini",
            "id": "1",
            "toolCalls": [{"name": "read_many_files", "args": {"include": ["a.py", "b.py"]}}],
        },
        {"a.py", "b.py"},
    ),
    (
        "qwen",
        {
            "message": {
                "role": "model",
                "parts": [{"functionCall": {"name": "read_file", "args": {"file_path": "/w/a"}}}],
            }
        },
        {"/w/a"},
    ),
    (
        "pi",
        {
            "type": "message",
            "message": {
                "role": "assistant",
                "content": [{"type": "toolCall", "name": "read", "arguments": {"path": "a.py"}}],
            },
        },
        {"a.py"},
    ),
    (
        "copilot",
        {"type": "tool.execution_start", "data": {"toolName": "view", "arguments": {"path": "/w/a.py"}}},
        {"/w/a.py"},
    ),
    ("coder", {"role": "assistant", "calls": [{"name": "read", "input": {"path": "a.py"}}]}, {"a.py"}),
    ("opencode", {"role": "assistant", "calls": [{"name": "read", "input": {"path": "a.py"}}]}, set()),
]


@pytest.mark.parametrize(("agent", "record", "read"), RECORDS)
def test_what_a_record_says_was_read(agent: str, record: dict[str, Any], read: set[str]) -> None:
    assert files_read(agent, record) == read


def test_who_does_not_tell_is_not_taken_for_one_that_read_nothing() -> None:
    assert [tells(agent) for agent in ("claude", "codex", "coder")] == [True] * 3
    assert [tells(agent) for agent in ("opencode", "aider", "command", "a plug-in")] == [False] * 4


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "message", "content", "name", "input", "payload", "arguments", "calls", "data", "path"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["claude", "codex", "gemini", "qwen", "pi", "copilot", "coder"]), JSON)
def test_no_record_breaks_it(agent: str, record: Any) -> None:
    assert all(isinstance(path, str) for path in files_read(agent, record if isinstance(record, dict) else {}))


def test_a_transcript_is_read_on_from_its_end_and_what_lies_outside_is_left_out(tmp_path: Path) -> None:
    transcript, worktree = tmp_path / "t.jsonl", tmp_path / "w"
    transcript.write_text(
        "".join(
            json.dumps(claude("Read", file_path=path)) + "\n"
            for path in (f"{worktree}/src/a.py", "src/./b.py", f"{tmp_path}/secret", "../up", "c.py")
        )
        + '{"type": "assistant", "mess'
    )
    seen = FilesRead("claude", transcript, worktree)
    assert seen.paths() == {"src/a.py", "src/b.py", "c.py"}
    with transcript.open("a") as file:
        file.write('age": {}}\nno json\n' + json.dumps(claude("Read", file_path="d.py")) + "\n")
    assert seen.paths() == {"src/a.py", "src/b.py", "c.py", "d.py"}
    assert FilesRead("claude", tmp_path / "none", worktree).paths() == frozenset()
