"""Whether there is a worktree to work on."""

from __future__ import annotations

from pathlib import Path

from orchestrator.commands import Refused
from orchestrator.fleet import Row


def worktree(row: Row) -> Path:
    """The folder of a session's worktree. Raises Refused when it is gone."""
    path = Path(row.worktree)
    if not path.is_dir():
        raise Refused(f"the worktree of {row.name} is gone: {path}", f"its commits are on {row.branch}")
    return path
