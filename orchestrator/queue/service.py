"""Starts what waits when a slot frees: at once, once, and again after a kill.

A task's session is chosen and written before anything of its launch is done. At the start of a daemon a task that was
being started has a session in the ledger (reconcile goes on with that), or it waits again: never both.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from orchestrator import budgets, landing, launches, resuming
from orchestrator.commands import Done, Refused
from orchestrator.config import Settings, load_settings
from orchestrator.events import Event
from orchestrator.queue import adding, keeping, steering
from orchestrator.queue.ask import AddTasks, QueueReply, ShowQueue, SteerQueue, Task, TaskLeft, TaskQueued, TasksReply
from orchestrator.queue.plan import FAILED, OVER, Plan, World, after_failure, plan, to_end
from orchestrator.rows import Row
from orchestrator.store import LedgerError
from sessions.errors import SessionError
from sessions.models import BUSY, SessionId, State
from worktrees.errors import WorktreeError
from worktrees.faultpoints import point

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

log = logging.getLogger("orchestrator")
STIRRING = frozenset(
    {
        *("status", "launched", "launch_failed", "failed_to_start", "merged", "removed", "returned", "undone"),
        *("paused", "task_queued", "task_left", "queue_held"),
    }
)
"""Events after which another task may start."""
LOOK_AGAIN_S = 15.0
"""While tasks wait for memory, load or a limit, which no event tells of."""
SETTLES = timedelta(seconds=60)
"""A session that was told to go on and shows its old failure for so long has failed again."""
AGAIN = "The last attempt failed: {trouble}. Go on where it stopped."


class QueueService:
    """One for the fleet."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._stirred = asyncio.Event()
        self._again_at: dict[str, datetime] = {}  # of a task: when its session was told to go on

    async def start(self) -> None:
        """What was being started either has a session or waits again."""
        queue = self._supervisor.fleet.queue
        for task in queue.tasks:
            if task.state != "starts":
                continue
            if task.session in self._supervisor.fleet.rows:
                self._say(task.model_copy(update={"state": "runs"}))
            else:
                self._say(task.model_copy(update={"state": "waits", "session": None, "tries": max(0, task.tries - 1)}))
        if self._supervisor.fleet.read_only is None:
            await asyncio.to_thread(keeping.sweep, {task.id for task in queue.tasks})
            self._supervisor.run(self._serve())

    def moved(self) -> None:
        """Something happened after which another task may start."""
        self._stirred.set()

    def heard(self, event: Event) -> None:
        if event.event in STIRRING:
            self._stirred.set()

    async def call(self, command: AddTasks | ShowQueue | SteerQueue) -> TasksReply | QueueReply | Done:
        match command:
            case AddTasks():
                return await adding.add(self._supervisor, command)
            case ShowQueue():
                settings = await asyncio.to_thread(load_settings, None, os.environ)
                return steering.listed(self._supervisor.fleet, await self._plan(settings), settings.queue)
            case SteerQueue():
                return await steering.steer(self._supervisor, command)

    async def _serve(self) -> None:
        while True:
            self._stirred.clear()
            wait: float | None = LOOK_AGAIN_S
            try:
                wait = await self._pass()
            except (Refused, WorktreeError, SessionError, LedgerError, OSError) as error:
                log.warning("the queue stands: %s", getattr(error, "message", error))
            try:
                await asyncio.wait_for(self._stirred.wait(), wait)
            except TimeoutError:
                continue

    async def _pass(self) -> float | None:
        """Settle what ended, start what may. Seconds after which to look again; None: when something happens."""
        if not self._supervisor.fleet.queue.tasks:
            return None
        self._settle()
        settings = await asyncio.to_thread(load_settings, None, os.environ)
        found = await self._plan(settings)
        for task in found.start:
            self._start(task)
        if found.short and settings.queue.make_room:
            await self._make_room(settings.queue.rest)
        waiting = self._supervisor.fleet.queue.waiting
        if not waiting or all(found.waits[task.id].blocked for task in waiting if task.id in found.waits):
            return LOOK_AGAIN_S if self._again_at else None
        now = self._supervisor.time.now()
        soon = [(task.not_before - now).total_seconds() for task in waiting if task.not_before is not None]
        return min([LOOK_AGAIN_S, *(max(0.05, s) for s in soon)])

    async def _plan(self, settings: Settings) -> Plan:
        supervisor = self._supervisor
        waiting = len(supervisor.fleet.queue.waiting)
        room = await supervisor.admission.room(max(1, waiting), settings.run.limits)
        now = supervisor.time.now()
        world = World(
            rows=tuple(supervisor.fleet),
            now=now,
            room=room.fits,
            full=room.why,
            load=_load(),
            limited=cache(lambda agent, repository: budgets.why_not(supervisor.fleet, agent, repository, now) or ""),
        )
        return plan(supervisor.fleet.queue, settings.queue, world)

    async def _make_room(self, rest_s: float) -> None:
        """End the program of a finished task: an idle one holds as much memory as one at work. ``resume`` goes on."""
        supervisor = self._supervisor
        now = supervisor.time.now()
        row = to_end(supervisor.fleet.queue, supervisor.fleet, supervisor.time.focus, now, rest_s)
        live = supervisor.live.get(row.id) if row is not None else None
        if row is not None and live is not None and live.running:
            log.info("%s is done; its program is ended for the next task", row.name)
            await resuming.stop(supervisor, row, by="queue")

    # What became of those that started.

    def _settle(self) -> None:
        fleet, now = self._supervisor.fleet, self._supervisor.time.now()
        for task in fleet.queue.tasks:
            if task.session is None or task.state == "starts":
                continue
            row = fleet.rows.get(task.session)
            if row is None:
                self._leave(task, "removed")
            elif (
                row.stopped == "you"
                or row.landing is not None
                or row.state is State.EXITED
                or (row.state in OVER and not row.held)
            ):
                self._leave(task, "done")
            elif task.state == "runs" and (trouble := _failure(row)) and not self._is_old(task, row, now):
                self._failed(task, trouble, now)
            elif task.state != "runs" and row.state in BUSY | {State.BLOCKED}:  # the human went on with it
                self._say(task.model_copy(update={"state": "runs", "over": False, "not_before": None}))

    def _is_old(self, task: Task, row: Row, now: datetime) -> bool:
        """The failure is the one after which it is just going on again."""
        at = self._again_at.get(task.id)
        return at is not None and row.status.since <= at and now - at < SETTLES

    def _failed(self, task: Task, trouble: str, now: datetime) -> None:
        after = after_failure(task, trouble, now)
        self._say(after)
        if after.over and task.retries:
            hint = f"orchestrator show {task.name}; then: orchestrator queue release {task.name}, or queue drop"
            self._supervisor.notice("error", f"{task.name} failed {task.tries} times", f"{trouble}; {hint}")

    def _leave(self, task: Task, how: str) -> None:
        self._again_at.pop(task.id, None)
        self._supervisor.emit(None, TaskLeft.model_validate({"task": task.id, "how": how}))
        keeping.forget(task.id)

    # How a task starts.

    def _start(self, task: Task) -> None:
        again = task.session is not None and _began(self._supervisor.fleet.rows.get(task.session))
        session = task.session if again else SessionId("s" + secrets.token_hex(5))
        update = {"session": session, "tries": task.tries + 1, "not_before": None, "now": False, "over": False}
        chosen = task.model_copy(update={**update, "state": "runs" if again else "starts"})
        if again:
            self._again_at[task.id] = self._supervisor.time.now()
        self._supervisor.intend(None, TaskQueued(task=chosen))
        point("queue.chosen")
        self._supervisor.run(self._again(chosen) if again else self._launch(chosen))

    async def _launch(self, task: Task) -> None:
        kept = await asyncio.to_thread(keeping.read, task.id)
        if kept is None:
            self._hold(task, "what it was to be started with is gone; drop it and add it again")
            return
        try:
            await self._clear(task)
            command = adding.run_of(task, *kept)
            command = command.model_copy(update={"base": task.base or self._stacked_on(task)})
            await launches.run(self._supervisor, command, session=task.session)
        except launches.NoRoom:
            soon = self._supervisor.time.now() + timedelta(seconds=LOOK_AGAIN_S)
            tries = max(0, task.tries - 1)
            self._say(task.model_copy(update={"state": "waits", "session": None, "tries": tries, "not_before": soon}))
        except (Refused, SessionError, WorktreeError, LedgerError, OSError) as error:
            if task.session in self._supervisor.fleet.rows:
                self._say(task.model_copy(update={"state": "runs"}))
            else:
                message, hint = getattr(error, "message", str(error)), getattr(error, "hint", "")
                self._hold(task, f"{message}; {hint}" if hint else message)
        else:
            point("queue.launched")
            self._say(task.model_copy(update={"state": "runs"}))

    async def _again(self, task: Task) -> None:
        """Its program had run: it goes on with its own conversation."""
        row = self._supervisor.fleet.rows.get(task.session or SessionId(""))
        if row is None:
            return
        try:
            live = self._supervisor.live.get(row.id)
            if live is not None and live.running:
                await live.talk.send(AGAIN.format(trouble=task.trouble))
            else:
                kept = await asyncio.to_thread(keeping.read, task.id)
                await resuming.start_again(self._supervisor, row, kept[0] if kept else os.environ, by="restart")
        except (Refused, SessionError, WorktreeError, LedgerError, OSError) as error:
            self._failed(task, getattr(error, "message", str(error)), self._supervisor.time.now())

    async def _clear(self, task: Task) -> None:
        """Put aside a session of that name that never began: the try before this one."""
        for row in tuple(self._supervisor.fleet):
            if row.name == task.name and row.launch_failure is not None and not _began(row):
                await landing.remove(self._supervisor, row)

    def _stacked_on(self, task: Task) -> str | None:
        """A task after one that is done and did not land begins where that one is."""
        fleet = self._supervisor.fleet
        rows = [row for name in task.after if (row := fleet.named(name)) is not None and row.landing is None]
        return rows[0].name if len(rows) == 1 and rows[0].repository == task.repository else None

    def _hold(self, task: Task, trouble: str) -> None:
        tries = max(0, task.tries - 1)
        update = {"state": "waits", "session": None, "held": True, "trouble": trouble, "tries": tries}
        self._say(task.model_copy(update=update))
        self._supervisor.notice("warning", f"{task.name} did not start", f"{trouble}; it is held in the queue")

    def _say(self, task: Task) -> None:
        """Write the task down as it is now, unless it left meanwhile."""
        if self._supervisor.fleet.queue.named(task.id) is not None:
            self._supervisor.emit(None, TaskQueued(task=task))


def _failure(row: Row) -> str:
    """Why its agent does not go on; empty: it does."""
    if row.launch_failure is not None:
        return row.launch_failure
    if row.state not in FAILED or row.intent is not None:
        return ""
    why: Sequence[object] = row.status.why
    saw = getattr(why[0], "saw", "") if why else ""
    return f"{row.state}: {saw}" if saw else str(row.state)


def _began(row: Row | None) -> bool:
    return row is not None and row.generation > 0


def _load() -> float | None:
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except OSError:
        return None
