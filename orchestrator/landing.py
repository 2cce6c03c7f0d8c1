"""Merge, update and remove as the supervisor does them: one at a time for a repository, a snapshot first."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from orchestrator import afterwards, messages, stacking, standing, timemachine, trespass, trust
from orchestrator.checks.definition import Check, listed
from orchestrator.checks.engine import Progress
from orchestrator.checks.service import approved, step
from orchestrator.commands import After, Command, Done, Merge, MergePreview, PreviewMerge, Refused
from orchestrator.config import checks as of_settings
from orchestrator.config import load_settings
from orchestrator.events import Abandoned, Intended, Merged, MergeFailed, Merging, Removed, Snapshotted
from orchestrator.fleet import Row
from orchestrator.fleet import kept as kept_in_attic
from orchestrator.replies import RemovePreview
from sessions.errors import SessionError
from sessions.models import BUSY, State
from worktrees import approval, attic, changes, integrating, partial, reviewed, setup
from worktrees import landing as git_landing
from worktrees.ancestry import is_ancestor
from worktrees.approval import Approval
from worktrees.cleanroom import run_code
from worktrees.errors import CheckFailed, Conflicted, WorktreeError
from worktrees.faultpoints import point
from worktrees.models import CheckResult, Landing, Method, Settled, Snapshot
from worktrees.operations import Operation
from worktrees.repository import Repository, open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor


async def call(supervisor: Supervisor, command: Command) -> BaseModel:
    row = supervisor.row(getattr(command, "session", ""))
    match command.verb:
        case "preview_merge":
            return await asyncio.to_thread(preview_merge, supervisor, row, command)
        case "merge":
            landed = await merge(supervisor, row, command)
            if landed.partial and command.after is not After.CONTINUE:
                return landed  # the rest is still to land, whatever the settings say
            return landed.model_copy(update={"then": await afterwards.do(supervisor, row, landed, command.after)})
        case "draft":
            return await messages.drafted(row, _method(row, command.method), command.env)
        case "update":
            return await update(supervisor, row)
        case "preview_remove":
            return await asyncio.to_thread(preview_remove, row)
        case "remove":
            return await remove(supervisor, row)
        case other:
            raise Refused(f"{other} is not a command", "")


def preview_merge(supervisor: Supervisor, row: Row, command: PreviewMerge) -> MergePreview:
    """What :func:`merge` would do now. Writes nothing but objects that git collects again."""
    worktree = standing.worktree(row)
    repository = open_repository(Path(row.repository))
    seen = trust.wanted(repository.root)
    refusal = hint = ""
    try:
        refuse_unfinished(row)
        stacking.refuse_above(supervisor, row)
        git_landing.refuse_worktree(worktree)
        git_landing.refuse_target(repository, row.target)
    except (Refused, WorktreeError) as error:
        refusal, hint = error.message, error.hint
    part = stacking.settled(supervisor, row)
    chosen = command.part
    totals = changes.totals(worktree, _since(repository, row, part))
    drift = changes.drift(worktree, row.target)
    work = timemachine.keep(row, "before merge") if totals.uncommitted else None
    tip = work.commit if work else changes.head(worktree)[1]
    if chosen is not None:
        tip = partial.tip(repository.root, worktree, chosen, "looked at\n")
        totals = partial.totals(repository.root, chosen.origin, tip)
    target = repository.resolve(f"refs/heads/{row.target}")
    against = integrating.merged(repository.root, target, tip, part)[1]
    lower = stacking.below(supervisor, row)
    checks = listed(command.checks) if command.checks is not None else of_settings(repository.root, os.environ)
    nothing = chosen is None and not totals.uncommitted
    if not refusal and nothing and (drift.ahead == 0 or (part is not None and part.tip == tip)):
        refusal, hint = f"{row.target} holds all of {row.branch} already", f"orchestrator rm {row.name} removes it"
    if not refusal and against:
        refusal = f"it conflicts with {row.target} in {', '.join(c.path for c in against[:3])}"
        hint = f"decide it: orchestrator conflicts {row.name}, or X in the dashboard"
    return MergePreview(
        target=row.target,
        method=_method(row, command.method),
        files=totals.files,
        added=totals.added,
        removed=totals.removed,
        uncommitted=totals.uncommitted,
        behind=drift.behind,
        conflicts=tuple(conflict.path for conflict in against),
        message=messages.draft(row, _method(row, command.method)),
        drafts=load_settings(repository.root, os.environ).merge.draft == "model",
        trespass=trespass.standing(supervisor, row),
        checks=tuple(map(str, checks)),
        trust=seen.trust if command.checks is None and seen.own and not trust.approved(seen) else None,
        changes_rules=setup.changed_by(repository.root, row.target, tip),
        work=str(approval.of(worktree, row.target, _defined(checks))),
        stacked=lower.name if lower is not None else "",
        again=part is not None,
        partial=chosen is not None,
        refusal=refusal or None,
        hint=hint,
    )


async def merge(supervisor: Supervisor, row: Row, command: Merge, judged: git_landing.Verify | None = None) -> Landing:
    """Land the work. Whatever goes wrong is written down, and the target is as it was.

    ``judged``: says what checks said of it already, instead of running them.
    """
    refuse_unfinished(row)
    stacking.refuse_above(supervisor, row)
    checks = (
        listed(command.checks)
        if command.checks is not None
        else await asyncio.to_thread(approved, Path(row.repository), command.trust)
    )
    if command.work is not None:
        Approval.read(command.work).refuse_other_checks(_defined(checks))
    lock = supervisor.landing_lock(row.repository)
    loop = asyncio.get_running_loop()

    def progress(step: str) -> None:
        loop.call_soon_threadsafe(supervisor.emit, row.id, Merging(step=step))

    def told(said: Progress) -> None:
        if (words := step(said)) is not None:
            supervisor.emit(row.id, Merging(step=words))

    def verify(before: str, commit: str) -> tuple[CheckResult, ...]:
        if not checks:
            return ()
        judged = supervisor.checks.judge((row,), commit, checks, base=before, told=told)
        return asyncio.run_coroutine_threadsafe(judged, loop).result().results

    def land() -> Landing:
        worktree = standing.worktree(row)
        repository = open_repository(Path(row.repository))
        return git_landing.land(
            repository,
            worktree=worktree,
            session=row.id,
            name=row.name,
            target=row.target,
            method=_method(row, command.method),
            message=command.message or messages.draft(row, _method(row, command.method)),
            verify=judged or verify,
            limits=timemachine.limits(row),
            approved=command.work,
            settled=stacking.settled(supervisor, row),
            part=command.part,
            progress=progress,
        )

    if lock.locked():
        supervisor.intend(row.id, Merging(step="wait for another merge"))
    async with lock:
        try:
            landing = await asyncio.to_thread(land)
        except (WorktreeError, OSError) as error:
            supervisor.emit(row.id, _failed(error))
            raise
        finally:
            await asyncio.sleep(0)  # the last step's event goes out before the outcome's
        supervisor.emit(row.id, Merged(landing=landing))
    supervisor.git.moved(row.repository, row.target)
    return landing


async def update(supervisor: Supervisor, row: Row) -> Done:
    """Bring the target's new commits into the session's branch."""
    refuse_unfinished(row)
    tip = await stacking.update(supervisor, row)
    return Done(message=f"{row.name} holds all of {row.target} now ({tip[:10]})")


def preview_remove(row: Row) -> RemovePreview:
    """What :func:`remove` would take away."""
    repository = open_repository(Path(row.repository))
    worktree = Path(row.worktree)
    uncommitted = changes.totals(worktree, row.base_commit).uncommitted if worktree.is_dir() else 0
    unmerged = 0
    if repository.has_branch(row.branch) and not _landed(repository, row):
        _, said = run_code(
            repository.root, "rev-list", "--count", f"refs/heads/{row.target}..refs/heads/{row.branch}", ok=(0, 128)
        )
        unmerged = int(said) if said.strip().isdigit() else 0
    return RemovePreview(
        uncommitted=uncommitted,
        unmerged=unmerged,
        running=row.pid is not None and row.status.state in BUSY | {State.BLOCKED, State.IDLE, State.DONE},
        attic=f"refs/orchestrator/attic/{row.id}",
    )


async def remove(supervisor: Supervisor, row: Row, undoes: str | None = None) -> Done:
    """Keep everything in the attic, end the program, remove worktree and branch. ``undoes``: its return from there."""
    with supervisor.claim(row, "removed"):
        return await _remove(supervisor, row, undoes)


async def _remove(supervisor: Supervisor, row: Row, undoes: str | None) -> Done:
    supervisor.intend(row.id, Intended(action="remove"))
    point("remove.intended")
    kept = await asyncio.to_thread(_keep, row)
    if kept is not None:
        supervisor.emit(row.id, Snapshotted(ref=kept.ref, commit=kept.commit, reason=kept.reason))
    live = supervisor.live.get(row.id)
    if live is not None:
        if live.running:
            await live.stop()
        live.close()
    with suppress(SessionError):
        await supervisor.control.kill(row.id)
    supervisor.git.forget(row.id)
    await supervisor.git.settled(row.id)

    def take_away() -> Operation | None:
        repository = open_repository(Path(row.repository))
        if not repository.has_branch(row.branch) and not Path(row.worktree).exists() and row.snapshot is None:
            return None  # it never came so far
        record = kept_in_attic(row).model_dump_json()
        return attic.remove(
            repository,
            Path(row.worktree),
            row.branch,
            session=row.id,
            name=row.name,
            record=record,
            undoes=undoes,
        )

    point("remove.stopped")
    lock = supervisor.landing_lock(row.repository)
    try:
        async with lock:
            removal = await asyncio.to_thread(take_away)
    except (WorktreeError, OSError) as error:
        supervisor.git.remember(row.id)
        supervisor.emit(row.id, Abandoned(action="remove", reason=getattr(error, "message", str(error))))
        raise
    point("remove.taken")
    supervisor.live.pop(row.id, None)
    supervisor.screens.forget(row.id)
    await asyncio.to_thread(reviewed.forget, Path(row.repository), row.id)
    supervisor.emit(row.id, Removed(attic=attic.REFS + row.id))
    if removal is None:
        return Done(message=f"removed {row.name}; it had no worktree and no work")
    return Done(message=f"removed {row.name}; all of it comes back with: orchestrator undo {removal.id}")


def refuse_unfinished(row: Row) -> None:
    if row.resolves is not None:
        raise Refused(
            f"{row.name} only proposes how conflicts are resolved; it never lands",
            f"look at what it proposes: orchestrator show {row.name} · orchestrator diff {row.name}",
        )
    if row.merging is not None:
        raise Refused(
            f"{row.name} is being merged already ({row.merging})", "wait for it: orchestrator show " + row.name
        )
    if row.status.state in BUSY and not row.paused:
        raise Refused(
            f"{row.name} still works", f"wait for it: orchestrator wait {row.name} --for done, or interrupt it"
        )
    if row.status.state is State.BLOCKED:
        raise Refused(f"{row.name} waits for an answer", f"answer it first: orchestrator answer {row.name} CHOICE")


def _failed(error: WorktreeError | OSError) -> MergeFailed:
    return MergeFailed(
        reason=getattr(error, "message", str(error)),
        hint=getattr(error, "hint", ""),
        conflicts=error.conflicts if isinstance(error, Conflicted) else (),
        check_output=error.result.output if isinstance(error, CheckFailed) else "",
    )


def _method(row: Row, asked: Method | None) -> Method:
    return asked or row.method or load_settings(Path(row.repository), os.environ).merge.method


def _defined(checks: tuple[Check, ...]) -> tuple[str, ...]:
    return tuple(check.model_dump_json() for check in checks)


def _since(repository: Repository, row: Row, part: Settled | None) -> str:
    """What a landing now is counted from: the base, or what landed before."""
    if part is None or not is_ancestor(repository.root, part.tip, f"refs/heads/{row.branch}"):
        return row.base_commit
    return row.base_commit if is_ancestor(repository.root, part.tip, row.base_commit) else part.tip


def _keep(row: Row) -> Snapshot | None:
    worktree = Path(row.worktree)
    if not worktree.is_dir():
        return None
    try:
        return timemachine.keep(row, "before removal")
    except WorktreeError:
        return None  # no work tree of git (any more): removal itself refuses or finds nothing


def _landed(repository: Repository, row: Row) -> bool:
    """The branch landed as it is now: squashed commits are not ancestors of the target."""
    if row.landing is None:
        return False
    code, _ = run_code(
        repository.root, "diff", "--quiet", f"refs/heads/{row.branch}", row.landing.after, "--", ok=(0, 1, 128)
    )
    return code == 0
