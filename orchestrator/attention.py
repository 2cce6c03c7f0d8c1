"""Where a human's attention is worth most: the order of the fleet, and who waits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum

from orchestrator.fleet import Row
from sessions.models import BUSY, ENDED, Question, State


class Rank(IntEnum):
    """A lower rank is worth more attention."""

    ASKS = 1
    CONFLICT = 2  # with its target, or with a session that began earlier: the other one of the two can land
    FAILED = 3
    WONDERS = 4  # its turn ended in a question in plain words: nothing but the words tells
    WORKS = 5
    RESTS = 6
    MERGES = 7
    READY = 8
    LANDED = 9
    HELD = 10


def rank(row: Row) -> Rank:
    """How much the human's attention is worth here now."""
    state = row.state
    if state is State.PAUSED:
        return Rank.HELD
    if state is State.BLOCKED:
        return Rank.ASKS
    if row.merging is not None:
        return Rank.MERGES
    if row.launch_failure is not None or state in (State.FAILED, State.CRASHED, State.LOST):
        return Rank.FAILED
    if state in BUSY or state is State.RATE_LIMITED:
        return Rank.WORKS
    if landed(row):
        return Rank.LANDED
    if row.merge_failure is not None or row.conflicts or any(rival.earlier for rival in row.rivals):
        return Rank.CONFLICT
    if row.asks and state in (State.DONE, State.IDLE):
        return Rank.WONDERS
    resting = state in (State.DONE, State.IDLE) or state in ENDED
    return Rank.READY if resting and row.totals.files > 0 else Rank.RESTS


def landed(row: Row) -> bool:
    """Its work is on the target, and it did nothing since."""
    return row.landing is not None and row.status.since <= row.landing.at and not row.totals.uncommitted


def comes_back(row: Row) -> bool:
    """``resume --all`` starts it again: it was lost or crashed, or ended with all others.

    Not what the human stopped or holds, nor what did not start the last time: that would not help.
    """
    if row.paused or row.stopped == "you" or row.launch_failure is not None:
        return False
    return row.status.state in (State.LOST, State.CRASHED) or row.stopped == "down"


def ordered(rows: Iterable[Row]) -> list[Row]:
    """The fleet, those first that need a human, the longest waiting first within a rank."""
    return sorted(rows, key=lambda row: (rank(row), row.status.since, row.name))


def waiting(rows: Iterable[Row]) -> list[Row]:
    """Sessions that wait for an answer, the longest first."""
    return [row for row in ordered(rows) if rank(row) is Rank.ASKS]


def grouped(rows: Iterable[Row]) -> list[tuple[Row, ...]]:
    """Sessions that wait for an answer; those that ask the very same are together, in the place of the first."""
    groups: dict[object, tuple[Row, ...]] = {}
    for row in waiting(rows):
        asked = _asked(row.status.question, row.worktree) if row.status.question is not None else row.id
        groups[asked] = (*groups.get(asked, ()), row)
    return list(groups.values())


def _asked(question: Question, worktree: str) -> object:
    """Equal for questions that one answer fits: what is asked, what can be answered, and what a yes may do.

    Each session's own worktree counts as the same place: Claude Code and others name it in commands and options.
    """
    own = re.compile(re.escape(worktree) + r"(?![\w.-])")

    def there(text: str | None) -> str | None:
        return own.sub("\0", text) if text and worktree else text

    what = (question.command,) if question.command else (question.title, question.text, question.path)
    options = tuple((option.key, there(option.label)) for option in question.options)
    return (question.kind, *map(there, what), options, question.multiple, question.free_text, question.risk)


def longest_idle(rows: Iterable[Row], now: datetime) -> Row | None:
    """The session that has been at rest for the longest time, without being held, landed or ended."""
    resting = [row for row in rows if rank(row) in (Rank.RESTS, Rank.READY, Rank.WONDERS) and row.state not in ENDED]
    return max(resting, key=lambda row: row.idle_s(now), default=None)
