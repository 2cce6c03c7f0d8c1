"""The trains of all repositories: form one or join it, look ahead, steer it, take it up after a restart."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import landing, stacking, trust
from orchestrator.checks import work
from orchestrator.checks.definition import Check
from orchestrator.checks.service import approved
from orchestrator.commands import Done, Refused
from orchestrator.config import checks as of_settings
from orchestrator.config import load_settings
from orchestrator.fleet import Row
from orchestrator.train.ask import (
    Entry,
    PreviewTrain,
    StartTrain,
    SteerTrain,
    Train,
    TrainMoved,
    TrainPreview,
    TrainReply,
    Trains,
    TrainsReply,
    Wagon,
)
from orchestrator.train.run import Driver
from orchestrator.train.stack import Clash, Work, build
from sessions.models import BUSY, State
from worktrees import landing as git_landing
from worktrees.errors import WorktreeError
from worktrees.faultpoints import point
from worktrees.models import Method
from worktrees.repository import open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

log = logging.getLogger("orchestrator")
READY = frozenset({State.DONE, State.IDLE, State.EXITED})


class TrainService:
    """One for the fleet; at most one train of a repository is under way."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._drivers: dict[str, Driver] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Go on with every train that was under way. What landed is what the operation log made the ledger say."""
        for train in tuple(self._supervisor.fleet.trains.values()):
            if not train.active:
                continue
            try:
                checks = await asyncio.to_thread(approved, Path(train.repository))
                trouble = ""
            except (Refused, WorktreeError, OSError) as error:
                checks, trouble = (), getattr(error, "message", str(error))
            now = self._as_it_is(train, checks)
            if trouble:
                now = now.model_copy(update={"state": "paused", "trouble": trouble})
            self._drive(now, checks)

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def call(
        self, command: PreviewTrain | StartTrain | Trains | SteerTrain
    ) -> TrainPreview | TrainReply | TrainsReply | Done:
        match command:
            case PreviewTrain():
                rows = self._rows(command.sessions, command.repository)
                return await asyncio.to_thread(self._preview, rows)
            case StartTrain():
                return TrainReply(train=await self._form(command))
            case Trains():
                return TrainsReply(trains=tuple(self._supervisor.fleet.trains.values()))
            case SteerTrain():
                return self._steer(command)

    def _as_it_is(self, train: Train, checks: tuple[Check, ...]) -> Train:
        """A train that a killed daemon left: no test runs, and what was landing has landed or has not."""
        tests = tuple(test for test in train.tests if test.state != "runs")
        if train.checks != _digest(checks):
            tests = ()
        now = train.model_copy(update={"tests": tests, "checks": _digest(checks)})
        for entry in train.waiting:
            row = self._supervisor.fleet.rows.get(entry.session)
            if row is not None and row.landing is not None and row.landing.at >= train.at:
                now = now.put(entry.session, state="landed", after=row.landing.after, why="")
                now = now.model_copy(update={"since": (*now.since, entry.session), "outcomes": (*now.outcomes, True)})
            elif entry.state == "lands":
                now = now.put(entry.session, state="waits")
        return now

    def _drive(self, train: Train, checks: tuple[Check, ...]) -> None:
        self._supervisor.emit(None, TrainMoved(train=train))
        driver = self._drivers[train.repository] = Driver(self._supervisor, train, checks)
        task = self._tasks[train.repository] = asyncio.ensure_future(driver.drive())
        task.add_done_callback(_consume)
        task.add_done_callback(lambda done: self._broke(driver, done))

    def _broke(self, driver: Driver, task: asyncio.Task[None]) -> None:
        """A fault of ours must not leave a train that says that it runs."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and driver.train.active:
            driver.halt(error)

    def _driver(self, repository: str) -> Driver | None:
        driver, task = self._drivers.get(repository), self._tasks.get(repository)
        alive = driver is not None and driver.train.active and task is not None and not task.done()
        return driver if alive else None

    def stop(self, repository: str, target: str, why: str) -> None:
        """Land no more there until a human has looked."""
        driver = self._driver(repository)
        if driver is not None and driver.train.target == target and driver.train.state == "runs":
            driver.halt(Refused(why, "look at it, then: orchestrator train resume"))

    # Who rides.

    def _rows(self, names: tuple[str, ...], repository: str | None) -> tuple[Row, ...]:
        """The sessions that were named, or all that are ready, in the order in which they began."""
        if names:
            rows = tuple(dict.fromkeys(self._supervisor.row(name) for name in names))
        else:
            rows = tuple(row for row in self._supervisor.fleet if ready(row) and repository in (None, row.repository))
            if not rows:
                raise Refused("no session has work that is ready to land", "orchestrator ls")
        for what in ("repository", "target"):
            several = sorted({getattr(row, what) for row in rows})
            if len(several) > 1:
                raise Refused(f"a train has one {what}; these have {', '.join(several)}", "form one for each")
        return rows

    def _preview(self, rows: tuple[Row, ...]) -> TrainPreview:
        root, target = Path(rows[0].repository), rows[0].target
        repository = open_repository(root)
        seen = trust.wanted(root)
        found: dict[str, work.Work] = {}
        refused: dict[str, Refused | WorktreeError] = {}
        for row in rows:
            try:
                self._refuse(row)
                found[row.id] = work.of(row)
            except (Refused, WorktreeError) as error:
                refused[row.id] = error
        works = [self._work(row, found[row.id], _method(row)) for row in rows if row.id in found]
        stack = build(root, repository.resolve(f"refs/heads/{target}"), works)
        return TrainPreview(
            repository=str(root),
            target=target,
            wagons=tuple(_wagon(row, refused.get(row.id), stack.clashes.get(row.id)) for row in rows),
            checks=tuple(map(str, of_settings(root, os.environ))),
            trust=seen.trust if seen.own and not trust.approved(seen) else None,
            joins=self._driver(str(root)) is not None,
        )

    def _work(self, row: Row, found: work.Work, method: Method) -> Work:
        joined = method in (Method.MERGE, Method.FF)
        return Work(row.id, row.name, found.commit, stacking.settled(self._supervisor, row), joined=joined)

    def _refuse(self, row: Row) -> None:
        landing.refuse_unfinished(row)
        stacking.refuse_above(self._supervisor, row)
        git_landing.refuse_worktree(Path(row.worktree))

    async def _form(self, command: StartTrain) -> Train:
        rows = self._rows(command.sessions, command.repository)
        root, target = Path(rows[0].repository), rows[0].target
        checks = await asyncio.to_thread(approved, root, command.trust)
        base, entries = await asyncio.to_thread(self._boarded, root, target, rows, command.priority)
        running = self._driver(str(root))
        if running is not None:
            return self._join(running, target, entries)
        settings = load_settings(root, os.environ).merge
        returns = command.return_failures if command.return_failures is not None else settings.return_failures
        last = self._supervisor.fleet.trains.get(str(root))
        train = Train(
            id=secrets.token_hex(4),
            repository=str(root),
            target=target,
            at=datetime.now(UTC),
            base=base,
            entries=tuple(entries),
            workers=max(1, command.workers or self._supervisor.checks.engine.slots),
            return_failures=returns,
            checks=_digest(checks),
            outcomes=last.outcomes[-40:] if last is not None else (),
        )
        self._supervisor.intend(None, TrainMoved(train=train))
        point("train.formed")
        self._drive(train, checks)
        return train

    def _boarded(self, root: Path, target: str, rows: tuple[Row, ...], priority: int) -> tuple[str, list[Entry]]:
        """What the target is now, and what rides; for a thread."""
        repository = open_repository(root)
        git_landing.refuse_target(repository, target)
        entries = []
        for row in rows:
            self._refuse(row)
            entries.append(_entry(row, priority))
        return repository.resolve(f"refs/heads/{target}"), entries

    def _join(self, driver: Driver, target: str, entries: list[Entry]) -> Train:
        if driver.train.target != target:
            raise Refused(f"a train for {driver.train.target} is under way there", "wait for it: orchestrator train")
        new = {entry.session for entry in entries}
        there = next((entry.name for entry in driver.train.waiting if entry.session in new), None)
        if there is not None:
            raise Refused(f"{there} is in the train already", "orchestrator train")
        kept = tuple(entry for entry in driver.train.entries if entry.session not in new)
        driver.say(driver.train.model_copy(update={"entries": (*kept, *entries)}), ahead=True)
        driver.wake()
        return driver.train

    # Steering.

    def _steer(self, command: SteerTrain) -> Done:
        driver = self._found(command)
        train = driver.train
        match command.do:
            case "pause":
                driver.say(train.model_copy(update={"state": "paused", "trouble": ""}), ahead=True)
                said = "the train waits; what is tested now is finished, and nothing lands"
            case "resume":
                driver.say(train.model_copy(update={"state": "runs", "trouble": ""}), ahead=True)
                said = "the train goes on"
            case "cancel":
                left = train
                for entry in train.waiting:
                    left = left.put(entry.session, state="left", why="the train was cancelled")
                driver.say(left.model_copy(update={"state": "cancelled", "plan": ""}), ahead=True)
                said = f"the train ended; what landed stays, {len(train.waiting)} did not land"
            case "move":
                said = self._move(driver, command)
            case "out":
                entry = _waiting(train, command.session)
                driver.say(train.put(entry.session, state="left", why="you took it out"), ahead=True)
                said = f"{entry.name} is out of the train"
        driver.wake()
        return Done(message=said)

    def _move(self, driver: Driver, command: SteerTrain) -> str:
        entry = _waiting(driver.train, command.session)
        if command.priority is not None:
            entry = entry.model_copy(update={"priority": command.priority})
        others = [one for one in driver.train.waiting if one.session != entry.session]
        if command.place is None:
            at = sum(one.priority >= entry.priority for one in others)
        else:
            at = len(others) if command.place <= 0 else min(command.place - 1, len(others))
            beside = others[at - 1 if at else 0 : at + 1]
            if beside and not min(one.priority for one in beside) <= entry.priority <= max(
                one.priority for one in beside
            ):
                entry = entry.model_copy(update={"priority": beside[0].priority})
        order = [*others[:at], entry, *others[at:]]
        gone = {one.session for one in order}
        ended = [one for one in driver.train.entries if one.session not in gone]
        driver.say(driver.train.model_copy(update={"entries": (*ended, *order)}), ahead=True)
        place = [one.session for one in driver.train.waiting].index(entry.session) + 1
        return f"{entry.name} is at place {place} of {len(order)}"

    def _found(self, command: SteerTrain) -> Driver:
        drivers = [driver for name in self._drivers if (driver := self._driver(name)) is not None]
        if command.repository is not None:
            drivers = [driver for driver in drivers if driver.train.repository == command.repository]
        if not drivers:
            raise Refused("no train is under way", "form one: orchestrator merge A B C")
        if len(drivers) > 1:
            names = ", ".join(driver.train.repository for driver in drivers)
            raise Refused(f"there are several trains: {names}", "say which: --repo PATH")
        return drivers[0]


def ready(row: Row) -> bool:
    """Its agent rests, and it has work that did not land and that its target does not conflict with."""
    landed = row.landing is not None and row.head in (None, row.landing.tip) and not row.totals.uncommitted
    idle = row.status.state in READY and row.status.state not in BUSY
    return idle and row.totals.files > 0 and not landed and row.merging is None and not row.conflicts


def _waiting(train: Train, name: str) -> Entry:
    entry = train.entry(name)
    if entry is None or entry.state != "waits":
        names = ", ".join(one.name for one in train.waiting)
        raise Refused(f"{name} does not wait in the train", f"there wait: {names}" if names else "nobody waits in it")
    return entry


def _entry(row: Row, priority: int) -> Entry:
    found = work.of(row)
    if not found.something:
        raise Refused(f"{row.name} has no work to land", f"orchestrator show {row.name}")
    return Entry(
        session=row.id,
        name=row.name,
        branch=row.branch,
        commit=found.commit,
        tree=found.tree,
        method=_method(row),
        priority=priority,
    )


def _method(row: Row) -> Method:
    return row.method or load_settings(Path(row.repository), os.environ).merge.method


def _wagon(row: Row, refused: Refused | WorktreeError | None, clash: Clash | None) -> Wagon:
    return Wagon(
        session=row.id,
        name=row.name,
        branch=row.branch,
        files=row.totals.files,
        added=row.totals.added,
        removed=row.totals.removed,
        conflicts=clash.paths if clash is not None else (),
        behind=clash.partners if clash is not None else (),
        refusal=refused.message if refused is not None else "",
        hint=refused.hint if refused is not None else "",
        checked=row.checks.mark if row.checks is not None else "",
    )


def _digest(checks: tuple[Check, ...]) -> str:
    return hashlib.sha256("\n".join(check.model_dump_json() for check in checks).encode()).hexdigest()[:16]


def _consume(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a train failed", exc_info=error)
