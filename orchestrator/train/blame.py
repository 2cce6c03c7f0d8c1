"""Who a rejected work fails together with, found out beside the train; and the message to its agent, where wanted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from orchestrator.checks import results, telling
from orchestrator.commands import Refused
from orchestrator.train.ask import Entry
from orchestrator.train.culprits import Ask, Found, explain
from sessions.errors import SessionError
from worktrees.checks import printed
from worktrees.errors import WorktreeError
from worktrees.inert import line

if TYPE_CHECKING:
    from orchestrator.train.run import Driver


class Blame:
    """One search at a time: its tests give way to those that decide what lands."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._one = asyncio.Lock()
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        return any(not task.done() for task in self.tasks)

    def begin(self, session: str) -> None:
        """Find out who a rejected work fails with, then tell its agent."""
        self._run(self._search(session))

    def tell(self, session: str) -> None:
        """Nothing is to be found out: tell the agent."""
        self._run(self._tell(session))

    def go_on(self) -> None:
        """After a restart."""
        for entry in self._driver.train.entries:
            if entry.deciding:
                self.begin(entry.session)
            elif entry.state == "rejected" and not entry.told:
                self.tell(entry.session)

    def _run(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self.tasks.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self.tasks.discard(done)
            self._driver.wake()

        task.add_done_callback(ended)

    async def _search(self, session: str) -> None:
        async with self._one:
            entry = self._driver.train.entry(session)
            if entry is None:
                return
            try:
                found = await self._found(entry)
            except (WorktreeError, Refused, OSError):
                found = Found(entry.ahead, exact=False)
            names = tuple(one.name for name in found.partners if (one := self._driver.train.entry(name)) is not None)
            why = _why(entry, names, exact=found.exact, target=self._driver.train.target)
            self._driver.put(session, partners=names if found.exact else (), exact=found.exact, why=why, deciding=False)
        await self._tell(session)

    async def _found(self, entry: Entry) -> Found:
        known: dict[frozenset[str], bool | None] = {}
        while isinstance(said := explain(entry.ahead, known), Ask):
            names = (*said.changes, entry.session)
            stack = await asyncio.to_thread(self._driver.stack_on, entry.base, names)
            verdict: bool | None = None
            if not stack.clashes:
                tree = stack.links[-1].tree
                verdict = self._driver.known(tree)
                if verdict is None:
                    verdict = await self._driver.judge(tree, stack.commits[-1], stack.base, names, entry.name)
            known[frozenset(said.changes)] = verdict
        return said

    async def _tell(self, session: str) -> None:
        entry, row = self._driver.train.entry(session), self._driver.supervisor.fleet.rows.get(session)  # type: ignore[call-overload]
        if entry is None or row is None or not self._driver.train.return_failures or entry.told:
            return
        supervisor = self._driver.supervisor
        try:
            supervisor.budgets.refuse(row, "send")
            text = await asyncio.to_thread(self._message, entry)
            self._driver.say(self._driver.train.put(session, told="being told"), ahead=True)  # at most once
            await supervisor.git.begins(row)
            await supervisor.session(row).talk.send(text)
            told = "its agent was told"
        except (Refused, SessionError, WorktreeError, OSError) as error:
            told = f"its agent was not told: {getattr(error, 'message', str(error))}"
        self._driver.put(session, told=told)

    def _message(self, entry: Entry) -> str:
        target = line(self._driver.train.target)
        first = f"Your work on {line(entry.branch)} was tested with others for {target} and did not land: "
        first += line(entry.why) + "."
        if not entry.check:
            return f"{first} Please merge {target} into your branch, resolve that, and keep what both sides meant."
        command = next((check.command for check in self._driver.checks if check.name == entry.check), entry.check)
        output = printed(results.output(entry.key)) if entry.key else ""
        said = telling.message(entry.check, command, "failed", "", output)
        merge = (
            f" Merge {target} into your branch first: what it fails together with is there." if entry.partners else ""
        )
        return f"{first}{merge} {said}"


def _why(entry: Entry, partners: tuple[str, ...], *, exact: bool, target: str) -> str:
    check = f"the check {entry.check}" if entry.check else "its test"
    if not exact:
        return f"{check} fails with it; which of those before it have part in that was not found out"
    if not partners:
        return f"{check} fails with it alone on {target}"
    return f"{check} fails with it together with {' and '.join(partners)}, and without any of them passes"
