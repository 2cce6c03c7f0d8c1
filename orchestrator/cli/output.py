"""What the commands share: talking to the daemon, errors in one shape, text fit for a terminal.

Everything that a command prints goes through here, and is inert whether or not stdout is a terminal: what is piped
into ``head`` or ``grep`` ends on one too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from worktrees import inert


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
    # A line end in it, of a file's name say, begins no line that could be taken for one of ours.
    note("orchestrator: " + inert.block(error.message).replace("\n", "\n    "))
    if error.hint:
        note("  → " + inert.block(error.hint).replace("\n", "\n    "))
    return error.code


def say(text: str, colour: str = "") -> None:
    """Print; what an agent wrote cannot act on the terminal. ``colour``: an SGR sequence around each line of it."""
    shown = inert.block(text)
    if sys.stdout.isatty():
        shown = inert.apart(shown)
    print("\n".join(f"{colour}{line}\x1b[0m" for line in shown.split("\n")) if colour else shown)  # noqa: T201


def fact(text: str) -> None:
    """Print in one line, whatever is in it: what stands before the first word stays, a line end becomes a blank."""
    say(" " * (len(text) - len(text.lstrip(" "))) + inert.line(text))


def note(text: str) -> None:
    """Say on stderr, where talk goes: stdout is for what was asked for."""
    print(inert.block(text), file=sys.stderr)  # noqa: T201


def dump(value: object) -> None:
    """``value`` as JSON on stdout; what would act on a terminal stands in it as an escape."""
    print(inert.escaped(json.dumps(value, indent=2, ensure_ascii=False)))  # noqa: T201


def exact(text: str) -> None:
    """``text`` as it is, for another program; never to a terminal."""
    assert not sys.stdout.isatty()
    sys.stdout.write(text)


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset(), widest: int = 4096
) -> list[str]:
    """Aligned columns; those in ``right`` to the right. Wide characters count as two; ``widest``: cells of a column."""
    shown = [[_cut(inert.line(cell), widest) for cell in row] for row in (head, *rows)]
    widths = [max(_width(row[n]) for row in shown) for n in range(len(head))]
    lines = []
    for row in shown:
        cells = []
        for n, cell in enumerate(row):
            blank = " " * (widths[n] - _width(cell))
            cells.append(blank + cell if n in right else cell + blank)
        lines.append("  ".join(cells).rstrip())
    return lines


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(0 if category(c) in ("Mn", "Me") else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _cut(text: str, cells: int) -> str:
    """``text`` in at most ``cells``, with "…" where it was cut."""
    if _width(text) <= cells:
        return text
    text = text[: cells - 1]
    while _width(text) >= cells:
        text = text[:-1]
    return text.rstrip() + "…"


def ask(question: str) -> bool:
    """A yes-or-no question on the terminal; no without one."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(inert.block(question), end=" [y/N] ", file=sys.stderr, flush=True)  # noqa: T201
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
