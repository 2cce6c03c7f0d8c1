"""The operation log as the supervisor uses it: list, take back, and make sense of what a crash cut off.

Git holds the log; the ledger follows it. After a crash the refs decide, and what the ledger missed is written then.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from orchestrator import landing, timemachine
from orchestrator.commands import Command, Done, Ops, PreviewUndo, Refused, Undo
from orchestrator.config import load_settings
from orchestrator.events import Forgotten, Merged, MergeFailed, Removed, Returned, Undone
from orchestrator.fleet import Row
from orchestrator.replies import AtticEntry, AtticReply, OpLine, OpsReply, UndoPreview
from sessions.models import SessionId
from worktrees import attic, operations, reconcile, undo
from worktrees.errors import WorktreeError
from worktrees.operations import Kind, Operation, State
from worktrees.repository import Repository, open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

DAY_S = 86400
FIRST_S = 3600
"""A clock that is wrong after a boot is usually right by then; nothing is forgotten by the time of a dead battery."""


async def call(supervisor: Supervisor, command: Command) -> BaseModel:
    match command.verb:
        case "ops":
            return await asyncio.to_thread(ops, supervisor, command)
        case "attic":
            return await asyncio.to_thread(stored, supervisor)
        case "preview_undo":
            return await asyncio.to_thread(preview, supervisor, command)
        case "undo":
            return await take_back(supervisor, command)
        case other:
            raise Refused(f"{other} is not a command", "")


def ops(supervisor: Supervisor, command: Ops) -> OpsReply:
    """Operations of all repositories, or of one, newest first."""
    lines = []
    for repository, log in _logs(supervisor, command.repository):
        gone = operations.undone(log)
        lines += [
            OpLine(
                id=one.id,
                at=one.at,
                kind=one.kind,
                state=one.state,
                session=SessionId(one.session),
                name=one.name,
                what=one.what,
                note=one.note,
                repository=str(repository.root),
                undone_by=gone.get(one.id),
                foreign=one.foreign,
                moves=one.moves,
            )
            for one in log
        ]
    return OpsReply(operations=tuple(sorted(lines, key=lambda line: line.at, reverse=True)))


def stored(supervisor: Supervisor) -> AtticReply:
    """Removed sessions that can come back, newest first."""
    entries = []
    for repository in _repositories(supervisor):
        for one in attic.listed(repository):
            kept = one.attic
            assert kept is not None
            known = _returned(one)
            entries.append(
                AtticEntry(
                    operation=one.id,
                    session=SessionId(one.session),
                    name=one.name,
                    removed_at=one.at,
                    kept_until=one.at + kept_for(),
                    branch=kept.branch,
                    tip=kept.tip,
                    worktree=str(kept.path),
                    left_out=kept.left_out,
                    agent=known.created.agent if known else "",
                    prompt=known.created.prompt if known else "",
                    repository=str(repository.root),
                )
            )
    return AtticReply(entries=tuple(sorted(entries, key=lambda entry: entry.removed_at, reverse=True)))


def preview(supervisor: Supervisor, command: PreviewUndo) -> UndoPreview:
    """What :func:`take_back` would do now; nothing is touched."""
    repository, one = _find(supervisor, command.operation)
    tells: tuple[str, ...] = ()
    refusal = hint = ""
    try:
        _refuse(supervisor, one)
        if undo.returns(one):
            tells = (f"{one.name} goes into the attic again, with its worktree and branch",)
        else:
            tells = undo.tells(repository, undo.plan(repository, one))
        if any(files.after is None for files in one.files):
            tells = (*tells, f"its conversation goes on with: orchestrator resume {one.name}")
    except (Refused, WorktreeError) as error:
        refusal, hint = error.message, error.hint
    return UndoPreview(
        operation=one.id,
        kind=one.kind,
        name=one.name,
        what=one.what,
        at=one.at,
        repository=str(repository.root),
        tells=tells,
        refusal=refusal or None,
        hint=hint,
    )


async def take_back(supervisor: Supervisor, command: Undo) -> Done:
    """Undo an operation: the newest one that holds, or the one that was named."""
    repository, one = await asyncio.to_thread(_find, supervisor, command.operation)
    row = _refuse(supervisor, one)
    if undo.returns(one):
        if row is None:
            raise Refused(f"there is no session {one.name} any more", "orchestrator attic lists what was removed")
        return await landing.remove(supervisor, row, undoes=one.id)

    def go() -> Operation:
        if row is not None and any(files.path == Path(row.worktree) for files in one.files):
            timemachine.keep(row, "before undo")
        return undo.undo(repository, one)

    lock = supervisor.landing_lock(str(repository.root))
    with supervisor.claim(row, "taken back") if row is not None else nullcontext():
        async with lock:
            done = await asyncio.to_thread(go)
    _tell(supervisor, repository, done, one)
    return Done(message=f"{done.what} ({done.id}); orchestrator undo {done.id} turns it round")


async def catch_up(supervisor: Supervisor) -> None:
    """At the start: settle what was cut off, then let the ledger say what the refs say."""
    for name in sorted(_names(supervisor)):
        try:
            repository = await asyncio.to_thread(open_repository, Path(name))
            settled = await asyncio.to_thread(reconcile.reconcile, repository)
            log = await asyncio.to_thread(operations.listed, repository)
        except (WorktreeError, OSError) as error:
            message = getattr(error, "message", str(error))
            supervisor.notice("warning", f"{name} was not looked at", f"{message}; {getattr(error, 'hint', '')}")
            _end_merges(supervisor, name)
            continue
        for one in settled:
            level = "info" if one.state in (State.DONE, State.VOID) else "warning"
            supervisor.notice(level, f"{one.kind} of {one.name} was cut off", f"{one.what}: {one.note}")
        _follow(supervisor, repository, log)


def _follow(supervisor: Supervisor, repository: Repository, log: tuple[Operation, ...]) -> None:
    """Write what happened in git and never reached the ledger: the daemon died in between."""
    gone = operations.undone(log)
    seen: set[str] = set()
    landed: dict[str, Operation] = {}
    for one in log:  # newest first
        if one.state is not State.DONE or one.foreign:
            continue
        if one.attic is not None and one.session not in seen:
            seen.add(one.session)
            row = supervisor.fleet.rows.get(SessionId(one.session))
            if one.kind is Kind.REMOVE and row is not None and row.repository == str(repository.root):
                supervisor.emit(row.id, Removed(attic=attic.REFS + one.session))
            elif one.kind is not Kind.REMOVE and row is None and (record := _returned(one)) is not None:
                supervisor.emit(SessionId(one.session), record)
        if one.kind is Kind.LAND and one.id not in gone:
            landed.setdefault(one.session, one)
    unlanded = {
        one.landing.after for one in log if one.kind is Kind.LAND and one.id in gone and one.landing and not one.foreign
    }
    for row in tuple(supervisor.fleet):
        if row.repository != str(repository.root):
            continue
        newest = landed.get(row.id)
        if newest is not None and newest.landing is not None:
            known = row.part if newest.landing.partial else row.landing.after if row.landing else None
            if known != newest.landing.after:
                supervisor.emit(row.id, Merged(landing=newest.landing))
        elif row.landing is not None and row.landing.after in unlanded:
            supervisor.emit(row.id, Undone(operation="", undoes="", what="its landing was undone", unlanded=True))
    _end_merges(supervisor, str(repository.root))


def _end_merges(supervisor: Supervisor, repository: str) -> None:
    """What was being merged when the daemon died and did not land."""
    for row in tuple(supervisor.fleet):
        if row.repository == repository and row.merging is not None:
            reason = "the daemon ended during the merge"
            supervisor.emit(row.id, MergeFailed(reason=reason, hint=f"{row.target} does not hold it; merge again"))


async def tidy(supervisor: Supervisor) -> None:
    """Once a day: forget what is older than the attic keeps. The ledger hears of it before."""
    emit = supervisor.emitter()
    await asyncio.sleep(FIRST_S)
    while True:
        try:
            before = datetime.now(UTC) - kept_for()
        except Refused as error:
            supervisor.notice("warning", "Nothing old was forgotten", f"{error.message}; {error.hint}")
            return
        for repository in await asyncio.to_thread(_repositories, supervisor):

            def told(going: tuple[Operation, ...], root: Path = repository.root) -> None:
                lines = tuple(f"{one.id} {one.what}: {' '.join(one.commits)}" for one in going)
                emit(None, Forgotten(repository=str(root), operations=lines))

            try:
                await asyncio.to_thread(attic.prune, repository, before, told)
            except (WorktreeError, OSError) as error:
                supervisor.notice("warning", f"{repository.name} was not tidied", str(error))
        await asyncio.sleep(DAY_S)


def kept_for() -> timedelta:
    """How long operations and removed sessions stay: the setting of the user who runs the daemon."""
    return timedelta(days=load_settings(None, os.environ).keep.attic_days)


def _tell(supervisor: Supervisor, repository: Repository, done: Operation, one: Operation) -> None:
    """Write a finished undo into the ledger."""
    session = SessionId(one.session)
    if undo.returns(done):
        if (record := _returned(done)) is not None:
            supervisor.emit(session, record)
            supervisor.git.remember(session)
        return
    log = operations.listed(repository)
    gone = operations.undone(log)
    landed = next((known for known in log if known.kind is Kind.LAND and _root(log, one) == known.id), None)
    if landed is not None and landed.id not in gone and landed.landing is not None:
        supervisor.emit(session, Merged(landing=landed.landing))
    else:
        unlanded = landed is not None and landed.landing is not None and not landed.landing.partial
        supervisor.emit(session, Undone(operation=done.id, undoes=one.id, what=done.what, unlanded=unlanded))
    for move in done.moves:
        supervisor.git.moved(str(repository.root), operations.short(move.ref))
    if session in supervisor.fleet.rows:
        supervisor.git.look(session)


def _root(log: tuple[Operation, ...], one: Operation) -> str:
    """The operation that a chain of undos began with."""
    known = {each.id: each for each in log}
    while one.undoes is not None and one.undoes in known:
        one = known[one.undoes]
    return one.id


def _refuse(supervisor: Supervisor, one: Operation) -> Row | None:
    """The session of an operation; Refused while it is in the way."""
    row = supervisor.fleet.rows.get(SessionId(one.session))
    if row is None:
        named = supervisor.fleet.named(one.name)
        if named is not None and any(files.after is None for files in one.files):
            raise Refused(f"there is a session {one.name} again", f"remove it first: orchestrator rm {one.name}")
        return None
    if row.merging is not None or one.kind is not Kind.LAND:
        landing.refuse_unfinished(row)
    return row


def _find(supervisor: Supervisor, prefix: str) -> tuple[Repository, Operation]:
    """The operation whose id begins so; without one the newest that holds."""
    logs = _logs(supervisor, None)
    where = {one.id: repository for repository, log in logs for one in log}
    if prefix:
        found = operations.find(tuple(one for _, log in logs for one in log), prefix)
        return where[found.id], found
    standing = [one for _, log in logs for one in operations.holding(log)]
    if not standing:
        raise Refused("there is nothing to undo", "orchestrator ops lists what was done")
    newest = max(standing, key=lambda one: one.at)
    return where[newest.id], newest


def _logs(supervisor: Supervisor, only: str | None) -> list[tuple[Repository, tuple[Operation, ...]]]:
    repositories = [open_repository(Path(only))] if only else _repositories(supervisor)
    return [(repository, operations.listed(repository)) for repository in repositories]


def _repositories(supervisor: Supervisor) -> list[Repository]:
    """Every repository that a session ever had and that is still there."""
    found = []
    for name in sorted(_names(supervisor)):
        try:
            found.append(open_repository(Path(name)))
        except WorktreeError:
            continue
    return found


def _names(supervisor: Supervisor) -> set[str]:
    return {*supervisor.fleet.repositories, *(row.repository for row in supervisor.fleet)}


def _returned(one: Operation) -> Returned | None:
    """What a removal wrote down of its session; None where another program wrote it."""
    try:
        return Returned.model_validate_json(one.attic.record) if one.attic is not None else None
    except ValidationError:
        return None
