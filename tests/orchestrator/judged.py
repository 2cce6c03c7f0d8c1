"""Checks to look at: what the sample's daemon answers of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from orchestrator.checks.ask import CheckLine, CheckOutput, CheckOutputReply, Checks, ChecksReply, Word
from orchestrator.commands import Command

_CHECKS = (
    ("lint", "ruff check .", "passed", 1.24, ""),
    ("types", "mypy", "flaky", 14.9, ""),
    ("test", "pytest -q -n 2", "failed", 41.3, ""),
    ("browser", "npm run e2e", "blocked", 0, "it needs test"),
    ("format", "ruff format .", "void", 0.3, "it changed the files that it was to check: src/client.py"),
    ("docs", "make -C docs", "skipped", 0, "no path that it is about was changed"),
)
OUTPUT = {
    "lint": "All checks passed!\n",
    "test": "".join(f"tests/test_{n}.py ....\n" for n in range(90))
    + "E       assert 3 == 4\n\x1b[31mFAILED\x1b[0m tests/test_client.py::test_retry\n1 failed, 17 passed in 41.02s\n",
}


def key(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


def lines(now: datetime) -> tuple[CheckLine, ...]:
    return tuple(
        CheckLine(
            name=name,
            command=command,
            state=state,
            seconds=seconds,
            exit_code=1 if state == "failed" else 0,
            why=why,
            key=key(name),
            at=now - timedelta(minutes=2) if seconds else None,
        )
        for name, command, state, seconds, why in _CHECKS
    )


def words(*states: tuple[str, str]) -> tuple[Word, ...]:
    return tuple(Word(name=name, state=state, key=key(name)) for name, state in states)


def answer(command: Command, now: datetime) -> Any:
    """What the sample knows of checks; None: another command."""
    match command:
        case Checks():
            return ChecksReply(tree="a" * 40, lines=lines(now), changes_rules=True)
        case CheckOutput():
            return CheckOutputReply(output=OUTPUT.get(bytes.fromhex(command.key).rstrip(b"\0").decode(), ""))
        case _:
            return None
