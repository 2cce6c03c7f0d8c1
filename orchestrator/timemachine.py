"""The time machine as the supervisor runs it: when a snapshot is taken, what comes back, and what is thinned out.

A snapshot is taken when a session begins, at the end of each turn, when HEAD moved, when a turn begins after somebody
else edited, before every step that could destroy work, and on demand. The same content is never kept twice.
"""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from orchestrator.commands import Command, Compare, DiffReply, Refused, Restore
from orchestrator.config import KeepSettings, load_settings
from orchestrator.events import Pruned, Restored, Snapshotted, Strayed
from orchestrator.fleet import Row
from sessions.models import BUSY, SessionId
from worktrees import history, pruning, restoring, setup, snapshots
from worktrees.changes import checked_out
from worktrees.cleanroom import run_code
from worktrees.errors import UnknownSnapshot, WorktreeError
from worktrees.ignored import Limits
from worktrees.models import History, Moment, Restoration, Snapshot
from worktrees.repository import open_repository
from worktrees.restoring import Wish

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

log = logging.getLogger("orchestrator")
PRUNE_EVERY = timedelta(days=1)


async def call(supervisor: Supervisor, command: Command) -> BaseModel:
    row = supervisor.row(getattr(command, "session", ""))
    match command.verb:
        case "snapshots":
            return await asyncio.to_thread(listing, row)
        case "snapshot":
            return await snapshot(supervisor, row, command.words)
        case "compare":
            return await asyncio.to_thread(compare, row, command)
        case "restore":
            return await restore(supervisor, row, command)
        case other:
            raise Refused(f"{other} is not a command", "")


def keep(row: Row, reason: str, *, always: bool = False) -> Snapshot:
    """Keep all that is in the worktree, small ignored files included.

    A turn's end is a snapshot of its own where HEAD moved last, so that what the turn did can be told.
    """
    if reason == history.TURN_OVER:
        newest = snapshots.latest(Path(row.worktree), row.id)
        always = always or (newest is not None and newest.reason == history.MOVED)
    return snapshots.take(Path(row.worktree), row.id, reason, ignored=True, limits=limits(row), always=always)


def limits(row: Row) -> Limits:
    """Which ignored files are kept. Settings that cannot be read never stand in the way of a snapshot."""
    settings = KeepSettings()
    inside: tuple[str, ...] = ()
    try:
        settings = load_settings(None, os.environ).keep
        inside = setup.load_recipe(Path(row.repository)).keep
    except (Refused, WorktreeError) as error:
        log.warning("ignored files are kept by the stated limits: %s", error.message)
    return settings.limits(inside)


def listing(row: Row) -> History:
    """All snapshots of the session, newest first."""
    found = history.moments(Path(row.repository), row.id, row.base_commit)
    return History(moments=tuple(reversed(found)))


async def snapshot(supervisor: Supervisor, row: Row, words: str) -> Moment:
    """Keep what is there now. With words of its own it becomes a snapshot of its own, even of the same content."""
    _worktree(row)
    words = " ".join(words.split())
    reason = f"{pruning.BY_HAND}: {words}" if words else pruning.BY_HAND
    kept = await asyncio.to_thread(lambda: keep(row, reason, always=bool(words)))
    tell(supervisor, row.id, kept)
    found = await asyncio.to_thread(listing, row)
    return next(moment for moment in found.moments if moment.snapshot.ref == kept.ref)


def tell(supervisor: Supervisor, session: SessionId, kept: Snapshot | None) -> None:
    """Write a snapshot down, unless it is the one that is known already."""
    row = supervisor.fleet.rows.get(session)
    if row is not None and kept is not None and kept.ref != row.snapshot:
        supervisor.emit(session, Snapshotted(ref=kept.ref, commit=kept.commit, reason=kept.reason))


def compare(row: Row, command: Compare) -> DiffReply:
    """What differs between two snapshots, or between one and now."""
    found = history.moments(Path(row.repository), row.id, row.base_commit)
    now = datetime.now(UTC)
    new: Moment | None = None
    if command.turn and row.status.state in BUSY:
        old = history.turn_began(found)
    else:
        if command.turn:
            new = history.last_turn(found)
        elif command.new not in (None, history.NOW):
            new = history.resolve(found, command.new or "", now)
        if command.old is not None:
            old = history.resolve(found, command.old, now)
        elif new is not None:
            old = history.before(found, new)
        else:
            old = found[-1] if found else None
    first = old.snapshot.tree if old else row.base_commit
    last = new.snapshot.tree if new else history.tree_now(_worktree(row), limits(row))
    changes, patch = history.compare(Path(row.repository), first, last)
    return DiffReply(base=_named(old) if old else row.base, changes=changes, patch=patch)


async def restore(supervisor: Supervisor, row: Row, command: Restore) -> Restoration:
    """Bring files back, the branch too when asked. What was there is a snapshot; nothing is done in a dry run."""
    if command.dry_run:
        return await asyncio.to_thread(lambda: _restore(row, command))
    if row.merging is not None:
        raise Refused(f"{row.name} is being merged ({row.merging})", f"wait for it: orchestrator show {row.name}")
    if row.status.state in BUSY and not row.paused:
        raise Refused(
            f"{row.name} still works and would write between",
            f"hold it first: orchestrator pause {row.name}, or: orchestrator interrupt {row.name}",
        )
    lock = supervisor.landing_lock(row.repository)
    with supervisor.claim(row, "restored"):
        async with lock:
            done = await asyncio.to_thread(lambda: _restore(row, command))
    tell(supervisor, row.id, done.before)
    supervisor.emit(
        row.id,
        Restored(
            number=history.number(done.to),
            commit=done.to.commit,
            path=done.path,
            files=len(done.changes),
            head=done.to.parent if done.head_moves else "",
            before=done.before.ref if done.before else "",
        ),
    )
    tell(supervisor, row.id, done.after)
    supervisor.git.look(row.id)
    return done


def _restore(row: Row, command: Restore) -> Restoration:
    repository, worktree = open_repository(Path(row.repository)), Path(row.worktree)
    found = history.moments(repository.root, row.id, row.base_commit)
    if not found:
        raise UnknownSnapshot(f"there is no snapshot of {row.name} yet", f"make one: orchestrator snapshot {row.name}")
    wish = Wish(
        session=row.id,
        name=row.name,
        branch=row.branch,
        to=found[-1].snapshot,
        path=command.path,
        head=command.head,
        limits=limits(row),
    )
    if command.snapshot is None:
        wish = restoring.default(repository, worktree, wish, found)
    else:
        wish = restoring.towards(wish, history.resolve(found, command.snapshot, datetime.now(UTC)))
    return (restoring.preview if command.dry_run else restoring.restore)(repository, worktree, wish)


def strayed(row: Row) -> Strayed:
    """Whether the worktree is where we made it, on the branch that we gave it. HEAD is followed, never forced."""
    worktree = Path(row.worktree)
    if not worktree.is_dir():
        return Strayed(how="worktree gone")
    branch = checked_out(worktree)
    if not branch:
        return Strayed(how="detached")
    if run_code(worktree, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))[0] != 0:
        return Strayed(how="branch gone", branch=branch)
    return Strayed(how="other branch", branch=branch) if branch != row.branch else Strayed()


async def tidy(supervisor: Supervisor) -> None:
    """Thin old snapshots out, now and once a day. Each one's commit is in the ledger before its ref goes."""
    while supervisor.fleet.read_only is None:
        for name in supervisor.fleet.repositories:
            try:
                await _prune(supervisor, Path(name))
            except (WorktreeError, OSError, Refused) as error:
                log.warning("snapshots of %s were not thinned out: %s", name, error)
        await asyncio.sleep(PRUNE_EVERY.total_seconds())


async def _prune(supervisor: Supervisor, root: Path) -> None:
    emit = supervisor.emitter()
    living = {row.id for row in supervisor.fleet}

    def told(session: str, going: tuple[Snapshot, ...]) -> None:
        emit(SessionId(session), Pruned(snapshots=tuple(f"{one.ref} {one.commit}" for one in going)))

    def prune() -> int:
        settings = load_settings(None, os.environ).keep
        return pruning.prune(open_repository(root), living, datetime.now(UTC), settings.keep(), told)

    count = await asyncio.to_thread(prune)
    if count:
        log.info("%d old snapshots of %s were dropped", count, root)


def _worktree(row: Row) -> Path:
    worktree = Path(row.worktree)
    if not worktree.is_dir():
        raise Refused(
            f"the worktree of {row.name} is gone: {worktree}", f"make it anew: orchestrator restore {row.name}"
        )
    return worktree


def _named(moment: Moment) -> str:
    return f"snapshot {moment.number} ({moment.snapshot.reason})"
