"""What becomes of a session once its work landed: it stays, goes on from the target, or goes to the attic."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import landing, stacking
from orchestrator.commands import After, Refused
from orchestrator.config import load_settings
from orchestrator.fleet import Row
from sessions.errors import SessionError
from worktrees import changes
from worktrees.ancestry import is_ancestor
from worktrees.errors import NothingToLand, WorktreeError
from worktrees.models import Landing
from worktrees.repository import open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor


async def do(supervisor: Supervisor, row: Row, landed: Landing, asked: After | None) -> str:
    """Carry out what was asked for, else what the settings say; returns what was done in words. The landing stands."""
    after = asked or load_settings(Path(row.repository), os.environ).merge.after
    try:
        if after is After.CONTINUE:
            tip = await stacking.update(supervisor, supervisor.row(row.id))
            return f"{row.name} goes on from {row.target} ({tip[:10]})"
        if after is After.REMOVE:
            await asyncio.to_thread(_refuse_more, row, landed)
            return (await landing.remove(supervisor, supervisor.row(row.id))).message
    except NothingToLand:
        return f"{row.name} goes on from {row.target}"
    except (Refused, WorktreeError, SessionError, OSError) as error:
        said = f"{row.name} stays as it is: {getattr(error, 'message', error)}"
        supervisor.notice("warning", f"{row.name} landed", said)
        return said
    return ""


def _refuse_more(row: Row, landed: Landing) -> None:
    """Raises Refused unless the branch is exactly what landed, and the target holds that. The attic pins it all."""
    repository = open_repository(Path(row.repository))
    tip = repository.resolve(f"refs/heads/{row.branch}")
    worktree = Path(row.worktree)
    if tip != landed.tip or not is_ancestor(repository.root, landed.after, f"refs/heads/{row.target}"):
        raise Refused(f"{row.branch} is not what landed any more", f"orchestrator rm {row.name}")
    if worktree.is_dir() and changes.resting_at(worktree) != tip:
        raise Refused(f"{row.name} has new uncommitted work", f"orchestrator diff {row.name}")
