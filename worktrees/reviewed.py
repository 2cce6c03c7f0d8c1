"""What a human has looked at of a session's work, as a tree of its own: the base with every file as it was then.

It is kept as a commit on the base under ``refs/orchestrator/review/<session>``, so that what changed since is a diff
like any other, and nothing of it is lost to git's own tidying.
"""

from __future__ import annotations

from pathlib import Path

from worktrees import objects
from worktrees.cleanroom import run, run_code
from worktrees.errors import GitFailed
from worktrees.integrating import merge_three
from worktrees.partial import Pick, Work, put

REFS = "refs/orchestrator/review"


def state(root: Path, session: str, origin: str) -> str:
    """The commit that holds what was looked at, on ``origin``; that itself when nothing was.

    When the work goes on from another commit, what was looked at goes along, unless the two conflict.
    """
    code, said = run_code(root, "rev-parse", "--verify", "--quiet", f"{REFS}/{session}", ok=(0, 1))
    if code != 0:
        return origin
    commit = said.strip()
    parent = run(root, "rev-parse", f"{commit}^").strip()
    if parent == origin:
        return commit
    try:
        tree, conflicts = merge_three(root, parent, origin, commit)
    except GitFailed:  # that origin is gone
        return origin
    return origin if conflicts else _committed(root, origin, tree)


def keep(root: Path, session: str, work: Work, origin: str, picks: tuple[Pick, ...]) -> str:
    """Let the files of ``picks`` be as they are in ``work`` with what is picked; returns the commit."""
    before = state(root, session, origin)
    commit = _committed(root, origin, put(root, before, work, picks))
    run(root, "update-ref", f"{REFS}/{session}", commit)
    return commit


def forget(root: Path, session: str) -> None:
    """The session is gone."""
    run_code(root, "update-ref", "-d", f"{REFS}/{session}", ok=(0, 1))


def _committed(root: Path, origin: str, tree: str) -> str:
    return objects.commit(root, tree, (origin,), "looked at\n")
