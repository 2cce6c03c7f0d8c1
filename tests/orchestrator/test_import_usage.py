"""Tokens of earlier conversations are taken over from the agents' own files: once, and only what is new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.machine import Machine


def _claude(id_: str, output: int, second: int, model: str = "claude-sonnet-4-5") -> dict[str, Any]:
    usage = {
        "input_tokens": 10,
        "output_tokens": output,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 100,
    }
    return {
        "type": "assistant",
        "timestamp": f"2026-02-01T10:00:{second:02}Z",
        "cwd": "/work/shop",
        "message": {"id": id_, "model": model, "usage": usage},
    }


def _write(path: Path, *records: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def _fill(home: Path) -> Path:
    projects = home / ".claude" / "projects" / "-work-shop"
    main = [_claude("msg_1", 5, 1), _claude("msg_1", 50, 2), _claude("msg_2", 7, 3)]  # the last of an id counts
    _write(projects / "aaaa.jsonl", *main)
    _write(projects / "aaaa" / "subagents" / "agent-1.jsonl", _claude("msg_3", 20, 4))
    _write(projects / "bbbb.jsonl", *main, _claude("msg_4", 100, 5))  # a fork holds a copy of what was before
    context = {"type": "turn_context", "timestamp": "2026-02-01T11:00:00Z", "payload": {"model": "gpt-5"}}
    meta = {"type": "session_meta", "timestamp": "2026-02-01T11:00:00Z", "payload": {"cwd": "/work/other"}}
    usage = {
        "input_tokens": 500,
        "cached_input_tokens": 400,
        "output_tokens": 33,
        "reasoning_output_tokens": 11,
    }
    record = {
        "type": "token_usage_record",
        "timestamp": "2026-02-01T11:00:09Z",
        "payload": {"response_id": "resp_1", "usage": usage},
    }
    _write(home / ".codex" / "sessions" / "2026" / "02" / "01" / "rollout-2026-02-01-cc.jsonl", meta, context, record)
    return projects


def test_earlier_conversations(machine: Machine) -> None:
    projects = _fill(machine.home)
    first = machine.json("import-usage")
    assert (first["files"], first["unchanged"], first["failed"]) == (4, 0, [])
    found = machine.json("stats", "--since", "all")
    claude, codex = 50 + 7 + 20 + 100, 33
    assert found["total"]["spending"]["output"] == claude + codex
    assert found["total"]["time"] == {}
    by_repo = {one["key"]: one["spending"] for one in machine.json("stats", "--since", "all", "--by", "repo")["groups"]}
    assert by_repo["/work/shop"]["output"] == claude
    assert (by_repo["/work/shop"]["input"], by_repo["/work/shop"]["cache_read"]) == (4 * 10, 4 * 1000)
    assert (by_repo["/work/other"]["input"], by_repo["/work/other"]["reasoning"]) == (100, 11)

    again = machine.json("import-usage")
    assert (again["files"], again["unchanged"]) == (0, 4)
    with (projects / "bbbb.jsonl").open("a") as file:
        file.write(json.dumps(_claude("msg_5", 1000, 6)) + "\n")
    assert machine.json("import-usage")["files"] == 1
    (machine.state / "imported.json").unlink()  # forgotten: all of it is read again and counts once
    assert machine.json("import-usage")["files"] == 4
    spending = machine.json("stats", "--since", "all")["total"]["spending"]
    assert spending["output"] == claude + codex + 1000
    assert spending["responses"] == 6
    assert "0 responses read from 0 files; 4 had nothing new." in machine.ok("import-usage")


def test_nothing_to_take_over(machine: Machine) -> None:
    assert machine.json("import-usage") == {"files": 0, "unchanged": 0, "responses": 0, "failed": []}
