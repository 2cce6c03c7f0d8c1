"""What the supervisor knows of checks: which ones judge which work, run when an agent stops and before work lands.

When a session comes to rest with work, its branch is judged alone: then only what branches do to each other is left for
the landing. That waits a moment, gives way to what a human waits for, and ends when the session works again.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import home, sealing, trust
from orchestrator.checks import results, work
from orchestrator.checks.ask import (
    Checked,
    CheckLine,
    CheckOutput,
    CheckOutputReply,
    Checks,
    ChecksReply,
    Word,
)
from orchestrator.checks.definition import Check
from orchestrator.checks.engine import Engine, Job, Phase, Progress, Report, Reuse, Seen, Told
from orchestrator.commands import Refused
from orchestrator.config import checks as of_settings
from orchestrator.config import load_settings
from orchestrator.fleet import Row
from sessions import launching
from sessions.models import BUSY, SessionId, State, Status
from worktrees import checks as processes
from worktrees import scratch, setup
from worktrees.checks import printed
from worktrees.errors import WorktreeError
from worktrees.models import CheckResult
from worktrees.repository import open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

log = logging.getLogger("orchestrator")
DELAY_S = 2.0
"""An agent that goes on at once is not judged in between."""
RESTS = frozenset({State.DONE, State.IDLE, State.EXITED})


class CheckService:
    """One for the fleet."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._engine: Engine | None = None
        self._alone: dict[SessionId, asyncio.Task[None]] = {}  # branches that are judged by themselves
        self._asked: set[asyncio.Task[None]] = set()

    @property
    def engine(self) -> Engine:
        """Made when it is first needed: the user's settings say how many slots it has."""
        if self._engine is None:
            self._engine = Engine(load_settings(None, os.environ).checks.slots)
        return self._engine

    async def start(self) -> None:
        """Take away what a killed daemon left, and judge what came to rest meanwhile."""
        await asyncio.to_thread(_tidy, self._supervisor.fleet.repositories)
        for row in self._supervisor.fleet:
            self.turn(row.id, row.status)

    async def close(self) -> None:
        tasks = [*self._alone.values(), *self._asked]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._engine is not None:
            await self._engine.close()

    async def judge(
        self,
        rows: Sequence[Row],
        commit: str,
        checks: tuple[Check, ...],
        *,
        base: str | None = None,
        reuse: Reuse = Reuse.GOOD,
        asked: bool = True,
        told: Told = lambda _progress: None,
    ) -> Report:
        """What ``checks`` say of a commit that holds the work of ``rows`` (of one repository, at least one).

        ``base``: for the path filters, usually what the target is now. The environment is that of the first row's
        agent, in a box when one of them has one. The caller has seen to it that a human approved the checks
        (:func:`approved`). Cancel it, and all of its processes end.
        """
        job = await asyncio.to_thread(_job, tuple(rows), commit, checks, base, reuse, asked)
        return await self.engine.run(job, told)

    def turn(self, session: SessionId, status: Status) -> None:
        """The status changed: judge the branch when work came to rest, and no more once it goes on."""
        if status.state in BUSY:
            if (task := self._alone.pop(session, None)) is not None:
                task.cancel()
        elif status.state in RESTS and (session not in self._alone or self._alone[session].done()):
            task = self._alone[session] = asyncio.ensure_future(self._stopped(session))
            task.add_done_callback(_consume)

    async def call(self, command: Checks | CheckOutput) -> ChecksReply | CheckOutputReply:
        if isinstance(command, CheckOutput):
            try:
                return CheckOutputReply(output=await asyncio.to_thread(printed, results.output(command.key)))
            except ValueError as error:
                raise Refused(str(error), "see: orchestrator checks NAME --json") from error
        row = self._supervisor.row(command.session)
        if command.run:
            await self._run_now(row, command.trust)
        return await self._reply(row, command)

    async def _run_now(self, row: Row, given: str | None) -> None:
        """All checks of the work as it is now, anew; a human waits for it."""
        checks = await asyncio.to_thread(approved, Path(row.repository), given)
        if not checks:
            raise Refused(f"{Path(row.repository).name} has no checks", "name some: [checks] in .orchestrator.toml")
        found = await asyncio.to_thread(work.of, row)
        if (task := self._alone.pop(row.id, None)) is not None:
            task.cancel()
        words = tuple(Word(name=check.name, state=Phase.WAITS) for check in checks)
        self._supervisor.intend(row.id, Checked(commit=found.commit, tree=found.tree, words=words))
        task = asyncio.ensure_future(self._judged(row, found, checks, Reuse.NONE, asked=True))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        task.add_done_callback(_consume)

    async def _stopped(self, session: SessionId) -> None:
        await asyncio.sleep(DELAY_S)
        await self._supervisor.git.settled(session)
        row = self._supervisor.fleet.rows.get(session)
        if row is None or row.status.state in BUSY or row.merging is not None:
            return
        begun = row.checks is not None and not row.checks.done  # by a daemon that was killed
        try:
            checks = await asyncio.to_thread(_alone, row)
            found = await asyncio.to_thread(work.of, row) if checks else None
        except (WorktreeError, Refused, OSError) as error:
            log.warning("checks of %s: %s", row.name, error)
            checks, found = (), None
        if found is not None and found.something:
            await self._judged(row, found, checks, Reuse.ALL, asked=False)
        elif begun and row.checks is not None:
            self._supervisor.emit(session, row.checks.model_copy(update={"words": (), "done": True}))

    async def _judged(
        self, row: Row, found: work.Work, checks: tuple[Check, ...], reuse: Reuse, *, asked: bool
    ) -> None:
        """Judge a branch alone, and tell how it goes."""
        words = {check.name: Word(name=check.name, state=Phase.WAITS) for check in checks}

        def tell(*, done: bool = False) -> None:
            self._supervisor.emit(
                row.id, Checked(commit=found.commit, tree=found.tree, words=tuple(words.values()), done=done)
            )

        def told(said: Progress) -> None:
            word = (
                word_of(said.result)
                if said.result is not None
                else Word(name=said.name, state=said.phase, key=said.key)
            )
            if words[said.name].state != word.state:
                words[said.name] = word
                if not (said.result is not None and said.result.reused):
                    tell()

        try:
            report = await self.judge(
                (row,), found.commit, checks, base=found.base, reuse=reuse, asked=asked, told=told
            )
            words = {result.name: word_of(result) for result in report.results}
        except (WorktreeError, Refused, OSError) as error:
            words = {}
            message = getattr(error, "message", str(error))
            self._supervisor.notice("warning", f"{row.name} was not judged by its checks", message)
        tell(done=True)

    async def _reply(self, row: Row, command: Checks) -> ChecksReply:
        root = Path(row.repository)
        seen = await asyncio.to_thread(trust.wanted, root)
        checks = await asyncio.to_thread(of_settings, root, os.environ)
        found = await asyncio.to_thread(work.of, row)
        job = await asyncio.to_thread(_job, (row,), found.commit, checks, found.base, Reuse.ALL, True)
        known = await self.engine.look(job)
        shown = ""
        if command.log is not None:
            key = next((one.key for one in known if one.check.name == command.log), None)
            if key is None:
                names = ", ".join(one.check.name for one in known)
                raise Refused(f"no check {command.log!r}", f"there are: {names}" if names else "see docs/settings.md")
            shown = await asyncio.to_thread(printed, results.output(key))
        return ChecksReply(
            tree=found.tree,
            lines=tuple(map(_line, known)),
            trust=seen.trust if seen.own and not trust.approved(seen) else None,
            changes_rules=await asyncio.to_thread(setup.changed_by, root, row.target, found.commit),
            log=shown,
        )


def approved(root: Path, given: str | None = None) -> tuple[Check, ...]:
    """All checks of work on the repository at ``root``, as its main checkout and the user's settings say.

    Never an agent's branch. Refused, with what to approve, when its own were not approved; ``given`` is the digest
    that the human just approved.
    """
    seen = trust.wanted(root)
    trust.require(seen, given, seen.shown)
    return of_settings(root, os.environ)


def step(progress: Progress) -> str | None:
    """A line for who waits for a landing; None when there is nothing to say."""
    match progress.phase:
        case Phase.RUNS:
            return f"check: {progress.name}"
        case Phase.AGAIN:
            return f"check again: {progress.name}"
        case _:
            return None


def word_of(result: CheckResult) -> Word:
    return Word(
        name=result.name,
        state=result.outcome,
        seconds=result.seconds,
        reused=result.reused,
        why=result.void or result.not_run,
        key=result.key,
    )


def _line(seen: Seen) -> CheckLine:
    said = seen.result
    if seen.phase is not None or said is None:
        state = seen.phase or ""
        return CheckLine(
            name=seen.check.name,
            command=seen.check.command,
            state=state,
            key=seen.key,
            after_stop=seen.check.after_stop,
        )
    word = word_of(said)
    return CheckLine(
        **word.model_dump(exclude={"key", "reused"}),
        command=seen.check.command,
        exit_code=said.exit_code,
        key=seen.key,
        at=said.at,
        after_stop=seen.check.after_stop,
    )


def _alone(row: Row) -> tuple[Check, ...]:
    """The checks that judge a branch when its agent stops; none before a human approved the repository's."""
    root = Path(row.repository)
    if not trust.approved(trust.wanted(root)):
        return ()
    found = of_settings(root, os.environ)
    wanted = {check.name for check in found if check.after_stop}
    while more := {need for check in found if check.name in wanted for need in check.needs} - wanted:
        wanted |= more
    return tuple(check for check in found if check.name in wanted)


def _job(
    rows: tuple[Row, ...], commit: str, checks: tuple[Check, ...], base: str | None, reuse: Reuse, asked: bool
) -> Job:
    first = rows[0]
    known = launching.recall(home.session_folder(first.id), Path(first.worktree))
    env = known[1].env if known else dict(os.environ)
    boxed = next((row for row in rows if row.boxed), None)
    return Job(
        repository=open_repository(Path(first.repository)),
        commit=commit,
        checks=checks,
        base=base,
        env=env,
        around=lambda folder: sealing.around_checks(boxed, folder, env) if boxed is not None else (),
        boxed=boxed is not None,
        reuse=reuse,
        asked=asked,
    )


def _tidy(repositories: tuple[str, ...]) -> None:
    """Take away what is left of checks that ran when a daemon was killed, and results that nobody used for long."""
    processes.sweep()
    for root in repositories:
        with suppress(WorktreeError, OSError):
            scratch.clear(open_repository(Path(root)))
    results.prune()


def _consume(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("checks after a stop failed", exc_info=error)
