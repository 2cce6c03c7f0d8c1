"""A crashed agent is started again, if the settings say so: with growing pauses, and not for ever.

As an Erlang supervisor does it: more than :data:`LIMIT` crashes within :data:`rows.CRASHES` are no accident. Then the
human is asked, and a start by the human begins the count anew.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import home, resuming
from orchestrator.budgets import starts
from orchestrator.commands import Refused
from orchestrator.config import load_settings
from orchestrator.events import LaunchFailed
from orchestrator.fleet import Row
from orchestrator.rows import CRASHES
from sessions import launching
from sessions.errors import SessionError
from sessions.models import State
from worktrees.errors import WorktreeError

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

LIMIT = 3
LIMITED_S = 5.0
"""While its account is at a rate limit, how often it is looked whether that has lifted."""
PAUSES = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=20))


def pause(crashes: Sequence[datetime], now: datetime) -> timedelta | None:
    """How long to wait before the next start, after ``crashes``, the latest of which just happened; None: no more."""
    recent = [then for then in crashes if abs(now - then) < CRASHES]
    return PAUSES[max(0, len(recent) - 1)] if len(recent) <= LIMIT else None


async def crashed(supervisor: Supervisor, row: Row) -> None:
    """The program of ``row`` crashed: start it again after a pause, give up, or leave it to the human."""
    if supervisor.fleet.read_only is not None or row.stopped is not None or row.intent is not None:
        return
    if row.parked is not None or not await asyncio.to_thread(_wanted, row):
        return  # what is parked is started again when its limit lifts
    wait = pause(row.crashes, datetime.now(UTC))
    if wait is None:
        _give_up(supervisor, row, f"it crashed {len(row.crashes)} times within {CRASHES.seconds // 60} minutes")
        return
    await asyncio.sleep(wait.total_seconds())
    while starts.limited(supervisor.fleet, row.agent, supervisor.time.now()) is not None:  # noqa: ASYNC110 - time is no event
        await asyncio.sleep(LIMITED_S)  # the wall clock is asked: it can be set
    now = supervisor.fleet.rows.get(row.id)
    if now is None or now.generation != row.generation or now.status.state is not State.CRASHED or now.stopped:
        return  # somebody was faster, or does not want it
    try:
        # With what it was launched with, where this daemon did that; secrets are kept nowhere.
        live = supervisor.live.get(row.id)
        await resuming.start_again(supervisor, now, live.place.env if live is not None else os.environ, by="restart")
    except Refused as refused:
        _give_up(supervisor, now, refused.message)
    except (SessionError, WorktreeError, OSError) as error:
        _give_up(supervisor, now, getattr(error, "message", str(error)))


def _give_up(supervisor: Supervisor, row: Row, reason: str) -> None:
    hint = f"look at its last screen: orchestrator show {row.name}; then: orchestrator resume {row.name}"
    supervisor.emit(row.id, LaunchFailed(reason=f"not started again: {reason};", hint=hint))
    supervisor.notice("error", f"{row.name} is not started again", f"{reason}; {hint}")


def _wanted(row: Row) -> bool:
    known = launching.recall(home.session_folder(row.id), Path(row.worktree))
    env = dict(known[1].env) if known is not None else {}
    try:
        return load_settings(Path(row.repository), {**os.environ, **env}).run.restart == "on-crash"
    except Refused:
        return False


async def mourn_tmux(supervisor: Supervisor) -> None:
    """When the tmux server dies every pane died with it; say so and end, the next command starts anew."""
    await supervisor.control.closed.wait()
    if supervisor.ending.is_set():
        return
    for session in tuple(supervisor.live.values()):
        if session.running:
            session.lost("the tmux server is gone")
    supervisor.notice("error", "tmux is gone", "its server was killed; worktrees stay, resume brings sessions back")
    supervisor.ending.set()
