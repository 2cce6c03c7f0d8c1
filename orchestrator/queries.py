"""Commands that only ask."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import home, last_screens, standing
from orchestrator.commands import (
    AttachReply,
    Command,
    DiffReply,
    Refused,
    ScreenReply,
    TranscriptReply,
    WhyReply,
)
from orchestrator.fleet import Row
from orchestrator.replies import LogReply
from orchestrator.story import line
from sessions import agents
from sessions.models import Model, Status
from sessions.tmux import Server
from worktrees import changes

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor


async def call(supervisor: Supervisor, command: Command) -> Model:
    row = supervisor.row(getattr(command, "session", ""))
    match command.verb:
        case "diff":
            return await asyncio.to_thread(diff, row)
        case "why":
            return WhyReply(status=_now(supervisor, row), paused=row.paused)
        case "transcript":
            return await asyncio.to_thread(transcript, row)
        case "last_screen":
            supervisor.screens.keep(row.id)
            kept = await asyncio.to_thread(last_screens.read, row.id)
            return ScreenReply(lines=kept.lines, at=kept.at) if kept is not None else ScreenReply(lines=())
        case "log":
            return log(supervisor, row, command.after)
        case "attach":
            return attach(supervisor, row)
        case other:
            raise Refused(f"{other} is not a command", "")


def _now(supervisor: Supervisor, row: Row) -> Status:
    """The verdict with the evidence of this moment: the ledger holds that of the last change."""
    session = supervisor.live.get(row.id)
    status = session.status if session is not None else None
    return status if status is not None and status.state is row.status.state else row.status


def diff(row: Row) -> DiffReply:
    """Everything that the session changed since its base."""
    found, patch = changes.diff(standing.worktree(row), row.base_commit)
    return DiffReply(base=row.base, changes=found, patch=patch)


def transcript(row: Row) -> TranscriptReply:
    """The conversation as the agent's own file has it; empty while there is none."""
    if row.transcript is None:
        return TranscriptReply(entries=())
    try:
        return TranscriptReply(entries=agents.get(row.agent).transcript(Path(row.transcript)))
    except FileNotFoundError:
        return TranscriptReply(entries=())


def log(supervisor: Supervisor, row: Row, after: int) -> LogReply:
    """What the ledger holds of the session above ``after``."""
    lines: list[str] = []
    for envelope in supervisor.store.since(after, row.id):
        after = envelope.seq
        lines += line(envelope)
    return LogReply(lines=tuple(lines), seq=after)


def attach(supervisor: Supervisor, row: Row) -> AttachReply:
    live = supervisor.live.get(row.id)
    if live is None or live.pane is None:
        raise Refused(f"{row.name} has no pane", f"start it again: orchestrator resume {row.name}")
    server = Server(home.tmux_socket())
    return AttachReply(argv=server.attach_argv(row.id), socket=server.socket_path(), target=row.id)
