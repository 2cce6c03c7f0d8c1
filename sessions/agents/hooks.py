"""Hooks as plain ``sh`` appends to a private file: 2 ms of the agent's time, where an interpreter costs 22 to 121 ms.

An observer exits 0 with nothing on stdout, always: Codex takes exit code 2 as a denial, Claude takes output as advice.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any

from sessions.models import QuestionId


def append_payload(spool: Path) -> str:
    """A shell command that appends the hook's JSON payload as one line, in one write."""
    return f"p=$(cat); printf '%s\\n' \"$p\" >> {shlex.quote(str(spool))} 2>/dev/null; exit 0"


def append_name(spool: Path, event: str) -> str:
    """A shell command that appends only the event's name: payloads of tool events can be megabytes."""
    line = json.dumps({"hook_event_name": event})
    return f"cat >/dev/null; printf '%s\\n' {shlex.quote(line)} >> {shlex.quote(str(spool))} 2>/dev/null; exit 0"


def parse(line: bytes) -> dict[str, Any]:
    """The JSON object of a line; empty when it is none."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class Askings:
    """Gives each asking an id that is the same whenever the same file is read again."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def id(self, *parts: object) -> QuestionId:
        digest = hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:12]
        self._seen[digest] = self._seen.get(digest, 0) + 1
        number = self._seen[digest]
        return QuestionId(digest if number == 1 else f"{digest}-{number}")
