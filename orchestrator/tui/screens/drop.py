"""Removing a session: says exactly what goes and where it is kept, then asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.commands import PreviewRemove, Remove
from orchestrator.fleet import Row
from orchestrator.tui.looks import number, one_line, short
from orchestrator.tui.screens.confirm import Confirm

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator


async def drop(app: Orchestrator, row: Row) -> None:
    """Ask, then remove."""
    seen = await app.ask(PreviewRemove(session=row.id))
    if seen is None:
        return
    name = short(row.name)
    lines = [f"Removes the session {name}, its worktree and its branch {short(row.branch)}."]
    if seen.running:
        lines.append("Its program is ended.")
    if seen.uncommitted:
        lines.append(f"{number(seen.uncommitted, 'uncommitted file')}.")
    if seen.unmerged:
        lines.append(f"{number(seen.unmerged, 'commit')} that {short(row.target)} does not have.")
    lines += ["", f"All of it stays reachable from {one_line(seen.attic)}.", "z brings it back."]
    if await app.push_screen_wait(Confirm(f"Drop {name}?", "\n".join(lines), "Drop")):
        reply = await app.ask(Remove(session=row.id))
        if reply is not None:
            app.tell(reply.message)
