"""The message that a landing or a pull request begins with: from the commits and the task, by rule or by a model."""

from __future__ import annotations

from pathlib import Path

from orchestrator.fleet import Row
from worktrees import landing


def draft(row: Row) -> str:
    """By rule; the human edits it before it lands."""
    return landing.draft_message(Path(row.worktree), row.target, row.prompt)
