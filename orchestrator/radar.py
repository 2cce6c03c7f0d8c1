"""The radar as the supervisor runs it: after every look at a worktree, what it would conflict with.

A look tells what would land of a session as a commit. A moment after one differs from before, or a target moved, all
pairs of that repository are asked of :class:`worktrees.radar.Radar`, which answers from memory what it answered before,
so only the rows that changed cost anything. ``Foreseen`` is written when the paths of a pair in conflict changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from orchestrator import allocator, foresight
from orchestrator.attention import landed
from orchestrator.commands import Command, Refused
from orchestrator.events import Foreseen, Outdated
from orchestrator.fleet import Row
from orchestrator.sights import Cell, ClashReply, Foresee, LookInto, RadarReply, Sight
from sessions.agents import reads
from sessions.agents.reads import FilesRead
from sessions.models import SessionId
from worktrees import radar
from worktrees.changes import shown
from worktrees.cleanroom import run
from worktrees.errors import WorktreeError

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

log = logging.getLogger("orchestrator")
OUTDATED_NAMED = 50
GATHER_S = 0.2
"""Looks at several worktrees come together: one pass answers them all."""


class RadarWatch:
    """Who would conflict with whom, kept up to date."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self.radar = radar.Radar()
        self._works: dict[SessionId, str] = {}
        self._cells: dict[str, dict[tuple[SessionId, str], Cell]] = {}  # by repository, as of its last pass
        self._fresh: dict[str, dict[tuple[str, str], tuple[str, ...]]] = {}  # with targets, by repository: not told yet
        self._reads: dict[SessionId, FilesRead] = {}
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._looking: dict[str, bool] = {}  # True: once more afterwards

    def saw(self, row: Row, work: str) -> None:
        """What would land of a session now; empty when there is nothing to see."""
        if not work:
            return
        self._works[row.id] = work
        self.soon(row.repository)

    def against_target(self, row: Row, paths: tuple[str, ...]) -> None:
        """A session would conflict with its target, and did not before: told with what the next pass finds."""
        self._fresh.setdefault(row.repository, {})[row.name, row.target] = paths

    def close(self) -> None:
        """Ask no more."""
        for timer in self._due.values():
            timer.cancel()
        self._due.clear()

    def soon(self, repository: str) -> None:
        """Ask a moment later, and only once for all that comes meanwhile."""
        if repository in self._looking:
            self._looking[repository] = True
        elif repository not in self._due:
            loop = asyncio.get_running_loop()
            self._due[repository] = loop.call_later(GATHER_S, self._begin, repository)

    def _begin(self, repository: str) -> None:
        self._due.pop(repository, None)
        self._looking[repository] = False
        self._supervisor.run(self._pass(repository))

    async def _pass(self, repository: str) -> None:
        try:
            there = self._supervisor.fleet.rows
            for known in (self._works, self._reads):
                for session in known.keys() - there.keys():
                    known.pop(session, None)
            rows = self.rows(repository)
            works = {row.id: self._works[row.id] for row in rows if row.id in self._works}
            found = await asyncio.to_thread(self._ask, Path(repository), rows, works)
            self._cells[repository] = {(cell.one, cell.other): cell for cell in found}
            self._tell(repository)
            await self._read_set(repository)
        except (WorktreeError, OSError) as error:
            log.warning("radar of %s: %s", repository, error)
        finally:
            if self._looking.pop(repository):
                self.soon(repository)

    def rows(self, repository: str) -> list[Row]:
        """Sessions with work that did not land and may, the oldest first."""
        there = [row for row in self._supervisor.fleet if row.repository == repository and row.resolves is None]
        return sorted((row for row in there if row.totals.files and not landed(row)), key=lambda row: row.created_at)

    def _ask(self, repository: Path, rows: list[Row], works: Mapping[SessionId, str]) -> list[Cell]:
        heads = targets(repository, {row.target for row in rows if row.id in works})
        seen = [row for row in rows if row.id in works]
        pairs: dict[tuple[SessionId, str], tuple[str, str]] = {}
        for n, row in enumerate(seen):
            if row.target in heads:
                pairs[row.id, ""] = heads[row.target], works[row.id]
            for other in seen[n + 1 :]:
                pairs[row.id, other.id] = works[row.id], works[other.id]
        found = self.radar.look(repository, pairs.values())
        allocator.trim()  # git's answers about many pairs are large, and read by now
        return [
            Cell(
                one=one,
                other=other,
                conflicts=found[pair].conflicts,
                shared=len(found[pair].shared),
                error=found[pair].error,
            )
            for (one, other), pair in pairs.items()
        ]

    def _tell(self, repository: str) -> None:
        """Write down what is different between sessions, on both of them, and notice what is new."""
        cells = self._cells[repository]
        fleet = self._supervisor.fleet
        rows = {row.id: row for row in fleet if row.repository == repository}
        concerned = {row.id for row in self.rows(repository)}
        now: dict[tuple[SessionId, SessionId], tuple[str, ...]] = {}
        for (one, other), cell in cells.items():
            if other and not cell.error and {one, other} <= rows.keys():
                now[one, SessionId(other)] = tuple(conflict.path for conflict in cell.conflicts)
        for row in rows.values():
            for rival in row.rivals:
                gone = not {row.id, rival.session} <= concerned
                if gone and (rival.session, row.id) not in now:
                    now.setdefault((row.id, rival.session), ())
        new = self._fresh.pop(repository, {})
        for (one, other), paths in now.items():
            if self._foreseen(one, other, paths, earlier=False) and paths:
                new[rows[one].name, rows[other].name] = paths
            self._foreseen(other, one, paths, earlier=True)
        if new:
            title = "A new conflict" if len(new) == 1 else f"{len(new)} new conflicts"
            self._supervisor.notice("warning", title, f"{foresight.news(new)}; see: orchestrator radar")

    def _foreseen(self, session: SessionId, other: SessionId, paths: tuple[str, ...], *, earlier: bool) -> bool:
        """Write it down if it is not known; whether there was no conflict before."""
        row = self._supervisor.fleet.rows.get(session)
        if row is None:
            return False
        before = next((rival.paths for rival in row.rivals if rival.session == other), ())
        if before == paths:
            return False
        self._supervisor.emit(session, Foreseen(other=other, conflicts=paths, earlier=earlier))
        return not before

    async def _read_set(self, repository: str) -> None:
        """Tell whose target changed files that the agent read, whether it changed anything itself or not."""
        rows = [row for row in self._supervisor.fleet if row.repository == repository and row.id in self._works]
        rows = [row for row in rows if not landed(row)]
        works = {row.id: self._works[row.id] for row in rows}
        found = await asyncio.to_thread(self._outdated, Path(repository), rows, works)
        for session, paths in found.items():
            row = self._supervisor.fleet.rows.get(session)
            if row is not None and row.outdated != paths:
                self._supervisor.emit(session, Outdated(paths=paths))

    def _outdated(
        self, repository: Path, rows: list[Row], works: Mapping[SessionId, str]
    ) -> dict[SessionId, tuple[str, ...]]:
        heads = targets(repository, {row.target for row in rows})
        pairs = {row.id: (heads[row.target], works[row.id]) for row in rows if row.target in heads}
        changed = self.radar.changed(repository, pairs.values())
        found: dict[SessionId, tuple[str, ...]] = {}
        for row in rows:
            if row.transcript is None or not reads.tells(row.agent) or row.id not in pairs:
                continue
            known = self._reads.get(row.id)
            if known is None or known.transcript != Path(row.transcript):
                known = self._reads[row.id] = FilesRead(row.agent, Path(row.transcript), Path(row.worktree))
            one, other = pairs[row.id]
            if one == other:
                found[row.id] = ()
            elif (one, other) in changed:
                both = sorted(changed[one, other] & known.paths())
                found[row.id] = tuple(shown(path) for path in both[:OUTDATED_NAMED])
        return found

    def sight(self, repository: str) -> Sight:
        """All that is known of a repository."""
        rows = self.rows(repository)
        ids = {row.id for row in rows}
        cells = [
            cell
            for cell in self._cells.get(repository, {}).values()
            if cell.one in ids and (not cell.other or cell.other in ids)
        ]
        pending = tuple(row.name for row in rows if row.id not in self._works)
        return Sight(repository=repository, order=foresight.order(rows, cells), cells=tuple(cells), pending=pending)

    def work(self, row: Row) -> str:
        """What would land of a session as it was seen last; Refused when it was not seen yet."""
        if row.id not in self._works:
            raise Refused(f"{row.name} was not looked at yet", "try again in a moment: orchestrator radar")
        return self._works[row.id]


def targets(repository: Path, names: Iterable[str]) -> dict[str, str]:
    """The commits of branches; those that are gone are left out."""
    refs = [f"refs/heads/{name}" for name in sorted(names)]
    if not refs:
        return {}
    said = run(repository, "for-each-ref", "--format=%(objectname) %(refname)", *refs)
    found = (line.split(" ", 1) for line in said.splitlines())
    return {ref.removeprefix("refs/heads/"): commit for commit, ref in found if ref in refs}


async def call(supervisor: Supervisor, command: Command) -> BaseModel:
    match command:
        case Foresee():
            there = dict.fromkeys(row.repository for row in supervisor.fleet)
            wanted = [name for name in there if command.repository in (None, name)]
            return RadarReply(sights=tuple(supervisor.radar.sight(name) for name in wanted))
        case LookInto():
            return await clash(supervisor, command)
        case other:
            raise Refused(f"{other.verb} is not a command", "")


async def clash(supervisor: Supervisor, command: LookInto) -> ClashReply:
    """The files and hunks behind a cell, of the works as they were seen last."""
    row = supervisor.row(command.session)
    other = supervisor.row(command.other) if command.other else None
    if other is not None and other.repository != row.repository:
        raise Refused(f"{row.name} and {other.name} are of different repositories", "see: orchestrator radar")
    repository = Path(row.repository)
    if other is None:
        heads = await asyncio.to_thread(targets, repository, {row.target})
        if row.target not in heads:
            raise Refused(f"the branch {row.target} is gone", f"see: git branch -a · orchestrator show {row.name}")
        theirs = heads[row.target]
    else:
        theirs = supervisor.radar.work(other)
    found = await asyncio.to_thread(radar.clashes, repository, supervisor.radar.work(row), theirs)
    return ClashReply(
        one=row.name,
        other=other.name if other else row.target,
        clashes=found,
        to_one=foresight.message(row, other, found, first=True) if found else "",
        to_other=foresight.message(other, row, found, first=False) if found and other else "",
    )
