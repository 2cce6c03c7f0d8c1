"""A session at a rate limit is parked: it goes on by itself when the limit lifts, once, and not all in one second.

An agent that waits by itself (its turn goes on, or it changes its state before it is due) is left alone. What the
human did meanwhile wins: a message, an answer, a stop end the parking, and while the human holds it nothing is started.
What is about to be done is written ahead (``Unparking``); a daemon that is started again looks whether it was done.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.budgets import caps, starts
from orchestrator.budgets.ask import Parked, Unparking
from orchestrator.commands import Refused
from orchestrator.fleet import Row
from sessions.errors import SessionError
from sessions.models import SessionId, State, Status
from worktrees.errors import WorktreeError
from worktrees.faultpoints import point

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

WORDS = "continue"
"""What an agent is told when its limit has lifted."""
GRACE = timedelta(seconds=3)
"""After the told end of a limit; an agent that waits by itself has gone on by then."""
MINUTE = timedelta(minutes=1)
APART = timedelta(seconds=2)
"""Between two sessions of one agent program, with up to half of it more by chance."""
UNTOLD = timedelta(minutes=5)
"""How long a limit is waited for whose end is not told."""
FIRST, LONGEST = timedelta(minutes=1), timedelta(minutes=30)
"""The least wait after a second limit without an answer in between; it doubles up to the longest."""
LOOK_S = 5.0
"""Clocks jump and machines sleep: the time is looked at anew at least so often."""
STUCK = timedelta(seconds=30)
"""A session that shows a limit for so long after it was told to go on is parked again."""
_ENDED = frozenset({State.EXITED, State.CRASHED})


def due(until: datetime | None, now: datetime, attempt: int, ahead: int, chance: float) -> datetime:
    """When a session is to go on. ``ahead`` others of its agent wait for the same; ``chance`` is in [0, 1).

    A full minute was told without its seconds: the limit lifts somewhere in it.
    """
    at = until if until is not None else now + UNTOLD
    if until is not None and until.second == until.microsecond == 0:
        at += MINUTE
    if attempt > 1:
        at = max(at, now + min(FIRST * 2 ** min(attempt - 2, 10), LONGEST))
    return max(at, now) + GRACE + APART * (ahead + chance / 2)


class ParkingService:
    """Of one supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._news = asyncio.Event()
        self._next: dict[str, float] = {}  # by the loop's clock: when the next of an agent may go on

    def turned(self, session: SessionId, status: Status) -> None:
        """A status was written. One that tells of a limit parks the session."""
        row = self._supervisor.fleet.rows.get(session)
        if row is None or status.state is not State.RATE_LIMITED or self._supervisor.fleet.read_only is not None:
            return
        if row.stopped is None and (row.parked is None or row.parked.until != status.until):
            self._park(row, status.until)

    def _park(self, row: Row, until: datetime | None, again: int | None = None) -> None:
        """``again``: the attempt that was cut off, which is made anew."""
        now, attempt = self._supervisor.time.now(), again or row.parkings + 1
        ahead = sum(
            other.parked is not None and other.agent == row.agent and other.id != row.id
            for other in self._supervisor.fleet
        )
        at = due(until, now, attempt, ahead, random.random())
        self._supervisor.emit(row.id, Parked(until=until, due=at, attempt=attempt))
        self._news.set()

    @asynccontextmanager
    async def told(self, row: Row) -> AsyncIterator[None]:
        """The human sends a message to it: that ends its parking, if it arrives."""
        if row.parked is None or self._supervisor.fleet.read_only is not None:
            yield
            return
        self._supervisor.intend(row.id, Unparking(attempt=row.parked.attempt))
        try:
            yield
        except BaseException:
            now = self._supervisor.fleet.rows.get(row.id)
            if now is not None and now.parked is not None and now.parked.begun:
                self._supervisor.emit(row.id, row.parked)
            raise

    async def run(self) -> None:
        """Let the parked go on, one after the other, each when it is due."""
        await asyncio.sleep(LOOK_S / 2)  # after a start every session is looked at first
        for row in tuple(self._supervisor.fleet):
            if row.parked is not None and row.parked.begun:
                await self._was_begun(row)
        while True:
            self._news.clear()
            wait = await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()

    async def look(self) -> float:
        """Let those go on that are due; returns in how many seconds it is time to look again."""
        wait, now = LOOK_S, self._supervisor.time.now()
        for row in sorted(self._supervisor.fleet, key=lambda row: row.parked.due if row.parked else now):
            if self._is_stuck(row, now):
                self._park(row, row.status.until)
            elif row.parked is not None and not row.parked.begun:
                left = (row.parked.due - now).total_seconds()
                left = max(left, self._next.get(row.agent, 0.0) - asyncio.get_running_loop().time())
                if left <= 0 and self._may(row, now):
                    await self._go_on(row)
                elif left > 0:
                    wait = min(wait, left)
        return wait

    def _may(self, row: Row, now: datetime) -> bool:
        """Nothing that the human did, and no other limit, is against it."""
        if row.paused or row.held or row.stopped is not None or row.intent is not None:
            return False
        if row.status.state not in _ENDED | {State.RATE_LIMITED}:
            return False
        if self._waits_itself(row):
            return False
        if starts.limited(self._supervisor.fleet, row.agent, now) is not None:
            return False
        return caps.reached(self._supervisor.budgets.lines(row)) is None

    def _waits_itself(self, row: Row) -> bool:
        """Its turn goes on: a source that is stronger than the one that tells of the limit says that it works."""
        live = self._supervisor.live.get(row.id)
        status = live.status if live is not None and live.running and live.status is not None else row.status
        return status.state is State.RATE_LIMITED and any(
            item.state in (State.WORKING, State.RETRYING) and item.source < status.why[0].source for item in status.why
        )

    def _is_stuck(self, row: Row, now: datetime) -> bool:
        limited = row.parked is None and row.status.state is State.RATE_LIMITED
        return limited and not row.paused and now - max(row.active_at, row.status.since) > STUCK

    async def _go_on(self, row: Row) -> None:
        assert row.parked is not None
        supervisor = self._supervisor
        loop = asyncio.get_running_loop()
        self._next[row.agent] = loop.time() + APART.total_seconds() * (1 + random.random() / 2)
        try:
            supervisor.intend(row.id, Unparking(attempt=row.parked.attempt))
            point("parking.begun")
            await self._start(row)
            point("parking.told")
        except (SessionError, WorktreeError, Refused, OSError) as error:
            reason = getattr(error, "message", str(error))
            supervisor.notice("warning", f"{row.name} did not go on after its limit", reason)
            if (now := supervisor.fleet.rows.get(row.id)) is not None and now.parked is not None:
                self._park(now, None)

    async def _start(self, row: Row) -> None:
        from orchestrator import resuming

        supervisor = self._supervisor
        live = supervisor.live.get(row.id)
        if live is not None and live.running:
            await supervisor.git.begins(row)
            if live.status is not None and live.status.state is State.RATE_LIMITED:
                await live.talk.send(WORDS)
            return
        env = live.place.env if live is not None else dict(os.environ)
        if await resuming.start_again(supervisor, row, env, by="restart"):
            await supervisor.live[row.id].talk.first_prompt(WORDS)

    async def _was_begun(self, row: Row) -> None:
        """The daemon ended while it was let go on. What it shows now tells whether it heard of it."""
        live = self._supervisor.live.get(row.id)
        state = self._supervisor.fleet.rows[row.id].status.state
        if state in _ENDED | {State.RATE_LIMITED}:
            assert row.parked is not None
            self._park(row, row.parked.until, row.parked.attempt)
        elif state is State.IDLE and live is not None and live.running:
            with suppress(SessionError):
                await live.talk.send(WORDS)
