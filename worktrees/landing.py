"""Landing: integrate in a scratch worktree, check there, then compare-and-swap the target ref.

The user's checkout is never used to merge. It is only brought along at the end, when it is clean and has the target
checked out; a dirty one is refused before any work. Whatever moves is an operation, so :mod:`worktrees.undo` goes back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from worktrees import (
    checkouts,
    cleanroom,
    filters,
    indexes,
    inert,
    locks,
    obstacles,
    operations,
    scratch,
    sealed,
    snapshots,
)
from worktrees.changes import drift, shown
from worktrees.cleanroom import identity, own_index, run, run_code
from worktrees.conflicts import merge_tree
from worktrees.errors import (
    ApprovalVoid,
    CheckFailed,
    CheckVoid,
    Conflicted,
    DirtyTarget,
    NothingToLand,
    OperationInProgress,
    RefMoved,
    TargetMoved,
    WorktreeError,
)
from worktrees.ignored import STATED, Limits
from worktrees.models import CheckResult, Landing, Method, Worktree
from worktrees.operations import Files, Follow, Kind, Move
from worktrees.repository import Repository, open_repository

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
        dirty = [line[3:] for line in _tracked_changes(worktree.path) if line]
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


def _tracked_changes(worktree: Path) -> list[str]:
    words = ("--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=dirty")
    return run(worktree, "status", *words, env=own_index(worktree)).split("\0")


def _free_index(worktree: Path) -> None:
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
    progress: Callable[[str], None] = lambda _step: None,
) -> Landing:
    """Land all work of ``worktree`` on ``target``. When the target moves meanwhile it is integrated and checked anew.

    Uncommitted work lands too: it is committed on the branch first, with ``message``, as the agent's own ``git commit``
    would have done it. ``approved`` is what :func:`work_of` said when a human looked. Raises before anything is
    touched: ApprovalVoid, DirtyTarget, OperationInProgress, NothingToLand, Conflicted; CheckFailed leaves the target as
    it was.
    """
    progress("look")
    refuse_worktree(worktree)
    if repository.has_branch(target):
        filters.refuse(worktree, f"refs/heads/{target}")
    refuse_target(repository, target)
    _free_index(worktree)
    scratch.clear(repository)
    snapshots.take(worktree, session, "before merge", ignored=True, limits=limits)
    branch = _branch(worktree)
    _refuse_other_work(branch, approved, work_of(worktree) if approved else None)
    tip = _commit_rest(repository, worktree, session, name, branch, message)
    if approved:  # an agent may have written in between; what lands is exactly this commit
        head = approved.partition(":")[0]
        tree = run(worktree, "rev-parse", f"{tip}^{{tree}}").strip()
        based = tip == head or run(worktree, "rev-parse", f"{tip}^").strip() == head
        _refuse_other_work(branch, approved, f"{head if based else tip}:{tree}")
    for _attempt in range(3):
        before = repository.resolve(f"refs/heads/{target}")
        progress("integrate")
        commit = _integrate(repository, before, tip, branch, target, method, message)
        results = verify(before, commit)
        if (bad := next((result for result in results if not result.good), None)) is not None:
            raise CheckVoid(bad) if bad.void else CheckFailed(bad)
        progress("land")
        landing = _swap(repository, session, name, branch, target, method, before, commit, results)
        if landing is not None:
            return landing
    raise TargetMoved(f"{target} moved three times while the work was checked", "try again when it is quiet")


def work_of(worktree: Path) -> str:
    """What :func:`land` would land now: the commit that is checked out, and the tree of all files."""
    return f"{run(worktree, 'rev-parse', 'HEAD').strip()}:{snapshots.tree_of(worktree)}"


def _refuse_other_work(branch: str, approved: str | None, found: str | None) -> None:
    if approved is not None and approved != found:
        raise ApprovalVoid(f"{branch} is not what was looked at any more", "look at it again, then merge")


def update_from_target(worktree: Path, session: str, target: str, *, name: str = "", limits: Limits = STATED) -> str:
    """Merge ``target`` into the worktree's branch; returns the new tip. Conflicts and dirty trees change nothing."""
    refuse_worktree(worktree)
    if any(_tracked_changes(worktree)):
        raise WorktreeError("the session has uncommitted work", "let the agent commit it first, then update")
    if drift(worktree, target).behind == 0:
        raise NothingToLand(f"{target} has nothing new", "")
    tree, conflicts = merge_tree(worktree, "HEAD", f"refs/heads/{target}")
    if conflicts:
        raise Conflicted(
            f"{target} conflicts in {', '.join(c.path for c in conflicts[:3])}",
            "tell the agent to merge it: s sends a message",
            conflicts,
        )
    repository = open_repository(worktree)
    _free_index(worktree)
    obstacles.refuse(worktree, "HEAD", tree)
    snapshots.take(worktree, session, "before update", ignored=True, limits=limits)
    before = run(worktree, "rev-parse", "HEAD").strip()
    theirs = run(worktree, "rev-parse", f"refs/heads/{target}").strip()
    after = theirs
    if run_code(worktree, "merge-base", "--is-ancestor", before, theirs, ok=(0, 1))[0] != 0:
        message = f"Merge branch '{target}'\n"
        after = run(
            worktree, "commit-tree", tree, "-p", before, "-p", theirs, "-F", "-",
            stdin=os.fsencode(message), env=identity(worktree),
        ).strip()  # fmt: skip
    branch = _branch(worktree)
    operation = operations.planned(
        Kind.UPDATE,
        f"updated {branch} from {target}",
        session=session,
        name=name,
        moves=(Move(ref=f"refs/heads/{branch}", before=before, after=after),),
        files=(Files(path=worktree, before=before, after=after, follow=Follow.CHECKOUT),),
    )
    checkouts.carry_out(repository, operation)
    return after


def draft_message(worktree: Path, target: str, task: str) -> str:
    """A commit message from the commits, or from the task when there are none; inert: it lands as it was shown."""
    said = run(worktree, "log", "--format=%s", "--reverse", f"refs/heads/{target}..HEAD")
    subjects = [inert.line(subject) for subject in said.split("\n") if subject]
    first = inert.line(task)
    subject = subjects[0] if len(subjects) == 1 else (first if len(first) <= 72 else first[:71].rstrip() + "…")
    subject = subject or "Land the session's work"
    body = "\n".join(f"- {line}" for line in subjects) if len(subjects) > 1 else ""
    return f"{subject}\n\n{body}\n" if body else f"{subject}\n"


def _branch(worktree: Path) -> str:
    code, said = run_code(worktree, "symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1))
    if code != 0 and (said := sealed.trouble(worktree)):
        raise WorktreeError(said, "set the branch to what shall land: git branch -f, in your repository")
    if code != 0:
        raise WorktreeError(f"{worktree} has no branch checked out", "check its branch out there, then try again")
    return said.strip()


def _commit_rest(repository: Repository, worktree: Path, session: str, name: str, branch: str, message: str) -> str:
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
    who = identity(worktree)
    tip = run(worktree, "commit-tree", tree, "-p", head, "-F", "-", stdin=os.fsencode(message), env=who).strip()
    operation = operations.planned(
        Kind.COMMIT,
        f"committed what was uncommitted on {branch}",
        session=session,
        name=name,
        moves=(Move(ref=f"refs/heads/{branch}", before=head, after=tip),),
        files=(Files(path=worktree, before=head, after=tip, follow=Follow.INDEX),),
    )
    checkouts.carry_out(repository, operation)
    return tip


def _integrate(
    repository: Repository, before: str, tip: str, branch: str, target: str, method: Method, message: str
) -> str:
    """The commit that the target shall become. Only objects are written."""
    root = repository.root
    if run_code(root, "merge-base", "--is-ancestor", tip, before, ok=(0, 1))[0] == 0:
        raise NothingToLand(
            f"{target} holds all of {branch} already", "rm removes the session; its work is in the target"
        )
    if method is Method.FF:
        if run_code(root, "merge-base", "--is-ancestor", before, tip, ok=(0, 1))[0] != 0:
            raise WorktreeError(
                f"{target} has moved on, {branch} cannot be fast-forwarded", "use --method squash, or update it first"
            )
        return tip
    tree, conflicts = merge_tree(root, before, tip)
    if conflicts:
        names = ", ".join(conflict.path for conflict in conflicts[:3]) + (" …" if len(conflicts) > 3 else "")
        raise Conflicted(
            f"{branch} conflicts with {target} in {names}",
            f"tell the agent to merge {target} into its branch, or resolve it yourself in the worktree",
            conflicts,
        )
    if tree == run(root, "rev-parse", f"{before}^{{tree}}").strip():
        raise NothingToLand(
            f"{target} holds all of {branch} already", "rm removes the session; its work is in the target"
        )
    parents = ["-p", before] if method is Method.SQUASH else ["-p", before, "-p", tip]
    env = dict(identity(root))
    if method is Method.SQUASH:
        author = run(root, "log", "-1", "--format=%an%n%ae%n%aI", tip).splitlines()
        env |= {"GIT_AUTHOR_NAME": author[0], "GIT_AUTHOR_EMAIL": author[1], "GIT_AUTHOR_DATE": author[2]}
    return run(root, "commit-tree", tree, *parents, "-F", "-", stdin=os.fsencode(message), env=env).strip()


def _swap(
    repository: Repository,
    session: str,
    name: str,
    branch: str,
    target: str,
    method: Method,
    before: str,
    after: str,
    checks: tuple[CheckResult, ...],
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
    )
    files = (Files(path=checkout.path, before=before, after=after, follow=Follow.CHECKOUT),) if checkout else ()
    operation = operations.planned(
        Kind.LAND,
        f"landed {branch} on {target} by {method}",
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
