"""A session's present work as one commit, uncommitted files included: what its checks are asked about."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator import standing
from orchestrator.fleet import Row
from worktrees import objects, snapshots
from worktrees.cleanroom import run, run_code
from worktrees.trees import tree_of


@dataclass(frozen=True)
class Work:
    """``base``: where it left its target. ``something``: it differs from there."""

    commit: str
    tree: str
    base: str
    something: bool


def of(row: Row) -> Work:
    """The work in the worktree as it is now. Only objects are written, which git collects again."""
    worktree = standing.worktree(row)
    head = run(worktree, "rev-parse", "HEAD").strip()
    code, said = run_code(worktree, "merge-base", f"refs/heads/{row.target}", head, ok=(0, 1, 128))
    base = said.strip() if code == 0 else row.base_commit
    tree = snapshots.tree_of(worktree)
    commit = head
    if tree != tree_of(worktree, head):
        # The same work gets the same commit: a fixed time.
        message = f"The work of {row.name}, uncommitted files included\n"
        commit = objects.commit(worktree, tree, (head,), message, at=0)
    return Work(commit, tree, base, tree != tree_of(worktree, base))
