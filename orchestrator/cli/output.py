"""What the commands share: talking to the daemon, errors in one shape, text fit for a terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class CommandError(Exception):
    """A command did not do what was asked. ``code``: 1 refused or failed, 2 wrong usage."""

    def __init__(self, message: str, hint: str = "", code: int = 1, trust: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.trust = trust


def complain(error: CommandError) -> int:
    """Say on stderr what is wrong and what to do next; returns the exit code."""
    note(f"orchestrator: {error.message}")
    if error.hint:
        note(f"  → {error.hint}")
    return error.code


def say(text: str) -> None:
    """Print; what an agent wrote cannot act on the terminal."""
    print(clean(text) if sys.stdout.isatty() else text)  # noqa: T201


def note(text: str) -> None:
    print(clean(text), file=sys.stderr)  # noqa: T201


def clean(text: str) -> str:
    """``text`` without control characters, line ends and tabs kept."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def dump(value: object) -> None:
    """``value`` as JSON on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Aligned columns; those in ``right`` to the right. Wide characters count as two."""
    widths = [max(_width(row[n]) for row in (head, *rows)) for n in range(len(head))]
    lines = []
    for row in (head, *rows):
        cells = []
        for n, cell in enumerate(row):
            blank = " " * (widths[n] - _width(cell))
            cells.append(blank + cell if n in right else cell + blank)
        lines.append("  ".join(cells).rstrip())
    return lines


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def ask(question: str) -> bool:
    """A yes-or-no question on the terminal; no without one."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(clean(question), end=" [y/N] ", file=sys.stderr, flush=True)  # noqa: T201
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def fetch(path: str) -> Any:
    """GET from the daemon, which is started when it is absent."""
    return _answer("GET", path, None, 30.0)


def call(verb: str, *, timeout: float | None = 120.0, **fields: Any) -> Any:
    """Carry a command out; returns its reply as plain data. A refusal becomes CommandError."""
    return _answer("POST", "/v1/call", {"verb": verb, **fields}, timeout)


def sessions() -> list[dict[str, Any]]:
    """What ``ls --json`` prints."""
    found: list[dict[str, Any]] = fetch("/v1/fleet?json=ls")["sessions"]
    return found


def session(name: str) -> dict[str, Any]:
    """One session of that name or id. CommandError names those that exist."""
    known = sessions()
    for item in known:
        if name in (item["name"], item["id"]):
            return item
    names = ", ".join(sorted(item["name"] for item in known)[:8])
    raise CommandError(
        f"no session {name!r}", f"there are: {names}" if names else 'start one: orchestrator run "your task"'
    )


def _answer(method: str, path: str, body: dict[str, Any] | None, timeout: float | None) -> Any:
    from orchestrator import client
    from sessions.errors import SessionError

    try:
        client.ensure_daemon()
        status, said = client.request(method, path, body, timeout)
        if status == 503:  # one is just ending: its successor answers
            client.wait_gone()
            client.ensure_daemon()
            status, said = client.request(method, path, body, timeout)
    except (client.DaemonError, SessionError) as error:
        raise CommandError(error.message, error.hint) from error
    except OSError as error:
        raise CommandError(f"the state folder cannot be used: {error}", "set ORCHESTRATOR_HOME to another") from error
    if status == 200:
        return said
    said = said if isinstance(said, dict) else {}
    raise CommandError(said.get("error", f"the daemon answered {status}"), said.get("hint", ""), 1, said.get("trust"))
