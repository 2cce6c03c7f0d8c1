"""Taking the newest operation back: says exactly what comes back and what goes, then asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.commands import PreviewUndo, Undo
from orchestrator.tui.looks import age, one_line
from orchestrator.tui.screens.confirm import Confirm

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator


async def undo(app: Orchestrator) -> None:
    """Ask, then undo exactly what was asked about, even when something newer was done meanwhile."""
    seen = await app.ask(PreviewUndo())
    if seen is None:
        return
    if seen.refusal:
        app.complain(f"{seen.what}: {seen.refusal}", seen.hint)
        return
    when = age((app.now() - seen.at).total_seconds())
    lines = [f"{one_line(seen.what)} ({when} ago)", "", *(f"· {one_line(line)}" for line in seen.tells)]
    lines += ["", "The undo can be undone: z again."]
    if await app.push_screen_wait(Confirm(f"Undo {seen.operation}?", "\n".join(lines), "Undo")):
        reply = await app.ask(Undo(operation=seen.operation))
        if reply is not None:
            app.tell(reply.message)
