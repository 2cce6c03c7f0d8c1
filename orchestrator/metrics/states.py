"""States that carry time, and which of ours is which. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sessions.models import State

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Spent(StrEnum):
    """What a stretch of a session's time was spent on."""

    WORKING = "working"  # a model or tool runs; a start counts as work
    BACKGROUND = "background"  # the turn is over, shells or subagents still run
    BLOCKED = "blocked"  # waits for a human
    UNREVIEWED = "unreviewed"  # the turn is over and nobody looked yet
    IDLE = "idle"  # nothing asked, looked at
    RATE_LIMITED = "rate_limited"  # the provider's limit, or a retry after its failure
    FAILED = "failed"  # the turn ended in an error
    LOST = "lost"  # the program is gone, and nobody had ended it
    UNKNOWN = "unknown"  # nothing tells, or nobody watched
    PAUSED = "paused"  # held by the human
    SUSPENDED = "suspended"  # the machine slept
    ENDED = "ended"  # the program ended by itself or on request, or never began


_OF = {
    State.STARTING: Spent.WORKING,
    State.WORKING: Spent.WORKING,
    State.BACKGROUND: Spent.BACKGROUND,
    State.BLOCKED: Spent.BLOCKED,
    State.DONE: Spent.UNREVIEWED,
    State.IDLE: Spent.IDLE,
    State.RATE_LIMITED: Spent.RATE_LIMITED,
    State.RETRYING: Spent.RATE_LIMITED,
    State.FAILED: Spent.FAILED,
    State.EXITED: Spent.ENDED,
    State.CRASHED: Spent.LOST,
    State.LOST: Spent.LOST,
    State.PAUSED: Spent.PAUSED,
    State.UNKNOWN: Spent.UNKNOWN,
}

BUSY = frozenset({Spent.WORKING, Spent.BACKGROUND})
GONE = frozenset({Spent.LOST, Spent.ENDED})
"""No program is there."""
ALIVE = frozenset(Spent) - GONE - {Spent.PAUSED, Spent.SUSPENDED}
"""The life of a session: neither held by the human, nor asleep with the machine, nor without a program."""
NEEDS = frozenset({Spent.BLOCKED, Spent.UNREVIEWED, Spent.IDLE, Spent.FAILED})
"""The agent does nothing before a human turns to it."""


def spent(state: State) -> Spent:
    """Which time a status's state is."""
    return _OF[state]


def micros(at: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(at: int) -> datetime:
    """The time of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at)


Account = Mapping[Spent, int]
"""Microseconds by what they were spent on."""


def busy(account: Account) -> int:
    """Microseconds of work, background work included."""
    return sum(account.get(state, 0) for state in BUSY)


def alive(account: Account) -> int:
    """Microseconds in which a program was there to work."""
    return sum(account.get(state, 0) for state in ALIVE)


def utilisation(account: Account) -> float | None:
    """``U = t_working / (t_alive − t_rate_limited)``; None when there was no such time."""
    able = alive(account) - account.get(Spent.RATE_LIMITED, 0)
    return busy(account) / able if able > 0 else None


def wait_share(account: Account) -> float | None:
    """``H = t_blocked / t_alive``; None when nothing was alive."""
    life = alive(account)
    return account.get(Spent.BLOCKED, 0) / life if life > 0 else None


def added(accounts: Iterable[Account]) -> dict[Spent, int]:
    """The sum of accounts."""
    total: dict[Spent, int] = {}
    for account in accounts:
        for state, amount in account.items():
            total[state] = total.get(state, 0) + amount
    return total
