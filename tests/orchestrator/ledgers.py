"""What tests of the ledger share."""

from __future__ import annotations

from orchestrator.events import Created


def created(name: str) -> Created:
    """A session that was asked for, in a repository that is nowhere."""
    return Created(
        name=name,
        agent="coder",
        prompt="p",
        repository="/nowhere",
        branch=f"agent/{name}",
        base="HEAD",
        base_commit="0" * 40,
        target="main",
        worktree=f"/nowhere/{name}",
    )
