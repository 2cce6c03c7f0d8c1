"""Looks at git when there is a reason: a turn begins or ends, a write to the index, a move of the target.

Nothing is polled. A look runs in a thread, one at a time for a session, and follows another by at least two seconds.
While an agent works, what it counts tells that it did something: then there is a look at most every 15 seconds.
It takes a snapshot when the session is seen for the first time, when a turn begins or ends and when HEAD moved, so what
the agent did is kept before anybody asks.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import stacking, timemachine, trespass
from orchestrator.events import Changed
from orchestrator.fleet import Row, straying
from sessions.agents.contract import Mode, Reading, Watch
from sessions.models import BUSY, ENDED, SessionId, State, Status
from worktrees import changes, cleanroom, history, integrating, radar
from worktrees.errors import WorktreeError
from worktrees.models import Snapshot, Totals

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

log = logging.getLogger("orchestrator")
GAP_S = 2.0
STIRS_S = 15.0
"""How often an agent at work is looked at: what it writes is known to the radar before its turn ends."""
BEGINS_S = 2.0
"""A message does not wait longer for the snapshot before it."""
AGAIN_S = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""A look that failed is made again after so long: no event may come when its cause is gone."""
AT_ONCE = 2
WORKS = BUSY | {State.RATE_LIMITED}
BEGINS = "begins"
FOUND = "found at start"
"""Reasons of snapshots, beside those of history."""
TURN_OVER = frozenset({State.DONE, State.IDLE, State.FAILED}) | ENDED


class GitWatch:
    """What git says of each session's worktree."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._looking: dict[SessionId, bool] = {}  # True: look once more afterwards
        self._snapshot: dict[SessionId, str] = {}  # why one is to be taken
        # Since the last look. What worked when the last daemon ended may have come to rest while none was there.
        self._worked: set[SessionId] = {row.id for row in supervisor.fleet if row.status.state in WORKS}
        self._begun: set[SessionId] = set()  # what was there before the turn is kept already
        self._timers: dict[SessionId, asyncio.TimerHandle] = {}
        self._stirred: dict[SessionId, float] = {}  # the last look at work under way, by the loop's clock
        self._stirring: dict[SessionId, asyncio.TimerHandle] = {}
        self._watched: set[str] = set()
        self._resting: dict[SessionId, str | None] = {}  # what a clean worktree was seen at
        self._forgotten: set[SessionId] = set()
        self._failed: dict[SessionId, int] = {}  # looks in a row
        self._ended = asyncio.Event()

    def turn(self, session: SessionId, status: Status) -> None:
        """The status changed: look when work came to rest."""
        if status.state in WORKS:
            if session not in self._worked:
                self._worked.add(session)
                if session not in self._begun:  # somebody else may have edited meanwhile
                    self._snapshot.setdefault(session, history.TURN_BEGINS)
                    self.look(session)
                self._begun.discard(session)
        elif status.state in TURN_OVER and (session in self._worked or status.state is not State.IDLE):
            # A turn may begin and end between two readings: all that is seen of it is that it is done.
            self._worked.discard(session)
            self._begun.discard(session)
            self._snapshot[session] = history.TURN_OVER
            self.look(session)

    def stirs(self, session: SessionId) -> None:
        """The agent at work did something: look when the last such look is long ago, at once or when it will be."""
        if session in self._stirring or session in self._forgotten:
            return
        loop = asyncio.get_running_loop()
        wait = max(0.0, self._stirred.get(session, -STIRS_S) + STIRS_S - loop.time())
        self._stirring[session] = loop.call_later(wait, self._stir, session)

    def _stir(self, session: SessionId) -> None:
        self._stirring.pop(session, None)
        self._stirred[session] = asyncio.get_running_loop().time()
        self.look(session)

    def close(self) -> None:
        """Look no more."""
        for timer in (*self._timers.values(), *self._stirring.values()):
            timer.cancel()

    async def begins(self, row: Row) -> None:
        """A turn is about to begin by our hand: what others edited is kept apart, before the agent can write."""
        if row.status.state in WORKS or row.id in self._forgotten or not await asyncio.to_thread(_there, row):
            return
        try:
            keeping = asyncio.to_thread(timemachine.keep, row, history.TURN_BEGINS)
            kept = await asyncio.wait_for(keeping, BEGINS_S)
        except (WorktreeError, OSError, TimeoutError) as error:
            log.warning("before a turn of %s: %s", row.name, error)
            return
        self._begun.add(row.id)
        timemachine.tell(self._supervisor, row.id, kept)

    def look(self, session: SessionId) -> None:
        """Look at the worktree soon. Asked again while a look runs, it looks once more."""
        if session in self._timers or session in self._forgotten:
            return
        if session in self._looking:
            self._looking[session] = True
            return
        self._looking[session] = False
        self._supervisor.run(self._look(session))

    def moved(self, repository: str, target: str) -> None:
        """The target has new commits: drift and conflicts of everything based on it may differ."""
        for row in self._supervisor.fleet:
            if row.repository == repository and row.target == target:
                self._resting.pop(row.id, None)
                self.look(row.id)

    def forget(self, session: SessionId) -> None:
        """Look no more: the worktree is about to be removed."""
        self._forgotten.add(session)
        for timers in (self._timers, self._stirring):
            if (timer := timers.pop(session, None)) is not None:
                timer.cancel()
        for key in (f"git/{session}", f"worktree/{session}"):
            self._watched.discard(key)
            self._supervisor.sensor.unwatch(key)

    def remember(self, session: SessionId) -> None:
        """Look again: it was not removed after all."""
        self._forgotten.discard(session)
        self.look(session)

    async def settled(self, session: SessionId) -> None:
        """Wait until no look at ``session`` is under way: git would be in the way of its removal."""
        while session in self._looking:
            self._ended.clear()
            await self._ended.wait()

    async def _look(self, session: SessionId) -> None:
        try:
            async with self._gate:
                row = self._supervisor.fleet.rows.get(session)
                if row is None:
                    return
                reason = self._snapshot.pop(session, None)
                if session not in self._resting and reason in (None, history.TURN_BEGINS):
                    reason = FOUND if row.snapshot else BEGINS
                try:
                    if not await self._in_place(row, reason):
                        return
                    at = await asyncio.to_thread(changes.resting_at, Path(row.worktree))
                    if reason is None and at is not None and at == self._resting.get(session):
                        return
                    changed, kept, work = await asyncio.to_thread(_seen, row, reason, self._supervisor)
                    self._resting[session] = at
                except WorktreeError as error:
                    log.warning("git look at %s: %s", row.name, error.message)
                    self._again(session, reason)
                    return
                self._failed.pop(session, None)
                await self._watch(row)
            self._tell(session, changed, kept)
            self._supervisor.radar.saw(row, work)
        finally:
            again = self._looking.pop(session, False)
            self._ended.set()
            if again and session not in self._forgotten and session not in self._timers:
                loop = asyncio.get_running_loop()
                self._timers[session] = loop.call_later(GAP_S, self._due, session)

    async def _in_place(self, row: Row, reason: str | None) -> bool:
        """Whether there is a worktree with a commit checked out; tells when it strayed, or is back."""
        found = await asyncio.to_thread(timemachine.strayed, row)
        if (words := straying(row, found)) != row.strayed:
            self._supervisor.emit(row.id, found)
            if words:
                hint = f"see what can come back: orchestrator restore {row.name} --dry-run"
                self._supervisor.notice("warning", f"{row.name}: {words}", hint)
        if found.how == "branch gone" and reason is not None:
            timemachine.tell(self._supervisor, row.id, await asyncio.to_thread(timemachine.keep, row, reason))
        return found.how not in ("worktree gone", "branch gone")

    def _again(self, session: SessionId, reason: str | None) -> None:
        """What was to be kept is kept yet: the failure may pass, or be what says that the worktree is going."""
        if reason is not None:
            self._snapshot.setdefault(session, reason)
        failed = self._failed[session] = self._failed.get(session, 0) + 1
        if failed <= len(AGAIN_S) and session not in self._timers and session not in self._forgotten:
            loop = asyncio.get_running_loop()
            self._timers[session] = loop.call_later(AGAIN_S[failed - 1], self._due, session)

    def _due(self, session: SessionId) -> None:
        self._timers.pop(session, None)
        self.look(session)

    def _tell(self, session: SessionId, changed: Changed, kept: Snapshot | None) -> None:
        row = self._supervisor.fleet.rows.get(session)
        if row is None:
            return
        timemachine.tell(self._supervisor, session, kept)
        before = (row.totals, row.drift, row.head, row.conflicts)
        if (changed.totals, changed.drift, changed.head, changed.conflicts) != before:
            self._supervisor.emit(session, changed)
        if changed.conflicts and not row.conflicts:
            self._supervisor.radar.against_target(row, changed.conflicts)

    async def _watch(self, row: Row) -> None:
        """Follow the worktree's index and the target's ref from now on."""
        key = f"git/{row.id}"
        if key not in self._watched:
            self._watched.add(key)
            index = await asyncio.to_thread(lambda: cleanroom.view(Path(row.worktree)).admin / "index")
            self._supervisor.sensor.watch_file(
                key, Watch("index", index, Mode.STAMP), lambda reading: self._index(row.id, reading)
            )
        key = f"worktree/{row.id}"
        if key not in self._watched:
            self._watched.add(key)
            there = Watch("worktree", Path(row.worktree) / ".git", Mode.STAMP)
            self._supervisor.sensor.watch_file(key, there, lambda reading: self._index(row.id, reading))
        key = f"target/{row.repository}/{row.target}"
        if key not in self._watched:
            self._watched.add(key)
            git_dir = await asyncio.to_thread(lambda: cleanroom.view(Path(row.repository)).room.git_dir)
            ref = git_dir / "refs" / "heads" / row.target
            log = git_dir / "logs" / "refs" / "heads" / row.target
            self._supervisor.sensor.watch_file(
                key, Watch("target", ref, Mode.STAMP), lambda reading: self._target(row, reading, log)
            )

    def _index(self, session: SessionId, reading: Reading) -> None:
        if not reading.replay:
            self.look(session)

    def _target(self, row: Row, reading: Reading, log: Path) -> None:
        if not reading.replay:
            trespass.seen(self._supervisor, row, log)
            self.moved(row.repository, row.target)


def _there(row: Row) -> bool:
    return Path(row.worktree).is_dir()


def _seen(row: Row, reason: str | None, supervisor: Supervisor) -> tuple[Changed, Snapshot | None, str]:
    """What git says, and what would land now. A snapshot is taken for a ``reason``, and when HEAD moved."""
    worktree = Path(row.worktree)
    totals = changes.totals(worktree, row.base_commit)
    head = changes.head(worktree)[1]
    if reason is None and row.head not in (None, head):
        reason = history.MOVED
    kept = timemachine.keep(row, reason) if reason is not None else None
    work = radar.work(worktree) if totals.uncommitted else head
    return (
        Changed(
            totals=totals,
            drift=changes.drift(worktree, row.target),
            head=head,
            conflicts=_would_conflict(row, totals, work, supervisor),
        ),
        kept,
        work,
    )


def _would_conflict(row: Row, totals: Totals, work: str, supervisor: Supervisor) -> tuple[str, ...]:
    """Paths that would conflict with the target today, uncommitted work included."""
    if not totals.files:
        return ()
    target = cleanroom.run(Path(row.repository), "rev-parse", f"refs/heads/{row.target}^{{commit}}").strip()
    if (part := stacking.settled(supervisor, row)) is not None:
        return tuple(one.path for one in integrating.merged(Path(row.repository), target, work, part)[1])
    (found,) = supervisor.radar.radar.look(Path(row.repository), [(target, work)]).values()
    return tuple(conflict.path for conflict in found.conflicts)
