"""A session goes on: its branch is brought to what its target is now, and its worktree with it.

What of it is in the target already by other commits (it landed by a squash, or was the branch that this one is stacked
on) is not there a second time: the rest is made anew on top of the target, as one move from the old tip to the new one.
A branch without such a part gets the target by a merge, as ``git merge`` does it.
"""

from __future__ import annotations

from pathlib import Path

from worktrees import checkouts, filters, objects, obstacles, snapshots
from worktrees.ancestry import is_ancestor
from worktrees.changes import drift, shown
from worktrees.cleanroom import run
from worktrees.conflicts import merge_tree
from worktrees.errors import Conflicted, NothingToLand, WorktreeError
from worktrees.ignored import STATED, Limits
from worktrees.integrating import rebased
from worktrees.landing import branch_of, free_index, refuse_worktree, tracked_changes
from worktrees.models import Settled
from worktrees.operations import Kind
from worktrees.repository import open_repository
from worktrees.trees import tree_of


def update_from_target(
    worktree: Path,
    session: str,
    target: str,
    *,
    name: str = "",
    settled: Settled | None = None,
    limits: Limits = STATED,
) -> str:
    """Bring ``target`` into the worktree's branch; returns the new tip. Conflicts change nothing.

    With a ``settled`` part that still holds, what came after it is put on top of the target; files with uncommitted
    changes stay as they are, and are refused where the target changed them too. Otherwise the target is merged, into a
    worktree that has nothing uncommitted.
    """
    refuse_worktree(worktree)
    filters.refuse(worktree, f"refs/heads/{target}")
    theirs = run(worktree, "rev-parse", f"refs/heads/{target}").strip()
    before = run(worktree, "rev-parse", "HEAD").strip()
    branch = branch_of(worktree)
    goes_on = settled is not None and is_ancestor(worktree, settled.after, theirs)
    if settled is not None and is_ancestor(worktree, settled.after, before):
        goes_on = False  # it was brought along already
    if drift(worktree, target).behind == 0:
        raise NothingToLand(f"{target} has nothing new", "")
    if not goes_on and any(tracked_changes(worktree)):
        raise WorktreeError("the session has uncommitted work", "let the agent commit it first, then update")
    if goes_on:
        after = rebased(worktree, theirs, before, branch, settled)
        _refuse_dirty(worktree, before, after, target)
        what = f"{branch} goes on from {target}"
    else:
        after = _merged(worktree, before, theirs, target)
        what = f"updated {branch} from {target}"
    repository = open_repository(worktree)
    free_index(worktree)
    obstacles.refuse(worktree, "HEAD", tree_of(worktree, after))
    snapshots.take(worktree, session, "before update", ignored=True, limits=limits)
    checkouts.move_branch(
        repository,
        worktree,
        branch,
        before,
        after,
        kind=Kind.UPDATE,
        what=what,
        session=session,
        name=name,
    )
    return after


def _merged(worktree: Path, before: str, theirs: str, target: str) -> str:
    tree, conflicts = merge_tree(worktree, before, theirs)
    if conflicts:
        raise Conflicted(
            f"{target} conflicts in {', '.join(c.path for c in conflicts[:3])}",
            "tell the agent to merge it: s sends a message",
            conflicts,
        )
    if is_ancestor(worktree, before, theirs):
        return theirs
    return objects.authored(worktree, tree, (before, theirs), f"Merge branch '{target}'\n")


def _refuse_dirty(worktree: Path, before: str, after: str, target: str) -> None:
    """Uncommitted work stays in its files; git brings no file along that would lose it."""
    dirty = {line[3:] for line in tracked_changes(worktree) if line}
    in_both = sorted(dirty & snapshots.differing(worktree, before, after))
    if in_both:
        names = ", ".join(shown(name) for name in in_both[:3]) + (" …" if len(in_both) > 3 else "")
        raise WorktreeError(
            f"{names} has uncommitted changes, and {target} changed it too", "let the agent commit it, then update"
        )
