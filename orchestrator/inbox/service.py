"""The supervisor's part in the inbox: priorities, snoozes, and how long the human takes for each kind of item."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.commands import Command, Refused
from orchestrator.fleet import Row
from orchestrator.inbox.ask import AskInbox, InboxReply, Pace, Paced, Prioritise, Prioritised, Snooze, Snoozed
from orchestrator.inbox.order import asleep, expected, inbox, kind, mark
from orchestrator.inbox.telling import listed
from orchestrator.metrics.states import micros
from orchestrator.replies import Done
from sessions.models import Model

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

SEEN = timedelta(days=30)
"""Interactions that count: a human gets faster."""
MATTERS = 0.1
"""A change of an expected time by less than this part moves nothing worth a line in the ledger."""


class InboxService:
    """Of one supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._measuring = False

    async def call(self, command: Command) -> Model:
        supervisor = self._supervisor
        match command:
            case AskInbox():
                items = inbox(supervisor.fleet, supervisor.time.now())
                return InboxReply(items=tuple(map(listed, items)))
            case Prioritise():
                row = supervisor.row(command.session)
                if row.priority != command.priority:
                    supervisor.emit(row.id, Prioritised(priority=command.priority))
                said = f"priority {command.priority:+d}" if command.priority else "the usual priority"
                return Done(message=f"{row.name} has {said}")
            case Snooze():
                return self._snooze(supervisor.row(command.session), command)
            case other:
                raise Refused(f"{other.verb} is not a command", "")

    def answered(self) -> None:
        """The human answered something: the times may have changed."""
        if not self._measuring:
            self._measuring = True
            self._supervisor.run(self._measure())

    def _snooze(self, row: Row, command: Snooze) -> Done:
        now = self._supervisor.time.now()
        if command.off:
            if not asleep(row, now):
                raise Refused(f"{row.name} is not snoozed", "what is: orchestrator inbox")
            self._supervisor.emit(row.id, Snoozed(mark=""))
            return Done(message=f"{row.name} is back in the inbox")
        if not kind(row):
            raise Refused(f"{row.name} wants nothing of you", "what does: orchestrator inbox")
        until = now + timedelta(seconds=command.for_s) if command.for_s is not None else None
        self._supervisor.emit(row.id, Snoozed(mark=mark(row), until=until))
        when = f"until {until.astimezone():%H:%M}" if until is not None else "until something changes"
        return Done(message=f"{row.name} is snoozed {when}")

    async def _measure(self) -> None:
        try:
            supervisor = self._supervisor
            now = supervisor.time.now()
            found = await asyncio.to_thread(supervisor.store.pace, micros(now - SEEN))
        finally:
            self._measuring = False
        pace = {kind: Pace(count=count, total_s=total / 1e6) for kind, (count, total) in found.items()}
        before = supervisor.fleet.pace
        if any(changed(expected(kind, before), expected(kind, pace)) for kind in pace.keys() | before.keys()):
            supervisor.emit(None, Paced(pace=pace))


def changed(before: float, after: float) -> bool:
    """By enough to matter."""
    return abs(after - before) > MATTERS * before
