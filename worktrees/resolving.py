"""A merge in conflict becomes a commit: built in the clean room, then the session's branch gets it, worktree and all.

Nothing of the agent's worktree or of the user's checkout is touched before :func:`accept`, which is one operation that
can be undone. Landing goes on from there as always, checks included.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from worktrees import checkouts, filters, objects, obstacles, snapshots, trees
from worktrees.changes import head
from worktrees.cleanroom import run, run_code
from worktrees.errors import ApprovalVoid, NothingToLand, WorktreeError
from worktrees.ignored import STATED, Limits
from worktrees.integrating import sides
from worktrees.landing import branch_of, commit_rest, free_index, refuse_worktree
from worktrees.models import Settled
from worktrees.operations import Kind
from worktrees.problems import Resolution, ThreeWay, left, text_of
from worktrees.repository import open_repository
from worktrees.text_merge import marks
from worktrees.three_way import Names, look
from worktrees.trees import tree_of

AGAIN = "look at it again; what was decided for files that are the same is kept"


class Work:
    """What is to be merged: all of a worktree, committed or not, and the target as it is."""

    def __init__(self, worktree: Path, target: str, settled: Settled | None = None) -> None:
        head(worktree)  # a sealed one's commits are brought over
        self.worktree = worktree
        self.target = run(worktree, "rev-parse", f"refs/heads/{target}").strip()
        self.tip = run(worktree, "rev-parse", "HEAD").strip()
        self.tree = snapshots.tree_of(worktree)
        if self.tree == tree_of(worktree, self.tip):
            self.commit = self.tip
        else:
            # At one time: the same files give the same commit, whose id stands in the marks of a conflict.
            self.commit = objects.commit(worktree, self.tree, (self.tip,), "uncommitted work\n", at=0)
        self.settled = settled

    @property
    def id(self) -> str:
        """Stands for what is merged: as long as it holds, so does what was decided."""
        return f"{self.tip}:{self.tree}:{self.target}"

    def look(self, names: Names) -> ThreeWay:
        ours, theirs = sides(self.worktree, self.target, self.commit, self.settled)
        return look(self.worktree, ours, theirs, names)


def resolved_tree(root: Path, found: ThreeWay, resolutions: Iterable[Resolution], proposed: str | None = None) -> str:
    """The tree with every conflict resolved. Raises WorktreeError naming what is open, or marks that were left.

    ``proposed``: a commit or tree that resolves those conflicts which no resolution does.
    """
    by_id = {one.problem: one for one in resolutions}
    wanted: dict[str, trees.Row | None] = {}
    open_: list[str] = []
    for problem in found.problems:
        resolution = by_id.get(problem.id)
        if left(problem, resolution) and proposed is None:
            open_.append(problem.path)
            continue
        if resolution is None or left(problem, resolution):
            continue
        effect = found.effects[problem.id, resolution.choice if problem.choices else ""]
        for path, entry in effect.items():
            wanted[path] = None
            if entry is not None:
                text = text_of(problem, resolution) if entry.oid is None else ""
                oid = entry.oid or run(root, "hash-object", "-w", "--stdin", stdin=os.fsencode(text)).strip()
                wanted[path] = entry.mode, oid
    if open_:
        names = ", ".join(open_[:3]) + (" …" if len(open_) > 3 else "")
        raise WorktreeError(f"nobody decided yet about {names}", "decide, or take a side: --take ours|theirs FILE")
    tree = trees.edited(root, proposed or found.tree, wanted)
    refuse_marks(root, found, tree)
    return tree


def refuse_marks(root: Path, found: ThreeWay, tree: str) -> None:
    """Raises WorktreeError when a file that the result changed has a conflict mark which neither side has in it."""
    one, other = (snapshots.differing(root, side, tree) for side in (found.ours, found.theirs))
    for path in sorted(one & other):
        code, text = run_code(root, "cat-file", "blob", f"{tree}:{path}", ok=(0, 128))
        if code or "\0" in text[:8000]:
            continue
        known = [
            run_code(root, "cat-file", "blob", f"{side}:{path}", ok=(0, 128)) for side in (found.ours, found.theirs)
        ]
        if (line := marks(text, *(said for code, said in known if code == 0))) is not None:
            raise WorktreeError(
                f"{path} would have a conflict mark in line {line}",
                "take out what <<<<<<<, ||||||| and >>>>>>> begin",
            )


def commit(work: Work, tree: str, message: str, tip: str | None = None) -> str:
    """The merge commit of the branch's tip and the target, with ``tree``. Only an object: nothing has it yet."""
    return objects.authored(work.worktree, tree, (tip or work.commit, work.target), message)


def accept(
    worktree: Path,
    session: str,
    target: str,
    seen: str,
    resolve: Callable[[Work], str],
    *,
    name: str = "",
    message: str = "",
    settled: Settled | None = None,
    limits: Limits = STATED,
) -> str:
    """The branch gets the merge with what ``resolve`` says is its tree; returns its new tip.

    ``seen`` is the :attr:`Work.id` that was looked at. Raises ApprovalVoid when anything moved since, and what
    :func:`worktrees.landing.land` raises for a worktree that cannot be worked on; then nothing was changed.
    """
    refuse_worktree(worktree)
    filters.refuse(worktree, f"refs/heads/{target}")
    work = Work(worktree, target, settled)
    if work.id != seen:
        raise ApprovalVoid(f"{name or session} or {target} has moved since the conflicts were looked at", AGAIN)
    branch = branch_of(worktree)
    tree = resolve(work)
    repository = open_repository(worktree)
    free_index(worktree)
    obstacles.refuse(worktree, "HEAD", tree)
    snapshots.take(worktree, session, "before the conflicts were resolved", ignored=True, limits=limits)
    if snapshots.tree_of(worktree) != work.tree:
        raise ApprovalVoid(f"{name or session} has moved since the conflicts were looked at", AGAIN)
    tip = commit_rest(repository, worktree, session, name, branch, f"Work before {target} was merged\n")
    if tree_of(worktree, tip) != work.tree:
        raise ApprovalVoid(f"{name or session} has moved since the conflicts were looked at", AGAIN)
    after = commit(work, tree, message or f"Merge branch '{target}'\n", tip)
    checkouts.move_branch(
        repository,
        worktree,
        branch,
        tip,
        after,
        kind=Kind.UPDATE,
        what=f"merged {target} into {branch}, conflicts resolved",
        session=session,
        name=name,
    )
    return after


def refuse_clean(found: ThreeWay, name: str, target: str) -> None:
    if not found.problems:
        raise NothingToLand(f"{name} and {target} merge cleanly", f"land it: orchestrator merge {name}")
