"""Filters of the repository that do not run in the clean room: what would land without them is refused by name.

A file with ``filter=NAME`` is stored as NAME's program makes it (git-lfs, git-crypt). Where that program may not run,
its files would land as they lie in the worktree: a mangled tree. Snapshots keep them as they lie, and restore them.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from worktrees import inert
from worktrees.cleanroom import run, view
from worktrees.errors import FilterRefused
from worktrees.indexes import ours


def refuse(worktree: Path, target: str) -> None:
    """Raises FilterRefused when work in ``worktree`` that is not in ``target`` needs a filter that may not run."""
    foreign = view(worktree).room.recipe.foreign
    if not foreign:
        return
    with ours(worktree) as now:
        words = ("diff", "--cached", "--name-only", "--no-renames", "-z", "--no-ext-diff", "--ignore-submodules=dirty")
        names = run(worktree, *words, target, "--", env=now.env)
        said = run(worktree, "check-attr", "-z", "--stdin", "filter", env=now.env, stdin=os.fsencode(names)).split("\0")
    for path, value in zip(said[::3], said[2::3], strict=False):
        if value in foreign:
            name = shlex.quote(inert.line(value))
            raise FilterRefused(
                f"{inert.line(path)} is stored through the filter {name}, which may not run on agents' files",
                "if it is yours and trusted, define it in your own configuration and allow it:"
                f" git config --global --add orchestrator.allowFilter {name}",
            )
