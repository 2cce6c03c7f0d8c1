"""A conversation that no provider owns: kept as JSON lines, so that it survives a kill and a change of provider.

Records: ``{"role": "user", "text"}``, ``{"role": "assistant", "text", "calls": [{"id", "name", "input"}], "model",
"usage"}``, ``{"role": "tool", "id", "output", "failed"}``. Each is one line, appended and flushed when it is whole.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

INTERRUPTED = "interrupted before it ended; its effects may be there or not"


@dataclass(frozen=True)
class Call:
    """A tool that the model wants to use."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass(frozen=True)
class Tokens:
    """``input`` excludes what came from or went to the cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class Turn:
    """One answer of the model. ``cut``: it ended at its length limit, so its last call may not be whole.

    ``refused``: the model or its guard declined to answer.
    """

    id: str
    model: str
    text: str
    calls: tuple[Call, ...] = ()
    usage: Tokens = field(default_factory=Tokens)
    cut: bool = False
    refused: bool = False


class Conversation:
    """The records in order. ``path`` None keeps them in memory only."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.records: list[dict[str, Any]] = []

    @classmethod
    def resume(cls, path: Path) -> Conversation:
        """What ``path`` holds. A torn last line is dropped; calls without a result get one that says so."""
        conversation = cls(path)
        lines = path.read_bytes().split(b"\n")
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if _is_record(record):
                conversation.records.append(record)
        if lines and lines[-1]:
            with path.open("ab") as file:
                file.write(b"\n")
        for call in conversation.unanswered():
            conversation.result(call, INTERRUPTED, failed=True)
        return conversation

    @property
    def turns(self) -> int:
        """Answers of the model so far."""
        return sum(record["role"] == "assistant" for record in self.records)

    def unanswered(self) -> list[Call]:
        """Calls of the last answer that have no result yet."""
        done = {record["id"] for record in self.records if record["role"] == "tool"}
        last = next((record for record in reversed(self.records) if record["role"] == "assistant"), None)
        calls = last.get("calls", []) if last else []
        return [Call(call["id"], call["name"], call["input"]) for call in calls if call["id"] not in done]

    def ask(self, text: str) -> None:
        self._add({"role": "user", "text": text})

    def answer(self, turn: Turn) -> None:
        self._add(
            {
                "role": "assistant",
                "text": turn.text,
                "calls": [asdict(call) for call in turn.calls],
                "id": turn.id,
                "model": turn.model,
                "usage": asdict(turn.usage),
            }
        )

    def result(self, call: Call, output: str, *, failed: bool = False) -> None:
        self._add({"role": "tool", "id": call.id, "name": call.name, "output": output, "failed": failed})

    def _add(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        if self.path is None:
            return
        line = json.dumps({"at": datetime.now(UTC).isoformat(), **record}, ensure_ascii=False) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line.encode("utf-8", "replace"))
        finally:
            os.close(descriptor)


def _is_record(value: object) -> bool:
    """What can be sent to a model; anything else in the file is left out."""
    if not isinstance(value, dict):
        return False
    match value.get("role"):
        case "user":
            return isinstance(value.get("text"), str)
        case "assistant":
            calls = value.get("calls")
            whole = isinstance(calls, list) and all(isinstance(call, dict) and set(call) >= _CALL for call in calls)
            return isinstance(value.get("text"), str) and whole
        case "tool":
            return isinstance(value.get("id"), str) and isinstance(value.get("output"), str) and "failed" in value
    return False


_CALL = {"id", "name", "input"}
