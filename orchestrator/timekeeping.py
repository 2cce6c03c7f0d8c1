"""The supervisor's part in time and usage: it notices gaps, writes down what the human looks at, tells the figures."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.clocks import Clocks
from orchestrator.commands import Command, Refused
from orchestrator.events import Focused, Looked, Unobserved
from orchestrator.importing import import_usage
from orchestrator.metrics import series, summary
from orchestrator.metrics.asking import Attend, Drawn, ImportUsage, Noted, Stats, Throughput
from orchestrator.metrics.figures import By, Figures
from orchestrator.metrics.states import SECOND, micros, moment
from sessions.models import Model, SessionId, State

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

TICK_S = 20.0
"""How often the clocks are compared and the ledger is told that somebody watches."""
UNWATCHED = timedelta(seconds=5)
"""A restart that took less is no gap."""


class Timekeeper:
    """Of one supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._clocks = Clocks()
        self._importing = asyncio.Lock()
        self._focus: SessionId | None = None
        self._noticed: dict[SessionId, object] = {}  # the asking that was on the screen

    @property
    def focus(self) -> SessionId | None:
        """The session that the human is at; None: none, or no dashboard has a human."""
        return self._focus

    def now(self) -> datetime:
        """The time to stamp an event with; a gap that lies before it is written down first."""
        now, found = self._clocks.look()
        for gap in found:
            self._supervisor.stamp(gap.ended, None, gap)
        return now

    def begin(self) -> None:
        """Somebody watches again: since when did nobody?"""
        store = self._supervisor.store
        last, now = store.watched(), datetime.now(UTC)
        if last is not None and now - last >= UNWATCHED and self._supervisor.fleet.rows:
            self._supervisor.stamp(now, None, Unobserved(why="daemon", began=last, ended=now))
        if store.derived.book.focus is not None:
            self._supervisor.stamp(now, None, Focused())  # a dashboard that is still there says where its human is

    async def run(self) -> None:
        """Take over what the derived tables lack, then watch the clocks."""
        store = self._supervisor.store
        while not store.catch_up():  # noqa: ASYNC110 - between two portions it is everybody else's turn
            await asyncio.sleep(0)
        while True:
            self.now()
            store.watch(datetime.now(UTC))
            self._supervisor.budgets.look()
            await asyncio.sleep(TICK_S)

    async def call(self, command: Command) -> Model:
        match command:
            case Stats():
                return await asyncio.to_thread(self.figures, command.since, command.by)
            case ImportUsage():
                async with self._importing:
                    return await asyncio.to_thread(import_usage, command.env, self._supervisor.emitter())
            case Throughput():
                return await asyncio.to_thread(self.drawn, command)
            case Attend():
                return self._attend(command)
            case other:
                raise Refused(f"{other.verb} is not a command", "")

    def figures(self, since: datetime | None, by: By) -> Figures:
        """Read and summed up. Runs in a thread."""
        store = self._supervisor.store
        until = micros(datetime.now(UTC))
        began = micros(since) if since is not None else store.began()
        facts = store.facts(began, until)
        days = (
            [(day, store.facts(*window)) for day, *window in summary.days(began, until, None)] if by is By.DAY else []
        )
        return summary.figures(facts, by, days, store.behind)

    def drawn(self, command: Throughput) -> Drawn:
        """Read and put into columns. Runs in a thread."""
        store, columns = self._supervisor.store, command.columns
        until = micros(datetime.now(UTC))
        since = until - command.window_s * SECOND
        width = -(-(until - since) // columns)
        stays = store.states(command.sessions, since, until, width)
        return Drawn(
            since=moment(since),
            until=moment(until),
            rates=tuple(series.rates(store.outputs(since, until), since, until, columns)),
            states={name: tuple(series.strip(of, since, until, columns)) for name, of in stays.items()},
        )

    def _attend(self, command: Attend) -> Noted:
        fleet, emit = self._supervisor.fleet, self._supervisor.emit
        for name in command.noticed:
            row = fleet.named(name)
            if row is None or row.state is not State.BLOCKED:
                continue
            asking = (row.status.since, row.status.question.id if row.status.question else None)
            if self._noticed.get(row.id) != asking:
                self._noticed[row.id] = asking
                emit(row.id, Looked())
        row = fleet.named(command.focus) if command.focus is not None else None
        focus = row.id if row is not None else None
        if focus != self._focus:
            self._focus = focus
            emit(focus, Focused())
        return Noted()
