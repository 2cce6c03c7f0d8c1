"""Landing: integrate in a scratch worktree, check there, then compare-and-swap the target ref.

The user's checkout is never used to merge. It is only brought along at the end, when it is clean and has the target
checked out; a dirty one is refused before any work. Whatever moves is an operation, so :mod:`worktrees.undo` goes back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from worktrees import (
    approval,
    checkouts,
    cleanroom,
    filters,
    indexes,
    inert,
    locks,
    objects,
    operations,
    partial,
    scratch,
    sealed,
    snapshots,
)
from worktrees.approval import Approval
from worktrees.changes import checked_out, shown
from worktrees.cleanroom import own_index, run
from worktrees.errors import (
    CheckFailed,
    CheckVoid,
    DirtyTarget,
    OperationInProgress,
    RefMoved,
    TargetMoved,
    WorktreeError,
)
from worktrees.ignored import STATED, Limits
from worktrees.integrating import integrate
from worktrees.models import CheckResult, Landing, Method, Settled, Worktree
from worktrees.operations import Files, Follow, Kind, Move
from worktrees.partial import Chosen
from worktrees.repository import Repository
from worktrees.trees import tree_of

Verify = Callable[[str, str], tuple[CheckResult, ...]]
"""Given what the target is and what it shall become, two commits, says what checks say of the latter."""
_OPERATIONS = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisect",
}


def refuse_target(repository: Repository, target: str) -> Worktree | None:
    """The checkout that has ``target`` checked out, if any. DirtyTarget, OperationInProgress or Locked for it."""
    if not repository.has_branch(target):
        raise WorktreeError(
            f"there is no branch {target} to land on", "name another: [run] target in .orchestrator.toml"
        )
    for worktree in repository.worktrees():
        if worktree.missing:
            continue
        doing = _under_way(worktree.path)
        if doing is not None and (worktree.main or worktree.branch == target):
            raise OperationInProgress(
                f"{doing} is under way in {worktree.path}", "finish or abort it there, then try again"
            )
        if worktree.branch != target:
            continue
        dirty = [line[3:] for line in tracked_changes(worktree.path) if line]
        if dirty:
            names = ", ".join(shown(name) for name in dirty[:3]) + (" …" if len(dirty) > 3 else "")
            raise DirtyTarget(
                f"{target} is checked out in {worktree.path} with uncommitted changes: {names}",
                "commit or stash them there, then try again; nothing was touched",
            )
        locks.free(_git_dir(worktree.path) / "index.lock")  # the user's: never put aside from here
        return worktree
    return None


def refuse_worktree(worktree: Path) -> None:
    """Raises OperationInProgress while a merge or the like is unfinished there: its conflict marks would land."""
    doing = _under_way(worktree) or (
        "a merge" if run(worktree, "ls-files", "--unmerged", env=own_index(worktree)) else None
    )
    if doing is not None:
        raise OperationInProgress(
            f"{doing} is unfinished in {worktree}", "tell the agent to finish or abort it, then try again"
        )


def _under_way(worktree: Path) -> str | None:
    git_dir = _git_dir(worktree)
    return next((what for name, what in _OPERATIONS.items() if (git_dir / name).exists()), None)


def _git_dir(worktree: Path) -> Path:
    return cleanroom.view(worktree).admin


def tracked_changes(worktree: Path) -> list[str]:
    words = ("--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=dirty")
    return run(worktree, "status", *words, env=own_index(worktree)).split("\0")


def free_index(worktree: Path) -> None:
    """Wait for an agent's git. The lock of one that was killed is put aside: the worktree is ours."""
    seen = cleanroom.view(worktree)
    locks.free(seen.admin / "index.lock", seen.room.git_dir / "orchestrator" / "locks")


def land(
    repository: Repository,
    *,
    worktree: Path,
    session: str,
    name: str = "",
    target: str,
    method: Method,
    message: str,
    verify: Verify = lambda _before, _commit: (),
    limits: Limits = STATED,
    approved: str | None = None,
    settled: Settled | None = None,
    part: Chosen | None = None,
    progress: Callable[[str], None] = lambda _step: None,
) -> Landing:
    """Land all work of ``worktree`` on ``target``. When the target moves meanwhile it is integrated and checked anew.

    Uncommitted work lands too: it is committed on the branch first, with ``message``, as the agent's own ``git commit``
    would have done it. With ``part`` only that lands; the branch and what is uncommitted stay. ``approved`` is what
    :mod:`worktrees.approval` said when a human looked; ``settled`` what of the branch is in the target already.
    Raises before anything is touched: ApprovalVoid, DirtyTarget, OperationInProgress, NothingToLand, Conflicted;
    CheckFailed leaves the target as it was.
    """
    progress("look")
    seen = Approval.read(approved) if approved else None
    refuse_worktree(worktree)
    if repository.has_branch(target):
        filters.refuse(worktree, f"refs/heads/{target}")
    refuse_target(repository, target)
    free_index(worktree)
    scratch.clear(repository)
    snapshots.take(worktree, session, "before merge", ignored=True, limits=limits)
    branch = branch_of(worktree)
    if seen is not None:
        now = approval.of(worktree, target)
        seen.refuse_other_work(branch, now.commit, now.tree)
        seen.refuse_other_base(target, now.base)
    if part is not None:
        tip = partial.tip(repository.root, worktree, part, message)
    else:
        tip = commit_rest(repository, worktree, session, name, branch, message)
    if seen is not None and part is None:  # an agent may have written in between; what lands is exactly this commit
        based = tip == seen.commit or run(worktree, "rev-parse", f"{tip}^").strip() == seen.commit
        seen.refuse_other_work(branch, seen.commit if based else tip, tree_of(worktree, tip))
    for _attempt in range(3):
        before = repository.resolve(f"refs/heads/{target}")
        if seen is not None:
            seen.refuse_other_base(target, before)
        progress("integrate")
        commit = integrate(repository, before, tip, branch, target, method, message, settled)
        objects.own(worktree, commit, before)
        results = verify(before, commit)
        if (bad := next((result for result in results if not result.good), None)) is not None:
            raise CheckVoid(bad) if bad.void else CheckFailed(bad)
        progress("land")
        landing = _swap(repository, session, name, branch, target, method, before, commit, tip, results, part)
        if landing is not None:
            return landing
    raise TargetMoved(f"{target} moved three times while the work was checked", "try again when it is quiet")


def draft_message(worktree: Path, target: str, task: str) -> str:
    """A commit message from the commits, or from the task when there are none; inert: it lands as it was shown."""
    said = run(worktree, "log", "--format=%s", "--reverse", f"refs/heads/{target}..HEAD")
    subjects = [inert.line(subject) for subject in said.split("\n") if subject]
    first = inert.line(task)
    subject = subjects[0] if len(subjects) == 1 else (first if len(first) <= 72 else first[:71].rstrip() + "…")
    subject = subject or "Land the session's work"
    body = "\n".join(f"- {line}" for line in subjects) if len(subjects) > 1 else ""
    return f"{subject}\n\n{body}\n" if body else f"{subject}\n"


def branch_of(worktree: Path) -> str:
    found = checked_out(worktree)
    if found is None and (said := sealed.trouble(worktree)):
        raise WorktreeError(said, "set the branch to what shall land: git branch -f, in your repository")
    if found is None:
        raise WorktreeError(f"{worktree} has no branch checked out", "check its branch out there, then try again")
    return found


def commit_rest(repository: Repository, worktree: Path, session: str, name: str, branch: str, message: str) -> str:
    """Commit what is uncommitted, without hooks; returns the tip of the branch."""
    with indexes.ours(worktree) as now:
        if now.nested:
            raise WorktreeError(
                f"{worktree} holds a repository of its own, whose files would not land: {', '.join(now.nested)}",
                "tell the agent to move it elsewhere, or to remove its .git folder",
            )
        head = now.head
        if not now.uncommitted:
            return head
        tree = now.tree()
    tip = objects.authored(worktree, tree, (head,), message)
    checkouts.move_branch(
        repository,
        worktree,
        branch,
        head,
        tip,
        kind=Kind.COMMIT,
        what=f"committed what was uncommitted on {branch}",
        session=session,
        name=name,
        follow=Follow.INDEX,
    )
    return tip


def _swap(
    repository: Repository,
    session: str,
    name: str,
    branch: str,
    target: str,
    method: Method,
    before: str,
    after: str,
    tip: str,
    checks: tuple[CheckResult, ...],
    part: Chosen | None,
) -> Landing | None:
    """Move the target if it still is ``before``; None when it is not."""
    checkout = refuse_target(repository, target)
    landing = Landing(
        branch=branch,
        target=target,
        method=method,
        before=before,
        after=after,
        at=datetime.now(UTC),
        updated_checkout=checkout.path if checkout is not None else None,
        check=next((check for check in checks if check.flaky), checks[-1] if checks else None),
        checks=tuple(check.model_copy(update={"output": ""}) for check in checks),
        tip=tip,
        partial=part is not None,
    )
    files = (Files(path=checkout.path, before=before, after=after, follow=Follow.CHECKOUT),) if checkout else ()
    operation = operations.planned(
        Kind.LAND,
        f"landed {'part of ' if part else ''}{branch} on {target} by {method}",
        session=session,
        name=name,
        moves=(Move(ref=f"refs/heads/{target}", before=before, after=after),),
        files=files,
        landing=landing,
    )
    try:
        checkouts.carry_out(repository, operation)
    except RefMoved:
        return None
    return landing.model_copy(update={"operation": operation.id})
