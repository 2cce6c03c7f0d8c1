"""Owns the live sessions, carries out commands, stamps what happens into the ledger. Small: it delegates.

One event loop. Git runs in threads; tmux through one control client; every event takes the one way
``emit → store.append → fleet.apply → subscribers``.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from pydantic import BaseModel

from orchestrator import (
    asking,
    dispatch,
    home,
    machine,
    operations,
    reconcile,
    recovery,
    stacking,
    timemachine,
)
from orchestrator.admission import Admission
from orchestrator.broadcast import Broadcast
from orchestrator.budgets.parking import ParkingService
from orchestrator.budgets.service import BudgetService
from orchestrator.checks.service import CheckService
from orchestrator.commands import Command, Refused
from orchestrator.events import Envelope, Event, Merged, Noticed
from orchestrator.fleet import Fleet, Row, apply
from orchestrator.frames import Frames
from orchestrator.gitwatch import GitWatch
from orchestrator.inbox.service import InboxService
from orchestrator.last_screens import LastScreens
from orchestrator.link import Frame
from orchestrator.notify.service import NotifyService
from orchestrator.planner.service import Planner
from orchestrator.queue.service import QueueService
from orchestrator.radar import RadarWatch
from orchestrator.store import SNAPSHOT_EVERY, LedgerError, Store
from orchestrator.timekeeping import Timekeeper
from orchestrator.train.service import TrainService
from sessions.control import Control
from sessions.errors import SessionError
from sessions.events import Answered, Counted, Sent, SessionEvent, StatusChanged
from sessions.models import BUSY, ENDED, SessionId, State, Usage
from sessions.sensing import Sensor
from sessions.session import Session
from worktrees.errors import WorktreeError

log = logging.getLogger("orchestrator")
RETRY_S = 2.0
"""How often a full disk is tried again."""


class Supervisor:
    """The fleet's one writer."""

    def __init__(self, store: Store, control: Control, sensor: Sensor) -> None:
        self.store = store
        self.control = control
        self.sensor = sensor
        self.fleet: Fleet = store.fleet()
        self.live: dict[SessionId, Session] = {}
        self.pid = os.getpid()
        self.admission = Admission(self._running, lambda: machine.read(home.home()))
        self.ending = asyncio.Event()
        self.git = GitWatch(self)
        self.checks = CheckService(self)
        self.radar = RadarWatch(self)
        self.time = Timekeeper(self)
        self.trains = TrainService(self)
        self.budgets = BudgetService(self)
        self.inbox = InboxService(self)
        self.notify = NotifyService(self)
        self.parking = ParkingService(self)
        self.planner = Planner(self)
        self.queue = QueueService(self)
        self.pictures = Frames(self)
        self.screens = LastScreens()
        self._landing_locks: dict[str, asyncio.Lock] = {}
        self._events = Broadcast(store)
        self._kept = self.fleet.seq
        self._claims: dict[SessionId, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Take every session up where the ledger, git and tmux say it is."""
        self.time.begin()
        await operations.catch_up(self)
        freed = self.budgets.freed()
        await reconcile.take_up(self)
        self.budgets.start(freed)
        self.run(self.parking.run())
        self.run(self.time.run())
        self.run(recovery.mourn_tmux(self))
        self.run(self.checks.start())
        self.run(self.trains.start())
        await self.queue.start()
        self.run(operations.tidy(self))
        self.run(timemachine.tidy(self))

    async def close(self) -> None:
        """Stop watching. Agents run on in their panes."""
        await self.trains.close()
        await self.checks.close()
        self.screens.close()
        self.git.close()
        self.radar.close()
        for session in self.live.values():
            session.close()
        for task in tuple(self._tasks):
            task.cancel()
        self.sensor.close()
        await self.control.close()
        self.store.watch(self.time.now())
        self.store.keep(self.fleet)
        self.store.close()

    def _running(self) -> set[str]:
        return {id_ for id_, session in self.live.items() if session.running}

    def emit(self, session: SessionId | None, event: Event) -> Envelope:
        """Write down that ``event`` happened and tell everybody. While the disk is full it is held in memory."""
        return self.stamp(self.time.now(), session, event)

    def stamp(self, at: datetime, session: SessionId | None, event: Event) -> Envelope:
        """:meth:`emit` with a time that is known."""
        full = self.store.held
        envelope = self._tell(self.store.observe(at, session, event))
        if isinstance(event, Merged) and session is not None:
            stacking.landed(self, session)
        self.queue.heard(event)
        self.notify.heard(event)
        if isinstance(event, (Answered, Sent)):
            self.inbox.answered()
        if self.store.held and not full:
            self.run(self._write_held())
        return envelope

    def emitter(self) -> Callable[[SessionId | None, Event], None]:
        """:meth:`emit` for a thread: it returns when the event is written."""
        loop = asyncio.get_running_loop()

        async def emit(session: SessionId | None, event: Event) -> None:
            self.emit(session, event)

        return lambda session, event: asyncio.run_coroutine_threadsafe(emit(session, event), loop).result()

    def landing_lock(self, repository: str) -> asyncio.Lock:
        """Held by whoever changes branches of ``repository``: one at a time."""
        return self._landing_locks.setdefault(repository, asyncio.Lock())

    def intend(self, session: SessionId | None, event: Event) -> Envelope:
        """Write ahead what is about to be done. Raises LedgerError when it cannot be, so it must not be done."""
        return self._tell(self.store.append(self.time.now(), session, event))

    def _tell(self, envelope: Envelope) -> Envelope:
        self.fleet = apply(self.fleet, envelope)
        self._events.publish(envelope)
        if self.fleet.seq - self._kept >= SNAPSHOT_EVERY:
            self._kept = self.fleet.seq
            self.store.keep(self.fleet)
        return envelope

    async def _write_held(self) -> None:
        """Say that the ledger cannot be written, try again until it can, and say that."""
        self.notice("error", "The ledger cannot be written", f"{self.store.trouble}; nothing new is started until then")
        while self.store.held:
            await asyncio.sleep(RETRY_S)
            with suppress(LedgerError):
                self.store.write_held()
        self.notice("info", "The ledger is written again", "what happened meanwhile was kept and is in it")

    def heard(self, session: SessionId, event: SessionEvent) -> None:
        """What a live session reports. A count that the ledger holds (a file read anew) is not written again."""
        row = self.fleet.rows.get(session)
        if isinstance(event, Counted) and row is not None and _within(event.total, row.usage):
            return
        if isinstance(event, StatusChanged) and row is not None and row.held and event.status.state not in ENDED:
            return  # it is held, and our question about it is open
        self.emit(session, event)
        if isinstance(event, Counted):
            self.git.stirs(session)
            self.budgets.counted(session, event)
        if isinstance(event, StatusChanged):
            self.git.turn(session, event.status)
            stacking.rested(self, session)
            asking.rested(self, session)
            self.checks.turn(session, event.status)
            self.budgets.turned(row, session, event.status)
            self.parking.turned(session, event.status)
            if event.status.state not in BUSY:
                self.screens.keep(session)
            if event.status.state is State.CRASHED:
                self.run(recovery.crashed(self, self.fleet.rows[session]))

    def notice(self, level: str, title: str, message: str) -> None:
        getattr(log, level)("%s: %s", title, message)
        self.emit(None, Noticed.model_validate({"level": level, "title": title, "message": message}))

    def run(self, work: object) -> None:
        """Run a coroutine beside everything else; its failure is noticed, never silent."""
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a background task failed", exc_info=error)
            self.notice("error", "A background task failed", f"{type(error).__name__}: {error}")

    def envelopes(self, after: int) -> AsyncIterator[Envelope]:
        return self._events.since(after)

    def frames(self, name: str) -> AsyncIterator[Frame]:
        return self.pictures.of(self.row(name).id)

    def row(self, name: str) -> Row:
        """The session of that name; Refused names the ones that exist."""
        if (row := self.fleet.named(name)) is None:
            names = ", ".join(sorted(row.name for row in self.fleet)[:8])
            raise Refused(f"no session {name!r}", f"there are: {names}" if names else "start one: orchestrator run")
        return row

    def session(self, row: Row) -> Session:
        """The live session behind a row; Refused when nothing of it is watched."""
        session = self.live.get(row.id)
        if session is None or session.pane is None:
            raise Refused(f"{row.name} does not run", f"start it again: orchestrator resume {row.name}")
        return session

    @contextmanager
    def claim(self, row: Row, what: str) -> Iterator[None]:
        """Only one at a time starts, stops or removes a session; Refused says what is done with it already."""
        if (other := self._claims.get(row.id)) is not None:
            raise Refused(f"{row.name} is being {other} already", f"see how it went: orchestrator show {row.name}")
        self._claims[row.id] = what
        try:
            yield
        finally:
            del self._claims[row.id]

    async def call(self, command: Command) -> BaseModel:
        """Carry ``command`` out. Every error that names its next step becomes Refused."""
        if self.fleet.read_only is not None and command.verb not in dispatch.WITHOUT_LEDGER:
            raise Refused(f"{command.verb} is not done while nothing can be written down", self.fleet.read_only)
        try:
            return await dispatch.carry_out(self, command)
        except (SessionError, LedgerError, WorktreeError) as error:
            raise Refused(error.message, error.hint) from error
        except OSError as error:
            log.exception("call %s", command.verb)
            raise Refused(f"{command.verb} failed: {error}", "orchestrator doctor looks for causes") from error


def _within(one: Usage, other: Usage) -> bool:
    """``one`` counts nothing that ``other`` does not."""
    return (
        (other.lower_bound or not one.lower_bound)
        and one.input <= other.input
        and one.output <= other.output
        and one.cache_read <= other.cache_read
        and one.cache_write <= other.cache_write
    )
