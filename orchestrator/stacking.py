"""Sessions that go on: after their work landed, or the session that they are stacked on did.

What of a branch is in the target by other commits is never landed again. When the lower session of a stack lands, those
above it are put on the target as soon as their agents rest; the ledger and the operation log tell what landed.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import timemachine
from orchestrator.commands import Refused
from orchestrator.events import Followed
from orchestrator.fleet import Row
from sessions.models import BUSY, SessionId, State
from worktrees import changes, following, operations
from worktrees.ancestry import is_ancestor
from worktrees.errors import NothingToLand, UnknownRevision, WorktreeError
from worktrees.models import Model, Settled
from worktrees.operations import Kind
from worktrees.repository import Repository, open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor


class Base(Model):
    """Where a new session begins. ``on``: the session that it is stacked on."""

    name: str
    commit: str
    on: SessionId | None = None
    target: str | None = None
    note: str = ""


def base(supervisor: Supervisor, repository: Repository, named: str) -> Base:
    """A revision, or a session by its name or branch. Raises UnknownRevision."""
    rows = [row for row in supervisor.fleet if row.repository == str(repository.root)]
    lower = next((row for row in rows if row.branch == named), None)
    if lower is None:
        try:
            return Base(name=named, commit=repository.resolve(named))
        except UnknownRevision:
            lower = next((row for row in rows if named in (row.name, row.id)), None)
            if lower is None:
                raise
    if (worktree := Path(lower.worktree)).is_dir():
        changes.head(worktree)  # a sealed one's commits are brought over
    commit = repository.resolve(f"refs/heads/{lower.branch}")
    if lower.landing is not None and lower.landing.tip == commit:
        return Base(name=lower.target, commit=repository.resolve(f"refs/heads/{lower.target}"), target=lower.target)
    left = lower.totals.uncommitted
    note = f"{left} uncommitted files of {lower.name} are not in it" if left else ""
    return Base(name=lower.name, commit=commit, on=lower.id, target=lower.target, note=note)


def settled(supervisor: Supervisor, row: Row) -> Settled | None:
    """What of the session's branch is in its target by other commits: by its own landing, or by the lower one's."""
    if row.landing is not None:
        return row.landing.settled
    if row.on is None:
        return None
    lower = supervisor.fleet.rows.get(row.on)
    if lower is not None:
        return lower.landing.settled if lower.landing is not None else None
    log = operations.listed(open_repository(Path(row.repository)))
    for one in operations.holding(log):
        if one.kind is Kind.LAND and one.session == row.on and one.landing is not None:
            return one.landing.settled
    return None


def below(supervisor: Supervisor, row: Row) -> Row | None:
    """The session that this one is stacked on and that has not landed; None when nothing is in the way."""
    lower = supervisor.fleet.rows.get(row.on) if row.on is not None else None
    return lower if lower is not None and lower.landing is None else None


def refuse_above(supervisor: Supervisor, row: Row) -> None:
    """Refused while the lower session has not landed: its work would go along unseen."""
    lower = below(supervisor, row)
    if lower is not None:
        raise Refused(
            f"{row.name} is stacked on {lower.name}, which has not landed",
            f"land that first: orchestrator merge {lower.name}",
        )


async def update(supervisor: Supervisor, row: Row) -> str:
    """Bring the target into the session's branch; returns the new tip. Raises WorktreeError."""
    lock = supervisor.landing_lock(row.repository)

    def go() -> tuple[str, str]:
        worktree = Path(row.worktree)
        if not worktree.is_dir():
            raise WorktreeError(f"the worktree of {row.name} is gone: {worktree}", f"its commits are on {row.branch}")
        tip = following.update_from_target(
            worktree,
            row.id,
            row.target,
            name=row.name,
            settled=settled(supervisor, row),
            limits=timemachine.limits(row),
        )
        return tip, open_repository(Path(row.repository)).resolve(f"refs/heads/{row.target}")

    async with lock:
        tip, based = await asyncio.to_thread(go)
    supervisor.emit(row.id, Followed(head=tip, base_commit=based))
    supervisor.git.look(row.id)
    return tip


def landed(supervisor: Supervisor, session: SessionId) -> None:
    """A session landed: those that are stacked on it go on from the target, as soon as they rest."""
    for row in supervisor.fleet:
        if row.on == session and row.landing is None and rests(row):
            supervisor.run(_retarget(supervisor, row))


def rested(supervisor: Supervisor, session: SessionId) -> None:
    """A session came to rest: if the one that it is stacked on landed meanwhile, it goes on from the target."""
    row = supervisor.fleet.rows.get(session)
    if row is not None and row.on is not None and row.landing is None and rests(row) and not below(supervisor, row):
        supervisor.run(_retarget(supervisor, row))


def rests(row: Row) -> bool:
    """No agent writes in its worktree, and none is asked whether it may."""
    return row.status.state not in BUSY | {State.BLOCKED, State.RATE_LIMITED} and row.merging is None


async def _retarget(supervisor: Supervisor, row: Row) -> None:
    def due() -> bool:
        part = settled(supervisor, row)
        if part is None or not Path(row.worktree).is_dir():
            return False
        return not is_ancestor(Path(row.repository), part.after, f"refs/heads/{row.branch}")

    try:
        if not await asyncio.to_thread(due):
            return
        tip = await update(supervisor, row)
    except NothingToLand:
        return
    except (WorktreeError, OSError) as error:
        words = f"{getattr(error, 'message', error)}; then: orchestrator update {row.name}"
        supervisor.notice("warning", f"{row.name} was not put on {row.target}", words)
        return
    supervisor.notice(
        "info",
        f"{row.name} goes on from {row.target}",
        f"{row.base} landed; its own commits are on top now: {tip[:10]}",
    )
