"""Hooks as plain ``sh`` appends to a private file: 2 ms of the agent's time, where an interpreter costs 22 to 121 ms.

An observer exits 0 with nothing on stdout, always: Codex takes exit code 2 as a denial, Claude takes output as advice.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from pathlib import Path
from typing import Any

from sessions.models import Evidence, Question, QuestionId, Source, State
from worktrees import inert


def append_payload(spool: Path) -> str:
    """A shell command that appends the hook's JSON payload as one line, in one write."""
    return f"p=$(cat); printf '%s\\n' \"$p\" >> {shlex.quote(str(spool))} 2>/dev/null; exit 0"


def append_name(spool: Path, event: str) -> str:
    """A shell command that appends only the event's name: payloads of tool events can be megabytes."""
    line = json.dumps({"hook_event_name": event})
    return f"cat >/dev/null; printf '%s\\n' {shlex.quote(line)} >> {shlex.quote(str(spool))} 2>/dev/null; exit 0"


def parse(line: bytes) -> dict[str, Any]:
    """The JSON object of a line; empty when it is none.

    Half of a surrogate pair, which JavaScript writes where it cuts a text, is named: no ledger could hold it.
    """
    try:
        value = json.loads(line)
        value = _whole(value) if _SURROGATE.search(line) else value
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _whole(value: Any) -> Any:
    match value:
        case str():
            return inert.valid(value)
        case dict():
            return {inert.valid(key): _whole(item) for key, item in value.items()}
        case list():
            return [_whole(item) for item in value]
        case _:
            return value


class Askings:
    """Gives each asking an id that is the same whenever the same file is read again."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def id(self, *parts: object) -> QuestionId:
        digest = hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:12]
        self._seen[digest] = self._seen.get(digest, 0) + 1
        number = self._seen[digest]
        return QuestionId(digest if number == 1 else f"{digest}-{number}")


class Requests:
    """Permissions that were asked for at once: hooks tell of all of them, the screen shows one after the other."""

    KEPT = 16

    def __init__(self) -> None:
        self._open: list[Question] = []
        self._told: Question | None = None

    def add(self, question: Question) -> None:
        self._open = [*self._open[1 - self.KEPT :], question]
        self._told = question

    def clear(self) -> None:
        self._open, self._told = [], None

    def shown(self, seen: Evidence) -> tuple[Evidence, ...]:
        """``seen`` on the screen as the request that it is, and the hook's claim for it when that told another last."""
        command = _bare(seen.question.command) if seen.question is not None else ""
        found = next((one for one in reversed(self._open) if command and _bare(one.command) == command), None)
        if found is None or seen.question is None:
            return (seen,)
        known = seen.model_copy(update={"question": found.model_copy(update={"options": seen.question.options})})
        if found is self._told:
            return (known,)
        self._told = found
        claim = Evidence(
            source=Source.HOOK,
            channel="hook",
            state=State.BLOCKED,
            kind=found.kind,
            question=found,
            at=seen.at,
            saw="of several requests the one on the screen",
        )
        return (known, claim)


def _bare(command: str | None) -> str:
    """Without blanks, of which the screen adds some where it wraps."""
    return "".join((command or "").split())
