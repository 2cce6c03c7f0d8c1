"""What the keys of a session's checks do: run them, and send what failed to the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.checks.ask import CheckLine, CheckOutput, Checks
from orchestrator.checks.telling import message
from orchestrator.commands import Refused, Send
from orchestrator.fleet import Row
from orchestrator.tui.looks import one_line
from orchestrator.tui.reasons import why_not
from orchestrator.tui.screens.confirm import approved

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator


async def run(app: Orchestrator, row: Row) -> None:
    """Run all checks anew. A repository's own are shown first, when nobody approved them."""
    command = Checks(session=row.id, run=True)
    try:
        await app.ask(command)
    except Refused as refused:
        if refused.trust is not None and await approved(app, refused.trust):
            await app.ask(command.model_copy(update={"trust": refused.trust.digest}))


async def tell(app: Orchestrator, row: Row, check: CheckLine) -> None:
    """Send the end of a failing output to the agent."""
    if (reason := why_not("send", row, lost=app.lost > 0)) is not None:
        app.refuse(reason)
        return
    reply = await app.ask(CheckOutput(key=check.key))
    if reply is None:
        return
    text = message(check.name, check.command, check.state, check.why, reply.output)
    if await app.ask(Send(session=row.id, text=text)) is not None:
        app.tell(f"{one_line(row.name)} was told of {one_line(check.name)}")
