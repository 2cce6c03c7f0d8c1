"""Conversations that are over, read from the agents' own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sessions import past
from sessions.models import Usage

AT = "2026-02-01T10:00:00Z"


def _write(path: Path, *records: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + '{"torn": ')


def _pi(id_: str | None, output: int, stop: str = "stop", cost: float = 0.0) -> dict[str, Any]:
    tokens = {"input": 900, "output": output, "cacheRead": 13, "cacheWrite": 2, "reasoning": 4, "totalTokens": output}
    said: dict[str, Any] = {
        "role": "assistant",
        "model": "m",
        "stopReason": stop,
        "timestamp": 1769940000000,
        "responseId": id_,
    }
    said["usage"] = {**tokens, "cost": {"total": cost}}
    return {"type": "message", "id": "e", "timestamp": AT, "message": said}


def _gemini(id_: str, output: int, thoughts: int) -> dict[str, Any]:
    tokens = {"input": 1000, "output": output, "cached": 100, "thoughts": thoughts, "tool": 0, "total": 1}
    return {"id": id_, "timestamp": AT, "type": "gemini", "content": "", "model": "gemini-2.5-pro", "tokens": tokens}


def test_pi_and_gemini_are_read_as_they_tell_live(tmp_path: Path) -> None:
    head = {"type": "session", "id": "s", "timestamp": AT, "cwd": "/work/shop"}
    summary = {"type": "compaction", "id": "c1", "timestamp": AT, "usage": {"input": 5, "output": 6}}
    lines = [head, _pi("r1", 10, cost=0.5), _pi("r1", 12), _pi("r2", 3, "aborted"), _pi("r3", 0, "error"), summary]
    _write(tmp_path / ".pi" / "agent" / "sessions" / "--work-shop--" / "one.jsonl", *lines)
    chats = tmp_path / ".gemini" / "tmp" / "shop" / "chats"
    _write(chats / "session-2026-02-01T10-00-abc.jsonl", _gemini("g1", 7, 0), _gemini("g1", 9, 5))
    _write(chats / "abc" / "sub.jsonl", _gemini("g2", 1, 0))
    env = {"HOME": str(tmp_path)}
    found = {one.feed: past.read(one, env) for one in past.files(env)}
    assert found.keys() == {"session", "chat", "subagents"}
    where, said = found["session"]
    assert where == "/work/shop"
    assert {one.id: (one.usage, one.model) for one in said} == {
        "r1": (Usage(input=900, output=12, cache_read=13, cache_write=2, reasoning=4), "m"),
        "r2": (Usage(input=900, output=3, cache_read=13, cache_write=2, reasoning=4, lower_bound=True), "m"),
        "c1": (Usage(input=5, output=6), ""),
    }
    (chat,) = found["chat"][1]
    assert (chat.id, chat.usage) == ("g1", Usage(input=900, output=14, cache_read=100, reasoning=5))
    assert [one.usage.output for one in found["subagents"][1]] == [1]
