"""Go on with the making of a worktree that a kill cut off. Nobody worked in it so far."""

from __future__ import annotations

import os
from pathlib import Path

from worktrees import cleanroom
from worktrees.cleanroom import run
from worktrees.errors import BranchExists, WorktreeExists
from worktrees.git import run as plain
from worktrees.models import Worktree
from worktrees.repository import MADE, Repository


def finish(repository: Repository, path: Path, branch: str, base: str) -> Worktree:
    """Bring ``path`` to where :meth:`Repository.create` would have; steps that were done are not done again.

    Only for a worktree of which it is written down that we were making it. Raises BranchExists or WorktreeExists when
    what is there now is somebody else's: a branch with commits of its own, a folder with files that is no worktree.
    """
    ref = f"refs/heads/{branch}"
    if repository.has_branch(branch) and repository.resolve(ref) != base:
        raise BranchExists(f"the branch {branch} was made by somebody else meanwhile", "choose another --name")
    with repository.registration():
        run(repository.root, "update-ref", MADE + branch, base)
        known = next((w for w in repository.worktrees() if os.path.realpath(w.path) == os.path.realpath(path)), None)
        if known is not None and (known.missing or known.locked) and not _filled(path):
            # Git locks a worktree while it makes it; twice --force is what takes such a one away.
            plain(repository.root, "worktree", "remove", "--force", "--force", "--", str(path))
            cleanroom.forget(path)
            known = None
        if known is None:
            if _filled(path):
                raise WorktreeExists(f"{path} is there and is no worktree", "move it away, then try again")
            new = () if repository.has_branch(branch) else ("-b", branch, "--no-track")
            at = base if new else branch
            plain(repository.root, "worktree", "add", "--no-checkout", *new, "--", str(path), at)
    repository.fill(path)
    return Worktree(path=path, head=base, branch=branch)


def _filled(path: Path) -> bool:
    """Something is there beside git's own file."""
    return path.is_dir() and any(entry.name != ".git" for entry in path.iterdir())
